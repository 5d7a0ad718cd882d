/* SPDX-License-Identifier: MIT */
/*
 * What entries of page tables may say, what they hold, and the one way in which they change.
 *
 *   level  refused bits           a present entry holds
 *   L1     none (PAT, PCD, PWT    one reference; if writable also a writable type of the frame;
 *          are the guest's)       nothing for device memory, which needs the owner's permission
 *   L2-L4  PS, G, PCD, PWT        one reference and one count of the type below, same owner
 *
 * Address bits beyond the processor's width are refused everywhere; so are entries of L4 in the
 * hypervisor's slots, which hold copies of its own. The mirror image of Xen's rules on privilege:
 * a 64-bit PV kernel runs in ring 3, so PTE_US is set in every present entry; PTE_G is dropped,
 * all mappings of guests are non-global. These and the write bit of read-only device pages are
 * the fix-ups that the ABI wants; everything else is refused.
 *
 * Frames of one domain in tables of another: only in L1, only by pt_update with a foreigndom that
 * the caller was checked for, or by the grant code.
 */
#include "core/errno.h"
#include "core/printk.h"
#include "lib/rangeset.h"
#include "x86/cpu/cpu.h"
#include "x86/dev/pci.h"
#include "x86/mm/map.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define TABLE_REFUSED (PTE_PS | PTE_G | PTE_PCD | PTE_PWT)

bool pt_l1tf_check;

static inline bool mfn_too_wide(mfn_t m)
{
    return (m.v >> (cpu_features.phys_bits - PAGE_SHIFT)) != 0;
}

static inline pte_t adjust(pte_t e)
{
    return (pte_t){(e.v | PTE_US) & ~PTE_G};
}

/*
 * Not present: the processor ignores it, but one with L1TF may speculate with the address. What
 * guests write there by intention (swap entries) is inverted and so beyond the last frame.
 */
static inline int absent_check(pte_t e)
{
    if (__builtin_expect(pt_l1tf_check, 0) && (e.v & PTE_ADDR_MASK) != 0 &&
        pte_mfn(e).v < arch_max_mfn()) {
        return -EINVAL;
    }
    return 0;
}

/* --- what an L1 entry holds ------------------------------------------------------------------- */

static APART int device_get(pte_t e, struct domain *d)
{
    mfn_t m = pte_mfn(e);

    if (mfn_too_wide(m)) {
        return -EINVAL;
    }
    if (d->iomem == NULL || !rangeset_contains(d->iomem, m.v, m.v) || mfn_forbidden_for_dom0(m)) {
        return -EPERM;
    }
    return (e.v & PTE_RW) && pci_frame_readonly(m) ? 1 : 0;
}

/* 0: held. 1: held, but the entry must be stored without its write bit. Else -errno. */
HOT int l1e_get(pte_t e, struct domain *d, struct domain *foreigndom)
{
    struct page *pg = arch_mfn_to_page(pte_mfn(e));
    int rc;

    if (__builtin_expect(pg == NULL || !page_get(pg, foreigndom), 0)) {
        return page_is_device(pg) ? device_get(e, d) : -EINVAL;
    }
    if (__builtin_expect(page_is_device(pg), 0)) {
        page_put(pg);
        return device_get(e, d);
    }
    if (e.v & PTE_RW) {
        rc = page_get_type(pg, PGT_WRITABLE, false);
        if (rc != 0) {
            page_put(pg);
            return rc;
        }
        if (__builtin_expect(pg->owner != d, 0)) {
            __atomic_or_fetch(&pg->type, PGT_FOREIGN, __ATOMIC_ACQ_REL);
        }
    }
    return 0;
}

/* The page may be about to become writable again: a shadowed LDT page must not hold it. */
static APART void drop_ldts(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        pv_drop_ldt(v);
    }
}

