/* SPDX-License-Identifier: MIT */
/*
 * The frame table: one struct page for each frame, at FRAME_TABLE_START + mfn * 64. It is mapped
 * sparsely, by chunks of 2 MiB that describe 128 MiB of addresses, only where there is RAM; a bit
 * map says which chunks exist. Frames of an existing chunk that are not RAM are PAGE_BROKEN.
 */
#include "core/arch.h"
#include "core/page.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/boot/boot.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"

#define CHUNK_SIZE       (2ULL << 20)
#define FRAMES_PER_CHUNK (CHUNK_SIZE / sizeof(struct page))
#define CHUNK_SHIFT      27 /* of the memory that a chunk describes */
#define CHUNKS           ((DIRECT_END - DIRECT_START) / PAGE_SIZE / FRAMES_PER_CHUNK)

_Static_assert(FRAMES_PER_CHUNK * PAGE_SIZE == 1ULL << CHUNK_SHIFT, "chunk");

static uint64_t chunk_present[DIV_ROUND_UP(CHUNKS, 64)];
static uint64_t max_mfn;

static inline bool chunk_exists(uint64_t chunk)
{
    return chunk < CHUNKS && (chunk_present[chunk / 64] >> (chunk % 64) & 1);
}

static inline struct page *page_of(uint64_t mfn)
{
    return (struct page *)FRAME_TABLE_START + mfn;
}

static void fill_quads(void *va, uint64_t value, size_t bytes)
{
    size_t n = bytes / 8;

    __asm__ volatile("rep stosq" : "+D"(va), "+c"(n) : "a"(value) : "memory");
}

static void add_chunk(uint64_t chunk)
{
    paddr_t p = early_take(CHUNK_SIZE, CHUNK_SIZE);
    uint64_t va = FRAME_TABLE_START + chunk * CHUNK_SIZE;

    early_map(hv_root, va, p, CHUNK_SIZE, PTE_HV_RW);
    fill_quads((void *)va, 0, CHUNK_SIZE);
}

/* [start, end) frames are not RAM; most lie where there is no chunk. */
static void mark_broken(uint64_t start, uint64_t end)
{
    for (uint64_t m = start; m < end;) {
        uint64_t chunk = m / FRAMES_PER_CHUNK;
        uint64_t chunk_end = MIN((chunk + 1) * FRAMES_PER_CHUNK, end);

        for (; chunk_exists(chunk) && m < chunk_end; m++) {
            page_of(m)->refs = PAGE_BROKEN;
        }
        m = chunk_end;
    }
}

void frame_table_init(void)
{
    static struct ranges ram;
    uint64_t behind = 0;

    ranges_from_e820(&ram, bootinfo.e820, bootinfo.nr_e820, E820_RAM, DIRECT_END - DIRECT_START);
    ranges_mark(&ram, CHUNK_SHIFT, chunk_present, CHUNKS);
    for (uint64_t chunk = 0; chunk <= (ram.r[ram.nr - 1].end - 1) >> CHUNK_SHIFT; chunk++) {
        if (chunk_exists(chunk)) {
            add_chunk(chunk);
        }
    }
    for (unsigned i = 0; i < ram.nr; i++) {
        mark_broken(behind, ram.r[i].start >> PAGE_SHIFT);
        behind = ram.r[i].end >> PAGE_SHIFT;
    }
    max_mfn = behind;
    mark_broken(behind, ROUND_UP(behind, FRAMES_PER_CHUNK));
}

HOT struct page *arch_mfn_to_page(mfn_t m)
{
    return chunk_exists(m.v / FRAMES_PER_CHUNK) ? page_of(m.v) : NULL;
}

mfn_t arch_page_to_mfn(const struct page *pg)
{
    return MFN((uint64_t)(pg - (const struct page *)FRAME_TABLE_START));
}

bool mfn_is_ram(mfn_t m)
{
    return chunk_exists(m.v / FRAMES_PER_CHUNK) && !(page_of(m.v)->refs & PAGE_BROKEN);
}

uint64_t arch_max_mfn(void)
{
    return max_mfn;
}

void *arch_page_virt(const struct page *pg)
{
    return mfn_to_virt(arch_page_to_mfn(pg));
}

struct page *arch_virt_to_page(const void *va)
{
    paddr_t p;

    if (!hv_translate((uint64_t)va, &p)) {
        return NULL;
    }
    return arch_mfn_to_page(paddr_to_mfn(p));
}

void *map_frame(mfn_t m)
{
    ASSERT(mfn_is_ram(m));
    return mfn_to_virt(m);
}

void unmap_frame(const void *va)
{
    (void)va; /* the direct map stays */
}

void arch_clear_page(void *va)
{
    fill_quads(va, 0, PAGE_SIZE);
}

void arch_copy_page(void *dst, const void *src)
{
    size_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}
