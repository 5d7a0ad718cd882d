/* SPDX-License-Identifier: MIT */
/*
 * update_va_mapping: one L1 entry named by the address that it maps, in the address space of the
 * calling kernel, and the flush that goes with it. The tables on the way are those of a validated
 * root, so that the walk under pt_lock needs no checks but "present".
 */
#include "core/errno.h"
#include "core/printk.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

pte_t *pt_walk_l1(struct vcpu *v, uint64_t va, bool user, uint64_t *rights)
{
    mfn_t m = user ? v->arch.root_user : v->arch.root_kernel;
    uint64_t may_write = PTE_RW, no_exec = 0;

    if (m.v == 0) {
        return NULL;
    }
    for (unsigned level = 4; level > 1; level--) {
        pte_t *t = map_frame(m);
        pte_t e = {__atomic_load_n(&t[pt_index(va, level)].v, __ATOMIC_RELAXED)};

        unmap_frame(t);
        if (!(e.v & PTE_P)) {
            return NULL;
        }
        may_write &= e.v;
        no_exec |= e.v & PTE_NX;
        m = pte_mfn(e);
    }
    if (rights != NULL) {
        *rights = may_write | no_exec;
    }
    return (pte_t *)map_frame(m) + pt_index(va, 1);
}

/* 0, or -EFAULT for a mask that cannot be read. */
static long flush_as_asked(struct vcpu *v, uint64_t va, uint64_t flags)
{
    uint64_t where = flags & ~UVMF_FLUSHTYPE_MASK;
    cpumask_t cpus = 0;

    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE) {
        return 0;
    }
    if (where == UVMF_LOCAL) {
        if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG) {
            tlb_flush_page_local(va);
        } else {
            tlb_flush_local();
        }
        return 0;
    }
    if (where == UVMF_ALL) {
        cpus = __atomic_load_n(&v->domain->arch.dirty_cpus, __ATOMIC_ACQUIRE);
    } else if (pv_vcpumask_cpus(GUEST_PTR(where), &cpus) != 0) {
        return -EFAULT;
    }
    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG) {
        tlb_flush_page_cpus(cpus, va);
    } else {
        tlb_flush_cpus(cpus);
    }
    return 0;
}

static long update(uint64_t va, uint64_t val, uint64_t flags, struct domain *frame_owner)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    pte_t *p;
    long rc = -EINVAL, flushed;

    if (!is_guest_address(va) || (flags & UVMF_FLUSHTYPE_MASK) == UVMF_FLUSHTYPE_MASK) {
        return -EINVAL;
    }
    spin_lock(&d->arch.pt_lock);
    p = pt_walk_l1(v, va, false, NULL);
    if (p != NULL) {
        rc = pt_update_l1(p, (pte_t){val}, d, frame_owner, false);
        unmap_frame(p);
    }
    spin_unlock(&d->arch.pt_lock);
    if (rc != 0) {
        guest_printk(d, LOG_DEBUG, "update_va_mapping of %#lx = %#lx: %ld\n", (unsigned long)va,
                     (unsigned long)val, rc);
    }
    flushed = flush_as_asked(v, va, flags);
    return rc != 0 ? rc : flushed;
}

PV_CALL(do_update_va_mapping)
{
    (void)a4, (void)a5, (void)a6;
    return update(a1, a2, a3, current->domain);
}

PV_CALL(do_update_va_mapping_otherdomain)
{
    struct domain *owner;
    long rc = 0;

    (void)a5, (void)a6;
    owner = pv_foreign_get((domid_t)a4, &rc);
    if (owner == NULL) {
        return rc;
    }
    rc = update(a1, a2, a3, owner);
    pv_foreign_put(owner);
    return rc;
}