HOT void l1e_put(pte_t e, struct domain *d)
{
    struct page *pg = arch_mfn_to_page(pte_mfn(e));

    if (page_is_device(pg)) {
        return;
    }
    if (e.v & PTE_RW) {
        page_put_writable(pg);
    } else if (__builtin_expect((pg->type & PGT_TYPE_MASK) == PGT_SEGMENT, 0) && pg->owner == d &&
               (pg->type & PGT_COUNT_MASK)) {
        drop_ldts(d);
    }
    page_put(pg);
}

/* The entry loses its write bit and keeps the rest. */
static void l1e_put_write(pte_t e)
{
    struct page *pg = arch_mfn_to_page(pte_mfn(e));

    if (!page_is_device(pg)) {
        page_put_writable(pg);
    }
}

/* --- what an entry of L2 to L4 holds ---------------------------------------------------------- */

static int table_entry_get(pte_t e, unsigned level, struct domain *d, bool preemptible)
{
    struct page *pg = arch_mfn_to_page(pte_mfn(e));
    int rc;

    if ((e.v & TABLE_REFUSED) || pg == NULL || !page_get(pg, d)) {
        return -EINVAL;
    }
    if (__builtin_expect(page_is_device(pg), 0)) {
        page_put(pg);
        return -EINVAL;
    }
    rc = page_get_type_locked(pg, level_type(level - 1), preemptible);
    if (rc != 0) {
        page_put(pg);
    }
    return rc;
}

/* -EINTR: the entry holds nothing more, but the table below is left partial. */
static int table_entry_put(pte_t e, bool preemptible)
{
    struct page *pg = arch_mfn_to_page(pte_mfn(e));
    int rc = page_put_type_locked(pg, preemptible);

    page_put(pg);
    return rc;
}

/* --- whole tables ----------------------------------------------------------------------------- */

static int l1_validate(struct page *pg, pte_t *t)
{
    struct domain *d = pg->owner;

    for (unsigned i = (unsigned)pg->partial; i < PT_ENTRIES; i++) {
        pte_t e = t[i];
        int rc;

        if (!(e.v & PTE_P)) {
            rc = absent_check(e);
        } else {
            pte_t a = adjust(e);

            rc = l1e_get(a, d, d);
            if (rc == 1) {
                a.v &= ~PTE_RW;
            }
            if (rc >= 0 && a.v != e.v) {
                t[i] = a;
            }
        }
        if (rc < 0) {
            pg->partial = i;
            return rc;
        }
    }
    pg->partial = PT_ENTRIES;
    return 0;
}

static int upper_validate(struct page *pg, pte_t *t, unsigned level, bool preemptible)
{
    for (unsigned i = (unsigned)pg->partial; i < PT_ENTRIES; i++) {
        pte_t e = t[i];
        int rc;

        pg->partial = i;
        if (pt_slot_is_hv(level, i)) {
            continue;
        }
        if (!(e.v & PTE_P)) {
            rc = absent_check(e);
            if (rc != 0) {
                return rc;
            }
            continue;
        }
        rc = table_entry_get(e, level, pg->owner, preemptible);
        if (rc != 0) {
            return rc;
        }
        if (adjust(e).v != e.v) {
            t[i] = adjust(e);
        }
        pg->partial = i + 1;
        if (preemptible && i + 1 < PT_ENTRIES && preempt_needed()) {
            return -EINTR;
        }
    }
    pg->partial = PT_ENTRIES;
    return 0;
}

int pt_validate(struct page *pg, unsigned level, bool preemptible)
{
    pte_t *t = map_frame(arch_page_to_mfn(pg));
    int rc;

    if (level == 1) {
        rc = l1_validate(pg, t);
    } else {
        rc = upper_validate(pg, t, level, preemptible);
        if (rc == 0 && level == 4) {
            root_fill_slots(t, pg->owner);
        }
    }
    unmap_frame(t);
    return rc;
}

