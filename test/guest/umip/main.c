/* SPDX-License-Identifier: MIT */
/*
 * umip: the instructions that UMIP would forbid.
 *
 * Why: programs use SGDT, SIDT, SMSW, SLDT and STR; on a PV vcpu, whose kernel is in ring 3 too,
 * UMIP would kill them.
 * Right outcome: none of them faults in user mode, on a processor that has UMIP.
 * Environments: pv
 * Boot: --cpu EPYC,-smap,-monitor,+umip
 */
#include "cpu.h"

UTEXT void user_code(void)
{
    __asm__("sgdt (%rdi); sidt (%rdi); smsw %eax; sldt %eax; str %eax; syscall; ud2");
}

enum verdict guest_main(void)
{
    uint8_t at[16];

    EXPECT_EQ(TRY_INSN("sgdt %0", : "=m"(at)), -1);
    EXPECT_EQ(TRY_INSN("sidt %0", : "=m"(at)), -1);
    EXPECT_EQ(TRY_INSN("str %%ax", : : : "rax"), -1);
    user_root();
    EXPECT_EQ(user_run(USER_ADDRESS(user_code), USER_DATA, 0x200), ENTRY_SYSCALL);
    return SUCCESS;
}
