/* SPDX-License-Identifier: MIT */
/* The sysctls that are x86's, and what the hypervisor says of itself to guests. */
#include <public/features.h>
#include <public/sysctl.h>
#include <public/version.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/domain.h"
#include "lib/lib.h"
#include "x86/boot/image.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/cpuid_policy.h"
#include "x86/mm/layout.h"

/* --- sysctl ----------------------------------------------------------------------------------- */

/* Bits of leaf 1's edx that AMD repeats in 0x80000001's: tools want to see them once. */
#define AMD_COPIES 0x0183f3ffu
#define WORD_E1D   2

/* Feature words of the machine, in the order that tools print as hw_caps. */
static long physinfo(struct xen_sysctl *op, bool *copyback)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;
    uint32_t words[8] = {0};

    cpu_policy_featureset(&cpu_policy_host, words, ARRAY_SIZE(words));
    words[WORD_E1D] &= ~AMD_COPIES;
    memcpy(p->hw_cap, words, sizeof(p->hw_cap));
    p->capabilities |= XEN_SYSCTL_PHYSCAP_pv;
    *copyback = true;
    return 0;
}

static const struct cpu_policy *policy_by_index(uint32_t index)
{
    switch (index) {
    case XEN_SYSCTL_cpu_policy_raw:
        return &cpu_policy_raw;
    case XEN_SYSCTL_cpu_policy_host:
        return &cpu_policy_host;
    case XEN_SYSCTL_cpu_policy_pv_max:
    case XEN_SYSCTL_cpu_policy_pv_default:
        return &cpu_policy_pv;
    default:
        return NULL;
    }
}

static long get_cpu_policy(struct xen_sysctl *op, bool *copyback)
{
    struct xen_sysctl_cpu_policy *u = &op->u.cpu_policy;
    const struct cpu_policy *p = policy_by_index(u->index);

    if (u->_rsvd != 0) {
        return -EINVAL;
    }
    if (!p) {
        return u->index <= XEN_SYSCTL_cpu_policy_hvm_default ? -EOPNOTSUPP : -EINVAL;
    }
    *copyback = true;
    return cpu_policy_tell(p, u->leaves, &u->nr_leaves, u->msrs, &u->nr_msrs);
}

#define FEATURE_WORDS 19

static long get_featureset(struct xen_sysctl *op, bool *copyback)
{
    struct xen_sysctl_cpu_featureset *u = &op->u.cpu_featureset;
    uint32_t words[FEATURE_WORDS] = {0};

    switch (u->index) {
    case XEN_SYSCTL_cpu_featureset_raw:
        cpu_policy_featureset(&cpu_policy_raw, words, FEATURE_WORDS);
        break;
    case XEN_SYSCTL_cpu_featureset_host:
        cpu_policy_featureset(&cpu_policy_host, words, FEATURE_WORDS);
        break;
    case XEN_SYSCTL_cpu_featureset_pv:
    case XEN_SYSCTL_cpu_featureset_pv_max:
        cpu_policy_featureset(&cpu_policy_pv, words, FEATURE_WORDS);
        words[WORD_E1D] &= ~AMD_COPIES;
        break;
    case XEN_SYSCTL_cpu_featureset_hvm:
    case XEN_SYSCTL_cpu_featureset_hvm_max:
        break; /* no such guests: no feature */
    default:
        return -EINVAL;
    }
    *copyback = true;
    if (!guest_ptr_null(u->features)) {
        uint32_t n = MIN(u->nr_features, FEATURE_WORDS);

        if (guest_write(u->features, words, n * sizeof(words[0])) != 0) {
            return -EFAULT;
        }
        if (u->nr_features < FEATURE_WORDS) {
            u->nr_features = FEATURE_WORDS;
            return -ENOBUFS;
        }
    }
    u->nr_features = FEATURE_WORDS;
    return 0;
}

long arch_sysctl(struct xen_sysctl *op, guest_ptr_t u, bool *copyback)
{
    (void)u;
    switch (op->cmd) {
    case XEN_SYSCTL_physinfo:
        return physinfo(op, copyback);
    case XEN_SYSCTL_get_cpu_policy:
        return get_cpu_policy(op, copyback);
    case XEN_SYSCTL_get_cpu_featureset:
        return get_featureset(op, copyback);
    default:
        return -ENOSYS;
    }
}

/* --- what a guest asks before anything else --------------------------------------------------- */

uint32_t arch_features(const struct domain *d, unsigned index)
{
    uint32_t f = 0;

    if (index != 0) {
        return 0;
    }
    f |= 1u << XENFEAT_mmu_pt_update_preserve_ad;
    f |= 1u << XENFEAT_highmem_assist;
    f |= 1u << XENFEAT_gnttab_map_avail_bits;
    f |= 1u << XENFEAT_memory_op_vnode_supported;
    f |= 1u << XENFEAT_not_direct_mapped;
    if (d->vm_assist & (1u << VMASST_TYPE_pae_extended_cr3)) {
        f |= 1u << XENFEAT_pae_pgdir_above_4gb;
    }
    if (d->rights & RIGHT_HARDWARE) {
        f |= 1u << XENFEAT_dom0;
    }
    return f;
}

void arch_capabilities(char *buf, size_t len)
{
    str_copy(buf, "xen-3.0-x86_64", len);
}

uint64_t arch_virt_start(const struct domain *d)
{
    (void)d;
    return HV_VIRT_START;
}

/* The link script keeps only the identifier of the note. */
void arch_get_build_id(const uint8_t **id, size_t *len)
{
    *id = __build_id_start;
    *len = (size_t)(__build_id_end - __build_id_start);
}