/* The table that was left partial when we were preempted at this entry: it holds nothing now. */
static int finish_below(pte_t e, unsigned level, struct domain *d, bool preemptible)
{
    struct page *pg = (e.v & PTE_P) ? arch_mfn_to_page(pte_mfn(e)) : NULL;
    int rc = 0;

    if (pg == NULL || !page_get(pg, d)) {
        return 0;
    }
    if ((pg->type & PGT_PARTIAL) && type_level(pg->type) == level - 1) {
        rc = page_put_type_locked(pg, preemptible);
    }
    page_put(pg);
    return rc;
}

static int upper_devalidate(struct page *pg, pte_t *t, unsigned level, bool preemptible)
{
    unsigned n = (unsigned)pg->partial;

    if (n < PT_ENTRIES && !pt_slot_is_hv(level, n) &&
        finish_below(t[n], level, pg->owner, preemptible) != 0) {
        return -EINTR;
    }
    while (n > 0) {
        int rc = 0;

        n--;
        if ((t[n].v & PTE_P) && !pt_slot_is_hv(level, n)) {
            rc = table_entry_put(t[n], preemptible);
            pg->partial = n;
            if (rc != 0 || (preemptible && n > 0 && preempt_needed())) {
                return -EINTR;
            }
        }
    }
    pg->partial = 0;
    return 0;
}

int pt_devalidate(struct page *pg, unsigned level, bool preemptible)
{
    pte_t *t = map_frame(arch_page_to_mfn(pg));
    int rc = 0;

    if (level == 1) {
        for (unsigned i = (unsigned)pg->partial; i-- > 0;) {
            if (t[i].v & PTE_P) {
                l1e_put(t[i], pg->owner);
            }
        }
        pg->partial = 0;
    } else {
        rc = upper_devalidate(pg, t, level, preemptible);
        if (rc == 0 && level == 4) { /* the frame becomes the guest's to read */
            for (unsigned i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++) {
                t[i].v = 0;
            }
        }
    }
    unmap_frame(t);
    return rc;
}

void root_fill_slots(pte_t *l4, struct domain *d)
{
    for (unsigned i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++) {
        l4[i] = hv_root[i];
    }
    l4[PERDOMAIN_SLOT].v = 0;
    if (d->arch.perdomain_l3 != NULL) {
        l4[PERDOMAIN_SLOT] =
            pte_make(arch_page_to_mfn(d->arch.perdomain_l3), (PTE_TABLE & ~PTE_US) | PTE_NX);
    }
}

/* --- one entry -------------------------------------------------------------------------------- */

