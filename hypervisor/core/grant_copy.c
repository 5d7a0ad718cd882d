/* SPDX-License-Identifier: MIT */
/*
 * Copy between pages, each named by a grant of another domain or by a frame of the caller.
 *
 * Each side is held from one entry of a batch to the next while it stays the same page, so that
 * a driver that gathers many pieces into one page pays for it once. Both sides are let go when the
 * batch ends or is preempted.
 */
#include "core/grant.h"
#include "core/errno.h"
#include "lib/lib.h"

static void side_drop(struct grant_copy_side *s)
{
    if (!s->valid) {
        return;
    }
    unmap_frame(s->va);
    if (s->by_ref) {
        grant_unuse(s->d, (grant_ref_t)s->name, !s->writable, s->page);
        domain_put(s->d);
    } else {
        s->d->ops->put_page(s->page, s->writable);
    }
    s->valid = false;
}

static int take_ref(struct grant_copy_side *s)
{
    struct domain *ld = current->domain;
    int rc;

    s->d = domain_get(s->domid == DOMID_SELF ? ld->id : s->domid);
    if (s->d == NULL) {
        return GNTST_bad_domain;
    }
    rc = grant_use(ld, s->d, (grant_ref_t)s->name, !s->writable, &s->page);
    if (rc != GNTST_okay) {
        domain_put(s->d);
    }
    return rc;
}

static int take_own(struct grant_copy_side *s)
{
    s->d = current->domain;
    s->page = s->d->ops->get_page(s->d, GFN(s->name), s->writable);
    return s->page != NULL ? GNTST_okay : GNTST_bad_page;
}

static __attribute__((noinline)) int side_change(struct grant_copy_side *s, domid_t domid,
                                                 uint64_t name, bool by_ref, bool writable)
{
    int rc;

    side_drop(s);
    s->by_ref = by_ref;
    s->writable = writable;
    s->domid = domid;
    s->name = name;
    rc = by_ref ? take_ref(s) : take_own(s);
    if (rc == GNTST_okay) {
        s->va = map_frame(arch_page_to_mfn(s->page));
        s->valid = true;
    }
    return rc;
}

static inline int side_take(struct grant_copy_side *s, const struct gnttab_copy_ptr *p,
                            bool by_ref, bool writable)
{
    uint64_t name = by_ref ? p->u.ref : p->u.gmfn;

    if (__builtin_expect(s->valid && s->by_ref == by_ref && s->domid == p->domid &&
                         s->name == name, 1)) {
        return GNTST_okay;
    }
    return side_change(s, p->domid, name, by_ref, writable);
}

void grant_copy_one(struct grant_copy_state *s, struct gnttab_copy *op)
{
    bool src_ref = (op->flags & GNTCOPY_source_gref) != 0;
    bool dst_ref = (op->flags & GNTCOPY_dest_gref) != 0;
    int rc;

    if ((!src_ref && op->source.domid != DOMID_SELF) ||
        (!dst_ref && op->dest.domid != DOMID_SELF)) {
        op->status = GNTST_permission_denied;
        return;
    }
    if ((unsigned)op->source.offset + op->len > PAGE_SIZE ||
        (unsigned)op->dest.offset + op->len > PAGE_SIZE) {
        op->status = GNTST_bad_copy_arg;
        return;
    }
    rc = side_take(&s->src, &op->source, src_ref, false);
    if (rc == GNTST_okay) {
        rc = side_take(&s->dst, &op->dest, dst_ref, true);
    }
    if (rc == GNTST_okay) {
        memmove((char *)s->dst.va + op->dest.offset, (char *)s->src.va + op->source.offset,
                op->len);
    }
    op->status = (int16_t)rc;
}

void grant_copy_finish(struct grant_copy_state *s)
{
    side_drop(&s->src);
    side_drop(&s->dst);
}
