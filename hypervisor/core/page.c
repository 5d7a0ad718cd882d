/* SPDX-License-Identifier: MIT */
/*
 * References and owners of pages (page.h has the table of states).
 *
 * A domain's page count and page list change under its page_lock. While it owns any page a domain
 * has one reference of its own for them all, so that the owner of a page that somebody still maps
 * never goes away. Pages that the hypervisor shares with a domain are not counted there.
 */
#include "core/page.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/printk.h"

/* The highest count that page_get gives: far from the mask, so that nothing can wrap. */
#define REFS_LIMIT (PAGE_REFS_MASK / 2)

HOT bool page_get_more(struct page *pg)
{
    uint64_t old = __atomic_load_n(&pg->refs, __ATOMIC_RELAXED);

    do {
        if ((old & PAGE_REFS_MASK) == 0 || (old & PAGE_REFS_MASK) >= REFS_LIMIT) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&pg->refs, &old, old + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return true;
}

HOT bool page_get(struct page *pg, const struct domain *d)
{
    if (!page_get_more(pg)) {
        return false;
    }
    if (d != NULL && __atomic_load_n(&pg->owner, __ATOMIC_RELAXED) != d) {
        page_put(pg);
        return false;
    }
    return true;
}

static APART void put_last(struct page *pg, uint64_t refs)
{
    if (refs & PAGE_XENHEAP) {
        if (refs & PAGE_DEFER) {
            arch_page_freed(pg);
            pg->owner = NULL;
            pg->refs = 0;
            page_free(pg, 0);
        }
        return;
    }
    page_free_domain(pg);
}

HOT void page_put(struct page *pg)
{
    uint64_t now = __atomic_sub_fetch(&pg->refs, 1, __ATOMIC_ACQ_REL);

    ASSERT((now & PAGE_REFS_MASK) != PAGE_REFS_MASK);
    if ((now & PAGE_REFS_MASK) == 0) {
        put_last(pg, now);
    }
}

bool page_release_alloc(struct page *pg)
{
    uint64_t old = __atomic_fetch_and(&pg->refs, ~PAGE_ALLOCATED, __ATOMIC_ACQ_REL);

    if (!(old & PAGE_ALLOCATED)) {
        return false;
    }
    page_put(pg);
    return true;
}

/* --- charge and uncharge ---------------------------------------------------------------------- */

/* Reserve n pages of d's limit; true if d had none before and so needs a reference. */
static int charge_locked(struct domain *d, uint64_t n)
{
    if (!domain_alive(d)) {
        return -EINVAL;
    }
    if (d->tot_pages + n > d->max_pages || d->tot_pages + n < n) {
        return -EPERM;
    }
    if (d->tot_pages == 0 && !domain_ref(d)) {
        return -EINVAL;
    }
    d->tot_pages += n;
    return 0;
}

/* True: the caller drops the domain's reference after unlocking. */
static bool uncharge_locked(struct domain *d, uint64_t n)
{
    d->tot_pages -= n;
    return d->tot_pages == 0;
}

int page_charge(struct domain *d, struct page *pg, unsigned order)
{
    int rc;

    spin_lock(&d->page_lock);
    rc = charge_locked(d, 1ULL << order);
    if (rc == 0) {
        for (uint64_t i = 0; i < (1ULL << order); i++) {
            pg[i].type = 0;
            pg[i].partial = 0;
            pg[i].owner = d;
            list_add_tail(&d->page_list, &pg[i].list);
            __atomic_store_n(&pg[i].refs, PAGE_ALLOCATED | 1, __ATOMIC_RELEASE);
        }
    }
    spin_unlock(&d->page_lock);
    return rc;
}

struct page *page_alloc_domain(struct domain *d, unsigned order, int node, unsigned width,
                               unsigned flags)
{
    uint64_t n = 1ULL << order, claimed = 0;
    struct page *pg;

    if (!domain_alive(d) || d->tot_pages + n > d->max_pages) {
        return NULL; /* as it seems without the lock; page_charge asks again */
    }
    if (__builtin_expect(d->outstanding_claim != 0, 0)) {
        spin_lock(&d->page_lock);
        claimed = page_claim_use(d, n);
        spin_unlock(&d->page_lock);
    }

    pg = page_alloc(order, node, width, flags);
    if (pg == NULL || page_charge(d, pg, order) != 0) {
        if (pg != NULL) {
            page_free(pg, order);
        }
        page_claim_unuse(d, claimed);
        return NULL;
    }
    return pg;
}

void page_free_domain(struct page *pg)
{
    struct domain *d = pg->owner;
    bool drop = false;

    arch_page_freed(pg);
    if (d == domain_io) {
        panic("the last reference of device frame %lx was dropped",
              (unsigned long)arch_page_to_mfn(pg).v);
    }
    spin_lock(&d->page_lock);
    list_del(&pg->list);
    drop = uncharge_locked(d, 1);
    spin_unlock(&d->page_lock);
    pg->owner = NULL;
    pg->refs = 0;
    page_free(pg, 0);
    if (drop) {
        domain_put(d);
    }
}

/* --- pages of the hypervisor's that a guest sees ---------------------------------------------- */

void page_share(struct page *pg, struct domain *d, bool writable)
{
    pg->owner = d;
    __atomic_add_fetch(&d->extra_pages, 1, __ATOMIC_RELAXED);
    arch_page_shared(pg, writable);
    __atomic_store_n(&pg->refs, PAGE_ALLOCATED | PAGE_XENHEAP | 1, __ATOMIC_RELEASE);
}

void page_unshare(struct page *pg)
{
    struct domain *d = pg->owner;

    if (!(__atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) & PAGE_ALLOCATED)) {
        return;
    }
    __atomic_sub_fetch(&d->extra_pages, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&pg->owner, domain_xen, __ATOMIC_RELEASE);
    page_release_alloc(pg);
}

