/* SPDX-License-Identifier: MIT */
/*
 * mmu_update: a list of writes to page-table entries, named by their machine address.
 *
 *   4th argument, low half    owner of the frames that new L1 entries name (DOMID_SELF: caller)
 *   4th argument, high half   0, or 1 + the number of the domain whose tables are written
 *
 * The whole list runs under the table owner's pt_lock, which is given up when other work waits:
 * the call then goes on from the entry where it was. The last table stays mapped from one entry
 * to the next. A frame that is not a table at all takes the write as data, by its writable type.
 */
#include "core/errno.h"
#include "core/printk.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define READ_AHEAD 16

struct mmu_batch {
    struct vcpu *v;
    struct domain *pt_owner, *frame_owner;
    struct page *pg; /* the frame that is mapped, with a reference; NULL: none */
    mfn_t mfn;
    char *va;
    bool writable; /* it is data: we hold a writable type */
};

struct domain *pv_foreign_get(domid_t id, long *rc)
{
    struct domain *self = current->domain, *d;

    if (id == DOMID_SELF) {
        return self;
    }
    *rc = -ESRCH;
    if (id == self->id) {
        return NULL;
    }
    d = domain_get_any(id);
    if (d != NULL && d != domain_io && !access_target(self, d)) {
        *rc = -EPERM;
        domain_put(d);
        return NULL;
    }
    return d;
}

void pv_foreign_put(struct domain *d)
{
    if (d != NULL && d != current->domain) {
        domain_put(d);
    }
}

static void batch_unmap(struct mmu_batch *b)
{
    if (b->pg == NULL) {
        return;
    }
    unmap_frame(b->va);
    if (b->writable) {
        page_put_writable(b->pg);
        b->writable = false;
    }
    page_put(b->pg);
    b->pg = NULL;
}

static int batch_map(struct mmu_batch *b, mfn_t m)
{
    struct page *pg = arch_mfn_to_page(m);

    batch_unmap(b);
    if (pg == NULL || !page_get(pg, b->pt_owner)) {
        return -EINVAL;
    }
    if (!type_is_live_table(pg->type)) {
        if (page_is_device(pg) || !page_get_writable(pg)) {
            page_put(pg);
            return -EINVAL;
        }
        b->writable = true;
    }
    b->pg = pg;
    b->mfn = m;
    b->va = map_frame(m);
    return 0;
}

static HOT int update_entry(struct mmu_batch *b, uint64_t ptr, uint64_t val, bool preserve_ad)
{
    mfn_t m = paddr_to_mfn(ptr);
    uint64_t type;
    pte_t *p;

    if (b->pg == NULL || b->mfn.v != m.v || (!b->writable && !type_is_live_table(b->pg->type))) {
        int rc = batch_map(b, m);

        if (rc != 0) {
            return rc;
        }
    }
    p = (pte_t *)(b->va + (ptr & (PAGE_SIZE - 1)));
    if (b->writable) {
        __atomic_store_n(&p->v, val, __ATOMIC_RELAXED);
        return 0;
    }
    type = b->pg->type;
    return pt_update_entry(b->pg, p, (ptr & (PAGE_SIZE - 1)) / sizeof(pte_t), (pte_t){val},
                           type_level(type), b->v, b->frame_owner, preserve_ad);
}

static int update_m2p(struct mmu_batch *b, uint64_t ptr, uint64_t val)
{
    mfn_t m = paddr_to_mfn(ptr);
    struct page *pg = arch_mfn_to_page(m);

    if (pg == NULL || !page_get(pg, b->frame_owner)) {
        return -EINVAL;
    }
    if (page_is_device(pg)) {
        page_put(pg);
        return -EINVAL;
    }
    arch_m2p_set(m, val);
    page_put(pg);
    return 0;
}

static HOT int update_one(struct mmu_batch *b, const struct mmu_update *u)
{
    uint64_t ptr = u->ptr & ~7ULL;

    switch (u->ptr & 7) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE: /* the same for a PV caller */
        return update_entry(b, ptr, u->val, false);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return update_entry(b, ptr, u->val, true);
    case MMU_MACHPHYS_UPDATE:
        return update_m2p(b, ptr, u->val);
    default:
        return -EINVAL;
    }
}

