/* SPDX-License-Identifier: MIT */
/*
 * syscall32: 32-bit programs.
 *
 * Why: they enter by another instruction form and another callback.
 * Right outcome: code with the 32-bit user selector runs; its SYSCALL reaches the callback of type
 * syscall32 with that selector in the frame, and its faults arrive as others do; without a
 * callback it is an invalid opcode.
 * Environments: pv
 */
#include <public/callback.h>
#include "mm.h"
#include "traps.h"

UTEXT void user_code32(void)
{
    __asm__(".code32; movl $0x77, %eax; movl $1, %ebx; decl %ebx; syscall; ud2; .code64");
}

UTEXT void user_ud32(void)
{
    __asm__(".code32; incl %eax; ud2; .code64");
}

static int run32(uint64_t rip)
{
    struct iret_context c = {
        .rip = rip,
        .cs = FLAT_USER_CS32,
        .rflags = 0x202,
        .rsp = USER_DATA + PAGE_SIZE - 16,
        .ss = FLAT_USER_SS32,
    };

    trap_none();
    return (int)user_switch(&c, 0);
}

enum verdict guest_main(void)
{
    user_root();
    EXPECT_EQ(run32(USER_ADDRESS(user_ud32)), 6);
    EXPECT_EQ(trapped.frame.cs & 0xffff, FLAT_USER_CS32);
    EXPECT_EQ(trapped.frame.rip, USER_ADDRESS(user_ud32) + 1);
    EXPECT_EQ(run32(USER_ADDRESS(user_code32)), 6);
    NEED(callback_set(CALLBACKTYPE_syscall32, ENTRY_SYSCALL32, CALLBACKF_mask_events) == 0);
    EXPECT_EQ(run32(USER_ADDRESS(user_code32)), ENTRY_SYSCALL32);
    EXPECT_EQ(trapped.frame.rax, 0x77);
    EXPECT_EQ(trapped.frame.rbx & 0xffffffff, 0);
    EXPECT_EQ(trapped.frame.cs & 0xffff, FLAT_USER_CS32);
    EXPECT_EQ(trapped.mask, 1);
    return SUCCESS;
}
