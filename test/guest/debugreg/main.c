/* SPDX-License-Identifier: MIT */
/*
 * debugreg: breakpoints of a guest.
 *
 * Why: a breakpoint on the hypervisor's own code or stack would take it down.
 * Right outcome: addresses in the hypervisor's space are refused; reserved and I/O bits too; a
 * write breakpoint raises #DB after the store with its bit in DR6; an instruction breakpoint
 * before it; it ends when DR7 is cleared; one that is held back over MOV SS into an entry of the
 * hypervisor harms nobody.
 * Environments: pv
 */
#include <public/version.h>
#include "cpu.h"

static volatile uint64_t watched;

static long set(unsigned reg, uint64_t v)
{
    return HCALL2(set_debugreg, reg, v);
}

static uint16_t stack_selector = FLAT_KERNEL_SS;
static volatile unsigned debug_traps, other_traps;

static bool count(struct trap_frame *f)
{
    *(f->entry == 1 ? &debug_traps : &other_traps) += 1;
    f->rip += f->entry == 6; /* QEMU does not know INT1 */
    return f->entry == 1 || f->entry == 3 || f->entry == 6 || f->entry == 0x80;
}

/*
 * A breakpoint on what MOV SS reads is held back until behind the next instruction, which may be
 * one that enters the hypervisor.
 */
#define BEHIND_MOV_SS(insn)                                                                        \
    __asm__ volatile("movw %0, %%ss; " insn : : "m"(stack_selector) : "rcx", "r11", "memory")

static void behind_mov_ss(void)
{
    long nr = __HYPERVISOR_xen_version;

    trap_hook = count;
    EXPECT_EQ(set(0, P(&stack_selector)), 0);
    EXPECT_EQ(set(7, 2 | (7UL << 16)), 0); /* 2 bytes, on read and write */
    BEHIND_MOV_SS("int3");
    BEHIND_MOV_SS("int $0x80");
    EXPECT_EQ(other_traps, 2);
    BEHIND_MOV_SS(".byte 0xf1"); /* INT1 */
    EXPECT(debug_traps != 0);
    __asm__ volatile("movw %1, %%ss; syscall"
                     : "+a"(nr)
                     : "m"(stack_selector), "D"(XENVER_version), "S"(0)
                     : "rcx", "r11", "memory");
    EXPECT_EQ(nr, 4 << 16 | 17);
    EXPECT_EQ(set(7, 0), 0);
    trap_hook = NULL;
}

static bool hit(struct trap_frame *f)
{
    if (f->entry != 1) {
        return false;
    }
    f->rflags |= 1UL << 16; /* go past an instruction breakpoint */
    return true;
}

enum verdict guest_main(void)
{
    EXPECT(set(0, 0xffff830000000000) < 0);
    EXPECT(set(3, 0x800000000000) < 0);
    EXPECT(set(8, 0) < 0);
    EXPECT(set(7, 1UL << 13) < 0 || (HCALL1(get_debugreg, 7) & (1 << 13)) == 0); /* GD */
    EXPECT(set(7, 1UL << 32) < 0 || ((uint64_t)HCALL1(get_debugreg, 7) >> 32) == 0);
    EXPECT_EQ(set(0, P(&watched)), 0);
    EXPECT_EQ(HCALL1(get_debugreg, 0), P(&watched));
    EXPECT_EQ(HCALL1(get_debugreg, 8) < 0, 1);
    trap_hook = hit;
    EXPECT_EQ(set(7, 2 | (0xdUL << 16)), 0); /* 8 bytes, on write */
    trap_none();
    watched = 5;
    EXPECT_EQ(trapped.entry, 1);
    EXPECT_EQ(trapped.count, 1);
    EXPECT_EQ(HCALL1(get_debugreg, 6) & 0xf, 1);
    EXPECT_EQ(watched, 5);
    EXPECT_EQ(set(6, 0), 0);
    EXPECT_EQ(set(7, 0), 0);
    trap_none();
    watched = 6;
    EXPECT_EQ(trapped.entry, -1);
    behind_mov_ss();
    return SUCCESS;
}
