/* SPDX-License-Identifier: MIT */
/*
 * The domctls that are x86's: one row each. The privilege check has been made, the domain has
 * been found (with a reference) and the structure copied in by core/domctl.c.
 */
#include <public/domctl.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "lib/rangeset.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/cpuid_policy.h"
#include "x86/pv/page_type.h"
#include "x86/pv/pv.h"
#include "x86/vcpu_state.h"

struct arch_domctl_row {
    uint32_t cmd;
    long (*fn)(struct domain *d, struct xen_domctl *op, bool *copyback);
};

static long set_address_size(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    (void)copyback;
    if (op->u.address_size.size == d->arch.address_size) {
        return 0;
    }
    return op->u.address_size.size == 32 ? -EOPNOTSUPP : -EINVAL;
}

static long get_address_size(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    op->u.address_size.size = d->arch.address_size;
    *copyback = true;
    return 0;
}

static long set_tsc_info(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    const struct xen_domctl_tsc_info *t = &op->u.tsc_info;

    (void)copyback;
    if (t->tsc_mode > 2) {
        return -EINVAL; /* 0 default, 1 always emulate, 2 native; 3 is gone */
    } /* stock tools leave the padding uninitialised: it is not checked */
    if (t->tsc_mode == 1) {
        return -EOPNOTSUPP; /* the processor's counter is what guests read */
    }
    d->tsc_mode = (uint8_t)t->tsc_mode;
    d->tsc_khz = t->gtsc_khz;
    d->tsc_incarnation = t->incarnation;
    return 0;
}

static long get_tsc_info(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    op->u.tsc_info = (struct xen_domctl_tsc_info){
        .tsc_mode = d->tsc_mode,
        .gtsc_khz = arch_cpu_khz(),
        .incarnation = d->tsc_incarnation,
        .elapsed_nsec = (uint64_t)arch_now(),
    };
    *copyback = true;
    return 0;
}

static long hypercall_init(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    struct page *pg = d->ops->get_page(d, GFN(op->u.hypercall_init.gmfn), true);
    void *p;

    (void)copyback;
    if (!pg) {
        return -EACCES;
    }
    p = map_frame(arch_page_to_mfn(pg));
    pv_fill_hypercall_page(p);
    unmap_frame(p);
    d->ops->put_page(pg, true);
    return 0;
}

/* What a frame is used as, for save: PFINFO bits in the top nibble. */
static uint64_t page_info(struct domain *d, uint64_t frame)
{
    struct page *pg = arch_mfn_to_page(MFN(frame));
    uint64_t info = 0, type;

    if (!pg || !page_get(pg, d)) {
        return XEN_DOMCTL_PFINFO_XTAB;
    }
    type = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
    switch (type & PGT_TYPE_MASK) {
    case PGT_L1:
        info = XEN_DOMCTL_PFINFO_L1TAB;
        break;
    case PGT_L2:
        info = XEN_DOMCTL_PFINFO_L2TAB;
        break;
    case PGT_L3:
        info = XEN_DOMCTL_PFINFO_L3TAB;
        break;
    case PGT_L4:
        info = XEN_DOMCTL_PFINFO_L4TAB;
        break;
    default:
        break;
    }
    if (type & PGT_PINNED) {
        info |= XEN_DOMCTL_PFINFO_LPINTAB;
    }
    page_put(pg);
    return info;
}

#define PAGE_INFO_BATCH 1024

