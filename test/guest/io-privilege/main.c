/* SPDX-License-Identifier: MIT */
/*
 * io-privilege: who in a guest may use ports, and which ports a guest may use.
 *
 * Why: the guest's kernel decides about its programs, the hypervisor about the guest.
 * Right outcome: IOPL 0 refuses all, 1 lets the kernel, 3 user space; the port bitmap lets user
 * space use single ports; ports that are the hypervisor's read as ones and ignore writes.
 * Environments: pv
 */
#include <public/physdev.h>
#include "cpu.h"
#include "mm.h"

UTEXT void user_in(void)
{
    __asm__("movl %edi, %edx; inb (%dx), %al; syscall; ud2");
}

static long iopl(unsigned level)
{
    struct physdev_set_iopl s = {.iopl = level};

    return HCALL2(physdev_op, PHYSDEVOP_set_iopl, &s);
}

enum verdict guest_main(void)
{
    uint8_t *bitmap = alloc_page(), v = 0;
    uint32_t w = 0;
    struct physdev_set_iobitmap set = {.bitmap = {P(bitmap)}, .nr_ports = 1024};

    user_root();
    EXPECT_EQ(iopl(4), E_INVAL);
    NEED(iopl(0) == 0);
    EXPECT_EQ(TRY_INSN("inb $0x71, %%al", : "=a"(v)), 13);
    NEED(iopl(1) == 0);
    EXPECT_EQ(TRY_INSN("inb $0x71, %%al", : "=a"(v)), -1);
    EXPECT_EQ(user_run(USER_ADDRESS(user_in), 0x71, 0x200), 13);
    NEED(iopl(3) == 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_in), 0x71, 0x200), ENTRY_SYSCALL);
    NEED(iopl(1) == 0);

    memset(bitmap, 0xff, PAGE_SIZE);
    bitmap[0x71 / 8] = (uint8_t) ~(1u << (0x71 % 8));
    EXPECT_EQ(HCALL2(physdev_op, PHYSDEVOP_set_iobitmap, &set), 0);
    EXPECT_EQ(user_run(USER_ADDRESS(user_in), 0x71, 0x200), ENTRY_SYSCALL);
    EXPECT_EQ(user_run(USER_ADDRESS(user_in), 0x70, 0x200), 13);
    EXPECT_EQ(user_run(USER_ADDRESS(user_in), 1024, 0x200), 13);
    set.nr_ports = 65537;
    EXPECT_EQ(HCALL2(physdev_op, PHYSDEVOP_set_iobitmap, &set), E_INVAL);

    /* the interrupt controller, the timer, the hypervisor's serial port: never the guest's */
    EXPECT_EQ(TRY_INSN("inb $0x21, %%al", : "=a"(v)), -1);
    EXPECT_EQ(v, 0xff);
    EXPECT_EQ(TRY_INSN("inb $0x40, %%al", : "=a"(v)), -1);
    EXPECT_EQ(v, 0xff);
    EXPECT_EQ(TRY_INSN("outb %%al, %%dx", : : "a"(0), "d"(0x3f9)), -1);
    EXPECT_EQ(TRY_INSN("inb %%dx, %%al", : "=a"(v) : "d"(0x3fd)), -1);
    EXPECT_EQ(v, 0xff);
    /* PCI configuration is mediated: the host bridge is there */
    EXPECT_EQ(TRY_INSN("outl %%eax, %%dx", : : "a"(0x80000000), "d"(0xcf8)), -1);
    EXPECT_EQ(TRY_INSN("inl %%dx, %%eax", : "=a"(w) : "d"(0xcfc)), -1);
    EXPECT_EQ(w & 0xffff, 0x8086);
    return SUCCESS;
}
