/* SPDX-License-Identifier: MIT */
/*
 * Mapping other domains' grants: handles, and the map track that gives them meaning.
 *
 * Map: reserve a handle, begin a use of the grant, let the machine write the page-table entry,
 * publish the handle. Unmap: claim the handle (busy), let the machine take the entry away and
 * flush it, end the use, free the handle. A claimed handle is invalid for everybody else, so two
 * processors cannot take down one mapping twice, and no lock is held while page tables change.
 */
#include "core/grant.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define INDEX_MASK      ((1u << MAPTRACK_INDEX_BITS) - 1)
#define GENERATION_MASK ((1u << (32 - MAPTRACK_INDEX_BITS)) - 1)
#define KEPT_FLAGS                                                                                 \
    (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | GNTMAP_application_map |              \
     GNTMAP_contains_pte)
#define KNOWN_FLAGS (KEPT_FLAGS | GNTMAP_guest_avail_mask)
#define WALK_BATCH  32

static struct maptrack *entry_at(const struct grant_table *gt, uint32_t index)
{
    return &gt->maptrack[index / MAPTRACK_PER_FRAME][index % MAPTRACK_PER_FRAME];
}

/* --- handles ---------------------------------------------------------------------------------- */

static bool grow_locked(struct domain *d)
{
    struct grant_table *gt = d->grants;
    uint32_t first = gt->nr_maptrack_frames * MAPTRACK_PER_FRAME;
    struct maptrack *frame;

    if (gt->nr_maptrack_frames == d->max_maptrack_frames) {
        return false;
    }
    if (gt->maptrack == NULL) {
        gt->maptrack = heap_alloc(d->max_maptrack_frames * sizeof(gt->maptrack[0]));
        if (gt->maptrack == NULL) {
            return false;
        }
    }
    frame = heap_alloc_pages(0);
    if (frame == NULL) {
        return false;
    }
    for (unsigned i = 0; i < MAPTRACK_PER_FRAME; i++) {
        frame[i].ref = i + 1 < MAPTRACK_PER_FRAME ? first + i + 1 : MAPTRACK_NONE;
    }
    gt->maptrack[gt->nr_maptrack_frames] = frame;
    __atomic_store_n(&gt->nr_maptrack_frames, gt->nr_maptrack_frames + 1, __ATOMIC_RELEASE);
    gt->maptrack_free = first;
    return true;
}

/* A handle nobody can use yet, or NULL. */
static struct maptrack *handle_reserve(struct domain *d, grant_handle_t *handle)
{
    struct grant_table *gt = d->grants;
    struct maptrack *e = NULL;

    spin_lock(&gt->maptrack_lock);
    if (gt->maptrack_free != MAPTRACK_NONE || grow_locked(d)) {
        e = entry_at(gt, gt->maptrack_free);
        *handle = gt->maptrack_free | (uint32_t)e->generation << MAPTRACK_INDEX_BITS;
        gt->maptrack_free = e->ref;
        e->busy = true;
    }
    spin_unlock(&gt->maptrack_lock);
    return e;
}

/* A busy entry belongs to who made it so; it is given back by the last store, without the lock. */
static void handle_unclaim(struct maptrack *e)
{
    __atomic_store_n(&e->busy, false, __ATOMIC_RELEASE);
}

static void handle_publish(struct maptrack *e, struct domain *rd, grant_ref_t ref, uint32_t flags)
{
    e->rd = rd;
    e->ref = ref;
    e->flags = (uint8_t)(flags & KEPT_FLAGS);
    handle_unclaim(e);
}

static void handle_free(struct domain *d, struct maptrack *e, grant_handle_t handle)
{
    struct grant_table *gt = d->grants;

    spin_lock(&gt->maptrack_lock);
    e->rd = NULL;
    e->flags = 0;
    e->busy = false;
    e->generation = (uint16_t)((e->generation + 1u) & GENERATION_MASK);
    e->ref = gt->maptrack_free;
    gt->maptrack_free = handle & INDEX_MASK;
    spin_unlock(&gt->maptrack_lock);
}

/* Make a live handle ours alone, or NULL. */
static struct maptrack *handle_claim(struct domain *d, grant_handle_t handle)
{
    struct grant_table *gt = d->grants;
    uint32_t index = handle & INDEX_MASK, nr;
    struct maptrack *e = NULL;

    spin_lock(&gt->maptrack_lock);
    nr = gt->nr_maptrack_frames * MAPTRACK_PER_FRAME;
    if (index < nr) {
        e = entry_at(gt, (uint32_t)index_nospec(index, nr));
        if (__atomic_load_n(&e->busy, __ATOMIC_ACQUIRE) || e->rd == NULL ||
            e->generation != handle >> MAPTRACK_INDEX_BITS) {
            e = NULL;
        } else {
            e->busy = true;
        }
    }
    spin_unlock(&gt->maptrack_lock);
    return e;
}

/* The page of a mapping: fixed as long as the handle lives. */
static struct page *page_of(const struct maptrack *e)
{
    return e->rd->grants->active[e->ref / GRANTS_PER_FRAME][e->ref % GRANTS_PER_FRAME].page;
}

