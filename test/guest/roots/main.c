/* SPDX-License-Identifier: MIT */
/*
 * roots: the pair of top-level tables of a vcpu, and changing them.
 *
 * Why: every process switch is this.
 * Right outcome: a second kernel root with the same space works and the first can be unpinned only
 * in the accounts; the root in use stays a table when unpinned; a frame that is no L4 is refused as
 * kernel or user root and nothing changes; user root 0 takes it away; a guest's root shows the
 * hypervisor's slots to nobody's writing.
 * Environments: pv
 */
#include "cpu.h"
#include "mm.h"

UTEXT void user_call(void)
{
    __asm__("movq (%rdi), %rax; syscall; ud2");
}

static uint64_t cr3(void)
{
    uint64_t v;

    __asm__ volatile("movq %%cr3, %0" : "=r"(v));
    return v >> PAGE_SHIFT;
}

/* Another root with the kernel's own lower tables: what each new process gets. */
static uint64_t *second_root(void)
{
    uint64_t *root = alloc_page(), *first = (uint64_t *)start_info->pt_base;

    for (unsigned i = 0; i < 512; i++) {
        if (i < 256 || i >= 272) {
            root[i] = first[i];
        }
    }
    return root;
}

static void kernel_roots(void)
{
    uint64_t *root = second_root(), mfn = virt_to_mfn(root);
    void *page = alloc_page();

    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, mfn, 0) < 0); /* it is mapped writable */
    EXPECT_EQ(cr3(), root_mfn());
    NEED(set_readonly(root) == 0);
    EXPECT_EQ(mmuext(MMUEXT_NEW_BASEPTR, mfn, 0), 0); /* not pinned: typed by its use */
    EXPECT_EQ(cr3(), mfn);
    EXPECT(map_at(root, mfn, PTE_KRW) < 0);
    EXPECT_EQ(mmuext(MMUEXT_PIN_L4_TABLE, mfn, 0), 0);
    EXPECT_EQ(mmuext(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
    EXPECT(map_at(root, mfn, PTE_KRW) < 0); /* still in use */
    EXPECT_EQ(mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0), 0);
    EXPECT_EQ(set_writable(root), 0); /* free: an ordinary page again */
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(page), 0) < 0);
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, 0xfffffff, 0) < 0);
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, pte_machine(P(page), 1) >> PAGE_SHIFT, 0) < 0); /* an L1 */
    EXPECT_EQ(cr3(), root_mfn());
}

static void user_roots(void)
{
    void *page = alloc_page();

    user_root();
    EXPECT(mmuext(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(page), 0) < 0);
    EXPECT(mmuext(MMUEXT_NEW_USER_BASEPTR, 0xfffffff, 0) < 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_call), USER_DATA, 0x200), ENTRY_SYSCALL);
    EXPECT_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
}

enum verdict guest_main(void)
{
    kernel_roots();
    user_roots();
    for (unsigned i = 0; i < 50; i++) { /* and it is stable */
        uint64_t *root = second_root();

        NEED(set_readonly(root) == 0);
        EXPECT_EQ(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(root), 0), 0);
        EXPECT_EQ(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(root), 0), 0);
        EXPECT_EQ(mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0), 0);
        EXPECT_EQ(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(root), 0), 0);
        NEED(set_writable(root) == 0);
    }
    return SUCCESS;
}
