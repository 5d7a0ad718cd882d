/* SPDX-License-Identifier: MIT */
/*
 * domctl: what a toolstack does to one domain. A row says which handler, whether the domain must
 * exist and may be the caller's own, whether the structure goes back, and whether the call changes
 * structure: those hold the control lock, so that two tools cannot interleave. Whoever finds the
 * lock taken issues the call again. Commands without a row here are the machine's (arch_domctl).
 */
#include "core/domctl.h"
#include "core/calls.h"
#include "core/cpupool.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/sched.h"
#include "lib/lib.h"
#include "lib/rangeset.h"

static struct spinlock domctl_lock = SPINLOCK(RANK_DOMCTL);

/* --- life ------------------------------------------------------------------------------------- */

#define KNOWN_CDF   ((XEN_DOMCTL_CDF_MAX << 1) - 1)
#define REFUSED_CDF (XEN_DOMCTL_CDF_iommu | XEN_DOMCTL_CDF_nested_virt | XEN_DOMCTL_CDF_vpmu)

static int check_create(const struct xen_domctl_createdomain *c)
{
    if ((c->flags & ~KNOWN_CDF) != 0 || (c->flags & REFUSED_CDF) != 0 || c->iommu_opts != 0 ||
        c->vmtrace_size != 0 || (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask) != 0 ||
        XEN_DOMCTL_GRANT_version(c->grant_opts) > 1) {
        return -EINVAL;
    }
    if (c->max_vcpus == 0 || c->max_vcpus > MAX_VCPUS || c->max_grant_frames == 0) {
        return -EINVAL;
    }
    return c->cpupool_id != CPUPOOL_DEFAULT ? -ENOENT : 0;
}

static long createdomain(struct domain *none, struct xen_domctl *op)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;
    uint32_t rights = (c->flags & XEN_DOMCTL_CDF_xs_domain) != 0 ? RIGHT_STORE : 0;
    const struct guest_ops *ops = arch_guest_ops(c->flags);
    domid_t id = op->domain;
    struct domain *d;
    int rc = check_create(c);

    (void)none;
    if (rc != 0) {
        return rc;
    }
    if (ops == NULL) {
        return -EINVAL;
    }
    if (id == 0 || id >= DOMID_FIRST_RESERVED) {
        id = domain_free_id();
        if (id == DOMID_INVALID) {
            return -ENOMEM;
        }
    }
    rc = domain_create(id, c, rights, ops, &d);
    if (rc == 0) {
        op->domain = d->id;
        domain_put(d);
    }
    return rc;
}

static long destroydomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_kill(d);
}

static long pausedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_pause_by_tools(d);
}

static long unpausedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_unpause_by_tools(d);
}

static long resumedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    domain_resume(d);
    return 0;
}

/* The domain asked for, or the next one after it. */
static long getdomaininfo(struct domain *none, struct xen_domctl *op)
{
    struct domain *d = domain_get_next(op->domain);

    (void)none;
    if (d == NULL) {
        return -ESRCH;
    }
    memset(&op->u, 0, sizeof(op->u));
    domain_getinfo(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

/* --- settings --------------------------------------------------------------------------------- */

static long max_mem(struct domain *d, struct xen_domctl *op)
{
    uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_lock(&d->page_lock);
    d->max_pages = MIN(pages, (uint64_t)UINT32_MAX);
    spin_unlock(&d->page_lock);
    return 0;
}

static long setdomainhandle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

static long setdebugging(struct domain *d, struct xen_domctl *op)
{
    domain_pause(d);
    d->debugger_attached = op->u.setdebugging.enable != 0;
    domain_unpause(d);
    return 0;
}

static long settimeoffset(struct domain *d, struct xen_domctl *op)
{
    d->time_offset_seconds = op->u.settimeoffset.time_offset_seconds;
    arch_domain_update_wallclock(d);
    return 0;
}

/* The port by which the guest says that it has suspended. */
static long subscribe(struct domain *d, struct xen_domctl *op)
{
    d->suspend_evtchn = op->u.subscribe.port;
    return 0;
}

static long scheduler_op(struct domain *d, struct xen_domctl *op)
{
    return sched_adjust_domain(d, &op->u.scheduler_op);
}

static uint32_t machine_nodes(void)
{
    return (1u << page_alloc_nr_nodes()) - 1;
}

static long setnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    cpumask_t nodes;

    if (cpumask_from_guest(&nodes, &op->u.nodeaffinity.nodemap) != 0) {
        return -EFAULT;
    }
    nodes &= machine_nodes();
    if (nodes == 0) {
        return -EINVAL;
    }
    d->node_affinity = (uint32_t)nodes;
    d->auto_node_affinity = nodes == machine_nodes();
    return 0;
}

static long getnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    return cpumask_to_guest(&op->u.nodeaffinity.nodemap, d->node_affinity & machine_nodes());
}

/* --- resources: only what the caller itself has can be given on ------------------------------- */

static long permit(struct domain *d, struct rangeset *own, struct rangeset *set, uint64_t first,
                   uint64_t last, bool allow)
{
    long rc;

    if (!rangeset_contains(own, first, last)) {
        return -EPERM;
    }
    if (d != current->domain) {
        domain_pause(d); /* its vcpus read the set without a lock */
    }
    rc = allow ? rangeset_add(set, first, last) : rangeset_remove(set, first, last);
    if (d != current->domain) {
        domain_unpause(d);
    }
    return rc;
}

