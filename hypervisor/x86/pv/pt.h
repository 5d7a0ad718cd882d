/* SPDX-License-Identifier: MIT */
/*
 * What the page-table files of the PV mode share. Two rules hold everywhere here:
 *
 * - The type of a table frame and the content of a validated table change only under pt_lock of
 *   the domain that owns the frame. So whoever holds that lock may look at a type and act on it.
 *   Writable and segment types are taken and dropped without it.
 * - A table whose (de)validation was preempted bears PGT_PARTIAL, a count of one and one
 *   reference, all three belonging to that state; page.partial = n says that the present entries
 *   below n hold what they refer to, the others do not. From there validation goes up and
 *   devalidation goes down, whoever comes next.
 */
#ifndef X86_PV_PT_H
#define X86_PV_PT_H

#include "core/softirq.h"
#include "x86/mm/layout.h"
#include "x86/pv/page_type.h"

/* Somebody else than the owner had a writable mapping of it since the type was set. */
#define PGT_FOREIGN (1ULL << 55)

static inline unsigned type_level(uint64_t type)
{
    return (unsigned)(type >> 60);
}

static inline uint64_t level_type(unsigned level)
{
    return (uint64_t)level << 60;
}

static inline bool type_is_table(uint64_t type)
{
    return type_level(type) >= 1 && type_level(type) <= 4;
}

/* The word of a table that may be walked and updated. */
static inline bool type_is_live_table(uint64_t type)
{
    return type_is_table(type) && (type & PGT_VALIDATED) && (type & PGT_COUNT_MASK);
}

static inline bool pt_slot_is_hv(unsigned level, unsigned index)
{
    return level == 4 && index >= HV_SLOT_FIRST && index <= HV_SLOT_LAST;
}

/* A frame without an owner that counts: device memory, holes, beyond the last RAM frame. */
static inline bool page_is_device(const struct page *pg)
{
    return pg == NULL || pg->owner == domain_io || (pg->refs & PAGE_BROKEN);
}

/* --- page_type.c: the owner's pt_lock is held ------------------------------------------------- */
int page_get_type_locked(struct page *pg, uint64_t type, bool preemptible);
int page_put_type_locked(struct page *pg, bool preemptible);
/* Remember a partial table that this vcpu shall finish before its next page-table call. */
void pt_note_pending(struct vcpu *v, struct page *pg);

/* --- page_type.c: no lock held ---------------------------------------------------------------- */
/* -EINTR: preempted again. Each page-table hypercall begins with it. */
int pt_finish_pending(struct vcpu *v);
void pt_forget_pending(struct vcpu *v);
int page_pin(struct page *pg, uint64_t type); /* caller has a reference and gives it away on 0 */
int page_unpin(struct page *pg);              /* caller keeps its reference */

/* --- pt_validate.c: the owner's pt_lock is held ----------------------------------------------- */
/* From pg->partial up to the end. 0, -EINTR, or an error at pg->partial. */
int pt_validate(struct page *pg, unsigned level, bool preemptible);
/* From pg->partial down to nothing. 0 or -EINTR. */
int pt_devalidate(struct page *pg, unsigned level, bool preemptible);
/* pt_update() for a table that is mapped already. */
int pt_update_entry(struct page *table, pte_t *entry, unsigned index, pte_t e, unsigned level,
                    struct vcpu *v, struct domain *foreigndom, bool preserve_ad);
/* The same for an entry of a live L1 table of d's. */
int pt_update_l1(pte_t *p, pte_t e, struct domain *d, struct domain *foreigndom, bool preserve_ad);

/* Store an L1 entry whose references are held already; what the old one held is dropped. */
void pt_replace_l1(pte_t *p, pte_t e, struct domain *d);
/* Change an L1 entry of d's if it still is `old`: 0, -EAGAIN if not, or -errno for a bad entry. */
int pt_cmpxchg_l1(pte_t *p, pte_t old, pte_t e, struct domain *d);

/* --- va_mapping.c: the domain's pt_lock is held ----------------------------------------------- */
/*
 * The L1 entry behind va in v's kernel (or user) root, mapped (unmap_frame), or NULL. *rights,
 * if not NULL, gets PTE_RW as the upper levels allow it, and PTE_NX if one of them forbids.
 */
pte_t *pt_walk_l1(struct vcpu *v, uint64_t va, bool user, uint64_t *rights);

/* --- mmu_update.c, mmuext.c ------------------------------------------------------------------- */
#define MMU_UPDATE_PREEMPTED 0x80000000U /* in the count of a call that goes on */

/* A domain that a page-table call names: pv_foreign_put() when done. NULL: refused, see *rc. */
struct domain *pv_foreign_get(domid_t id, long *rc);
void pv_foreign_put(struct domain *d);
/* The processors that run the vcpus of current's domain in the guest's bit map. */
int pv_vcpumask_cpus(guest_ptr_t mask, cpumask_t *cpus);

static inline bool is_guest_address(uint64_t va)
{
    return is_canonical(va) && !is_hv_address(va);
}

#endif