static long get_page_info(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    const struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;
    xen_pfn_t v;

    (void)copyback;
    if (g->num > PAGE_INFO_BATCH || d == current->domain) {
        return g->num > PAGE_INFO_BATCH ? -E2BIG : -EINVAL;
    }
    for (uint64_t i = 0; i < g->num; i++) {
        if (guest_get_at(&v, g->array, i) != 0) {
            return -EFAULT;
        }
        v = page_info(d, v);
        if (guest_put_at(g->array, i, &v) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

static long ioport_permission(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;
    uint64_t last = (uint64_t)p->first_port + p->nr_ports - 1;
    long rc;

    (void)copyback;
    if (p->nr_ports == 0 || last > 0xffff || p->allow_access > 1) {
        return p->nr_ports == 0 && p->first_port <= 0xffff ? 0 : -EINVAL;
    }
    if (!rangeset_contains(current->domain->ioports, p->first_port, last)) {
        return -EPERM;
    }
    if (d != current->domain) {
        domain_pause(d); /* its vcpus read the set without a lock */
    }
    rc = p->allow_access ? rangeset_add(d->ioports, p->first_port, last)
                         : rangeset_remove(d->ioports, p->first_port, last);
    if (d != current->domain) {
        domain_unpause(d);
    }
    return rc;
}

static long send_trigger(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    const struct xen_domctl_sendtrigger *t = &op->u.sendtrigger;

    (void)copyback;
    if (t->trigger == XEN_DOMCTL_SENDTRIGGER_POWER || t->trigger == XEN_DOMCTL_SENDTRIGGER_SLEEP) {
        return -EINVAL; /* buttons are devices of HVM guests */
    }
    if (t->trigger != XEN_DOMCTL_SENDTRIGGER_NMI) {
        return -ENOSYS;
    }
    if (t->vcpu >= d->max_vcpus || !d->vcpu[t->vcpu]) {
        return -ESRCH;
    }
    vcpu_raise_nmi(d->vcpu[t->vcpu]);
    return 0;
}

static long get_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    struct xen_domctl_cpu_policy *u = &op->u.cpu_policy;

    *copyback = true;
    return cpu_policy_tell(d->arch.cpu_policy, u->leaves, &u->nr_leaves, u->msrs, &u->nr_msrs);
}

static long set_policy_leaves(struct cpu_policy *p, struct xen_domctl_cpu_policy *u)
{
    xen_cpuid_leaf_t leaf;

    for (uint32_t i = 0; i < u->nr_leaves; i++) {
        if (guest_get_at(&leaf, u->leaves, i) != 0) {
            return -EFAULT;
        }
        if (cpu_policy_set_leaf(p, &leaf) != 0) {
            u->err_leaf = leaf.leaf;
            u->err_subleaf = leaf.subleaf;
            return -EINVAL;
        }
    }
    return 0;
}

static long set_policy_msrs(struct cpu_policy *p, struct xen_domctl_cpu_policy *u)
{
    xen_msr_entry_t msr;

    for (uint32_t i = 0; i < u->nr_msrs; i++) {
        if (guest_get_at(&msr, u->msrs, i) != 0) {
            return -EFAULT;
        }
        if (msr.flags != 0 || (msr.idx == 0xce && (msr.val & ~cpu_policy_pv.platform_info)) ||
            (msr.idx != 0xce && msr.val != 0)) {
            u->err_msr = msr.idx;
            return -EINVAL;
        }
        if (msr.idx == 0xce) {
            p->platform_info = msr.val;
        }
    }
    return 0;
}

#define MAX_TOOL_LEAVES 256
#define MAX_TOOL_MSRS   16

static long set_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    struct xen_domctl_cpu_policy *u = &op->u.cpu_policy;
    struct cpu_policy *copy;
    long rc;

    u->err_leaf = u->err_subleaf = u->err_msr = ~0u;
    *copyback = true;
    if (d == current->domain || d->creation_finished) {
        return d == current->domain ? -EINVAL : -EEXIST;
    }
    if (u->nr_leaves > MAX_TOOL_LEAVES || u->nr_msrs > MAX_TOOL_MSRS) {
        return -E2BIG;
    }
    copy = heap_alloc(sizeof(*copy));
    if (!copy) {
        return -ENOMEM;
    }
    *copy = *d->arch.cpu_policy;
    rc = set_policy_leaves(copy, u);
    if (rc == 0) {
        rc = set_policy_msrs(copy, u);
    }
    if (rc == 0) {
        *d->arch.cpu_policy = *copy;
    }
    heap_free(copy);
    return rc;
}

static long set_ext_context(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    (void)copyback;
    return vcpu_state_ext(d, &op->u.ext_vcpucontext, true);
}

static long get_ext_context(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    *copyback = true;
    return vcpu_state_ext(d, &op->u.ext_vcpucontext, false);
}

static long get_ext_state(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    *copyback = true;
    return vcpu_state_xsave_get(d, &op->u.vcpuextstate);
}

static long set_ext_state(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    (void)copyback;
    return vcpu_state_xsave_set(d, &op->u.vcpuextstate);
}

static long get_msrs(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    *copyback = true;
    return vcpu_state_msrs(d, &op->u.vcpu_msrs, false);
}

static long set_msrs(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    (void)copyback;
    return vcpu_state_msrs(d, &op->u.vcpu_msrs, true);
}

/* Tools switch logging off before each save: there is none to switch off. */
static long shadow_op(struct domain *d, struct xen_domctl *op, bool *copyback)
{
    (void)d, (void)copyback;
    return op->u.shadow_op.op == XEN_DOMCTL_SHADOW_OP_OFF ? -EINVAL : -EOPNOTSUPP;
}

static const struct arch_domctl_row rows[] = {
    {XEN_DOMCTL_shadow_op, shadow_op},
    {XEN_DOMCTL_ioport_permission, ioport_permission},
    {XEN_DOMCTL_hypercall_init, hypercall_init},
    {XEN_DOMCTL_sendtrigger, send_trigger},
    {XEN_DOMCTL_set_address_size, set_address_size},
    {XEN_DOMCTL_get_address_size, get_address_size},
    {XEN_DOMCTL_set_ext_vcpucontext, set_ext_context},
    {XEN_DOMCTL_get_ext_vcpucontext, get_ext_context},
    {XEN_DOMCTL_gettscinfo, get_tsc_info},
    {XEN_DOMCTL_settscinfo, set_tsc_info},
    {XEN_DOMCTL_getpageframeinfo3, get_page_info},
    {XEN_DOMCTL_setvcpuextstate, set_ext_state},
    {XEN_DOMCTL_getvcpuextstate, get_ext_state},
    {XEN_DOMCTL_get_vcpu_msrs, get_msrs},
    {XEN_DOMCTL_set_vcpu_msrs, set_msrs},
    {XEN_DOMCTL_get_cpu_policy, get_cpu_policy},
    {XEN_DOMCTL_set_cpu_policy, set_cpu_policy},
};

long arch_domctl(struct xen_domctl *op, struct domain *d, guest_ptr_t u, bool *copyback)
{
    (void)u;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == op->cmd) {
            return rows[i].fn(d, op, copyback);
        }
    }
    return -ENOSYS;
}
