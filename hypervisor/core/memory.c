/* SPDX-License-Identifier: MIT */
/*
 * memory_op: the table, and reservations: increase, decrease, populate.
 *
 * A reservation call answers how many extents it did, and stops at the first that fails. That also
 * holds for a domain that does not exist or that the caller may not touch: nothing done, 0.
 */
#include "core/memory.h"
#include "core/calls.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/softirq.h"
#include "lib/lib.h"

/* --- helpers for all memory operations -------------------------------------------------------- */

unsigned memory_max_order(const struct domain *caller)
{
    return access_control(caller) || access_hardware(caller) ? MEM_ORDER_HARDWARE : MEM_ORDER_GUEST;
}

struct domain *memory_target(domid_t id, long *rc)
{
    struct domain *d = domain_get(id == DOMID_SELF ? current->domain->id : id);

    *rc = 0;
    if (d == NULL) {
        *rc = -ESRCH;
    } else if (!access_target(current->domain, d)) {
        domain_put(d);
        d = NULL;
        *rc = -EPERM;
    }
    return d;
}

bool memory_placement_from(unsigned mem_flags, struct memory_placement *p)
{
    unsigned width = XENMEMF_get_address_bits(mem_flags);
    unsigned node = XENMEMF_get_node(mem_flags);

    if ((mem_flags & XENMEMF_vnode) != 0 || (width != 0 && width <= PAGE_SHIFT)) {
        return false;
    }
    p->width = width == 0 || width > WIDTH_ANY ? WIDTH_ANY : width;
    p->node = node < MAX_NODES ? (int)node : NODE_ANY;
    p->flags = (mem_flags & XENMEMF_exact_node_request) != 0 ? PAGE_ALLOC_EXACT_NODE : 0;
    return true;
}

long memory_continue(const struct memory_call *c, uint64_t start)
{
    return hypercall_continue(__HYPERVISOR_memory_op, c->cmd | start << MEMOP_BITS, c->arg.va, 0, 0,
                              0, 0);
}

/* --- reservations ----------------------------------------------------------------------------- */

struct reservation {
    struct domain *d;
    struct xen_memory_reservation r;
    struct memory_placement where;
};

/* One extent; false: stop here. */
static bool increase_one(struct reservation *a, uint64_t i)
{
    struct page *pg;
    xen_pfn_t mfn;

    pg = page_alloc_domain(a->d, a->r.extent_order, a->where.node, a->where.width, a->where.flags);
    if (pg == NULL) {
        return false;
    }
    mfn = arch_page_to_mfn(pg).v;
    return guest_ptr_null(a->r.extent_start) || guest_put_at(a->r.extent_start, i, &mfn) == 0;
}

static bool populate_one(struct reservation *a, uint64_t i)
{
    struct page *pg;
    xen_pfn_t gpfn, mfn;

    if (guest_get_at(&gpfn, a->r.extent_start, i) != 0) {
        return false;
    }
    pg = page_alloc_domain(a->d, a->r.extent_order, a->where.node, a->where.width, a->where.flags);
    if (pg == NULL) {
        return false;
    }
    if (a->d->ops->page_added(a->d, GFN(gpfn), pg, a->r.extent_order) != 0) {
        for (uint64_t j = 0; j < (1ULL << a->r.extent_order); j++) {
            page_release_alloc(&pg[j]);
        }
        return false;
    }
    mfn = arch_page_to_mfn(pg).v;
    return guest_put_at(a->r.extent_start, i, &mfn) == 0;
}

static bool decrease_one(struct reservation *a, uint64_t i)
{
    struct domain *d = a->d;
    xen_pfn_t gfn;

    if (guest_get_at(&gfn, a->r.extent_start, i) != 0) {
        return false;
    }
    for (uint64_t j = 0; j < (1ULL << a->r.extent_order); j++) {
        struct page *pg = d->ops->get_page(d, GFN(gfn + j), false);
        bool had;

        if (pg == NULL) {
            return false;
        }
        had = page_release_alloc(pg);
        if (had) {
            d->ops->page_removed(d, GFN(gfn + j), pg);
        }
        d->ops->put_page(pg, false);
        if (!had) {
            return false;
        }
    }
    return true;
}

