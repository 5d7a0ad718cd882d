/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: give pages and get as many others with other properties (contiguous, narrow
 * addresses), as a driver's bounce buffer needs. Only for the caller's own pages.
 *
 * The work is done by chunks of the larger of the two orders, each all or nothing:
 *
 *   take    each input page must have the allocation as its only use; its count goes to zero, so
 *           that nobody can get at it, and it waits in a list of ours
 *   make    output pages come from the allocator uncharged; the guest's names for them are read
 *   commit  outputs take the inputs' places in the domain's list; the page count never changes
 *
 * Any failure before the commit puts the inputs back as they were.
 */
#include "core/errno.h"
#include "core/memory.h"
#include "core/softirq.h"

struct exchange {
    struct domain *d;
    struct xen_memory_exchange e;
    struct memory_placement where;
    struct list_node in, out; /* pages of this chunk; of outputs the first page of each extent */
};

static bool take_page(struct exchange *x, uint64_t mfn)
{
    struct page *pg = arch_mfn_to_page(MFN(mfn));
    uint64_t expected = PAGE_ALLOCATED | 1;
    bool ok;

    if (pg == NULL) {
        return false;
    }
    spin_lock(&x->d->page_lock);
    ok = pg->owner == x->d &&
         __atomic_compare_exchange_n(&pg->refs, &expected, 0, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
    if (ok) {
        list_move_tail(&x->in, &pg->list);
    }
    spin_unlock(&x->d->page_lock);
    return ok;
}

static void put_back(struct exchange *x)
{
    spin_lock(&x->d->page_lock);
    while (!list_empty(&x->in)) {
        struct page *pg = list_first_entry(&x->in, struct page, list);

        list_move_tail(&x->d->page_list, &pg->list);
        __atomic_store_n(&pg->refs, PAGE_ALLOCATED | 1, __ATOMIC_RELEASE);
    }
    spin_unlock(&x->d->page_lock);
}

static void free_outputs(struct exchange *x)
{
    while (!list_empty(&x->out)) {
        struct page *pg = list_first_entry(&x->out, struct page, list);

        list_del(&pg->list);
        pg->partial = 0;
        page_free(pg, x->e.out.extent_order);
    }
}

static int take_inputs(struct exchange *x, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        xen_pfn_t mfn;

        if (guest_get_at(&mfn, x->e.in.extent_start, i) != 0) {
            return -EFAULT;
        }
        for (uint64_t j = 0; j < (1ULL << x->e.in.extent_order); j++) {
            if (!take_page(x, mfn + j)) {
                return -EINVAL;
            }
        }
    }
    return 0;
}

static int make_outputs(struct exchange *x, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct page *pg;
        xen_pfn_t gpfn;

        if (guest_get_at(&gpfn, x->e.out.extent_start, i) != 0) {
            return -EFAULT;
        }
        pg = page_alloc(x->e.out.extent_order, x->where.node, x->where.width, x->where.flags);
        if (pg == NULL) {
            return -ENOMEM;
        }
        pg->partial = gpfn; /* free for our use until the page is a guest's */
        list_add_tail(&x->out, &pg->list);
    }
    return 0;
}

static void drop_inputs(struct exchange *x)
{
    while (!list_empty(&x->in)) {
        struct page *pg = list_first_entry(&x->in, struct page, list);

        list_del(&pg->list);
        arch_page_freed(pg);
        pg->owner = NULL;
        page_free(pg, 0);
    }
}

