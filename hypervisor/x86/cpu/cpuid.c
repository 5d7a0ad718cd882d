/* SPDX-License-Identifier: MIT */
/*
 * CPUID for a guest: its domain's policy, the few words that change while it runs, and the
 * hypervisor's own leaves from 0x40000000 (public/arch-x86/cpuid.h).
 */
#include <public/arch-x86/cpuid.h>
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/cpuid_policy.h"
#include "x86/cpu/fpu.h"

#define CR4_OSXSAVE_BIT (1u << 27) /* leaf 1 ecx */

static unsigned machine_address_bits(void)
{
    unsigned bits = 0;

    for (uint64_t top = (arch_max_mfn() << PAGE_SHIFT) - 1; top; top >>= 1) {
        bits++;
    }
    return bits;
}

static void time_leaf(const struct vcpu *v, uint32_t subleaf, struct cpuid_regs *out)
{
    const struct domain *d = v->domain;

    if (subleaf == 0) {
        out->a = cpu_features.invariant_tsc ? 2 : 0;
        out->b = d->tsc_mode;
        out->c = arch_cpu_khz();
        out->d = d->tsc_incarnation;
    } else if (subleaf == 2) {
        out->a = arch_cpu_khz();
    }
}

static void hypervisor_leaf(const struct vcpu *v, uint32_t leaf, uint32_t sub,
                            struct cpuid_regs *out)
{
    switch (leaf - XEN_CPUID_FIRST_LEAF) {
    case 0:
        out->a = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
        out->b = XEN_CPUID_SIGNATURE_EBX;
        out->c = XEN_CPUID_SIGNATURE_ECX;
        out->d = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        out->a = (4 << 16) | 17;
        break;
    case 2:
        out->a = 1;                    /* pages of a hypercall transfer page */
        out->b = XEN_CPUID_FIRST_LEAF; /* the MSR that asks for it */
        out->c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 3:
        time_leaf(v, sub, out);
        break;
    case 5:
        out->b = machine_address_bits();
        break;
    default:
        break;
    }
}

/* Leaf 0xd, subleaf 0: sizes follow what the vcpu has enabled. */
static void xsave_leaf(const struct vcpu *v, struct cpuid_regs *out)
{
    uint64_t mask = fpu_xcr0_mask();
    uint32_t size = 512 + 64;

    for (unsigned i = 2; i < 63; i++) {
        const xen_cpuid_leaf_t *c;

        if (!(v->arch.xcr0 >> i & 1)) {
            continue;
        }
        c = cpu_policy_find(v->domain->arch.cpu_policy, 0xd, i);
        if (c) {
            size = MAX(size, c->b + c->a);
        }
    }
    out->a = (uint32_t)mask;
    out->d = (uint32_t)(mask >> 32);
    out->b = size;
    out->c = fpu_area_size();
}

void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out)
{
    const xen_cpuid_leaf_t *l;

    memset(out, 0, sizeof(*out));
    if (leaf >= XEN_CPUID_FIRST_LEAF && leaf < XEN_CPUID_FIRST_LEAF + 0x10000) {
        hypervisor_leaf(v, leaf, subleaf, out);
        return;
    }
    l = cpu_policy_find(v->domain->arch.cpu_policy, leaf, subleaf);
    if (!l) {
        return;
    }
    *out = (struct cpuid_regs){l->a, l->b, l->c, l->d};
    if (leaf == 1) {
        out->b |= ((v->id * 2) & 0xff) << 24; /* initial APIC id: threads are even numbers */
        /* A PV kernel runs with the hypervisor's CR4: OSXSAVE is on whenever XSAVE is there. */
        out->c &= ~CR4_OSXSAVE_BIT;
        if (out->c & (1u << 26)) {
            out->c |= CR4_OSXSAVE_BIT;
        }
    } else if (leaf == 0xd && subleaf == 0) {
        xsave_leaf(v, out);
    }
}