static bool reservation_args_ok(const struct memory_call *c, struct reservation *a)
{
    if (guest_get(&a->r, c->arg) != 0 || a->r.nr_extents > (~0UL >> MEMOP_BITS) ||
        c->start >= a->r.nr_extents || a->r.extent_order > memory_max_order(current->domain) ||
        !guest_range_ok(a->r.extent_start, a->r.nr_extents * sizeof(xen_pfn_t))) {
        return false;
    }
    return c->cmd == XENMEM_decrease_reservation ||
           memory_placement_from(a->r.mem_flags, &a->where);
}

long memory_reservation(const struct memory_call *c)
{
    struct reservation a;
    uint64_t i = c->start;
    long rc;

    if (!reservation_args_ok(c, &a)) {
        return (long)c->start;
    }
    a.d = memory_target(a.r.domid, &rc);
    if (a.d == NULL) {
        return (long)c->start;
    }
    for (; i < a.r.nr_extents; i++) {
        bool ok;

        if (i != c->start && preempt_needed()) {
            domain_put(a.d);
            return memory_continue(c, i);
        }
        if (c->cmd == XENMEM_populate_physmap) {
            ok = populate_one(&a, i);
        } else if (c->cmd == XENMEM_decrease_reservation) {
            ok = decrease_one(&a, i);
        } else {
            ok = increase_one(&a, i);
        }
        if (!ok) {
            break;
        }
    }
    domain_put(a.d);
    return (long)i;
}

/* --- the table -------------------------------------------------------------------------------- */

static long max_ram_page(const struct memory_call *c)
{
    (void)c;
    return (long)arch_max_mfn();
}

static long none_shared(const struct memory_call *c)
{
    (void)c;
    return 0; /* no page is ever shared between domains: both counters stay zero */
}

static long no_vnuma(const struct memory_call *c)
{
    (void)c;
    return -EOPNOTSUPP; /* any other error makes tools refuse to save a domain */
}

static long arch_row(const struct memory_call *c)
{
    return arch_memory_op((unsigned)c->cmd, c->arg);
}

struct memory_row {
    const char *name;
    memory_fn fn;
    access_fn access; /* calls that name a domain ask access_target() about it besides */
};

#define ROW(op, fn, who) [XENMEM_##op] = {#op, fn, access_##who}

static const struct memory_row rows[MEMOP_MASK + 1] = {
    ROW(increase_reservation, memory_reservation, any),
    ROW(decrease_reservation, memory_reservation, any),
    ROW(populate_physmap, memory_reservation, any),
    ROW(exchange, memory_exchange, any),
    ROW(maximum_ram_page, max_ram_page, any),
    ROW(current_reservation, memory_current, any),
    ROW(maximum_reservation, memory_maximum, any),
    ROW(maximum_gpfn, memory_max_gpfn, any),
    ROW(add_to_physmap, memory_add_to_physmap, any),
    ROW(add_to_physmap_batch, memory_add_to_physmap_batch, any),
    ROW(remove_from_physmap, memory_remove_from_physmap, any),
    ROW(claim_pages, memory_claim, control),
    ROW(acquire_resource, memory_acquire_resource, control),
    ROW(reserved_device_memory_map, memory_reserved_device_map, any),
    ROW(get_sharing_freed_pages, none_shared, any),
    ROW(get_sharing_shared_pages, none_shared, any),
    ROW(get_vnumainfo, no_vnuma, any),
    ROW(machphys_mfn_list, arch_row, any),
    ROW(machphys_mapping, arch_row, any),
    ROW(memory_map, arch_row, any),
    ROW(machine_memory_map, arch_row, control),
    ROW(set_memory_map, arch_row, any), /* asks access_target() */
};

CORE_CALL(do_memory_op)
{
    struct memory_call c = {
        .arg = GUEST_PTR(a2),
        .start = a1 >> MEMOP_BITS,
        .cmd = index_nospec(a1 & MEMOP_MASK, MEMOP_MASK + 1),
    };
    const struct memory_row *row = &rows[c.cmd];

    if (row->fn == NULL) {
        return -ENOSYS;
    }
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    return row->fn(&c);
}
