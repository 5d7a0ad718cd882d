/* SPDX-License-Identifier: MIT */
/*
 * vm-assist: what a guest asks of the hypervisor that it could do without.
 *
 * Why: kernels enable them without a look at the result, or give up when one fails.
 * Right outcome: writable page tables and the runstate flag can be turned on and off; unknown types
 * and commands are refused; with architectural_iopl the level lives in the saved flags.
 * Environments: pv
 */
#include "cpu.h"

static long assist(unsigned cmd, unsigned long type)
{
    return HCALL2(vm_assist, cmd, type);
}

enum verdict guest_main(void)
{
    EXPECT_EQ(assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    EXPECT_EQ(assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    EXPECT_EQ(assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), 0);
    EXPECT_EQ(assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    EXPECT_EQ(assist(VMASST_CMD_enable, 31), E_INVAL);
    EXPECT_EQ(assist(VMASST_CMD_enable, 64), E_INVAL);
    EXPECT_EQ(assist(VMASST_CMD_enable, 0xffffffff), E_INVAL);
    EXPECT_EQ(assist(2, VMASST_TYPE_writable_pagetables), E_NOSYS);

    EXPECT_EQ(assist(VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), 0);
    EXPECT_EQ(TRY_INSN("ud2", : :), 6);
    EXPECT_EQ(trapped.frame.rflags & (3 << 12), 0);
    return SUCCESS;
}
