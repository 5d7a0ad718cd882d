/* SPDX-License-Identifier: MIT */
/* domctls about one vcpu of a domain: context, state, affinity. */
#include "core/domctl.h"
#include "core/cpupool.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/sched.h"
#include "lib/lib.h"

/* NULL and *rc: -EINVAL beyond the limit, -ESRCH not made. */
static struct vcpu *vcpu_of(struct domain *d, uint32_t id, long *rc)
{
    struct vcpu *v;

    if (id >= d->max_vcpus) {
        *rc = -EINVAL;
        return NULL;
    }
    v = d->vcpu[index_nospec(id, d->max_vcpus)];
    *rc = v == NULL ? -ESRCH : 0;
    return v;
}

long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpucontext *a = &op->u.vcpucontext;
    struct vcpu_guest_context *c;
    long rc;
    struct vcpu *v = vcpu_of(d, a->vcpu, &rc);

    if (v == NULL || !domain_alive(d)) { /* the dying have given their roots up for good */
        return -EINVAL;
    }
    if (guest_ptr_null(a->ctxt)) {
        domain_pause(d);
        d->ops->vcpu_reset(v);
        domain_unpause(d);
        return 0;
    }
    c = heap_alloc(sizeof(*c));
    if (c == NULL) {
        return -ENOMEM;
    }
    if (guest_get(c, a->ctxt) != 0) {
        rc = -EFAULT;
    } else {
        domain_pause(d);
        rc = d->ops->vcpu_set_context(v, c);
        domain_unpause(d);
    }
    heap_free(c);
    return rc == -EINTR ? -ERESTART : rc;
}

long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpucontext *a = &op->u.vcpucontext;
    struct vcpu_guest_context *c;
    long rc;
    struct vcpu *v = vcpu_of(d, a->vcpu, &rc);

    if (v == NULL) {
        return -ESRCH;
    }
    if (!v->initialised) {
        return -ENODATA;
    }
    c = heap_alloc(sizeof(*c));
    if (c == NULL) {
        return -ENOMEM;
    }
    vcpu_pause(v);
    rc = d->ops->vcpu_get_context(v, c);
    vcpu_unpause(v);
    if (rc == 0 && guest_put(a->ctxt, c) != 0) {
        rc = -EFAULT;
    }
    heap_free(c);
    return rc;
}

long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *a = &op->u.getvcpuinfo, out = {.vcpu = a->vcpu};
    struct vcpu_runstate_info state;
    uint32_t flags;
    long rc;
    struct vcpu *v = vcpu_of(d, a->vcpu, &rc);

    if (v == NULL) {
        return rc;
    }
    vcpu_get_runstate(v, &state);
    flags = __atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED);
    out.online = (flags & VPF_DOWN) == 0;
    out.blocked = (flags & (VPF_BLOCKED | VPF_POLL)) != 0;
    out.running = __atomic_load_n(&v->running, __ATOMIC_RELAXED);
    out.cpu_time = state.time[RUNSTATE_running];
    out.cpu = v->cpu;
    *a = out;
    return 0;
}

long domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    uint32_t max = op->u.max_vcpus.max;

    if (max != d->max_vcpus || !domain_alive(d)) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < max; i++) {
        int rc = d->vcpu[i] == NULL ? vcpu_create(d, i) : 0;

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static bool affinity_flags_ok(uint32_t flags)
{
    return (flags & ~(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE)) ==
               0 &&
           (flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) != 0;
}

/* What the vcpu ends up with, as tools show it. */
static int report_affinity(struct vcpu *v, const struct xen_domctl_vcpuaffinity *a)
{
    if ((a->flags & XEN_VCPUAFFINITY_HARD) != 0 &&
        cpumask_to_guest(&a->cpumap_hard, v->hard_affinity) != 0) {
        return -EFAULT;
    }
    if ((a->flags & XEN_VCPUAFFINITY_SOFT) != 0 &&
        cpumask_to_guest(&a->cpumap_soft, v->soft_affinity) != 0) {
        return -EFAULT;
    }
    return 0;
}

long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    bool set_hard = (a->flags & XEN_VCPUAFFINITY_HARD) != 0;
    bool set_soft = (a->flags & XEN_VCPUAFFINITY_SOFT) != 0;
    cpumask_t hard, soft;
    long rc;
    struct vcpu *v = vcpu_of(d, a->vcpu, &rc);

    if (v == NULL) {
        return rc;
    }
    if (!affinity_flags_ok(a->flags)) {
        return -EINVAL;
    }
    if (v->affinity_overridden && set_hard) {
        if ((a->flags & XEN_VCPUAFFINITY_FORCE) == 0) {
            return -EBUSY;
        }
        sched_override_affinity(v, -1);
    }
    if ((set_hard && cpumask_from_guest(&hard, &a->cpumap_hard) != 0) ||
        (set_soft && cpumask_from_guest(&soft, &a->cpumap_soft) != 0)) {
        return -EFAULT;
    }
    if (set_hard && (hard & arch_online_cpus()) == 0) {
        return -EINVAL;
    }
    rc = sched_set_affinity(v, set_hard ? &hard : NULL, set_soft ? &soft : NULL);
    return rc != 0 ? rc : report_affinity(v, a);
}

long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    long rc;
    struct vcpu *v = vcpu_of(d, a->vcpu, &rc);

    if (v == NULL) {
        return rc;
    }
    return affinity_flags_ok(a->flags) ? report_affinity(v, a) : -EINVAL;
}