/* The outputs are the domain's from here on; the first error in telling it is kept. */
static int commit(struct exchange *x, uint64_t first)
{
    unsigned order = x->e.out.extent_order;
    int rc = 0;

    while (!list_empty(&x->out)) {
        struct page *pg = list_first_entry(&x->out, struct page, list);
        xen_pfn_t gpfn = pg->partial, mfn = arch_page_to_mfn(pg).v;

        list_del(&pg->list);
        spin_lock(&x->d->page_lock);
        for (uint64_t j = 0; j < (1ULL << order); j++) {
            pg[j].type = 0;
            pg[j].partial = 0;
            pg[j].owner = x->d;
            list_add_tail(&x->d->page_list, &pg[j].list);
            __atomic_store_n(&pg[j].refs, PAGE_ALLOCATED | 1, __ATOMIC_RELEASE);
        }
        spin_unlock(&x->d->page_lock);
        if (x->d->ops->page_added(x->d, GFN(gpfn), pg, order) != 0 ||
            guest_put_at(x->e.out.extent_start, first, &mfn) != 0) {
            rc = -EFAULT;
        }
        first++;
    }
    drop_inputs(x);
    return rc;
}

static int exchange_chunk(struct exchange *x, uint64_t in_first, uint64_t in_count,
                          uint64_t out_first, uint64_t out_count)
{
    int rc;

    list_init(&x->in);
    list_init(&x->out);
    rc = take_inputs(x, in_first, in_count);
    if (rc == 0) {
        rc = make_outputs(x, out_first, out_count);
    }
    if (rc != 0) {
        free_outputs(x);
        put_back(x);
        return rc;
    }
    return commit(x, out_first);
}

static long check_args(struct exchange *x)
{
    const struct xen_memory_reservation *in = &x->e.in, *out = &x->e.out;
    unsigned max = memory_max_order(x->d);

    if (in->extent_order > max || out->extent_order > max) {
        return -EPERM;
    }
    if (x->e.nr_exchanged > in->nr_extents || in->nr_extents > ~0UL >> (max + 1) ||
        out->nr_extents > ~0UL >> (max + 1) ||
        in->nr_extents << in->extent_order != out->nr_extents << out->extent_order ||
        !memory_placement_from(out->mem_flags, &x->where)) {
        return -EINVAL;
    }
    if (!guest_range_ok(in->extent_start, in->nr_extents * sizeof(xen_pfn_t)) ||
        !guest_range_ok(out->extent_start, out->nr_extents * sizeof(xen_pfn_t))) {
        return -EFAULT;
    }
    if ((in->domid != DOMID_SELF && in->domid != x->d->id) ||
        (out->domid != DOMID_SELF && out->domid != x->d->id)) {
        return -EPERM;
    }
    return 0;
}

long memory_exchange(const struct memory_call *c)
{
    struct exchange x = {.d = current->domain};
    uint64_t in_step = 1, out_step = 1;
    bool preempted = false;
    guest_ptr_t done_at = c->arg;
    long rc;

    if (guest_get(&x.e, c->arg) != 0) {
        return -EFAULT;
    }
    rc = check_args(&x);
    if (rc != 0) {
        return rc;
    }
    if (x.e.in.extent_order <= x.e.out.extent_order) {
        in_step = 1ULL << (x.e.out.extent_order - x.e.in.extent_order);
    } else {
        out_step = 1ULL << (x.e.in.extent_order - x.e.out.extent_order);
    }
    if (x.e.nr_exchanged % in_step != 0) {
        return -EINVAL;
    }
    while (x.e.nr_exchanged < x.e.in.nr_extents) {
        uint64_t chunk = x.e.nr_exchanged / in_step;

        rc = exchange_chunk(&x, chunk * in_step, in_step, chunk * out_step, out_step);
        if (rc != 0) {
            break;
        }
        x.e.nr_exchanged += in_step;
        preempted = preempt_needed() && x.e.nr_exchanged < x.e.in.nr_extents;
        if (preempted) {
            break;
        }
    }
    done_at.va += offsetof(struct xen_memory_exchange, nr_exchanged);
    if (guest_write(done_at, &x.e.nr_exchanged, sizeof(x.e.nr_exchanged)) != 0) {
        return -EFAULT;
    }
    return preempted ? memory_continue(c, 0) : rc;
}
