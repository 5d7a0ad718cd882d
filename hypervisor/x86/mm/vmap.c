/* SPDX-License-Identifier: MIT */
/*
 * Long-lived mappings. Addresses come from a bit map of the window's first gigabyte; each mapping
 * is followed by one page that stays empty, which guards it and tells vunmap() where it ends.
 * vunmap() flushes all processors before the addresses can be used again.
 */
#include "core/arch.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/lib.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"
#include "x86/mm/map_internal.h"
#include "x86/mm/tlb.h"

#define VMAP_PAGES (1u << 18)

static struct spinlock vmap_lock = SPINLOCK(RANK_VMAP);
static uint64_t used[VMAP_PAGES / 64];
static unsigned next_page;

static bool is_used(unsigned page)
{
    return used[page / 64] >> (page % 64) & 1;
}

static void mark(unsigned page, unsigned pages, bool in_use)
{
    for (unsigned i = page; i < page + pages; i++) {
        uint64_t bit = 1ULL << (i % 64);

        used[i / 64] = in_use ? used[i / 64] | bit : used[i / 64] & ~bit;
    }
}

/* First gap of this many pages in [from, to), or `to`. */
static unsigned find_gap(unsigned from, unsigned to, unsigned pages)
{
    unsigned run = 0;

    for (unsigned i = from; i < to; i++) {
        run = is_used(i) ? 0 : run + 1;
        if (run == pages) {
            return i + 1 - pages;
        }
    }
    return to;
}

static uint64_t reserve(unsigned pages)
{
    unsigned long irq = spin_lock_irqsave(&vmap_lock);
    unsigned at = find_gap(next_page, VMAP_PAGES, pages + 1);

    if (at == VMAP_PAGES) {
        at = find_gap(0, VMAP_PAGES, pages + 1);
    }
    if (at != VMAP_PAGES) {
        mark(at, pages + 1, true);
        next_page = at + pages + 1;
    }
    spin_unlock_irqrestore(&vmap_lock, irq);
    return at == VMAP_PAGES ? 0 : VMAP_START + at * PAGE_SIZE;
}

static void give_back(uint64_t va, unsigned pages)
{
    unsigned long irq = spin_lock_irqsave(&vmap_lock);

    mark((va - VMAP_START) >> PAGE_SHIFT, pages + 1, false);
    spin_unlock_irqrestore(&vmap_lock, irq);
}

static void unmap_pages(uint64_t va, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        hv_unmap_page_noflush(va + i * PAGE_SIZE);
    }
    if (pages > 0 && (arch_online_cpus() & ~(1ULL << smp_processor_id())) != 0) {
        tlb_flush_all_cpus();
    }
}

static void *map_some(const mfn_t *mfns, mfn_t first, unsigned pages, uint64_t flags)
{
    uint64_t va = pages > 0 && pages < VMAP_PAGES ? reserve(pages) : 0;
    bool changed = false;

    if (va == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < pages; i++) {
        mfn_t m = mfns != NULL ? mfns[i] : MFN(first.v + i);

        if (hv_map_page_noflush(va + i * PAGE_SIZE, m, flags, &changed)) {
            unmap_pages(va, i);
            give_back(va, pages);
            return NULL;
        }
    }
    ASSERT(!changed);
    return (void *)va;
}

void *vmap(const mfn_t *mfns, unsigned pages, uint64_t flags)
{
    return map_some(mfns, MFN(0), pages, flags);
}

void *vmap_range(mfn_t first, unsigned pages, uint64_t flags)
{
    return map_some(NULL, first, pages, flags);
}

void vunmap(void *ptr)
{
    uint64_t va = (uint64_t)ptr & PAGE_MASK;
    unsigned pages = 0;
    paddr_t p;

    if (ptr == NULL) {
        return;
    }
    ASSERT(va >= VMAP_START && va < VMAP_START + VMAP_PAGES * PAGE_SIZE);
    while (hv_translate(va + pages * PAGE_SIZE, &p)) {
        pages++;
    }
    unmap_pages(va, pages);
    give_back(va, pages);
}
