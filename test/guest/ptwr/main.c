/* SPDX-License-Identifier: MIT */
/*
 * ptwr: direct writes to page tables, with the assist on.
 *
 * Why: kernels that write entries as on a bare machine rely on it, and the emulator stands between
 * the guest's instruction and the type rules.
 * Right outcome: moves, exchanges, compare-and-exchange
 * and bit operations on an L1 entry change it and the mapping; a forbidden value faults and
 * changes nothing.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

static uint64_t *entry(void *page)
{
    uint64_t at = pte_machine(P(page), 1);

    return (uint64_t *)((char *)pfn_to_virt(mfn_to_pfn(at >> PAGE_SHIFT)) + (at & 0xfff));
}

enum verdict guest_main(void)
{
    uint64_t *a = alloc_page(), *b = alloc_page(), *at = entry(window(0)), v;
    uint64_t pa = (virt_to_mfn(a) << PAGE_SHIFT) | PTE_KRW | PTE_US, old;
    uint64_t pb = (virt_to_mfn(b) << PAGE_SHIFT) | PTE_KRW | PTE_US;
    volatile uint64_t *w = window(0);

    a[0] = 0xa;
    b[0] = 0xb;
    NEED(HCALL2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables) == 0);

    EXPECT(try_write(at, pa));
    mmuext(MMUEXT_INVLPG_LOCAL, P(w), 0);
    EXPECT_EQ(w[0], 0xa);
    old = *at;
    EXPECT(__atomic_compare_exchange_n(at, &old, pb, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    mmuext(MMUEXT_INVLPG_LOCAL, P(w), 0);
    EXPECT_EQ(w[0], 0xb);
    old = 0x123;
    EXPECT(!__atomic_compare_exchange_n(at, &old, pa, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    EXPECT_EQ(old & PTE_ADDR, pb & PTE_ADDR);
    EXPECT_EQ(*at & PTE_ADDR, pb & PTE_ADDR);

    /* lies */
    old = *at;
    EXPECT(!try_write(at, (root_mfn() << PAGE_SHIFT) | PTE_KRW));
    EXPECT_EQ(trapped.entry, 14);
    EXPECT_EQ(*at & PTE_ADDR, old & PTE_ADDR);
    EXPECT(!try_write(at, 0x000ffffffffff000 | PTE_KRO));
    EXPECT_EQ(*at & PTE_ADDR, old & PTE_ADDR);
    /* upper levels are not emulated */
    EXPECT(!try_write(pfn_to_virt(mfn_to_pfn(root_mfn())), 0));
    EXPECT_EQ(trapped.entry, 14);
    /* and gone */
    EXPECT(try_write(at, 0));
    mmuext(MMUEXT_INVLPG_LOCAL, P(w), 0);
    EXPECT(!try_read(w, &v));
    return SUCCESS;
}
