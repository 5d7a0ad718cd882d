/* SPDX-License-Identifier: MIT */
/*
 * mmu-batch: lists of page-table updates.
 *
 * Why: kernels send hundreds at once and rely on knowing where a list stopped.
 * Right outcome: a list does what its entries do one by one; it stops at the first that is refused
 * and says how many were done; long lists finish; foreign domains that do not exist or cannot be
 * named are refused; entries that straddle a page that is not there are -EFAULT.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

static struct mmu_update list[512];

static long run(unsigned n, unsigned *done, unsigned dom)
{
    *done = 0xdead;
    return HCALL4(mmu_update, list, n, done, dom);
}

enum verdict guest_main(void)
{
    uint64_t at = pte_machine(P(window(0)), 1), page = virt_to_mfn(alloc_page()) << PAGE_SHIFT;
    struct mmuext_op ops[3] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = 98}, {.cmd = 6}};
    unsigned done;

    for (unsigned i = 0; i < 512; i++) {
        list[i] = (struct mmu_update){.ptr = at + (i % 8) * 8, .val = i < 504 ? page | PTE_KRW : 0};
    }
    EXPECT_EQ(run(512, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 512);
    EXPECT_EQ(pte_read(P(window(0)), 1), 0);
    list[3].val = (root_mfn() << PAGE_SHIFT) | PTE_KRW;
    EXPECT(run(8, &done, DOMID_SELF) < 0);
    EXPECT_EQ(done, 3);
    EXPECT((pte_read(P(window(2)), 1) & PTE_P) != 0);
    EXPECT((pte_read(P(window(3)), 1) & PTE_P) == 0);
    EXPECT_EQ(run(0, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(run(3, &done, 77), E_SRCH);
    EXPECT(run(3, &done, (78u << 16) | DOMID_SELF) < 0); /* tables of domain 77 */
    EXPECT(run(3, &done, 0x7ffe) < 0);
    list[0].ptr = 0xfffffff000;
    EXPECT(run(1, &done, DOMID_SELF) < 0);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(HCALL4(mmu_update, 0x1000, 1, NULL, DOMID_SELF), E_FAULT);
    EXPECT(HCALL4(mmuext_op, ops, 3, &done, DOMID_SELF) < 0);
    EXPECT_EQ(done, 1);
    /* data by the same call: a frame that is no table takes the word as it is */
    list[0] = (struct mmu_update){.ptr = page, .val = 0x12345678};
    EXPECT_EQ(run(1, &done, DOMID_SELF), 0);
    return SUCCESS;
}
