/* SPDX-License-Identifier: MIT */
/*
 * fpu: TS, #NM, and floating-point state across switches of vcpus.
 *
 * Why: a register that leaks from one vcpu to another is a hole; a lost one is a wrong result.
 * Right outcome: fpu_taskswitch(1) makes the next instruction #NM once, clts ends it; two vcpus on
 * the machine's processors keep their xmm and ymm registers while they yield to each other, and
 * what a vcpu enables by its first xsetbv starts clean;
 * xsetbv takes what CPUID offers and nothing else.
 * Environments: pv
 * Xen: differs it leaves the last vcpu's ymm in what a vcpu enables for the first time
 * Boot: --cpu EPYC,-smap,-monitor --cpus 1 --dom0-vcpus 2
 */
#include <public/sched.h>
#include "cpu.h"
#include "smp.h"
#include "time.h"

static volatile unsigned other_rounds, other_bad, stop;
static volatile bool avx;

static void task_switch(void)
{
    uint64_t cr0;

    NEED(HCALL1(fpu_taskswitch, 1) == 0);
    EXPECT_EQ(TRY_INSN("movq %%cr0, %0", : "=r"(cr0)), -1);
    EXPECT((cr0 & 8) != 0);
    EXPECT_EQ(TRY_INSN("pxor %%xmm0, %%xmm0", : :), 7);
    EXPECT_EQ(TRY_INSN("pxor %%xmm0, %%xmm0", : :), -1); /* #NM cleared it */
    HCALL1(fpu_taskswitch, 1);
    EXPECT_EQ(TRY_INSN("clts; pxor %%xmm0, %%xmm0", : :), -1);
    HCALL1(fpu_taskswitch, 1);
    HCALL1(fpu_taskswitch, 0);
    EXPECT_EQ(TRY_INSN("fninit", : :), -1);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr0", : : "r"(cr0)), -1); /* TS again */
    EXPECT_EQ(TRY_INSN("fninit", : :), 7);
}

static bool registers_hold(uint64_t seed, unsigned rounds)
{
    uint64_t v, w, ok = 1;

    for (unsigned i = 0; i < rounds; i++) {
        v = seed + i;
        __asm__ volatile("movq %0, %%xmm5; movq %0, %%xmm15" : : "r"(v));
        HCALL2(sched_op, SCHEDOP_yield, 0);
        __asm__ volatile("movq %%xmm5, %0; movq %%xmm15, %1" : "=r"(v), "=r"(w));
        ok &= v == seed + i && w == seed + i;
    }
    return ok;
}

/* What a vcpu enables for the first time starts clean, not with what the one before it left. */
static bool upper_is_clean(void)
{
    uint64_t upper[2];

    if (!xsetbv(7)) {
        return false;
    }
    __asm__ volatile("vextractf128 $1, %%ymm7, %0" : "=m"(upper));
    return upper[0] == 0 && upper[1] == 0;
}

static void fill_upper(void)
{
    static const uint64_t secret[2] = {0x3333333333333333, 0x4444444444444444};

    NEED(xsetbv(7));
    __asm__ volatile("vinsertf128 $1, %0, %%ymm7, %%ymm7" : : "m"(secret));
}

static void other(void)
{
    uint64_t fresh[2];

    if (avx && !upper_is_clean()) {
        other_bad++;
    }
    __asm__ volatile("movups %%xmm5, %0" : "=m"(fresh));
    if (fresh[0] != 0 || fresh[1] != 0) {
        other_bad++; /* somebody's registers */
    }
    while (!stop) {
        if (!registers_hold(0x2222222200000000, 16)) {
            other_bad++;
        }
        other_rounds++;
    }
    for (;;) {
        HCALL3(vcpu_op, 2 /* down */, 1, NULL);
    }
}

static void extended(void)
{
    struct cpuid_regs one = cpuid_pv(1, 0), d;
    uint64_t mask, value = 0, cr4;

    if (!(one.c & (1u << 26))) {
        return;
    }
    d = cpuid_pv(0xd, 0);
    mask = d.a | (uint64_t)d.d << 32;
    EXPECT((mask & 3) == 3);
    NEED(TRY_INSN("movq %%cr4, %0", : "=r"(cr4)) == -1);
    NEED(TRY_INSN("movq %0, %%cr4", : : "r"(cr4 | (1u << 18))) == -1); /* OSXSAVE */
    EXPECT(xsetbv(mask));
    EXPECT(!xsetbv(mask & ~1UL));
    EXPECT(!xsetbv(mask | 1UL << 62));
    if (mask & 4) {
        EXPECT(!xsetbv(5)); /* YMM without SSE */
        NEED(xsetbv(7));
        EXPECT_EQ(TRY_INSN("movq %0, %%xmm1; vmovq %0, %%xmm2", : : "r"(0x1234UL)), -1);
        __asm__ volatile("vmovq %%xmm2, %0" : "=r"(value));
        EXPECT_EQ(value, 0x1234);
        EXPECT(xsetbv(3));
        EXPECT_EQ(TRY_INSN("vmovq %0, %%xmm2", : : "r"(0x1234UL)), 6);
        avx = true;
    }
}

enum verdict guest_main(void)
{
    task_switch();
    extended();
    if (avx) {
        fill_upper();
    }
    __asm__ volatile("movq %0, %%xmm5" : : "r"(0x1111111111111111));
    NEED(vcpu_start(1, other) == 0);
    EXPECT(registers_hold(0x1111111100000000, 200));
    EXPECT(WAIT(other_rounds > 3, MS(5000)));
    EXPECT(registers_hold(0x1111111100000000, 200));
    stop = 1;
    EXPECT_EQ(other_bad, 0);
    return SUCCESS;
}
