/* SPDX-License-Identifier: MIT */
/*
 * A domain's own grants: shared frames, made on demand, and the active entries that count uses.
 *
 * To use a grant the shared word (flags and grantee, 32 bits) is marked by compare-and-swap: from
 * then on the guest may no longer change the entry, and the frame number is read, once. While
 * the use lasts the answer lies in the active entry; what the guest does to its shared page by
 * then matters no more.
 */
#include "core/grant.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/printk.h"
#include "lib/lib.h"

#define MARK_TRIES 5
#define USES_MAX   0xffffu

int grant_domain_init(struct domain *d)
{
    struct grant_table *gt;

    if (d->max_grant_frames == ~0U) {
        d->max_grant_frames = GRANT_FRAMES_DEFAULT;
    }
    if (d->max_maptrack_frames == ~0U) {
        d->max_maptrack_frames = MAPTRACK_FRAMES_DEFAULT;
    }
    if (d->max_grant_frames == 0 || d->max_grant_frames > GRANT_FRAMES_LIMIT ||
        d->max_maptrack_frames > MAPTRACK_FRAMES_LIMIT) {
        return -EINVAL;
    }
    gt = heap_alloc(sizeof(*gt) + d->max_grant_frames * 2 * sizeof(void *));
    if (gt == NULL) {
        return -ENOMEM;
    }
    gt->lock = SPINLOCK(RANK_GRANT_TABLE);
    gt->maptrack_lock = SPINLOCK(RANK_MAPTRACK);
    gt->maptrack_free = MAPTRACK_NONE;
    gt->shared = (void *)(gt + 1);
    gt->active = (void *)(gt->shared + d->max_grant_frames);
    d->grants = gt;
    return 0;
}

void grant_domain_destroy(struct domain *d)
{
    struct grant_table *gt = d->grants;

    if (gt == NULL) {
        return;
    }
    for (unsigned i = 0; i < gt->nr_frames; i++) {
        page_unshare(arch_virt_to_page(gt->shared[i]));
        heap_free_pages(gt->shared[i], 0);
        heap_free_pages(gt->active[i], 1);
    }
    for (unsigned i = 0; i < gt->nr_maptrack_frames; i++) {
        heap_free_pages(gt->maptrack[i], 0);
    }
    heap_free(gt->maptrack);
    heap_free(gt);
    d->grants = NULL;
}

/* --- frames ----------------------------------------------------------------------------------- */

static int add_frame_locked(struct domain *d)
{
    struct grant_table *gt = d->grants;
    void *shared = heap_alloc_pages(0), *active = heap_alloc_pages(1);

    if (shared == NULL || active == NULL) {
        heap_free_pages(shared, 0);
        heap_free_pages(active, 1);
        return -ENOMEM;
    }
    page_share(arch_virt_to_page(shared), d, true);
    gt->shared[gt->nr_frames] = shared;
    gt->active[gt->nr_frames] = active;
    __atomic_store_n(&gt->nr_frames, gt->nr_frames + 1, __ATOMIC_RELEASE);
    return 0;
}

int grant_grow(struct domain *d, unsigned nr_frames)
{
    int rc = 0;

    if (nr_frames > d->max_grant_frames) {
        return -EINVAL;
    }
    spin_lock(&d->grants->lock);
    while (rc == 0 && d->grants->nr_frames < nr_frames) {
        rc = domain_alive(d) ? add_frame_locked(d) : -EINVAL;
    }
    spin_unlock(&d->grants->lock);
    return rc;
}

struct page *grant_shared_page(struct domain *d, unsigned index)
{
    unsigned nr = __atomic_load_n(&d->grants->nr_frames, __ATOMIC_ACQUIRE);

    if (index >= nr) {
        return NULL;
    }
    return arch_virt_to_page(d->grants->shared[index_nospec(index, nr)]);
}

/* --- uses ------------------------------------------------------------------------------------- */

/* Flags and grantee as one word, so that both are seen and marked at once. */
static uint32_t *entry_word(struct grant_entry_v1 *e)
{
    return (uint32_t *)(void *)e;
}

