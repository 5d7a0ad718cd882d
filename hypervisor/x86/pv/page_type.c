/* SPDX-License-Identifier: MIT */
/*
 * Types of frames: taking and dropping counts of them. What the types mean:
 *
 *   type      count comes from                        while counted                 validation
 *   L1 to L4  an entry one level up, a pin, a root    guest cannot write it         entries checked
 *   segment   a slot of a GDT, a shadowed LDT page    guest cannot write it         descriptors
 *   writable  a writable L1 entry, a grant, a copy    never a table or segment      none
 *   none      a page of ours shown read-only          never writable                none
 *
 * When the last count goes the type stays as a memory of what translations may be left over: the
 * same type comes back without a flush, another one flushes those processors that may still hold
 * something from before the drop (x86/mm/tlb.c). Nobody uses the new type before that is done:
 * a count without PGT_VALIDATED is "wait" for a type without lock, and impossible to see (except
 * as partial) for a table, whose type changes under pt_lock only.
 */
#include "x86/pv/page_type.h"

#include "core/errno.h"
#include "core/printk.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define TYPE_COUNT_LIMIT (PGT_COUNT_MASK / 2)

static inline uint64_t type_read(const struct page *pg)
{
    return __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
}

static inline bool type_cas(struct page *pg, uint64_t *old, uint64_t new)
{
    return __atomic_compare_exchange_n(&pg->type, old, new, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* The frame had another type: what processors remember of that must go first. */
static void flush_old_type(struct page *pg, uint64_t old)
{
    cpumask_t cpus;

    if ((old & PGT_TYPE_MASK) == PGT_NONE) {
        return;
    }
    cpus = CPUMASK_ALL;
    if (!(old & PGT_FOREIGN) && pg->owner != NULL) {
        cpus = __atomic_load_n(&pg->owner->arch.dirty_cpus, __ATOMIC_ACQUIRE);
    }
    cpus = tlb_filter(cpus, pg);
    if (cpus != 0) {
        tlb_flush_cpus(cpus);
    }
}

static bool segment_validate(struct page *pg)
{
    uint64_t *desc = map_frame(arch_page_to_mfn(pg));
    bool good = true;

    for (unsigned i = 0; i < PAGE_SIZE / 8 && good; i++) {
        uint64_t d = desc[i];

        good = pv_check_descriptor(&d);
        if (good && d != desc[i]) {
            desc[i] = d;
        }
    }
    unmap_frame(desc);
    return good;
}

/* --- types without lock: writable, segment ---------------------------------------------------- */

/* A count was zero: make the frame `type`. old is the word that was seen. False: it changed. */
static APART bool simple_first(struct page *pg, uint64_t old, uint64_t type, int *rc)
{
    uint64_t keep = (old & PGT_TYPE_MASK) == type ? old & PGT_FOREIGN : 0;
    bool same = (old & PGT_TYPE_MASK) == type || (old & PGT_TYPE_MASK) == PGT_NONE;

    *rc = 0;
    if (type == PGT_WRITABLE && same) {
        return type_cas(pg, &old, type | PGT_VALIDATED | keep | 1);
    }
    if (!type_cas(pg, &old, type | keep | 1)) {
        return false;
    }
    if (!same) {
        flush_old_type(pg, old);
    }
    if (type == PGT_SEGMENT && !segment_validate(pg)) {
        tlb_stamp_page(pg);
        __atomic_store_n(&pg->type, type | keep, __ATOMIC_RELEASE);
        *rc = -EINVAL;
        return true;
    }
    __atomic_or_fetch(&pg->type, PGT_VALIDATED, __ATOMIC_ACQ_REL);
    return true;
}

static HOT int simple_get(struct page *pg, uint64_t type)
{
    uint64_t x = type_read(pg);
    int rc;

    for (;;) {
        if ((x & PGT_COUNT_MASK) == 0) {
            if (simple_first(pg, x, type, &rc)) {
                return rc;
            }
            x = type_read(pg);
        } else if ((x & PGT_TYPE_MASK) != type) {
            return -EINVAL;
        } else if (!(x & PGT_VALIDATED)) {
            cpu_relax();
            x = type_read(pg);
        } else if ((x & PGT_COUNT_MASK) >= TYPE_COUNT_LIMIT) {
            return -EBUSY;
        } else if (type_cas(pg, &x, x + 1)) {
            return 0;
        }
    }
}

static APART __attribute__((noreturn)) void no_count(const struct page *pg, uint64_t x)
{
    panic("type count of frame %#lx is zero already: "
          "type %#lx, refs %#lx, owner %d, m2p %#lx",
          (unsigned long)arch_page_to_mfn(pg).v, (unsigned long)x, (unsigned long)pg->refs,
          pg->owner ? pg->owner->id : -1, (unsigned long)arch_m2p_get(arch_page_to_mfn(pg)));
}

/* The stamp precedes the drop, so that whoever finds the count at zero finds the stamp too. */
static HOT void simple_put(struct page *pg)
{
    uint64_t x = type_read(pg);

    do {
        if ((x & PGT_COUNT_MASK) == 0) {
            no_count(pg, x);
        }
        if ((x & PGT_COUNT_MASK) == 1) {
            tlb_stamp_page(pg);
        }
    } while (!type_cas(pg, &x, x - 1));
}

/* --- tables: the owner's pt_lock is held ------------------------------------------------------ */

/* Leave the partial state with this many counts; its reference goes. */
static void partial_end(struct page *pg, uint64_t word, bool was_partial)
{
    __atomic_store_n(&pg->type, word, __ATOMIC_RELEASE);
    pg->partial = 0;
    if (was_partial) {
        page_put(pg);
    }
}

/* Enter it, or stay in it. False: no reference is to be had, so there can be no such state. */
static bool partial_begin(struct page *pg, uint64_t type, bool was_partial)
{
    if (!was_partial && !page_get_more(pg)) {
        return false;
    }
    __atomic_store_n(&pg->type, type | PGT_PARTIAL | 1, __ATOMIC_RELEASE);
    return true;
}

/*
 * While it is worked on a table has a count and is neither partial nor validated: so an entry deep
 * below that names the very frame finds it taken.
 */
static void work_begin(struct page *pg, uint64_t type)
{
    __atomic_store_n(&pg->type, type | 1, __ATOMIC_RELEASE);
}

/* Go on to drop what the entries hold; at the end the type has no count. */
static int table_drop(struct page *pg, uint64_t type, bool was_partial, bool preemptible)
{
    int rc;

    work_begin(pg, type);
    rc = pt_devalidate(pg, type_level(type), preemptible);
    tlb_stamp_page(pg);
    if (rc != 0) {
        if (partial_begin(pg, type, was_partial)) {
            return rc;
        }
        (void)pt_devalidate(pg, type_level(type), false);
        tlb_stamp_page(pg);
    }
    partial_end(pg, type, was_partial);
    return 0;
}

static int table_make(struct page *pg, uint64_t type, bool was_partial, bool preemptible)
{
    int rc;

    work_begin(pg, type);
    rc = pt_validate(pg, type_level(type), preemptible);
    if (rc == -EINTR) {
        if (partial_begin(pg, type, was_partial)) {
            return rc;
        }
        rc = -EBUSY;
    }
    if (rc == 0) {
        partial_end(pg, type | PGT_VALIDATED | 1, was_partial);
        return 0;
    }
    if (table_drop(pg, type, was_partial, preemptible) != 0) {
        pt_note_pending(current, pg);
    }
    return rc;
}

int page_get_type_locked(struct page *pg, uint64_t type, bool preemptible)
{
    uint64_t x = type_read(pg);

    for (;;) {
        uint64_t old_type = x & PGT_TYPE_MASK;

        if (x & PGT_PARTIAL) {
            if (old_type == type) {
                return table_make(pg, type, true, preemptible);
            }
            if (table_drop(pg, old_type, true, preemptible) != 0) {
                return -EINTR;
            }
            x = type_read(pg);
        } else if ((x & PGT_COUNT_MASK) != 0) {
            if (old_type != type || !(x & PGT_VALIDATED)) {
                return -EINVAL;
            }
            if ((x & PGT_COUNT_MASK) >= TYPE_COUNT_LIMIT) {
                return -EBUSY;
            }
            if (type_cas(pg, &x, x + 1)) {
                return 0;
            }
        } else if (type_cas(pg, &x, type | 1)) {
            if (old_type != type) {
                flush_old_type(pg, x);
            }
            pg->partial = 0;
            return table_make(pg, type, false, preemptible);
        }
    }
}

int page_put_type_locked(struct page *pg, bool preemptible)
{
    uint64_t x = type_read(pg);

    ASSERT((x & PGT_COUNT_MASK) != 0);
    if (x & PGT_PARTIAL) {
        return table_drop(pg, x & PGT_TYPE_MASK, true, preemptible);
    }
    while ((x & PGT_COUNT_MASK) > 1) {
        if (type_cas(pg, &x, x - 1)) {
            return 0;
        }
    }
    pg->partial = PT_ENTRIES;
    return table_drop(pg, x & PGT_TYPE_MASK, false, preemptible);
}

/* --- for everybody ---------------------------------------------------------------------------- */

int page_get_type(struct page *pg, uint64_t type, bool preemptible)
{
    struct domain *d = pg->owner;
    int rc;

    if (!type_is_table(type)) {
        return simple_get(pg, type);
    }
    spin_lock(&d->arch.pt_lock);
    rc = page_get_type_locked(pg, type, preemptible);
    spin_unlock(&d->arch.pt_lock);
    return rc;
}

int page_put_type(struct page *pg, bool preemptible)
{
    struct domain *d = pg->owner;
    int rc;

    if (!type_is_table(type_read(pg))) { /* fixed: the caller holds a count */
        simple_put(pg);
        return 0;
    }
    spin_lock(&d->arch.pt_lock);
    rc = page_put_type_locked(pg, preemptible);
    spin_unlock(&d->arch.pt_lock);
    return rc;
}

struct page *page_get_and_type(mfn_t m, struct domain *d, uint64_t type)
{
    struct page *pg = arch_mfn_to_page(m);

    if (pg == NULL || !page_get(pg, d)) {
        return NULL;
    }
    if (page_get_type(pg, type, false) != 0) {
        page_put(pg);
        return NULL;
    }
    return pg;
}

void page_put_and_type(struct page *pg)
{
    (void)page_put_type(pg, false);
    page_put(pg);
}

HOT bool page_get_writable(struct page *pg)
{
    return simple_get(pg, PGT_WRITABLE) == 0;
}

HOT void page_put_writable(struct page *pg)
{
    simple_put(pg);
}

/* --- pins ------------------------------------------------------------------------------------- */

int page_pin(struct page *pg, uint64_t type)
{
    struct domain *d = pg->owner;
    int rc;

    spin_lock(&d->arch.pt_lock);
    if (!domain_alive(d)) {
        spin_unlock(&d->arch.pt_lock);
        return -EINVAL;
    }
    rc = page_get_type_locked(pg, type, true);
    if (rc == 0) {
        if (type_read(pg) & PGT_PINNED) {
            (void)page_put_type_locked(pg, true); /* never the last */
            rc = -EINVAL;
        } else {
            __atomic_or_fetch(&pg->type, PGT_PINNED, __ATOMIC_ACQ_REL);
        }
    }
    spin_unlock(&d->arch.pt_lock);
    return rc;
}

/* Also goes on with a table that is partial, from whatever preempted call. */
int page_unpin(struct page *pg)
{
    struct domain *d = pg->owner;
    int rc = -EINVAL;
    uint64_t x;

    spin_lock(&d->arch.pt_lock);
    x = type_read(pg);
    if (x & PGT_PINNED) {
        __atomic_and_fetch(&pg->type, ~PGT_PINNED, __ATOMIC_ACQ_REL);
        rc = page_put_type_locked(pg, true);
        page_put(pg);
    } else if (x & PGT_PARTIAL) {
        rc = page_put_type_locked(pg, true);
    }
    spin_unlock(&d->arch.pt_lock);
    return rc;
}

/* A dying domain's page: nothing of its own making keeps it. -EINTR: preempted, call again. */
int pv_relinquish_page(struct page *pg)
{
    int rc = page_unpin(pg);

    return rc == -EINTR ? rc : 0;
}

/* --- tables that a vcpu has to finish --------------------------------------------------------- */

void pt_note_pending(struct vcpu *v, struct page *pg)
{
    if (v->arch.pt_pending == NULL && page_get_more(pg)) {
        v->arch.pt_pending = pg;
    }
}

int pt_finish_pending(struct vcpu *v)
{
    struct page *pg = v->arch.pt_pending;
    struct domain *d;
    int rc = 0;

    if (__builtin_expect(pg == NULL, 1)) {
        return 0;
    }
    d = pg->owner;
    spin_lock(&d->arch.pt_lock);
    if (type_read(pg) & PGT_PARTIAL) {
        rc = page_put_type_locked(pg, true);
    }
    spin_unlock(&d->arch.pt_lock);
    if (rc == 0) {
        pt_forget_pending(v);
    }
    return rc;
}

void pt_forget_pending(struct vcpu *v)
{
    struct page *pg = v->arch.pt_pending;

    if (pg != NULL) {
        v->arch.pt_pending = NULL;
        page_put(pg);
    }
}

/* --- what core/ tells about pages ------------------------------------------------------------- */

/* The last reference is gone, so no entry and no type is left; translations may be. */
void arch_page_freed(struct page *pg)
{
    ASSERT(!type_is_table(pg->type) || (pg->type & PGT_COUNT_MASK) == 0);
    tlb_stamp_page(pg);
    __atomic_store_n(&pg->type, 0, __ATOMIC_RELEASE);
    arch_m2p_set(arch_page_to_mfn(pg), ~0ULL);
}

void arch_page_reused(struct page *pg, unsigned order)
{
    const struct page *newest = pg;
    cpumask_t cpus;

    for (uint64_t i = 1; i < (1ULL << order); i++) {
        if (pg[i].tlb_stamp > newest->tlb_stamp) {
            newest = &pg[i];
        }
    }
    cpus = tlb_filter(CPUMASK_ALL, newest);
    if (cpus != 0) {
        tlb_flush_cpus(cpus);
    }
}

/* One count for ever: the guest can neither make a table of it nor write what it may not. */
void arch_page_shared(struct page *pg, bool writable)
{
    uint64_t type = writable ? PGT_WRITABLE : PGT_NONE;

    pg->partial = 0;
    __atomic_store_n(&pg->type, type | PGT_VALIDATED | 1, __ATOMIC_RELEASE);
}
