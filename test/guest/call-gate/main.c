/* SPDX-License-Identifier: MIT */
/*
 * call-gate: gates in descriptor tables of the guest.
 *
 * Why: a gate names code and a privilege level; no guest needs one, so none may have one.
 * Right outcome: refused by update_descriptor and by set_gdt; a selector of an LDT that holds one
 * faults.
 * Environments: pv
 * Xen: differs it takes call gates and emulates far calls through them
 */
#include "cpu.h"
#include "mm.h"

static const uint64_t gates[] = {
    0x0000ec000008ffffUL, /* call gate */
    0x0000ee000008ffffUL, /* interrupt gate */
    0x0000ef000008ffffUL, /* trap gate */
    0x0000e5000008ffffUL, /* task gate */
};

enum verdict guest_main(void)
{
    uint64_t *table = alloc_page(), frame = virt_to_mfn(table);

    for (unsigned i = 0; i < ARRAY_SIZE(gates); i++) {
        table[7] = gates[i];
        NEED(set_readonly(table) == 0);
        EXPECT_EQ(HCALL2(set_gdt, &frame, 512), E_INVAL);
        EXPECT_EQ(mmuext(MMUEXT_SET_LDT, P(table), 512), 0);
        EXPECT(TRY_INSN("movw %%ax, %%es", : : "a"(7 * 8 | 7) : "memory") > 0);
        EXPECT_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
        NEED(set_writable(table) == 0);
        table[7] = 0;
        EXPECT_EQ(HCALL2(update_descriptor, (frame << PAGE_SHIFT) + 56, gates[i]), E_INVAL);
        EXPECT_EQ(table[7], 0);
    }
    return SUCCESS;
}
