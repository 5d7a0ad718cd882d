/* SPDX-License-Identifier: MIT */
/*
 * memory_op: questions about a domain's memory, claims, and frames of the hypervisor's that a
 * toolstack maps (acquire_resource). A PV domain has no physical map that could be changed from
 * outside: those calls check their arguments and answer -EACCES.
 */
#include "core/errno.h"
#include "core/grant.h"
#include "core/memory.h"
#include "core/softirq.h"

static struct domain *named_domain(const struct memory_call *c, long *rc)
{
    struct xen_memory_domain a;

    if (guest_get(&a, c->arg) != 0) {
        *rc = -EFAULT;
        return NULL;
    }
    return memory_target(a.domid, rc);
}

long memory_current(const struct memory_call *c)
{
    long rc;
    struct domain *d = named_domain(c, &rc);

    if (d != NULL) {
        rc = (long)__atomic_load_n(&d->tot_pages, __ATOMIC_RELAXED);
        domain_put(d);
    }
    return rc;
}

long memory_maximum(const struct memory_call *c)
{
    long rc;
    struct domain *d = named_domain(c, &rc);

    if (d != NULL) {
        rc = (long)__atomic_load_n(&d->max_pages, __ATOMIC_RELAXED);
        domain_put(d);
    }
    return rc;
}

long memory_max_gpfn(const struct memory_call *c)
{
    long rc;
    struct domain *d = named_domain(c, &rc);

    if (d != NULL) {
        rc = (long)d->ops->max_gfn(d);
        domain_put(d);
    }
    return rc;
}

long memory_claim(const struct memory_call *c)
{
    struct xen_memory_reservation r;
    struct domain *d;
    long rc;

    if (guest_get(&r, c->arg) != 0) {
        return -EFAULT;
    }
    if (!guest_ptr_null(r.extent_start) || r.extent_order != 0 || r.mem_flags != 0 ||
        r.nr_extents > UINT32_MAX) {
        return -EINVAL;
    }
    d = memory_target(r.domid, &rc);
    if (d != NULL) {
        rc = page_claim(d, r.nr_extents);
        domain_put(d);
    }
    return rc;
}

/* --- frames that a toolstack may map ---------------------------------------------------------- */

static long list_grant_frames(struct domain *d, const struct xen_mem_acquire_resource *a)
{
    uint64_t end;

    if (__builtin_add_overflow(a->frame, (uint64_t)a->nr_frames, &end) ||
        end > d->max_grant_frames || grant_grow(d, (unsigned)end) != 0) {
        return -EINVAL;
    }
    for (uint64_t i = 0; i < a->nr_frames; i++) {
        xen_pfn_t mfn = arch_page_to_mfn(grant_shared_page(d, (unsigned)(a->frame + i))).v;

        if (guest_put_at(a->frame_list, i, &mfn) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

static long grant_frames(struct domain *d, struct xen_mem_acquire_resource *a, guest_ptr_t arg)
{
    if (a->id != XENMEM_resource_grant_table_id_shared) {
        return -EINVAL; /* status frames belong to version 2 */
    }
    if (!guest_ptr_null(a->frame_list)) {
        return list_grant_frames(d, a);
    }
    if (a->nr_frames != 0) {
        return -EINVAL;
    }
    a->nr_frames = d->max_grant_frames;
    arg.va += offsetof(struct xen_mem_acquire_resource, nr_frames);
    return guest_write(arg, &a->nr_frames, sizeof(a->nr_frames));
}

long memory_acquire_resource(const struct memory_call *c)
{
    struct xen_mem_acquire_resource a;
    struct domain *d;
    long rc;

    if (guest_get(&a, c->arg) != 0) {
        return -EFAULT;
    }
    if (a.pad != 0) {
        return -EINVAL;
    }
    if (a.domid == DOMID_SELF || a.domid == current->domain->id) {
        return -EPERM; /* one's own frames come by setup_table */
    }
    d = memory_target(a.domid, &rc);
    if (d != NULL) {
        rc = a.type == XENMEM_resource_grant_table ? grant_frames(d, &a, c->arg) : -EOPNOTSUPP;
        domain_put(d);
    }
    return rc;
}

/* --- the physical map of translated guests ---------------------------------------------------- */

static long refuse_for(domid_t id)
{
    long rc;
    struct domain *d = memory_target(id, &rc);

    if (d != NULL) {
        domain_put(d);
        rc = -EACCES;
    }
    return rc;
}

long memory_add_to_physmap(const struct memory_call *c)
{
    struct xen_add_to_physmap a;

    if (guest_get(&a, c->arg) != 0) {
        return -EFAULT;
    }
    return a.space == XENMAPSPACE_gmfn_foreign ? -ENOSYS : refuse_for(a.domid);
}

long memory_add_to_physmap_batch(const struct memory_call *c)
{
    struct xen_add_to_physmap_batch a;

    return guest_get(&a, c->arg) != 0 ? -EFAULT : refuse_for(a.domid);
}

long memory_remove_from_physmap(const struct memory_call *c)
{
    struct xen_remove_from_physmap a;

    return guest_get(&a, c->arg) != 0 ? -EFAULT : refuse_for(a.domid);
}

/* Without an IOMMU no device needs memory at fixed places. */
long memory_reserved_device_map(const struct memory_call *c)
{
    struct xen_reserved_device_memory_map a;

    if (guest_get(&a, c->arg) != 0) {
        return -EFAULT;
    }
    if ((a.flags & ~(uint32_t)XENMEM_RDM_ALL) != 0) {
        return -EINVAL;
    }
    a.nr_entries = 0;
    return guest_put(c->arg, &a);
}
