/* SPDX-License-Identifier: MIT */
/*
 * Buddy allocator, one lock a node.
 *
 * Free blocks lie in lists by zone and order. A zone is an address width: zone z holds frames
 * from 2^(z-1) to 2^z - 1, and a naturally aligned block never crosses that border, so a request
 * for memory below some width looks at the lower zones only, and every request takes the highest
 * zone that serves it: narrow memory is used last. Single pages go through a short stack of
 * recently freed ones, which spares splitting and merging; its pages count as free.
 *
 * Frames are cleared when they are handed out, so nothing has to be done for memory that nobody
 * asks for: adding a range at boot costs a few list insertions, whatever its size.
 *
 * A claim is memory promised to a domain: others may not bring the free count below the sum of
 * all claims.
 */
#include "core/page.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"

#define ZONES     41 /* frame numbers of up to 40 bits */
#define RANGES    256
#define HOT_MAX   256
#define HOT_DRAIN 128

struct zone {
    uint32_t orders; /* bit n: list n is not empty; the head of an empty list is stale */
    uint64_t free;   /* frames */
    struct list_node list[MAX_ORDER + 1];
};

struct node {
    struct spinlock lock;
    bool used;
    uint64_t zones; /* bit z: zone z has free blocks in its lists */
    struct list_node hot;
    unsigned nr_hot;
    struct zone zone[ZONES];
};

struct range {
    uint64_t start, end;
    unsigned node;
};

static struct node nodes[MAX_NODES];
static unsigned nr_nodes;
static struct range ranges[RANGES]; /* filled at boot, constant afterwards */
static unsigned nr_ranges;
static uint64_t total_frames;
static uint64_t free_frames;    /* atomic; goes down before the lists do, and up after */
static uint64_t claimed_frames; /* atomic */

static unsigned zone_of(uint64_t mfn)
{
    return mfn == 0 ? 0 : 64 - (unsigned)__builtin_clzll(mfn);
}

static const struct range *range_of(uint64_t mfn)
{
    for (unsigned i = 0; i < nr_ranges; i++) {
        if (mfn >= ranges[i].start && mfn < ranges[i].end) {
            return &ranges[i];
        }
    }
    panic("frame %lx was never given to the allocator", (unsigned long)mfn);
}

/* --- the lists, under the node's lock ----------------------------------------------------------
 */

static void push_block(struct node *nd, struct page *pg, uint64_t mfn, unsigned order)
{
    unsigned z = zone_of(mfn);
    struct zone *zn = &nd->zone[z];

    if (!(zn->orders & (1u << order))) {
        list_init(&zn->list[order]);
        zn->orders |= 1u << order;
        nd->zones |= 1ULL << z;
    }
    pg->refs = PAGE_FREE;
    pg->free_order = order;
    list_add(&zn->list[order], &pg->list);
}

static void pull_block(struct node *nd, struct page *pg, uint64_t mfn, unsigned order)
{
    unsigned z = zone_of(mfn);
    struct zone *zn = &nd->zone[z];

    list_del(&pg->list);
    pg->refs = 0;
    pg->free_order = 0;
    if (list_empty(&zn->list[order])) {
        zn->orders &= ~(1u << order);
        if (zn->orders == 0) {
            nd->zones &= ~(1ULL << z);
        }
    }
}

/* Put a block into its list, joined with its free buddies of the same range. */
static void merge_block(struct node *nd, const struct range *r, uint64_t mfn, unsigned order)
{
    while (order < MAX_ORDER) {
        uint64_t buddy = mfn ^ (1ULL << order);
        uint64_t low = mfn & ~(1ULL << order);
        struct page *bp;

        if (low == 0 || buddy < r->start || buddy + (1ULL << order) > r->end) {
            break; /* frame 0 belongs to no zone but its own */
        }
        bp = arch_mfn_to_page(MFN(buddy));
        if (!(bp->refs & PAGE_FREE) || bp->free_order != order) {
            break;
        }
        pull_block(nd, bp, buddy, order);
        mfn = low;
        order++;
    }
    push_block(nd, arch_mfn_to_page(MFN(mfn)), mfn, order);
}

static void drain_hot(struct node *nd, unsigned count)
{
    while (count-- > 0 && nd->nr_hot > 0) {
        struct page *pg = list_last_entry(&nd->hot, struct page, list);
        uint64_t mfn = arch_page_to_mfn(pg).v;

        list_del(&pg->list);
        pg->refs = 0;
        nd->nr_hot--;
        merge_block(nd, range_of(mfn), mfn, 0);
    }
}

static struct page *take_block(struct node *nd, unsigned order, uint64_t zone_mask)
{
    uint64_t zones = nd->zones & zone_mask;

