/* SPDX-License-Identifier: MIT */
/*
 * The type of a guest's frame (struct page.type): what makes a hypervisor safe that lets guests
 * own their page tables. One 64-bit word, changed by compare-and-swap:
 *
 *   bits 63-60  type: none, L1, L2, L3, L4, segment (GDT/LDT), writable, shared
 *   bit  59     pinned: the guest holds one type count by MMUEXT_PIN
 *   bit  58     validated
 *   bit  57     partial: a preempted (de)validation; page.partial says how far
 *   bit  56     locked for (de)validation
 *   low 32      how many uses have this type; zero means that the type may change
 *
 * A type with a count above zero cannot change; so a frame is never both writable and a table.
 */
#ifndef X86_PV_PAGE_TYPE_H
#define X86_PV_PAGE_TYPE_H

#include "core/domain.h"
#include "x86/mm/pte.h"

#define PGT_NONE      (0ULL << 60)
#define PGT_L1        (1ULL << 60)
#define PGT_L2        (2ULL << 60)
#define PGT_L3        (3ULL << 60)
#define PGT_L4        (4ULL << 60)
#define PGT_SEGMENT   (5ULL << 60)
#define PGT_WRITABLE  (7ULL << 60)
#define PGT_TYPE_MASK (15ULL << 60)
#define PGT_PINNED    (1ULL << 59)
#define PGT_VALIDATED (1ULL << 58)
#define PGT_PARTIAL   (1ULL << 57)
#define PGT_LOCKED    (1ULL << 56)
#define PGT_COUNT_MASK 0xffffffffULL

/*
 * Take one count of `type`, validating the frame's content when it is the first. The caller holds
 * a reference. -EINVAL: it has another type or wrong content; -EINTR: preempted, state is saved,
 * call again (only when preemptible).
 */
int page_get_type(struct page *pg, uint64_t type, bool preemptible);
/* Drop one count; the last one of a table drops what its entries hold. -EINTR as above. */
int page_put_type(struct page *pg, bool preemptible);
/* page_get and page_get_type in one step, by frame; NULL if refused. */
struct page *page_get_and_type(mfn_t m, struct domain *d, uint64_t type);
void page_put_and_type(struct page *pg);

/* Fill the hypervisor's slots of a root that becomes L4. */
void root_fill_slots(pte_t *l4, struct domain *d);
/*
 * Store one entry of a table of this level that belongs to d: the one place where a guest's
 * page-table entry changes. Checks, takes what the new entry refers to, stores, drops the old.
 * `preserve_ad` keeps accessed and dirty bits. foreigndom owns the frames that L1 entries name.
 */
int pt_update(struct page *table, unsigned index, pte_t new_entry, unsigned level,
              struct vcpu *v, struct domain *foreigndom, bool preserve_ad);
/* A processor with L1TF: not-present entries that name RAM are refused (x86/cpu/mitigations.c). */
extern bool pt_l1tf_check;

/* References that an L1 entry holds (also used for grants and emulated writes). */
int l1e_get(pte_t e, struct domain *d, struct domain *foreigndom);
void l1e_put(pte_t e, struct domain *d);

#endif
