/* SPDX-License-Identifier: MIT */
/*
 * int80: INT 0x80 and INT3 of user space.
 *
 * Why: old programs make system calls by it, and it has a short way of its own.
 * Right outcome: the handler's entry is reached with rip behind the instruction, with events masked
 * when the gate says so. (Without the right to raise it: test soft-int.)
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

UTEXT void user_int80(void)
{
    __asm__("movl $42, %eax; int $0x80; ud2");
}

UTEXT void user_int3(void)
{
    __asm__("int3; ud2");
}

enum verdict guest_main(void)
{
    uint64_t at = USER_ADDRESS(user_int80);

    user_root();
    EXPECT_EQ(user_run(at, 0, 0x200), 0x80);
    EXPECT_EQ(trapped.frame.rax, 42);
    EXPECT_EQ(trapped.frame.rip, at + 7);
    EXPECT_EQ(trapped.frame.cs & 3, 3);
    trap_set(0x80, 3, true);
    EXPECT_EQ(user_run(at, 0, 0x200), 0x80);
    EXPECT_EQ(trapped.mask, 1);
    EXPECT_EQ(user_run(USER_ADDRESS(user_int3), 0, 0x200), 3);
    EXPECT_EQ(trapped.frame.rip, USER_ADDRESS(user_int3) + 1);
    return SUCCESS;
}
