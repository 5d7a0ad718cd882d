/* SPDX-License-Identifier: MIT */
/* The list of CPUID leaves that a domain sees, and the MSRs that belong to it. */
#ifndef X86_CPUID_POLICY_H
#define X86_CPUID_POLICY_H

#include "core/domain.h"
#include "x86/cpu/policy.h"

#define CPU_POLICY_MAX_LEAVES 64
/*
 * What tools are told to make room for: libxl writes back its whole own list of leaves and MSRs,
 * empty ones too, into buffers of this size.
 */
#define CPU_POLICY_TOOL_LEAVES 192
#define CPU_POLICY_TOOL_MSRS   4

struct cpu_policy {
    unsigned nr;
    xen_cpuid_leaf_t leaf[CPU_POLICY_MAX_LEAVES]; /* ordered by leaf and subleaf */
    uint64_t platform_info;                       /* MSR 0xce: bit 31, CPUID faulting */
};

/* The machine as it is, and as we use it; the most that a PV guest gets. */
extern struct cpu_policy cpu_policy_raw, cpu_policy_host, cpu_policy_pv;

/* The leaf, or NULL. A leaf without subleaves matches any subleaf. */
const xen_cpuid_leaf_t *cpu_policy_find(const struct cpu_policy *p, uint32_t leaf, uint32_t sub);
/*
 * Check one leaf of a tool's policy against what PV guests may have and put it into p.
 * -EINVAL: unknown leaf, -EPERM: bits beyond the maximum are dropped by callers' choice.
 */
int cpu_policy_set_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *leaf);
/* Leaves and MSRs for a tool's lists; a null list: how long it may get. 0, -ENOBUFS, -EFAULT. */
int cpu_policy_tell(const struct cpu_policy *p, guest_ptr_t leaves, uint32_t *nr_leaves,
                    guest_ptr_t msrs, uint32_t *nr_msrs);
/* Feature words in the order of xl's feature sets (XEN_SYSCTL_get_cpu_featureset). */
unsigned cpu_policy_featureset(const struct cpu_policy *p, uint32_t *words, unsigned max);

#endif
