/* SPDX-License-Identifier: MIT */
/*
 * The machine-to-physical table: for each frame the number under which its owner knows it, ~0 for
 * none. Guests read it directly (slot 256, user and read-only); we write through slot 257. It
 * exists in pieces of 2 MiB, each for 1 GiB of addresses, where there is RAM; reading elsewhere
 * faults, which guests expect.
 */
#include "core/arch.h"
#include "lib/lib.h"
#include "x86/boot/boot.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"

#define PIECE_SIZE       (2ULL << 20)
#define FRAMES_PER_PIECE (PIECE_SIZE / 8)
#define PIECE_SHIFT      30 /* of the memory that a piece describes */
#define PIECES           ((DIRECT_END - DIRECT_START) / PAGE_SIZE / FRAMES_PER_PIECE)
#define M2P_GUEST_READ   ((PTE_HV_RO & ~PTE_RW) | PTE_US)

_Static_assert(FRAMES_PER_PIECE * PAGE_SIZE == 1ULL << PIECE_SHIFT, "piece");

static uint64_t piece_present[DIV_ROUND_UP(PIECES, 64)];

static bool piece_exists(uint64_t piece)
{
    return piece < PIECES && (piece_present[piece / 64] >> (piece % 64) & 1);
}

static void add_piece(uint64_t piece)
{
    paddr_t p = early_take(PIECE_SIZE, PIECE_SIZE);
    void *va = (void *)(M2P_RW_START + piece * PIECE_SIZE);
    size_t n = PIECE_SIZE / 8;

    early_map(hv_root, M2P_RW_START + piece * PIECE_SIZE, p, PIECE_SIZE, PTE_HV_RW);
    early_map(hv_root, M2P_RO_START + piece * PIECE_SIZE, p, PIECE_SIZE, M2P_GUEST_READ);
    __asm__ volatile("rep stosq" : "+D"(va), "+c"(n) : "a"(~0ULL) : "memory");
}

void m2p_init(void)
{
    static struct ranges ram;

    ranges_from_e820(&ram, bootinfo.e820, bootinfo.nr_e820, E820_RAM, DIRECT_END - DIRECT_START);
    ranges_mark(&ram, PIECE_SHIFT, piece_present, PIECES);
    for (uint64_t piece = 0; piece <= (ram.r[ram.nr - 1].end - 1) >> PIECE_SHIFT; piece++) {
        if (piece_exists(piece)) {
            add_piece(piece);
        }
    }
}

HOT void arch_m2p_set(mfn_t m, uint64_t pfn)
{
    if (piece_exists(m.v / FRAMES_PER_PIECE)) {
        __atomic_store_n((uint64_t *)M2P_RW_START + m.v, pfn, __ATOMIC_RELAXED);
    }
}

uint64_t arch_m2p_get(mfn_t m)
{
    if (!piece_exists(m.v / FRAMES_PER_PIECE)) {
        return ~0ULL;
    }
    return __atomic_load_n((const uint64_t *)M2P_RW_START + m.v, __ATOMIC_RELAXED);
}
