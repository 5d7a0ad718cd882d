/* SPDX-License-Identifier: MIT */
/*
 * ptwr-off: a direct write to a page table without the assist.
 *
 * Why: a kernel that never asked for the emulation has to see its mistakes.
 * Right outcome: a page fault for a write to something present; the entry is as it was.
 * Environments: pv
 * Xen: differs it emulates dom0's writes even with the assist off
 */
#include "mm.h"
#include "traps.h"

enum verdict guest_main(void)
{
    uint64_t at = pte_machine(P(window(0)), 1), old;
    uint64_t *entry =
        (uint64_t *)((char *)pfn_to_virt(mfn_to_pfn(at >> PAGE_SHIFT)) + (at & 0xfff));

    HCALL2(vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables);
    old = *entry;
    EXPECT(!try_write(entry, 0));
    EXPECT_EQ(trapped.entry, 14);
    EXPECT_EQ(trapped.frame.error, 3);
    EXPECT_EQ(*entry, old);
    return SUCCESS;
}
