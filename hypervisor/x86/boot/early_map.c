/* SPDX-License-Identifier: MIT */
/*
 * Memory before there is an allocator. head.S maps the low 4 GiB as the direct map; early_phys()
 * adds what the loader left above. early_take() cuts pieces off the free RAM, from the top: below
 * 4 GiB until the whole direct map stands, then anywhere, so that low memory is left for devices.
 */
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/boot/boot.h"
#include "x86/boot/image.h"
#include "x86/cpu/cpu.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"

#define EARLY_MAPPED (4ULL << 30)
#define SPARE_TABLES 4
#define SIZE_2M      (1ULL << L2_SHIFT)
#define SIZE_1G      (1ULL << L3_SHIFT)

struct ranges early_free;

static pte_t spare_table[SPARE_TABLES][512] __attribute__((aligned(4096)));
static unsigned spares_used;
static uint64_t take_limit = EARLY_MAPPED;

void *early_phys(paddr_t p, size_t len)
{
    for (uint64_t gib = p >> L3_SHIFT; gib <= (p + len - 1) >> L3_SHIFT; gib++) {
        pte_t *table;

        if (gib >= ARRAY_SIZE(l3_direct)) {
            panic("the boot loader points beyond memory");
        }
        if (l3_direct[gib].v & PTE_P) {
            continue;
        }
        if (spares_used == SPARE_TABLES) {
            panic("the boot loader's data is scattered too widely");
        }
        table = spare_table[spares_used++];
        for (unsigned i = 0; i < PT_ENTRIES; i++) {
            table[i].v = (gib << L3_SHIFT) + i * SIZE_2M + (PTE_P | PTE_RW | PTE_A | PTE_D |
                                                          PTE_PS | PTE_NX);
        }
        l3_direct[gib].v = ((uint64_t)table - IMAGE_START + IMAGE_PADDR) | PTE_TABLE;
    }
    return paddr_to_virt(p);
}

void early_ranges_init(void)
{
    const struct bootinfo *b = &bootinfo;
    bool ok;

    ranges_from_e820(&early_free, b->e820, b->nr_e820, E820_RAM, DIRECT_END - DIRECT_START);
    ok = ranges_subtract(&early_free, 0, 0x100000);
    ok &= ranges_subtract(&early_free, image_paddr,
                          image_paddr + ROUND_UP(__image_end - __image_start, PAGE_SIZE));
    for (unsigned i = 0; i < b->nr_modules; i++) {
        ok &= ranges_subtract(&early_free, b->module[i].start & PAGE_MASK,
                              ROUND_UP(b->module[i].start + b->module[i].size, PAGE_SIZE));
    }
    if (!ok) {
        panic("the memory map has too many pieces");
    }
}

paddr_t early_take(uint64_t size, uint64_t align)
{
    uint64_t start;

    if (!ranges_take(&early_free, size, align, take_limit, &start)) {
        panic("not enough memory to start: no piece of %lu KiB left", size >> 10);
    }
    return start;
}

void early_all_ram_mapped(void)
{
    take_limit = ~0ULL;
}

/* The table behind entry e, made if there is none. */
static pte_t *next_table(pte_t *e)
{
    if (!(e->v & PTE_P)) {
        paddr_t p = early_take(PAGE_SIZE, PAGE_SIZE);

        memset(paddr_to_virt(p), 0, PAGE_SIZE);
        e->v = p | PTE_TABLE;
    }
    if (e->v & PTE_PS) {
        panic("early mapping inside a large page");
    }
    return mfn_to_virt(pte_mfn(*e));
}

static unsigned level_for(uint64_t va, paddr_t pa, uint64_t size)
{
    uint64_t low = va | pa;

    if (cpu_features.page1gb && (low & (SIZE_1G - 1)) == 0 && size >= SIZE_1G) {
        return 3;
    }
    return (low & (SIZE_2M - 1)) == 0 && size >= SIZE_2M ? 2 : 1;
}

void early_map(pte_t *root, uint64_t va, paddr_t pa, uint64_t size, uint64_t flags)
{
    while (size > 0) {
        unsigned level = level_for(va, pa, size);
        uint64_t step = 1ULL << (PAGE_SHIFT + 9 * (level - 1));
        pte_t *table = root;

        for (unsigned l = 4; l > level; l--) {
            table = next_table(&table[pt_index(va, l)]);
        }
        table[pt_index(va, level)].v = pa | flags | (level > 1 ? PTE_PS : 0);
        va += step;
        pa += step;
        size -= step;
    }
}
