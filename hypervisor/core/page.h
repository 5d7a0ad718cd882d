/* SPDX-License-Identifier: MIT */
/*
 * The frame table: one struct page for each machine frame up to the last RAM frame.
 *
 *   state       owner      refs                      type
 *   free        NULL       0                         0        in a free list (core/page_alloc.c)
 *   hypervisor  NULL       0                         0        heap, page tables of ours, tables
 *   guest       domain     PAGE_ALLOCATED|n          t|count  n counts every use; the allocation
 *                                                             itself is one of them
 *   shared      domain     as guest, not in the domain's list and not in its page count
 *   device      dom_io     as guest, never freed     writable or none
 *
 * refs: bit 63 PAGE_ALLOCATED is set while the domain holds the page (and then counts one
 * reference); the low 32 bits count. The last put of a page frees it. Counts saturate with an
 * error, they never wrap.
 * type: rules and layout belong to the guest mode (x86/pv/page_type.h); zero means "no type".
 */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include "core/types.h"
#include "lib/list.h"

struct domain;

#define PAGE_ALLOCATED (1ULL << 63) /* the owner's own reference */
#define PAGE_XENHEAP   (1ULL << 62) /* shared with a guest, memory of the hypervisor's budget */
#define PAGE_FREE      (1ULL << 61) /* head of a free block; order below */
#define PAGE_BROKEN    (1ULL << 60) /* outside RAM or reserved; never allocated */
#define PAGE_DEFER     (1ULL << 59) /* unshared and given back: the last put frees it */
#define PAGE_HOT       (1ULL << 58) /* in the short stack of free single pages */
#define PAGE_REFS_MASK 0xffffffffULL

struct page {
    uint64_t refs;        /* atomic */
    uint64_t type;        /* atomic; see x86/pv/page_type.h */
    struct domain *owner; /* NULL: free or the hypervisor's */
    struct list_node list; /* domain's page list, or free list */
    union {
        uint64_t free_order; /* head of a free block */
        uint64_t partial;    /* PV: how far a preempted (de)validation came */
        uint64_t mirror;     /* PV: mfn of the mirror of a table frame, 0 none */
    };
    uint64_t tlb_stamp; /* x86/mm/tlb.c: flush clock when its last type or owner was dropped */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct page) == 64, "frame table entry");

/* Take a reference if the page is owned by d (any owner if d is NULL) and alive. */
bool page_get(struct page *pg, const struct domain *d);
/* Take one more reference; the caller holds one. False when the count would overflow. */
bool page_get_more(struct page *pg);
/* Drop a reference; the last one frees the page (by guest_ops cleanup, then page_free_domain). */
void page_put(struct page *pg);

/* --- page_alloc.c: buddy allocator, one lock a node ------------------------------------------ */
enum page_alloc_flags {
    PAGE_ALLOC_NO_SCRUB = 1u << 0,  /* caller overwrites all of it */
    PAGE_ALLOC_EXACT_NODE = 1u << 1,
    PAGE_ALLOC_NO_OWNER_LIST = 1u << 2,
};
#define NODE_ANY  (-1)
#define WIDTH_ANY 64
#define MAX_ORDER 20

/* Give the allocator RAM that is free: called by the machine at boot, [start, end) frames. */
void page_alloc_add_range(mfn_t start, mfn_t end, unsigned node);
/*
 * 2^order contiguous frames whose machine addresses fit `width` bits, on `node` (or NODE_ANY);
 * for the hypervisor: no owner, zero-filled unless PAGE_ALLOC_NO_SCRUB. NULL: none left.
 */
struct page *page_alloc(unsigned order, int node, unsigned width, unsigned flags);
void page_free(struct page *pg, unsigned order);
/*
 * The same for a domain: charged against d->max_pages, owner d, refs = PAGE_ALLOCATED|1 each,
 * put on d's page list; all frames zero-filled. NULL: none left or over the limit.
 */
struct page *page_alloc_domain(struct domain *d, unsigned order, int node, unsigned width,
                               unsigned flags);
/* Give up the allocation reference of a domain's page (PAGE_ALLOCATED): true if it was set. */
bool page_release_alloc(struct page *pg);
/* Called by page_put for the last reference: uncharge, unlink, scrub, free. */
void page_free_domain(struct page *pg);
/* Make a hypervisor page (from page_alloc) visible to d: owner d, one allocation reference. */
void page_share(struct page *pg, struct domain *d, bool writable);
/*
 * Undo page_share before freeing; the domain is dying. Somebody may still map the page: then
 * freeing it (page_free, heap_free_pages) only marks it, and the last page_put frees it.
 */
void page_unshare(struct page *pg);
/*
 * Take frames out of the free lists' counts and give them to d; the second half of
 * page_alloc_domain, for frames that come from page_alloc. -EPERM: over the limit, -EINVAL: dying.
 */
int page_charge(struct domain *d, struct page *pg, unsigned order);
/* Move an allocated page from its owner to another domain or back: -errno. */
int page_assign(struct page *pg, struct domain *d);

unsigned page_alloc_nr_nodes(void);
uint64_t page_alloc_free_count(void);            /* frames */
uint64_t page_alloc_free_count_node(unsigned node, unsigned width);
uint64_t page_alloc_total(void);
uint64_t page_alloc_outstanding_claims(void);
int page_claim(struct domain *d, uint64_t pages); /* 0 cancels; -ENOMEM, -EINVAL */

/* Between page.c and page_alloc.c. */
uint64_t page_claim_use(struct domain *d, uint64_t pages); /* page_lock held: use up the claim */
void page_claim_unuse(struct domain *d, uint64_t pages);   /* not used after all */
bool page_unshared_idle(struct page *pg);

/* --- heap.c: small objects ------------------------------------------------------------------- */
void *heap_alloc(size_t size);  /* zero-filled, 16-byte aligned; NULL when out of memory */
void heap_free(void *p);        /* NULL is fine */
/* Whole pages, zero-filled, reachable through arch_page_virt(). */
void *heap_alloc_pages(unsigned order);
void heap_free_pages(void *p, unsigned order);

#endif
