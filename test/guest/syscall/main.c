/* SPDX-License-Identifier: MIT */
/*
 * syscall: user space, its way into the guest's kernel and back.
 *
 * Why: two address spaces, two GS bases and two meanings of one instruction; the toggle between
 * them is what keeps a guest's kernel from its programs.
 * Right outcome: SYSCALL enters the registered callback on the kernel's stack with rcx, r11 and
 * the user's rip, rsp and selectors in the frame, events masked as the flag says; iret goes back
 * with all registers; user space cannot read the kernel; the fault's error code says "user"; the
 * bases of GS are swapped.
 * Environments: pv
 */
#include <public/callback.h>
#include "mm.h"
#include "traps.h"

UTEXT void user_syscall(void)
{
    __asm__("movq %rdi, %rbx; movl $0x1234, %eax; movl $7, %r10d; syscall\n"
            "movq %rax, 0x10001000\n"
            "movq %rbx, 0x10001008\n"
            "movq %r10, 0x10001010\n"
            "movl $0x5678, %eax; syscall; ud2");
}

UTEXT void user_read(void)
{
    __asm__("movq (%rdi), %rax; syscall; ud2");
}

UTEXT void user_gs(void)
{
    __asm__("movq %gs:0, %rax; syscall; ud2");
}

UTEXT void user_ud2(void)
{
    __asm__("ud2");
}

UTEXT void user_cli(void)
{
    __asm__("cli; syscall");
}

UTEXT void user_hlt(void)
{
    __asm__("hlt; syscall");
}

static unsigned calls;

static bool count_first(struct trap_frame *f)
{
    if (f->entry == ENTRY_SYSCALL && f->rax == 0x1234) {
        calls++;
        f->rax = 0x4321;
        return true;
    }
    return false;
}

static void round_trip(void)
{
    volatile uint64_t *d = (uint64_t *)user_data;

    trap_hook = count_first;
    EXPECT_EQ(user_run(USER_ADDRESS(user_syscall), 0xabcdef, 0x200), ENTRY_SYSCALL);
    trap_hook = NULL;
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(d[0], 0x4321);
    EXPECT_EQ(d[1], 0xabcdef);
    EXPECT_EQ(d[2], 7);
    EXPECT_EQ(trapped.frame.rax, 0x5678);
    EXPECT_EQ(trapped.frame.rcx, trapped.frame.rip); /* as SYSCALL leaves it */
    EXPECT((trapped.frame.cs & 3) == 3);
    EXPECT_EQ(trapped.frame.cs & 0xffff, FLAT_USER_CS64);
    EXPECT_EQ(trapped.frame.ss & 0xffff, FLAT_USER_SS64);
    EXPECT_EQ(trapped.frame.rsp, USER_DATA + PAGE_SIZE - 16);
    EXPECT_EQ(trapped.mask, 1); /* CALLBACKF_mask_events */
    EXPECT_EQ(trapped.frame.saved_mask & 0xff, 0);
    EXPECT((trapped.frame.rflags & 0x200) != 0);
}

static void isolation(void)
{
    EXPECT_EQ(user_run(USER_ADDRESS(user_read), P(&calls), 0x200), 14);
    EXPECT_EQ(trapped.cr2, P(&calls));
    EXPECT_EQ(trapped.frame.error, 4); /* user, not present */
    EXPECT_EQ(trapped.frame.cs & 3, 3);
    EXPECT_EQ(user_run(USER_ADDRESS(user_read), 0xffff830000000000, 0x200), 14);
    EXPECT_EQ(trapped.frame.error & ~1u, 4);
    EXPECT_EQ(user_run(USER_ADDRESS(user_read), USER_DATA, 0x200), ENTRY_SYSCALL);
    EXPECT_EQ(user_run(USER_ADDRESS(user_ud2), 0, 0x200), 6);
    EXPECT_EQ(user_run(USER_ADDRESS(user_cli), 0, 0x200), 13);
    EXPECT_EQ(user_run(USER_ADDRESS(user_hlt), 0, 0x200), 13);
}

static void segment_bases(void)
{
    uint64_t *kernel = alloc_page(), seen;
    volatile uint64_t *d = (uint64_t *)user_data;

    kernel[0] = 0x6b65726e;
    d[64] = 0x75736572;
    NEED(HCALL2(set_segment_base, SEGBASE_GS_KERNEL, kernel) == 0);
    NEED(HCALL2(set_segment_base, SEGBASE_GS_USER, USER_DATA + 64 * 8) == 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_gs), 0, 0x200), ENTRY_SYSCALL);
    EXPECT_EQ(trapped.frame.rax, 0x75736572);
    __asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
    EXPECT_EQ(seen, 0x6b65726e);
}

static void mask_flag(void)
{
    NEED(callback_set(CALLBACKTYPE_syscall, ENTRY_SYSCALL, 0) == 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_read), USER_DATA, 0x200), ENTRY_SYSCALL);
    EXPECT_EQ(trapped.mask, 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_read), USER_DATA, 0), ENTRY_SYSCALL);
    EXPECT_EQ(trapped.frame.saved_mask & 0xff, 1); /* iret set the mask from IF */
}

/* A frame that IRET refuses is an exception of the guest, not the hypervisor's. */
static void bad_iret(void)
{
    struct iret_context c = {
        .rip = USER_ADDRESS(user_ud2),
        .cs = FLAT_USER_CS64,
        .rflags = 0x202,
        .rsp = USER_DATA + 64,
        .ss = 0xe008 | 3,
    };
    int entry;

    trap_none();
    entry = (int)user_switch(&c, 0);
    EXPECT(entry == 13 || entry == ENTRY_FAILSAFE);
    c.ss = FLAT_USER_SS64;
    c.rip = 0x800000000000;
    trap_none();
    entry = (int)user_switch(&c, 0);
    EXPECT(entry == 13 || entry == ENTRY_FAILSAFE);
}

enum verdict guest_main(void)
{
    user_root();
    round_trip();
    isolation();
    segment_bases();
    mask_flag();
    bad_iret();
    return SUCCESS;
}
