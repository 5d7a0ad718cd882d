/* SPDX-License-Identifier: MIT */
/*
 * What a domain may see of the processor (cpuid_policy.c), answers to its CPUID (cpuid.c) and
 * its MSRs (msr.c).
 */
#ifndef X86_POLICY_H
#define X86_POLICY_H

#include "core/domain.h"

struct cpuid_regs {
    uint32_t a, b, c, d;
};

void cpu_policy_subsys_init(void);             /* once: host, PV maximum and PV default */
int cpu_policy_domain_init(struct domain *d);  /* default policy of its kind; -ENOMEM */
void cpu_policy_domain_destroy(struct domain *d);
/* CPUID as a vcpu of a PV guest sees it, hypervisor leaves 0x40000000+ included. */
void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *out);
/* 0, or -EINVAL: the guest gets #GP. The vcpu is the current one. */
int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
/* CR4 as a PV guest reads it, and the bits that it may change (others are dropped silently). */
uint64_t pv_guest_cr4(const struct vcpu *v);

#endif
