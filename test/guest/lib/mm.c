/* SPDX-License-Identifier: MIT */
/* Page tables and memory of a tiny PV kernel: what mm.h promises. */
#include "mm.h"

#define POOL_PAGES   192
#define WINDOW_PAGES 16

static char pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned pool_used;
static char windows[WINDOW_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t top_pfn;

void *alloc_page(void)
{
    NEED(pool_used < POOL_PAGES);
    return pool[pool_used++];
}

uint64_t alloc_pfn(void)
{
    if (top_pfn == 0) {
        top_pfn = start_info->nr_pages;
    }
    return --top_pfn;
}

void *window(unsigned n)
{
    NEED(n < WINDOW_PAGES);
    return windows[n];
}

uint64_t root_mfn(void)
{
    return virt_to_mfn((void *)start_info->pt_base);
}

/* The builder's tables are mapped where all low memory is. */
static uint64_t *table_virt(uint64_t mfn)
{
    return pfn_to_virt(mfn_to_pfn(mfn));
}

uint64_t pte_machine(uint64_t va, unsigned level)
{
    uint64_t mfn = root_mfn();

    for (unsigned l = 4; l > level; l--) {
        uint64_t e = table_virt(mfn)[pte_index(va, l)];

        if (!(e & PTE_P)) {
            return 0;
        }
        mfn = (e & PTE_ADDR) >> PAGE_SHIFT;
    }
    return (mfn << PAGE_SHIFT) + pte_index(va, level) * 8;
}

uint64_t pte_read(uint64_t va, unsigned level)
{
    uint64_t at = pte_machine(va, level);

    return at == 0 ? 0 : table_virt(at >> PAGE_SHIFT)[(at & (PAGE_SIZE - 1)) / 8];
}

long map_at(void *va, uint64_t mfn, uint64_t flags)
{
    return HCALL3(update_va_mapping, va, (mfn << PAGE_SHIFT) | flags, UVMF_INVLPG);
}

long mmu_update_one(uint64_t ptr, uint64_t val)
{
    struct mmu_update u = {.ptr = ptr, .val = val};

    return HCALL4(mmu_update, &u, 1, NULL, DOMID_SELF);
}

long mmuext(unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};

    return HCALL4(mmuext_op, &op, 1, NULL, DOMID_SELF);
}

long set_readonly(void *page)
{
    return map_at(page, virt_to_mfn(page), PTE_KRO);
}

long set_writable(void *page)
{
    return map_at(page, virt_to_mfn(page), PTE_KRW);
}

void table_map(uint64_t *root, uint64_t va, uint64_t mfn, uint64_t flags)
{
    uint64_t *t = root;

    for (unsigned l = 4; l > 1; l--) {
        uint64_t *e = &t[pte_index(va, l)];

        if (!(*e & PTE_P)) {
            *e = (virt_to_mfn(alloc_page()) << PAGE_SHIFT) | PTE_TAB;
        }
        t = table_virt((*e & PTE_ADDR) >> PAGE_SHIFT);
    }
    t[pte_index(va, 1)] = (mfn << PAGE_SHIFT) | flags;
}

static long protect(uint64_t *table, unsigned level)
{
    long rc = set_readonly(table);

    for (unsigned i = 0; level > 1 && rc == 0 && i < 512; i++) {
        if (table[i] & PTE_P) {
            rc = protect(table_virt((table[i] & PTE_ADDR) >> PAGE_SHIFT), level - 1);
        }
    }
    return rc;
}

long table_pin(uint64_t *root)
{
    long rc = protect(root, 4);

    return rc != 0 ? rc : mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(root), 0);
}