/* Store; the old entry, with the last accessed and dirty bits of the processors, comes back. */
static HOT pte_t store_entry(pte_t *p, pte_t old, pte_t e, bool preserve_ad)
{
    if (!(old.v & PTE_P) && !preserve_ad) { /* no processor writes to it */
        __atomic_store_n(&p->v, e.v, __ATOMIC_RELEASE);
        return old;
    }
    if (!preserve_ad) {
        return (pte_t){__atomic_exchange_n(&p->v, e.v, __ATOMIC_ACQ_REL)};
    }
    while (!__atomic_compare_exchange_n(&p->v, &old.v, e.v | (old.v & (PTE_A | PTE_D)), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    return old;
}

void pt_replace_l1(pte_t *p, pte_t e, struct domain *d)
{
    pte_t old = store_entry(p, *p, e, false);

    if (old.v & PTE_P) {
        l1e_put(old, d);
    }
}

int pt_cmpxchg_l1(pte_t *p, pte_t old, pte_t e, struct domain *d)
{
    bool same = (old.v & e.v & PTE_P) && !((old.v ^ e.v) & PTE_ADDR_MASK) &&
                !(e.v & ~old.v & PTE_RW); /* the same frame, no new right */
    bool take = (e.v & PTE_P) && !same;
    int rc = (e.v & PTE_P) ? 0 : absent_check(e);

    if (e.v & PTE_P) {
        e = adjust(e);
    }
    if (take) {
        rc = l1e_get(e, d, d);
        if (rc == 1) {
            e.v &= ~PTE_RW;
        }
    }
    if (rc < 0) {
        return rc;
    }
    if (!__atomic_compare_exchange_n(&p->v, &old.v, e.v, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (take) {
            l1e_put(e, d);
        }
        return -EAGAIN;
    }
    if (same) {
        if (old.v & ~e.v & PTE_RW) {
            l1e_put_write(old);
        }
    } else if (old.v & PTE_P) {
        l1e_put(old, d);
    }
    return 0;
}

HOT int pt_update_l1(pte_t *p, pte_t e, struct domain *d, struct domain *foreigndom,
                     bool preserve_ad)
{
    pte_t old = {__atomic_load_n(&p->v, __ATOMIC_RELAXED)};
    int rc;

    if (!(e.v & PTE_P)) {
        rc = absent_check(e);
        if (rc != 0) {
            return rc;
        }
    } else {
        e = adjust(e);
        if ((old.v & PTE_P) && !((old.v ^ e.v) & PTE_ADDR_MASK) && !(e.v & ~old.v & PTE_RW)) {
            old = store_entry(p, old, e, preserve_ad); /* the same frame, no new right */
            if (old.v & ~e.v & PTE_RW) {
                l1e_put_write(old);
            }
            return 0;
        }
        rc = l1e_get(e, d, foreigndom);
        if (rc < 0) {
            return rc;
        }
        if (rc == 1) {
            e.v &= ~PTE_RW;
        }
    }
    old = store_entry(p, old, e, preserve_ad);
    if (old.v & PTE_P) {
        l1e_put(old, d);
    }
    return 0;
}

/*
 * The table is held while a new entry is taken: that may finish with a partial table which was the
 * last to refer to this one.
 */
static APART int update_upper(pte_t *p, pte_t e, unsigned level, struct page *table,
                              struct vcpu *v, bool preserve_ad)
{
    pte_t old = {__atomic_load_n(&p->v, __ATOMIC_RELAXED)};
    int rc;

    if (!(e.v & PTE_P)) {
        rc = absent_check(e);
        if (rc != 0) {
            return rc;
        }
        old = store_entry(p, old, e, preserve_ad);
    } else if ((old.v & PTE_P) && !((old.v ^ e.v) & PTE_ADDR_MASK) && !(e.v & TABLE_REFUSED)) {
        store_entry(p, old, adjust(e), preserve_ad);
        return 0;
    } else {
        rc = page_get_type_locked(table, level_type(level), false);
        if (rc != 0) {
            return rc;
        }
        rc = table_entry_get(e, level, table->owner, true);
        if (rc == 0) {
            old = store_entry(p, old, adjust(e), preserve_ad);
        }
        if (page_put_type_locked(table, true) != 0) {
            pt_note_pending(v, table);
        }
        if (rc != 0) {
            return rc;
        }
    }
    if ((old.v & PTE_P) && table_entry_put(old, true) != 0) {
        pt_note_pending(v, arch_mfn_to_page(pte_mfn(old)));
    }
    return 0;
}

HOT int pt_update_entry(struct page *table, pte_t *entry, unsigned index, pte_t e, unsigned level,
                        struct vcpu *v, struct domain *foreigndom, bool preserve_ad)
{
    if (level == 1) {
        return pt_update_l1(entry, e, table->owner, foreigndom, preserve_ad);
    }
    if (pt_slot_is_hv(level, index)) {
        return -EINVAL;
    }
    return update_upper(entry, e, level, table, v, preserve_ad);
}

int pt_update(struct page *table, unsigned index, pte_t new_entry, unsigned level, struct vcpu *v,
              struct domain *foreigndom, bool preserve_ad)
{
    pte_t *t;
    int rc;

    if (!type_is_live_table(table->type) || type_level(table->type) != level) {
        return -EINVAL;
    }
    t = map_frame(arch_page_to_mfn(table));
    rc = pt_update_entry(table, &t[index], index, new_entry, level, v, foreigndom, preserve_ad);
    unmap_frame(t);
    return rc;
}
