/* SPDX-License-Identifier: MIT */
/*
 * l1tf: not-present entries on a processor that speculates through them.
 *
 * Why: such a processor takes the address of an entry that is not present, and loads from it what
 * its first cache holds: anybody's memory (Intel, L1 Terminal Fault).
 * Right outcome: an entry that is not present and names memory is refused, at every way in
 * (update, validation of a new table, writing to a live one); one that is all zero, or whose
 * address lies beyond memory, as kernels write them on purpose, is taken.
 * Environments: pv
 * Boot: --cpu Skylake-Client,-smap,-monitor --cmdline xpti=no
 * Xen: differs it lets dom0 do so, and kills other guests
 */
#include "mm.h"
#include "traps.h"

#define BEYOND (1UL << 38)

enum verdict guest_main(void)
{
    uint64_t *table = alloc_page(), at = pte_machine(P(window(0)), 1);
    uint64_t ram = virt_to_mfn(table) << PAGE_SHIFT;

    EXPECT_EQ(mmu_update_one(at, ram), E_INVAL);
    EXPECT_EQ(mmu_update_one(at, ram | PTE_RW | PTE_US), E_INVAL);
    EXPECT_EQ(map_at(window(0), ram >> PAGE_SHIFT, 0), E_INVAL);
    EXPECT_EQ(mmu_update_one(at, BEYOND | PTE_RW), 0);
    EXPECT_EQ(mmu_update_one(at, 0), 0);
    EXPECT_EQ(mmu_update_one(pte_machine(P(window(0)), 2) + 8 * 300, ram), E_INVAL);
    EXPECT_EQ(pte_read(P(window(0)), 1), 0);

    table[7] = ram;
    NEED(set_readonly(table) == 0);
    EXPECT_EQ(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table), 0), E_INVAL);
    NEED(set_writable(table) == 0);
    table[7] = BEYOND;
    NEED(set_readonly(table) == 0);
    EXPECT_EQ(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table), 0), 0);
    EXPECT_EQ(mmu_update_one(ram + 8, ram), E_INVAL);
    NEED(HCALL2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables) == 0);
    EXPECT(try_write(&table[3], BEYOND));
    EXPECT_EQ(table[3], BEYOND);
    EXPECT(!try_write(&table[3], ram));
    EXPECT_EQ(table[3], BEYOND);
    return SUCCESS;
}
