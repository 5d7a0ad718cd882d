/* SPDX-License-Identifier: MIT */
/*
 * Grants in a PV guest's page tables: host_addr names one L1 entry, either by the address that it
 * maps or, with GNTMAP_contains_pte, by its own machine address.
 *
 * The entry holds what every L1 entry holds, a reference and for writing a writable type of the
 * foreign frame, besides what the grant's handle holds (core/grant_map.c). So a guest that
 * overwrites it with mmu_update, or throws the whole table away, harms nobody; its unmap then
 * fails. Translations are flushed before unmap returns, for the grant ends there. Both functions
 * return 0 or a GNTST_* value.
 */
#include "core/errno.h"
#include "core/grant.h"
#include "core/printk.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

/* The L1 entry, mapped (unmap_frame); pt_lock is held, so that its table stays what it is. */
static pte_t *slot_locked(struct vcpu *v, uint64_t host_addr, bool is_pte)
{
    struct page *pg;
    mfn_t m = paddr_to_mfn(host_addr);

    if (!is_pte) {
        return is_guest_address(host_addr) ? pt_walk_l1(v, host_addr, false, NULL) : NULL;
    }
    pg = arch_mfn_to_page(m);
    if ((host_addr & 7) != 0 || pg == NULL || !page_get(pg, v->domain)) {
        return NULL;
    }
    if (!type_is_live_table(pg->type) || type_level(pg->type) != 1) {
        page_put(pg);
        return NULL;
    }
    page_put(pg); /* its type count keeps it while we hold the lock */
    return (pte_t *)map_frame(m) + (host_addr & (PAGE_SIZE - 1)) / sizeof(pte_t);
}

static void flush_slot(struct vcpu *v, uint64_t host_addr, bool is_pte)
{
    cpumask_t cpus = __atomic_load_n(&v->domain->arch.dirty_cpus, __ATOMIC_ACQUIRE);

    if (is_pte) {
        tlb_flush_cpus(cpus);
    } else {
        tlb_flush_page_cpus(cpus, host_addr);
    }
}

static pte_t grant_entry(mfn_t m, uint32_t flags, bool writable)
{
    uint64_t avail = (flags >> _GNTMAP_guest_avail0) & 7;

    return pte_make(m, PTE_P | PTE_US | PTE_A | PTE_NX | (writable ? PTE_RW | PTE_D : 0) |
                           avail * PTE_AVAIL0);
}

int arch_grant_map(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, bool writable)
{
    struct domain *d = v->domain;
    struct page *pg = arch_mfn_to_page(m);
    bool is_pte = (flags & GNTMAP_contains_pte) != 0, was_present = false;
    pte_t e = grant_entry(m, flags, writable), *p;
    int rc = -EINVAL;

    if (pg == NULL) {
        return GNTST_general_error;
    }
    spin_lock(&d->arch.pt_lock);
    p = slot_locked(v, host_addr, is_pte);
    if (p != NULL) {
        rc = l1e_get(e, d, pg->owner); /* the handle's reference keeps the owner */
        if (rc == 0) {
            was_present = (p->v & PTE_P) != 0;
            pt_replace_l1(p, e, d);
        }
        unmap_frame(p);
    }
    spin_unlock(&d->arch.pt_lock);
    if (was_present) {
        flush_slot(v, host_addr, is_pte);
    }
    return rc < 0 ? GNTST_general_error : 0;
}

/* The entry at new_addr moves to p. */
static int move_entry(struct vcpu *v, uint64_t new_addr, pte_t *p)
{
    pte_t *q = slot_locked(v, new_addr, false), e;

    if (q == NULL) {
        return -EINVAL;
    }
    if (q == p) {
        unmap_frame(q);
        return -EINVAL;
    }
    e.v = __atomic_exchange_n(&q->v, 0, __ATOMIC_ACQ_REL);
    pt_replace_l1(p, e, v->domain);
    unmap_frame(q);
    return 0;
}

/*
 * Frame and right: a handle that may write must not end by taking away an entry that only reads,
 * while the one that writes stays.
 */
static bool entry_is_of(pte_t e, mfn_t m, uint32_t flags)
{
    bool readonly = (flags & GNTMAP_readonly) != 0;

    return (e.v & PTE_P) && mfn_eq(pte_mfn(e), m) && readonly == !(e.v & PTE_RW);
}

int arch_grant_unmap(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, uint64_t new_addr,
                     bool replace)
{
    struct domain *d = v->domain;
    bool is_pte = (flags & GNTMAP_contains_pte) != 0;
    int rc = -EINVAL;
    pte_t *p;

    if (replace && is_pte) {
        return GNTST_general_error;
    }
    spin_lock(&d->arch.pt_lock);
    p = slot_locked(v, host_addr, is_pte);
    if (p != NULL) {
        if (entry_is_of(*p, m, flags)) {
            if (replace) {
                rc = move_entry(v, new_addr, p);
            } else {
                pt_replace_l1(p, (pte_t){0}, d);
                rc = 0;
            }
        }
        unmap_frame(p);
    }
    spin_unlock(&d->arch.pt_lock);
    if (rc == 0) {
        flush_slot(v, host_addr, is_pte);
        if (replace) {
            flush_slot(v, new_addr, false);
        }
    }
    return rc != 0 ? GNTST_general_error : 0;
}
