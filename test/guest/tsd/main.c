/* SPDX-License-Identifier: MIT */
/*
 * tsd: CR4.TSD, by which a kernel keeps the time-stamp counter from its programs.
 *
 * Why: the kernel runs in ring 3 too, where the processor would refuse the instruction to both.
 * Right outcome: the bit reads back; rdtsc and rdtscp go on working in the kernel and count up;
 * in user mode they are #GP while the bit is set, and work before and after.
 * Environments: pv
 */
#include "cpu.h"
#include "mm.h"
#include "time.h"

#define CR4_TSD (1UL << 2)

UTEXT void user_rdtsc(void)
{
    __asm__("rdtsc; ud2");
}

UTEXT void user_rdtscp(void)
{
    __asm__("rdtscp; ud2");
}

static uint64_t read_cr4(void)
{
    uint64_t cr4 = 0;

    NEED(TRY_INSN("movq %%cr4, %0", : "=r"(cr4)) == -1);
    return cr4;
}

static void user(int expected)
{
    EXPECT_EQ(user_run(USER_ADDRESS(user_rdtsc), 0, 0x202), expected);
    EXPECT_EQ(trapped.frame.rip, USER_ADDRESS(user_rdtsc) + (expected == 6 ? 2 : 0));
    if (cpuid_native(0x80000001, 0).d & (1u << 27)) {
        EXPECT_EQ(user_run(USER_ADDRESS(user_rdtscp), 0, 0x202), expected);
    }
}

enum verdict guest_main(void)
{
    uint64_t cr4 = read_cr4(), a = rdtsc(), b;
    uint32_t lo, hi;

    user_root();
    user(6);
    NEED(TRY_INSN("movq %0, %%cr4", : : "r"(cr4 | CR4_TSD)) == -1);
    EXPECT_EQ(read_cr4(), cr4 | CR4_TSD);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_EQ(TRY_INSN("rdtsc", : "=a"(lo), "=d"(hi)), -1);
        b = lo | (uint64_t)hi << 32;
        CHECK(b > a);
        a = b;
    }
    user(13);
    NEED(TRY_INSN("movq %0, %%cr4", : : "r"(cr4)) == -1);
    EXPECT_EQ(read_cr4(), cr4);
    user(6);
    return SUCCESS;
}