static long irq_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_irq_permission *a = &op->u.irq_permission;

    if (a->allow_access > 1 || a->pad[0] != 0 || a->pad[1] != 0 || a->pad[2] != 0) {
        return -EINVAL;
    }
    return permit(d, current->domain->irqs, d->irqs, a->pirq, a->pirq, a->allow_access != 0);
}

static long iomem_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *a = &op->u.iomem_permission;
    uint64_t last = a->first_mfn + a->nr_mfns - 1;

    if (a->allow_access > 1 || a->nr_mfns == 0 || last < a->first_mfn || last >> 40 != 0) {
        return -EINVAL;
    }
    return permit(d, current->domain->iomem, d->iomem, a->first_mfn, last, a->allow_access != 0);
}

/* --- table ------------------------------------------------------------------------------------ */

enum domctl_flags {
    DC_NO_DOMAIN = 1u << 0, /* does not name an existing domain, or finds it itself */
    DC_NOT_SELF = 1u << 1,  /* -EINVAL on the caller's own domain */
    DC_BACK = 1u << 2,      /* the structure is copied back after success */
    DC_UNLOCKED = 1u << 3,  /* reads only, or has locks of its own */
};

struct domctl_row {
    const char *name;
    domctl_fn fn;
    access_fn access;
    uint32_t flags;
};

#define ROW(cmd, fn, flags) [XEN_DOMCTL_##cmd] = {#cmd, fn, access_control, flags}

static const struct domctl_row rows[] = {
    ROW(createdomain, createdomain, DC_NO_DOMAIN | DC_BACK),
    ROW(destroydomain, destroydomain, DC_NOT_SELF),
    ROW(pausedomain, pausedomain, DC_NOT_SELF),
    ROW(unpausedomain, unpausedomain, 0),
    ROW(getdomaininfo, getdomaininfo, DC_NO_DOMAIN | DC_BACK | DC_UNLOCKED),
    ROW(resumedomain, resumedomain, DC_NOT_SELF),
    ROW(max_mem, max_mem, 0),
    ROW(setvcpucontext, domctl_setvcpucontext, DC_NOT_SELF),
    ROW(getvcpucontext, domctl_getvcpucontext, DC_NOT_SELF),
    ROW(getvcpuinfo, domctl_getvcpuinfo, DC_BACK | DC_UNLOCKED),
    ROW(max_vcpus, domctl_max_vcpus, DC_NOT_SELF),
    ROW(setvcpuaffinity, domctl_setvcpuaffinity, 0),
    ROW(getvcpuaffinity, domctl_getvcpuaffinity, 0),
    ROW(scheduler_op, scheduler_op, DC_BACK),
    ROW(setdomainhandle, setdomainhandle, 0),
    ROW(setdebugging, setdebugging, DC_NOT_SELF),
    ROW(settimeoffset, settimeoffset, 0),
    ROW(subscribe, subscribe, 0),
    ROW(setnodeaffinity, setnodeaffinity, 0),
    ROW(getnodeaffinity, getnodeaffinity, DC_UNLOCKED),
    ROW(irq_permission, irq_permission, 0),
    ROW(iomem_permission, iomem_permission, 0),
};

static const struct domctl_row arch_rows = {"machine", NULL, access_control, 0};

static const struct domctl_row *find_row(uint32_t cmd)
{
    const struct domctl_row *row = &arch_rows;

    if (cmd < ARRAY_SIZE(rows)) {
        row = &rows[index_nospec(cmd, ARRAY_SIZE(rows))];
    }
    return row->fn != NULL ? row : &arch_rows;
}

static long run_row(const struct domctl_row *row, struct domain *d, struct xen_domctl *op,
                    guest_ptr_t u)
{
    bool back = (row->flags & DC_BACK) != 0;
    long rc;

    if ((row->flags & DC_NOT_SELF) != 0 && d == current->domain) {
        return -EINVAL;
    }
    if ((row->flags & DC_UNLOCKED) == 0 && !spin_trylock(&domctl_lock)) {
        return -ERESTART;
    }
    rc = row->fn != NULL ? row->fn(d, op) : arch_domctl(op, d, u, &back);
    if ((row->flags & DC_UNLOCKED) == 0) {
        spin_unlock(&domctl_lock);
    }
    /* the machine's rows also report what they refused: then back is set despite an error */
    if (back && (rc == 0 || row->fn == NULL) && rc != -ERESTART && guest_put(u, op) != 0) {
        rc = -EFAULT;
    }
    return rc;
}

CORE_CALL(do_domctl)
{
    guest_ptr_t u = GUEST_PTR(a1);
    const struct domctl_row *row;
    struct domain *d = NULL;
    struct xen_domctl op;
    long rc;

    if (guest_get(&op, u) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    row = find_row(op.cmd);
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    if ((row->flags & DC_NO_DOMAIN) == 0) {
        d = domain_get(op.domain == DOMID_SELF ? current->domain->id : op.domain);
        if (d == NULL) {
            return -ESRCH;
        }
    }
    rc = run_row(row, d, &op, u);
    if (d != NULL) {
        domain_put(d);
    }
    if (rc == -ERESTART) {
        rc = hypercall_continue(__HYPERVISOR_domctl, a1, 0, 0, 0, 0, 0);
    }
    return rc;
}