/*
 * Do entries [0, count); *done counts those that are complete. 0, -ERESTART with *done short of
 * count or with a table to finish, or the error of entry *done.
 */
static int run(struct mmu_batch *b, guest_ptr_t list, unsigned count, unsigned *done)
{
    struct mmu_update u[READ_AHEAD];
    unsigned have = 0, next = 0;
    int rc = 0;

    for (*done = 0; *done < count; ++*done) {
        if (*done != 0 && preempt_needed()) {
            return -ERESTART;
        }
        if (next == have) {
            have = count - *done < READ_AHEAD ? count - *done : READ_AHEAD;
            next = 0;
            if (have == 1 || guest_read(u, guest_index(list, *done, sizeof(u[0])),
                                        have * sizeof(u[0])) != 0) {
                have = 1; /* the list may end where a page does: entry by entry */
                if (guest_get_at(&u[0], list, *done) != 0) {
                    return -EFAULT;
                }
            }
        }
        rc = update_one(b, &u[next]);
        if (rc == -EINTR) {
            return -ERESTART;
        }
        if (rc != 0) {
            guest_printk(b->v->domain, LOG_DEBUG, "mmu_update %#lx = %#lx: %d\n",
                         (unsigned long)u[next].ptr, (unsigned long)u[next].val, rc);
            return rc;
        }
        next++;
        if (__builtin_expect(b->v->arch.pt_pending != NULL, 0)) {
            ++*done;
            return -ERESTART;
        }
    }
    return 0;
}

/* Who owns the tables, who the frames: 0, or the call's error. */
static long resolve_owners(struct mmu_batch *b, uint64_t foreigndom)
{
    unsigned pt_dom = (foreigndom >> 16) & 0xffff;
    long rc = 0;

    b->pt_owner = current->domain;
    if (pt_dom != 0) {
        if (pt_dom - 1 != b->pt_owner->id) {
            b->pt_owner = pv_foreign_get((domid_t)(pt_dom - 1), &rc);
        }
        if (b->pt_owner == NULL) {
            return rc == -EPERM ? rc : -EINVAL;
        }
        if (b->pt_owner->ops != &pv_ops) {
            pv_foreign_put(b->pt_owner);
            return -EINVAL;
        }
    }
    b->frame_owner = pv_foreign_get((domid_t)foreigndom, &rc);
    if (b->frame_owner == NULL) {
        pv_foreign_put(b->pt_owner);
        return rc;
    }
    return 0;
}

PV_CALL(do_mmu_update)
{
    struct mmu_batch b = {.v = current};
    uint32_t count = (uint32_t)a2, total = 0;
    unsigned done = 0;
    long rc;

    (void)a5, (void)a6;
    if (count & MMU_UPDATE_PREEMPTED) {
        count &= ~MMU_UPDATE_PREEMPTED;
        if (a3 != 0 && guest_get(&total, GUEST_PTR(a3)) != 0) {
            return -EFAULT;
        }
    }
    rc = resolve_owners(&b, a4);
    if (rc != 0) {
        return rc;
    }
    if (pt_finish_pending(b.v) != 0) {
        rc = -ERESTART;
    } else {
        spin_lock(&b.pt_owner->arch.pt_lock);
        rc = run(&b, GUEST_PTR(a1), count, &done);
        batch_unmap(&b);
        spin_unlock(&b.pt_owner->arch.pt_lock);
    }
    pv_foreign_put(b.pt_owner);
    pv_foreign_put(b.frame_owner);
    total += done;
    if (a3 != 0 && guest_put(GUEST_PTR(a3), &total) != 0) {
        return -EFAULT;
    }
    if (rc == -ERESTART) {
        return hypercall_continue(__HYPERVISOR_mmu_update, a1 + done * sizeof(struct mmu_update),
                                  (count - done) | MMU_UPDATE_PREEMPTED, a3, a4, 0, 0);
    }
    return rc;
}