    while (zones != 0) {
        unsigned z = 63 - (unsigned)__builtin_clzll(zones);
        struct zone *zn = &nd->zone[z];
        uint32_t fit = zn->orders & ~((1u << order) - 1);

        if (fit != 0) {
            unsigned have = (unsigned)__builtin_ctz(fit);
            struct page *pg = list_first_entry(&zn->list[have], struct page, list);
            uint64_t mfn = arch_page_to_mfn(pg).v;

            pull_block(nd, pg, mfn, have);
            while (have > order) { /* keep the lower half, free the upper */
                have--;
                push_block(nd, pg + (1UL << have), mfn + (1ULL << have), have);
            }
            zn->free -= 1ULL << order;
            return pg;
        }
        zones &= ~(1ULL << z);
    }
    return NULL;
}

static struct page *node_alloc(struct node *nd, unsigned order, uint64_t zone_mask)
{
    unsigned long flags = spin_lock_irqsave(&nd->lock);
    struct page *pg;

    if (order == 0 && nd->nr_hot > 0 && zone_mask == ~0ULL) {
        pg = list_first_entry(&nd->hot, struct page, list);
        list_del(&pg->list);
        nd->nr_hot--;
        pg->refs = 0;
        nd->zone[zone_of(arch_page_to_mfn(pg).v)].free--;
    } else {
        pg = take_block(nd, order, zone_mask);
        if (pg == NULL && nd->nr_hot > 0) {
            drain_hot(nd, nd->nr_hot);
            pg = take_block(nd, order, zone_mask);
        }
    }
    spin_unlock_irqrestore(&nd->lock, flags);
    return pg;
}

/* --- alloc and free ----------------------------------------------------------------------------
 */