/* --- map -------------------------------------------------------------------------------------- */

static int map_granted(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op)
{
    bool readonly = (op->flags & GNTMAP_readonly) != 0;
    grant_handle_t handle;
    struct maptrack *e;
    struct page *pg;
    mfn_t mfn;
    int rc;

    e = handle_reserve(ld, &handle);
    if (e == NULL) {
        return GNTST_no_space;
    }
    rc = grant_use(ld, rd, op->ref, readonly, &pg);
    if (rc != GNTST_okay) {
        handle_free(ld, e, handle);
        return rc;
    }
    mfn = arch_page_to_mfn(pg);
    if ((op->flags & GNTMAP_host_map) != 0) {
        if (arch_grant_map(current, op->host_addr, mfn, op->flags, !readonly) != 0) {
            grant_unuse(rd, op->ref, readonly, pg);
            handle_free(ld, e, handle);
            return GNTST_general_error;
        }
    }
    handle_publish(e, rd, op->ref, op->flags);
    op->handle = handle;
    op->dev_bus_addr = mfn_to_paddr(mfn);
    return GNTST_okay;
}

void grant_map_one(struct gnttab_map_grant_ref *op)
{
    struct domain *rd;
    int rc;

    if ((op->flags & (GNTMAP_device_map | GNTMAP_host_map)) == 0 ||
        (op->flags & ~(uint32_t)KNOWN_FLAGS) != 0) {
        op->status = GNTST_bad_gntref;
        return;
    }
    rd = domain_get(op->dom);
    if (rd == NULL) {
        op->status = GNTST_bad_domain;
        return;
    }
    rc = map_granted(current->domain, rd, op);
    if (rc != GNTST_okay) {
        domain_put(rd); /* else the handle keeps it */
    }
    op->status = (int16_t)rc;
}

/* --- unmap ------------------------------------------------------------------------------------ */

/* End what is left of a claimed mapping. */
static void release(struct domain *ld, struct maptrack *e, grant_handle_t handle)
{
    struct domain *rd = e->rd;

    grant_unuse(rd, e->ref, (e->flags & GNTMAP_readonly) != 0, page_of(e));
    handle_free(ld, e, handle);
    domain_put(rd);
}

struct unmap_args {
    uint64_t host_addr, dev_bus_addr, new_addr;
    grant_handle_t handle;
    bool replace;
};

static int unmap_common(const struct unmap_args *a)
{
    struct domain *ld = current->domain;
    struct maptrack *e = handle_claim(ld, a->handle);
    int rc = GNTST_okay;
    mfn_t mfn;

    if (e == NULL) {
        return GNTST_bad_handle;
    }
    mfn = arch_page_to_mfn(page_of(e));
    if (a->dev_bus_addr != 0 && (e->flags & GNTMAP_device_map) != 0) {
        if (a->dev_bus_addr >> PAGE_SHIFT != mfn.v) {
            rc = GNTST_general_error;
        } else {
            e->flags &= (uint8_t)~GNTMAP_device_map;
        }
    }
    if (rc == GNTST_okay && a->host_addr != 0 && (e->flags & GNTMAP_host_map) != 0) {
        if (arch_grant_unmap(current, a->host_addr, mfn, e->flags, a->new_addr, a->replace) == 0) {
            e->flags &= (uint8_t)~GNTMAP_host_map;
        } else {
            rc = GNTST_general_error;
        }
    }
    if ((e->flags & (GNTMAP_device_map | GNTMAP_host_map)) == 0) {
        release(ld, e, a->handle);
    } else {
        handle_unclaim(e);
    }
    return rc;
}

void grant_unmap_one(struct gnttab_unmap_grant_ref *op)
{
    struct unmap_args a = {
        .host_addr = op->host_addr,
        .dev_bus_addr = op->dev_bus_addr,
        .handle = op->handle,
    };

    op->status = (int16_t)unmap_common(&a);
}

void grant_replace_one(struct gnttab_unmap_and_replace *op)
{
    struct unmap_args a = {
        .host_addr = op->host_addr,
        .new_addr = op->new_addr,
        .handle = op->handle,
        .replace = op->new_addr != 0,
    };

    op->status = (int16_t)unmap_common(&a);
}

/* Its vcpus never run again, so nothing has to be flushed and no page-table entry is touched. */
int grant_relinquish(struct domain *d)
{
    struct grant_table *gt = d->grants;

    if (gt == NULL) {
        return 0;
    }
    while (gt->relinquish_pos < gt->nr_maptrack_frames * MAPTRACK_PER_FRAME) {
        uint32_t index = gt->relinquish_pos++;
        struct maptrack *e = entry_at(gt, index);

        if (e->rd != NULL) {
            ASSERT(!e->busy);
            release(d, e, index);
        }
        if (gt->relinquish_pos % WALK_BATCH == 0 && preempt_needed()) {
            return -ERESTART;
        }
    }
    return 0;
}
