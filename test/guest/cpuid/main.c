/* SPDX-License-Identifier: MIT */
/*
 * cpuid: the hypervisor's leaves and the features that a PV kernel must not see.
 *
 * Why: a kernel that sees a feature uses it, and some would break it or the hypervisor.
 * Right outcome: the signature and five leaves from 0x40000000; no PCID, SMEP, SMAP, UMIP, LA57,
 * MTRR, MONITOR, VMX, SVM, x2APIC in the forced form; OSXSAVE when XSAVE is there; ud2a alone is
 * still an invalid opcode.
 * Environments: pv
 */
#include "cpu.h"

static void hypervisor_leaves(void)
{
    struct cpuid_regs r = cpuid_pv(0x40000000, 0);

    CHECK(r.b == 0x566e6558 && r.c == 0x65584d4d && r.d == 0x4d4d566e);
    EXPECT(r.a >= 0x40000004 && r.a <= 0x40000010);
    EXPECT_EQ(cpuid_pv(0x40000001, 0).a >> 16, 4);
    r = cpuid_pv(0x40000002, 0);
    EXPECT_EQ(r.a, 1);
    EXPECT_EQ(r.c & 1, 1); /* preserve_ad */
    r = cpuid_pv(0x40000003, 0);
    EXPECT(r.c == 0 || r.c > 100000); /* TSC in kHz; Xen may leave it out */
    if (cpuid_pv(0x40000000, 0).a >= 0x40000005) {
        uint32_t bits = cpuid_pv(0x40000005, 0).b & 0xff;

        EXPECT(bits >= 28 && bits <= 44); /* else kernels want grant table version 2 */
    }
}

static void features(void)
{
    struct cpuid_regs one = cpuid_pv(1, 0), seven = cpuid_pv(7, 0), ext = cpuid_pv(0x80000001, 0);

    EXPECT((one.c & (1u << 31)) != 0);                           /* hypervisor */
    EXPECT((one.c & ((1u << 17) | (1u << 3) | (1u << 5))) == 0); /* PCID MONITOR VMX */
    EXPECT_EQ((one.c >> 26) & 1, (one.c >> 27) & 1);             /* XSAVE, OSXSAVE */
    EXPECT((one.d & ((1u << 0) | (1u << 4) | (1u << 6) | (1u << 8) | (1u << 15))) ==
           ((1u << 0) | (1u << 4) | (1u << 6) | (1u << 8) | (1u << 15)));
    EXPECT((one.d & (1u << 1)) == 0);                              /* VME */
    EXPECT((seven.b & ((1u << 7) | (1u << 20))) == 0);             /* SMEP SMAP */
    EXPECT((seven.c & ((1u << 2) | (1u << 16) | (1u << 3))) == 0); /* UMIP LA57 PKU */
    EXPECT((ext.c & (1u << 2)) == 0);                              /* SVM */
    EXPECT((ext.d & (1u << 29)) != 0);                             /* long mode */
    EXPECT((ext.d & (1u << 26)) == 0);                             /* 1 GiB pages */
    EXPECT(cpuid_pv(0, 0).a >= 0xd || cpuid_pv(0, 0).a < 0x20);
}

static void unknown_leaves(void)
{
    struct cpuid_regs r = cpuid_pv(0x40000010, 0);

    EXPECT_EQ(r.a | r.b | r.c | r.d, 0);
    cpuid_pv(0x7fffffff, 0xffffffff);
    cpuid_pv(0xffffffff, 0xffffffff);
    cpuid_pv(0xd, 63);
}

static void prefix(void)
{
    EXPECT_EQ(TRY_INSN("ud2; nop", : :), 6);
    EXPECT_EQ(TRY_INSN(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa3", : :), 6);
}

enum verdict guest_main(void)
{
    hypervisor_leaves();
    features();
    unknown_leaves();
    prefix();
    return SUCCESS;
}
