/* SPDX-License-Identifier: MIT */
/*
 * sysenter: the other way from user space into the kernel, which processors of Intel's have in
 * 64-bit mode.
 *
 * Why: 32-bit programs use it there. The instruction keeps neither rip nor rsp, so what arrives is
 * all that the hypervisor can make up.
 * Right outcome: with a callback the kernel gets there, in user mode's name, with the registers
 * that are left, whatever its flags were, and, as asked for, with events masked; without one it is
 * a #GP.
 * Environments: pv
 * Boot: --cpu Skylake-Client,-smap,-monitor --cmdline xpti=no
 */
#include <public/callback.h>
#include "cpu.h"
#include "mm.h"

#define ENTRY_SYSENTER ENTRY_SYSCALL32 /* any entry that nothing else uses */
#define RFLAGS_NT      (1u << 14)
#define RFLAGS_AC      (1u << 18)

UTEXT void user_sysenter(void)
{
    __asm__("movl $0x66, %eax; movl $7, %ebx; movq %rsp, %rbp; sysenter; ud2");
}

static void arrives(uint64_t rflags, int entry, unsigned mask)
{
    EXPECT_EQ(user_run(USER_ADDRESS(user_sysenter), 0, rflags), entry);
    EXPECT_EQ(trapped.frame.rax, 0x66);
    EXPECT_EQ(trapped.frame.rbx, 7);
    EXPECT_EQ(trapped.frame.rbp, USER_DATA + PAGE_SIZE - 16);
    EXPECT_EQ(trapped.frame.cs & 0xffff, 3);
    EXPECT_EQ(trapped.frame.rip, 0);
    EXPECT_EQ(trapped.frame.rsp, 0);
    EXPECT_EQ(trapped.frame.ss, FLAT_USER_SS64);
    EXPECT_EQ(trapped.frame.rflags & ~0x3000UL, rflags);
    EXPECT_EQ(trapped.mask, mask);
}

enum verdict guest_main(void)
{
    user_root();
    arrives(0x202, 13, 0);
    EXPECT_EQ(trapped.frame.error, 0);
    NEED(callback_set(CALLBACKTYPE_sysenter, ENTRY_SYSENTER, CALLBACKF_mask_events) == 0);
    arrives(0x202, ENTRY_SYSENTER, 1);
    arrives(0x202 | RFLAGS_NT, ENTRY_SYSENTER, 1);
    arrives(0x202 | RFLAGS_AC, ENTRY_SYSENTER, 1);
    return SUCCESS;
}