/* Take n frames from the free count; claims of others stay covered. */
static bool reserve_frames(uint64_t n)
{
    uint64_t have = __atomic_load_n(&free_frames, __ATOMIC_RELAXED);

    do {
        if (have < n || have - n < __atomic_load_n(&claimed_frames, __ATOMIC_RELAXED)) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&free_frames, &have, have - n, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return true;
}

static struct page *alloc_on_nodes(unsigned order, int node, uint64_t zone_mask, bool exact)
{
    struct page *pg = NULL;

    if (node >= 0 && node < MAX_NODES && nodes[node].used) {
        pg = node_alloc(&nodes[node], order, zone_mask);
    }
    if (pg == NULL && !(exact && node != NODE_ANY)) {
        for (int i = 0; i < MAX_NODES && pg == NULL; i++) {
            if (nodes[i].used && i != node) {
                pg = node_alloc(&nodes[i], order, zone_mask);
            }
        }
    }
    return pg;
}

static uint64_t zone_mask_for(unsigned width)
{
    if (width < PAGE_SHIFT) {
        return 0;
    }
    return width - PAGE_SHIFT >= ZONES - 1 ? ~0ULL : (2ULL << (width - PAGE_SHIFT)) - 1;
}

struct page *page_alloc(unsigned order, int node, unsigned width, unsigned flags)
{
    struct page *pg;

    if (order > MAX_ORDER || !reserve_frames(1ULL << order)) {
        return NULL;
    }
    pg = alloc_on_nodes(order, node, zone_mask_for(width), flags & PAGE_ALLOC_EXACT_NODE);
    if (pg == NULL) {
        __atomic_add_fetch(&free_frames, 1ULL << order, __ATOMIC_ACQ_REL);
        return NULL;
    }
    arch_page_reused(pg, order);
    if (!(flags & PAGE_ALLOC_NO_SCRUB)) {
        for (uint64_t i = 0; i < (1ULL << order); i++) {
            void *va = map_frame(arch_page_to_mfn(&pg[i]));

            arch_clear_page(va);
            unmap_frame(va);
        }
    }
    return pg;
}

static void free_block(struct page *pg, unsigned order)
{
    uint64_t mfn = arch_page_to_mfn(pg).v;
    const struct range *r = range_of(mfn);
    struct node *nd = &nodes[r->node];
    unsigned long flags = spin_lock_irqsave(&nd->lock);

    ASSERT(pg->refs == 0 && pg->owner == NULL);
    nd->zone[zone_of(mfn)].free += 1ULL << order;
    if (order == 0) {
        pg->refs = PAGE_HOT;
        pg->free_order = 0;
        list_add(&nd->hot, &pg->list);
        nd->nr_hot++;
        if (nd->nr_hot > HOT_MAX) {
            drain_hot(nd, HOT_DRAIN);
        }
    } else {
        merge_block(nd, r, mfn, order);
    }
    spin_unlock_irqrestore(&nd->lock, flags);
    __atomic_add_fetch(&free_frames, 1ULL << order, __ATOMIC_ACQ_REL);
}

void page_free(struct page *pg, unsigned order)
{
    uint64_t n = 1ULL << order, i;

    ASSERT(!(pg->refs & (PAGE_FREE | PAGE_HOT))); /* freed twice */
    for (i = 0; i < n && pg[i].refs == 0; i++) {
        pg[i].type = 0;
    }
    if (i == n) {
        free_block(pg, order);
        return;
    }
    for (i = 0; i < n; i++) { /* some were shared with a guest: one by one */
        if (page_unshared_idle(&pg[i])) {
            pg[i].type = 0;
            free_block(&pg[i], 0);
        }
    }
}

/* --- start-up ----------------------------------------------------------------------------------
 */

static void node_init(unsigned node)
{
    if (!nodes[node].used) {
        nodes[node].lock = SPINLOCK(RANK_PAGE_ALLOC);
        list_init(&nodes[node].hot);
        nodes[node].used = true;
        nr_nodes++;
    }
}

void page_alloc_add_range(mfn_t start, mfn_t end, unsigned node)
{
    uint64_t s = start.v, e = MIN(end.v, 1ULL << (ZONES - 1));
    struct node *nd = &nodes[node < MAX_NODES ? node : 0];

    if (s >= e) {
        return;
    }
    if (nr_ranges == RANGES) {
        printk(LOG_WARNING, "memory %lx-%lx is left out: too many ranges\n", (unsigned long)s,
               (unsigned long)e);
        return;
    }
    node_init((unsigned)(nd - nodes));
    ranges[nr_ranges++] = (struct range){.start = s, .end = e, .node = (unsigned)(nd - nodes)};
    total_frames += e - s;
    free_frames += e - s;
    while (s < e) {
        unsigned order = 63 - (unsigned)__builtin_clzll(e - s);

        order = MIN(order, s == 0 ? 0u : (unsigned)__builtin_ctzll(s));
        order = MIN(order, (unsigned)MAX_ORDER);
        nd->zone[zone_of(s)].free += 1ULL << order;
        push_block(nd, arch_mfn_to_page(MFN(s)), s, order);
        s += 1ULL << order;
    }
}

/* --- counts and claims -------------------------------------------------------------------------
 */

unsigned page_alloc_nr_nodes(void)
{
    return nr_nodes;
}

uint64_t page_alloc_free_count(void)
{
    return __atomic_load_n(&free_frames, __ATOMIC_RELAXED);
}

uint64_t page_alloc_free_count_node(unsigned node, unsigned width)
{
    uint64_t mask = zone_mask_for(width), sum = 0;

    if (node >= MAX_NODES) {
        return 0;
    }
    for (unsigned z = 0; z < ZONES; z++) {
        if (mask & (1ULL << z)) {
            sum += __atomic_load_n(&nodes[node].zone[z].free, __ATOMIC_RELAXED);
        }
    }
    return sum;
}

uint64_t page_alloc_total(void)
{
    return total_frames;
}

uint64_t page_alloc_outstanding_claims(void)
{
    return __atomic_load_n(&claimed_frames, __ATOMIC_RELAXED);
}

uint64_t page_claim_use(struct domain *d, uint64_t pages)
{
    uint64_t used = MIN(pages, d->outstanding_claim);

    if (used != 0) {
        d->outstanding_claim -= used;
        __atomic_sub_fetch(&claimed_frames, used, __ATOMIC_ACQ_REL);
    }
    return used;
}

void page_claim_unuse(struct domain *d, uint64_t pages)
{
    if (pages != 0) {
        spin_lock(&d->page_lock);
        if (domain_alive(d)) {
            d->outstanding_claim += pages;
            __atomic_add_fetch(&claimed_frames, pages, __ATOMIC_ACQ_REL);
        }
        spin_unlock(&d->page_lock);
    }
}

int page_claim(struct domain *d, uint64_t pages)
{
    int rc = 0;

    spin_lock(&d->page_lock);
    if (pages == 0) {
        page_claim_use(d, d->outstanding_claim);
    } else if (d->outstanding_claim != 0 || pages <= d->tot_pages || pages > d->max_pages ||
               !domain_alive(d)) {
        rc = -EINVAL;
    } else {
        uint64_t want = pages - d->tot_pages;
        uint64_t old = __atomic_load_n(&claimed_frames, __ATOMIC_RELAXED);

        do {
            uint64_t have = page_alloc_free_count();

            if (have < old || have - old < want) {
                rc = -ENOMEM;
                break;
            }
        } while (!__atomic_compare_exchange_n(&claimed_frames, &old, old + want, true,
                                              __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
        if (rc == 0) {
            d->outstanding_claim = want;
        }
    }
    spin_unlock(&d->page_lock);
    return rc;
}
