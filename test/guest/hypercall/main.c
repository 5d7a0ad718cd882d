/* SPDX-License-Identifier: MIT */
/*
 * hypercall: the way in by SYSCALL from the kernel.
 *
 * Why: all registers but rax, rcx and r11 belong to the caller, and numbers that mean nothing are
 * asked for by every kernel that probes.
 * Right outcome: registers keep their values, rcx and r11 hold rip and flags; unknown numbers and
 * huge ones answer -ENOSYS; xen_version's answers have their shapes.
 * Environments: pv
 */
#include <public/features.h>
#include <public/version.h>
#include "guest.h"

/* Load the registers that a call must keep, call, and say what is in them. */
__asm__(".pushsection .text\n"
        "call_with_all:\n"
        "pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15; pushq %rdi\n"
        "movl $0xb, %ebx; movl $0xc, %ebp; movl $12, %r12d; movl $13, %r13d; movl $14, %r14d\n"
        "movl $15, %r15d; movl $17, %eax; xorl %edi, %edi; xorl %esi, %esi\n"
        "syscall\n"
        "popq %rdi\n"
        "movq %rbx, (%rdi); movq %rbp, 8(%rdi); movq %r12, 16(%rdi); movq %r13, 24(%rdi)\n"
        "movq %r14, 32(%rdi); movq %r15, 40(%rdi)\n"
        "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp; ret\n"
        ".popsection");
long call_with_all(uint64_t out[6]);

static void registers(void)
{
    uint64_t r[6];

    EXPECT_EQ(call_with_all(r) >> 16, 4);
    EXPECT(r[0] == 0xb && r[1] == 0xc && r[2] == 12 && r[3] == 13 && r[4] == 14 && r[5] == 15);
}

/* What SYSCALL leaves: every argument register is as it was. */
static void arguments_survive(void)
{
    register uint64_t r8 __asm__("r8") = 0x88, r9 __asm__("r9") = 0x99;
    register uint64_t r10 __asm__("r10") = 0x1010;
    uint64_t rdi = XENVER_version, rsi = 0, rdx = 0xdddd, rax = __HYPERVISOR_xen_version;

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10)
                     :
                     : "rcx", "r11", "memory");
    EXPECT_EQ(rdi, XENVER_version);
    EXPECT_EQ(rsi, 0);
    EXPECT_EQ(rdx, 0xdddd);
    EXPECT_EQ(r8, 0x88);
    EXPECT_EQ(r9, 0x99);
    EXPECT_EQ(r10, 0x1010);
}

static void unknown(void)
{
    static const uint64_t none[] = {11,         27,          43,        47,  55,  56,
                                    63,         64,          127,       255, 256, 0x7fffffff,
                                    0xffffffff, 0x100000011, 1UL << 63, ~0UL};

    for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
        EXPECT_EQ(hypercall(none[i], 0, 0, 0, 0, 0), E_NOSYS);
    }
    EXPECT_EQ(HCALL2(xen_version, 99, 0), E_NOSYS);
    EXPECT_EQ(HCALL2(xen_version, 0xffffffff, 0), E_NOSYS);
}

static void versions(void)
{
    xen_extraversion_t extra = {0};
    xen_capabilities_info_t caps = {0};
    struct xen_platform_parameters platform;
    struct xen_feature_info f = {.submap_idx = 0};

    EXPECT(HCALL2(xen_version, XENVER_extraversion, extra) >= 0);
    EXPECT(extra[0] != 0 && strnlen(extra, sizeof(extra)) < sizeof(extra));
    EXPECT(HCALL2(xen_version, XENVER_capabilities, caps) >= 0);
    EXPECT(strstr(caps, "xen-3.0-x86_64") != NULL);
    EXPECT(HCALL2(xen_version, XENVER_platform_parameters, &platform) >= 0);
    EXPECT_EQ(platform.virt_start, HYPERVISOR_VIRT_START);
    EXPECT_EQ(HCALL2(xen_version, XENVER_pagesize, NULL), PAGE_SIZE);
    EXPECT(HCALL2(xen_version, XENVER_get_features, &f) >= 0);
    EXPECT((f.submap & (1u << XENFEAT_mmu_pt_update_preserve_ad)) != 0);
    EXPECT((f.submap & (1u << XENFEAT_gnttab_map_avail_bits)) != 0);
    EXPECT((f.submap & (1u << XENFEAT_dom0)) != 0);
    EXPECT((f.submap & (1u << XENFEAT_auto_translated_physmap)) == 0);
    f.submap_idx = 99;
    EXPECT_EQ(HCALL2(xen_version, XENVER_get_features, &f), E_INVAL);
}

enum verdict guest_main(void)
{
    registers();
    arguments_survive();
    unknown();
    versions();
    return SUCCESS;
}
