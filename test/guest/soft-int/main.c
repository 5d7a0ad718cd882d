/* SPDX-License-Identifier: MIT */
/*
 * soft-int: INT n, where only the guest's own table says who may raise it.
 *
 * Why: QEMU 7.2 puts twice the vector into the error code of the #GP that such an instruction
 * makes, so the hypervisor has to look at the instruction; and a handler's address is checked.
 * Right outcome: the handler if its privilege level allows, else #GP with the vector in the error
 * code; handlers in the hypervisor's space are refused.
 * Environments: pv
 * Xen: differs it believes QEMU's error code, and lets any code raise 0x80 (see Why)
 */
#include "traps.h"

#define INT(n)                                                                                     \
    do {                                                                                           \
        trap_none();                                                                               \
        __asm__ volatile(TRAP_SAFE("int $" #n) : : : "memory", "cc");                              \
    } while (0)

UTEXT void user_int80(void)
{
    __asm__("movl $42, %eax; int $0x80; ud2");
}

UTEXT void user_int40(void)
{
    __asm__("int $0x40; ud2");
}

static void from_user(void)
{
    uint64_t at = USER_ADDRESS(user_int80);

    user_root();
    trap_set(0x80, 0, false);
    EXPECT_EQ(user_run(at, 0, 0x200), 13);
    EXPECT_EQ(trapped.frame.error, (0x80 << 3) | 2);
    EXPECT_EQ(trapped.frame.rip, at + 5);
    trap_set(0x40, 1, false);
    EXPECT_EQ(user_run(USER_ADDRESS(user_int40), 0, 0x200), 13);
    EXPECT_EQ(trapped.frame.error, (0x40 << 3) | 2);
    trap_set(0x40, 3, false);
    EXPECT_EQ(user_run(USER_ADDRESS(user_int40), 0, 0x200), 0x40);
}

enum verdict guest_main(void)
{
    struct trap_info bad[2] = {{.vector = 40, .cs = FLAT_KERNEL_CS, .address = 0xffff830000000000}};

    INT(0x30);
    EXPECT_EQ(trapped.entry, 13);
    EXPECT_EQ(trapped.frame.error, (0x30 << 3) | 2);
    trap_set(0x30, 3, false);
    INT(0x30);
    EXPECT_EQ(trapped.entry, 0x30);
    trap_set(0x30, 1, false); /* the kernel's level */
    INT(0x30);
    EXPECT_EQ(trapped.entry, 0x30);
    EXPECT(HCALL1(set_trap_table, bad) < 0);
    from_user();
    return SUCCESS;
}
