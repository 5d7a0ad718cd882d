/* SPDX-License-Identifier: MIT */
/*
 * segment-base: FS and GS bases by call, by MSR and by selector.
 *
 * Why: a kernel's per-processor data and every program's thread data hang on them.
 * Right outcome: bases read back through memory; kernel and user GS are two; non-canonical bases
 * and bad selectors are refused; FSGSBASE is not offered, or its instructions work.
 * Environments: pv
 */
#include "cpu.h"
#include "mm.h"

static uint64_t fs0(void)
{
    uint64_t v;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(v));
    return v;
}

static uint64_t gs0(void)
{
    uint64_t v;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(v));
    return v;
}

enum verdict guest_main(void)
{
    uint64_t *a = alloc_page(), *b = alloc_page(), v;

    a[0] = 0xa;
    b[0] = 0xb;
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_FS, a), 0);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_GS_KERNEL, b), 0);
    EXPECT_EQ(fs0(), 0xa);
    EXPECT_EQ(gs0(), 0xb);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_GS_USER, a), 0);
    EXPECT_EQ(gs0(), 0xb);
    EXPECT(rdmsr(0xc0000102, &v) && v == P(a));
    EXPECT(rdmsr(0xc0000101, &v) && v == P(b));
    EXPECT(rdmsr(0xc0000100, &v) && v == P(a));
    EXPECT(wrmsr(0xc0000101, P(a)));
    EXPECT_EQ(gs0(), 0xa);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_FS, 0x800000000000), E_INVAL);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_GS_KERNEL, 0x800000000000), E_INVAL);
    EXPECT_EQ(fs0(), 0xa);
    EXPECT_EQ(HCALL2(set_segment_base, 4, a), E_INVAL);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_GS_USER_SEL, 0xe02b), 0);
    EXPECT_EQ(gs0(), 0xa);
    EXPECT_EQ(HCALL2(set_segment_base, SEGBASE_GS_USER_SEL, 0), 0);
    HCALL2(set_segment_base, SEGBASE_GS_USER_SEL, 0xfff8); /* refused, or a null selector */
    EXPECT_EQ(gs0(), 0xa);
    if (cpuid_pv(7, 0).b & 1) {
        NEED(TRY_INSN("movq %%cr4, %0", : "=r"(v)) == -1);
        NEED(TRY_INSN("movq %0, %%cr4", : : "r"(v | (1u << 16))) == -1);
        EXPECT_EQ(TRY_INSN("rdfsbase %0", : "=r"(v)), -1);
        EXPECT_EQ(v, P(a));
    } else {
        EXPECT(cpuid_pv(7, 0).a < 64);
    }
    return SUCCESS;
}