/*
 * The hypervisor frees a page that was shared. True: nobody uses it, free it now. False: the last
 * user's page_put will.
 */
bool page_unshared_idle(struct page *pg)
{
    uint64_t old = __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE);

    while ((old & PAGE_REFS_MASK) != 0) {
        if (__atomic_compare_exchange_n(&pg->refs, &old, old | PAGE_DEFER, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
            return false;
        }
    }
    if (old & PAGE_XENHEAP) {
        arch_page_freed(pg);
        pg->owner = NULL;
        pg->refs = 0;
    }
    return true;
}

/* --- changing owner --------------------------------------------------------------------------- */

/*
 * A page moves only while the allocation is its one use: refs goes from ALLOCATED|1 to 0 and back,
 * so that nobody can get a reference on the way.
 */
int page_assign(struct page *pg, struct domain *d)
{
    struct domain *from = pg->owner;
    uint64_t expected = PAGE_ALLOCATED | 1;
    bool drop;
    int rc;

    if (from == NULL || from == d) {
        return -EINVAL;
    }
    if (!__atomic_compare_exchange_n(&pg->refs, &expected, 0, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        return -EBUSY;
    }
    spin_lock(&d->page_lock);
    rc = charge_locked(d, 1);
    spin_unlock(&d->page_lock);
    if (rc != 0) {
        __atomic_store_n(&pg->refs, PAGE_ALLOCATED | 1, __ATOMIC_RELEASE);
        return rc;
    }
    spin_lock(&from->page_lock);
    list_del(&pg->list);
    drop = uncharge_locked(from, 1);
    spin_unlock(&from->page_lock);
    arch_page_freed(pg);
    arch_page_reused(pg, 0);

    spin_lock(&d->page_lock);
    pg->owner = d;
    list_add_tail(&d->page_list, &pg->list);
    __atomic_store_n(&pg->refs, PAGE_ALLOCATED | 1, __ATOMIC_RELEASE);
    spin_unlock(&d->page_lock);
    if (drop) {
        domain_put(from);
    }
    return 0;
}