static int mark_shared(struct grant_entry_v1 *e, domid_t grantee, bool readonly)
{
    uint32_t old = __atomic_load_n(entry_word(e), __ATOMIC_RELAXED);
    uint32_t marks = readonly ? GTF_reading : GTF_reading | GTF_writing;

    for (unsigned i = 0; i < MARK_TRIES; i++) {
        if ((old & GTF_type_mask) != GTF_permit_access || old >> 16 != grantee ||
            (!readonly && (old & GTF_readonly) != 0)) {
            return GNTST_general_error;
        }
        if (__atomic_compare_exchange_n(entry_word(e), &old, old | marks, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
            return GNTST_okay;
        }
    }
    return GNTST_general_error; /* the guest keeps changing it */
}

static void unmark_shared(struct grant_entry_v1 *e, uint32_t marks)
{
    __atomic_fetch_and(&e->flags, (uint16_t)~marks, __ATOMIC_SEQ_CST);
}

static uint32_t unused_marks(const struct grant_active *act)
{
    if (act->writers != 0) {
        return 0;
    }
    return act->readers != 0 ? GTF_writing : GTF_writing | GTF_reading;
}

/* One more use of an entry that is in use already. */
static int use_again(struct grant_active *act, struct grant_entry_v1 *e, domid_t grantee,
                     bool readonly)
{
    int rc = GNTST_okay;

    if (act->domid != grantee) {
        return GNTST_general_error;
    }
    if (act->readers == USES_MAX || act->writers == USES_MAX) {
        return GNTST_no_space;
    }
    if (!readonly && act->writers == 0) {
        rc = mark_shared(e, grantee, false);
        if (rc != GNTST_okay) {
            return rc;
        }
    }
    if (!page_get_more(act->page)) {
        rc = GNTST_no_space;
    } else if (!readonly && !page_get_writable(act->page)) {
        page_put(act->page); /* not the last: the entry is in use */
        rc = GNTST_general_error;
    }
    return rc;
}

static int use_first(struct domain *rd, struct grant_active *act, struct grant_entry_v1 *e,
                     domid_t grantee, bool readonly)
{
    int rc = mark_shared(e, grantee, readonly);

    if (rc != GNTST_okay) {
        return rc;
    }
    act->page = rd->ops->get_page(rd, GFN(__atomic_load_n(&e->frame, __ATOMIC_RELAXED)), !readonly);
    act->domid = grantee;
    return act->page != NULL ? GNTST_okay : GNTST_bad_page;
}

HOT int grant_use(struct domain *ld, struct domain *rd, grant_ref_t ref, bool readonly,
              struct page **out)
{
    struct grant_table *gt = rd->grants;
    struct grant_entry_v1 *e;
    struct grant_active *act;
    int rc;

    spin_lock(&gt->lock);
    if (ref >= gt->nr_frames * GRANTS_PER_FRAME || !domain_alive(rd)) {
        spin_unlock(&gt->lock);
        return GNTST_bad_gntref;
    }
    ref = (grant_ref_t)index_nospec(ref, gt->nr_frames * GRANTS_PER_FRAME);
    e = &gt->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
    act = &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
    rc = (act->readers | act->writers) != 0 ? use_again(act, e, ld->id, readonly)
                                            : use_first(rd, act, e, ld->id, readonly);
    if (rc == GNTST_okay) {
        *(readonly ? &act->readers : &act->writers) += 1;
        *out = act->page;
    } else if (rc == GNTST_bad_page || (act->readers | act->writers) != 0) {
        unmark_shared(e, unused_marks(act));
    }
    spin_unlock(&gt->lock);
    return rc;
}

HOT void grant_unuse(struct domain *rd, grant_ref_t ref, bool readonly, struct page *pg)
{
    struct grant_table *gt = rd->grants;
    struct grant_active *act;
    uint32_t marks;

    spin_lock(&gt->lock);
    act = &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
    ASSERT(act->page == pg && (readonly ? act->readers : act->writers) != 0);
    *(readonly ? &act->readers : &act->writers) -= 1;
    marks = unused_marks(act);
    if (marks != 0) {
        unmark_shared(&gt->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME], marks);
    }
    if ((marks & GTF_reading) != 0) {
        act->page = NULL;
    }
    spin_unlock(&gt->lock);
    rd->ops->put_page(pg, !readonly);
}

void grant_dump(struct domain *d)
{
    struct grant_table *gt = d->grants;

    printk(LOG_INFO, "domain %u: %u of %u grant frames, %u of %u map track frames\n", d->id,
           gt->nr_frames, d->max_grant_frames, gt->nr_maptrack_frames, d->max_maptrack_frames);
    for (unsigned f = 0; f < gt->nr_frames; f++) {
        for (unsigned i = 0; i < GRANTS_PER_FRAME; i++) {
            const struct grant_active *a = &gt->active[f][i];

            if ((a->readers | a->writers) != 0) {
                printk(LOG_INFO, "  %u: domain %u reads %u, writes %u\n", f * GRANTS_PER_FRAME + i,
                       a->domid, a->readers, a->writers);
            }
        }
    }
}
