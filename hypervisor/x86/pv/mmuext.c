/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, roots, flushes, LDT, and clearing or copying a frame. One row for each
 * operation; the column `foreign` says which of them may name frames of another domain.
 *
 * A root is one type count and one reference, held by the vcpu. Its devalidation may be preempted
 * after the vcpu has let go of it: the frame then keeps its own state (pt.h), and the vcpu finishes
 * it before its next page-table call.
 */
#include "core/errno.h"
#include "core/printk.h"
#include "core/smp.h"
#include "lib/lib.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

struct mmuext_call {
    struct vcpu *v;
    struct domain *owner; /* of the frames named */
};

typedef int (*mmuext_fn)(struct mmuext_call *c, const struct mmuext_op *op);

/* --- roots ------------------------------------------------------------------------------------ */

/* Take a reference and an L4 type. */
static int root_get(struct domain *d, mfn_t m)
{
    struct page *pg = arch_mfn_to_page(m);
    int rc;

    if (pg == NULL || !page_get(pg, d)) {
        return -EINVAL;
    }
    rc = page_get_type(pg, PGT_L4, true);
    if (rc != 0) {
        page_put(pg);
    }
    return rc;
}

/* -EINTR: let go of, but the work is to be finished. */
static int root_put(struct vcpu *v, mfn_t m)
{
    struct page *pg = arch_mfn_to_page(m);
    int rc;

    if (m.v == 0) {
        return 0;
    }
    rc = page_put_type(pg, true);
    if (rc != 0) {
        pt_note_pending(v, pg);
    }
    page_put(pg);
    return rc;
}

int pv_set_roots(struct vcpu *v, mfn_t kernel, mfn_t user)
{
    struct domain *d = v->domain;
    int rc = kernel.v != 0 ? root_get(d, kernel) : 0;

    if (rc != 0) {
        return rc;
    }
    if (user.v != 0) {
        rc = root_get(d, user);
        if (rc != 0) {
            (void)root_put(v, kernel);
            return rc;
        }
    }
    (void)root_put(v, v->arch.root_kernel);
    (void)root_put(v, v->arch.root_user);
    v->arch.root_kernel = kernel;
    v->arch.root_user = user;
    return 0;
}

/* The vcpu runs no more, and no processor has its roots loaded. */
int pv_drop_roots(struct vcpu *v)
{
    mfn_t kernel = v->arch.root_kernel, user = v->arch.root_user;
    int rc = pt_finish_pending(v);

    if (rc != 0) {
        return rc;
    }
    v->arch.root_user = MFN(0);
    rc = root_put(v, user);
    if (rc != 0) {
        return rc;
    }
    v->arch.root_kernel = MFN(0);
    return root_put(v, kernel);
}

int pv_new_baseptr(struct vcpu *v, mfn_t m)
{
    mfn_t old = v->arch.root_kernel;
    int rc;

    if (m.v == old.v) {
        tlb_flush_local();
        return 0;
    }
    rc = root_get(v->domain, m);
    if (rc != 0) {
        return rc;
    }
    v->arch.root_kernel = m;
    pv_switch_root(v);
    (void)root_put(v, old); /* what is left of it is pending */
    return 0;
}

static int new_kernel_root(struct mmuext_call *c, const struct mmuext_op *op)
{
    return pv_new_baseptr(c->v, MFN(op->arg1.mfn));
}

static int new_user_root(struct mmuext_call *c, const struct mmuext_op *op)
{
    struct vcpu *v = c->v;
    mfn_t old = v->arch.root_user, m = MFN(op->arg1.mfn);
    int rc;

    if (m.v == old.v) {
        return 0;
    }
    if (m.v != 0) {
        rc = root_get(v->domain, m);
        if (rc != 0) {
            return rc;
        }
    }
    v->arch.root_user = m;
    (void)root_put(v, old);
    return 0;
}

/* --- pins ------------------------------------------------------------------------------------- */

static int pin(struct mmuext_call *c, const struct mmuext_op *op)
{
    struct page *pg = arch_mfn_to_page(MFN(op->arg1.mfn));
    int rc;

    if (pg == NULL || !page_get(pg, c->owner)) {
        return -EINVAL;
    }
    rc = page_pin(pg, level_type(op->cmd - MMUEXT_PIN_L1_TABLE + 1));
    if (rc != 0) {
        page_put(pg);
    }
    return rc;
}

static int unpin(struct mmuext_call *c, const struct mmuext_op *op)
{
    struct page *pg = arch_mfn_to_page(MFN(op->arg1.mfn));
    int rc;

    if (pg == NULL || !page_get(pg, c->owner)) {
        return -EINVAL;
    }
    rc = page_unpin(pg);
    page_put(pg);
    return rc;
}

/* --- flushes ---------------------------------------------------------------------------------- */

int pv_vcpumask_cpus(guest_ptr_t mask, cpumask_t *cpus)
{
    struct domain *d = current->domain;
    uint64_t bits = 0;
    struct vcpu *v;

    if (guest_read(&bits, mask, DIV_ROUND_UP(d->max_vcpus, 8)) != 0) {
        return -EFAULT;
    }
    *cpus = 0;
    /* One that does not run now will load its root, and so flush, before it does. */
    for_each_vcpu(d, v) {
        if ((bits >> v->id & 1) && __atomic_load_n(&v->running, __ATOMIC_ACQUIRE)) {
            *cpus |= 1ULL << __atomic_load_n(&v->cpu, __ATOMIC_RELAXED);
        }
    }
    return 0;
}

static int flush_local(struct mmuext_call *c, const struct mmuext_op *op)
{
    (void)c, (void)op;
    tlb_flush_local();
    return 0;
}

static int invlpg_local(struct mmuext_call *c, const struct mmuext_op *op)
{
    (void)c;
    if (is_guest_address(op->arg1.linear_addr)) {
        tlb_flush_page_local(op->arg1.linear_addr);
    }
    return 0;
}

static int flush_multi(struct mmuext_call *c, const struct mmuext_op *op)
{
    cpumask_t cpus;

    (void)c;
    if (pv_vcpumask_cpus(op->arg2.vcpumask, &cpus) != 0) {
        return -EFAULT;
    }
    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI) {
        tlb_flush_cpus(cpus);
    } else if (is_guest_address(op->arg1.linear_addr)) {
        tlb_flush_page_cpus(cpus, op->arg1.linear_addr);
    }
    return 0;
}

static int flush_all(struct mmuext_call *c, const struct mmuext_op *op)
{
    cpumask_t cpus = __atomic_load_n(&c->v->domain->arch.dirty_cpus, __ATOMIC_ACQUIRE);

    if (op->cmd == MMUEXT_TLB_FLUSH_ALL) {
        tlb_flush_cpus(cpus);
    } else if (is_guest_address(op->arg1.linear_addr)) {
        tlb_flush_page_cpus(cpus, op->arg1.linear_addr);
    }
    return 0;
}

static void write_back_caches(void *unused)
{
    (void)unused;
    __asm__ volatile("wbinvd" : : : "memory");
}

static int flush_cache(struct mmuext_call *c, const struct mmuext_op *op)
{
    if (!access_hardware(c->v->domain)) {
        return -EPERM;
    }
    if (op->cmd == MMUEXT_FLUSH_CACHE_GLOBAL) {
        smp_call(arch_online_cpus(), write_back_caches, NULL, true);
    } else {
        write_back_caches(NULL);
    }
    return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int set_ldt(struct mmuext_call *c, const struct mmuext_op *op)
{
    struct vcpu *v = c->v;
    uint64_t base = op->arg1.linear_addr;
    unsigned entries = op->arg2.nr_ents;

    if (entries > 8192 || (base & (PAGE_SIZE - 1)) != 0 || !is_guest_address(base)) {
        return -EINVAL;
    }
    if (v->arch.ldt_base != base || v->arch.ldt_entries != entries) {
        pv_drop_ldt(v);
        v->arch.ldt_base = base;
        v->arch.ldt_entries = entries;
        pv_load_ldt(v);
    }
    return 0;
}

static int clear_page(struct mmuext_call *c, const struct mmuext_op *op)
{
    mfn_t m = MFN(op->arg1.mfn);
    struct page *pg = page_get_and_type(m, c->owner, PGT_WRITABLE);
    void *va;

    if (pg == NULL) {
        return -EINVAL;
    }
    va = map_frame(m);
    arch_clear_page(va);
    unmap_frame(va);
    page_put_and_type(pg);
    return 0;
}

static int copy_page(struct mmuext_call *c, const struct mmuext_op *op)
{
    mfn_t from = MFN(op->arg2.src_mfn), to = MFN(op->arg1.mfn);
    struct page *src = arch_mfn_to_page(from), *dst;
    const void *s;
    void *t;

    if (src == NULL || !page_get(src, c->owner)) {
        return -EINVAL;
    }
    dst = page_is_device(src) ? NULL : page_get_and_type(to, c->owner, PGT_WRITABLE);
    if (dst == NULL) {
        page_put(src);
        return -EINVAL;
    }
    s = map_frame(from);
    t = map_frame(to);
    arch_copy_page(t, s);
    unmap_frame(t);
    unmap_frame(s);
    page_put_and_type(dst);
    page_put(src);
    return 0;
}

static int not_supported(struct mmuext_call *c, const struct mmuext_op *op)
{
    (void)c, (void)op;
    return -EOPNOTSUPP;
}

static const struct {
    mmuext_fn fn;
    bool foreign;
} rows[] = {
    [MMUEXT_PIN_L1_TABLE] = {pin, true},
    [MMUEXT_PIN_L2_TABLE] = {pin, true},
    [MMUEXT_PIN_L3_TABLE] = {pin, true},
    [MMUEXT_PIN_L4_TABLE] = {pin, true},
    [MMUEXT_UNPIN_TABLE] = {unpin, true},
    [MMUEXT_NEW_BASEPTR] = {new_kernel_root, false},
    [MMUEXT_NEW_USER_BASEPTR] = {new_user_root, false},
    [MMUEXT_TLB_FLUSH_LOCAL] = {flush_local, false},
    [MMUEXT_INVLPG_LOCAL] = {invlpg_local, false},
    [MMUEXT_TLB_FLUSH_MULTI] = {flush_multi, false},
    [MMUEXT_INVLPG_MULTI] = {flush_multi, false},
    [MMUEXT_TLB_FLUSH_ALL] = {flush_all, false},
    [MMUEXT_INVLPG_ALL] = {flush_all, false},
    [MMUEXT_FLUSH_CACHE] = {flush_cache, false},
    [MMUEXT_FLUSH_CACHE_GLOBAL] = {flush_cache, false},
    [MMUEXT_SET_LDT] = {set_ldt, false},
    [MMUEXT_CLEAR_PAGE] = {clear_page, true},
    [MMUEXT_COPY_PAGE] = {copy_page, true},
    [MMUEXT_MARK_SUPER] = {not_supported, true},
    [MMUEXT_UNMARK_SUPER] = {not_supported, true},
};

static int run_one(struct mmuext_call *c, guest_ptr_t list, unsigned i)
{
    struct mmuext_op op;

    if (guest_get_at(&op, list, i) != 0) {
        return -EFAULT;
    }
    if (op.cmd >= ARRAY_SIZE(rows) || rows[op.cmd].fn == NULL) {
        return -ENOSYS;
    }
    if (c->owner != c->v->domain && !rows[op.cmd].foreign) {
        return -EPERM;
    }
    return rows[op.cmd].fn(c, &op);
}

static void tell(struct mmuext_call *c, guest_ptr_t list, unsigned i, int rc)
{
    struct mmuext_op op = {.cmd = ~0u};

    if (guest_get_at(&op, list, i) == 0) {
        guest_printk(c->v->domain, LOG_DEBUG, "mmuext_op %u of %#lx: %d\n", op.cmd,
                     (unsigned long)op.arg1.mfn, rc);
    }
}

/* As run() of mmu_update.c. */
static int run(struct mmuext_call *c, guest_ptr_t list, unsigned count, unsigned *done)
{
    for (*done = 0; *done < count; ++*done) {
        int rc;

        if (pt_finish_pending(c->v) != 0 || (*done != 0 && preempt_needed())) {
            return -ERESTART;
        }
        rc = run_one(c, list, *done);
        if (rc == -EINTR) {
            return -ERESTART;
        }
        if (rc != 0) {
            tell(c, list, *done, rc);
            return rc;
        }
    }
    return pt_finish_pending(c->v) != 0 ? -ERESTART : 0;
}

PV_CALL(do_mmuext_op)
{
    struct mmuext_call c = {.v = current};
    uint32_t count = (uint32_t)a2, total = 0;
    unsigned done = 0;
    long rc = 0;

    (void)a5, (void)a6;
    if (count & MMU_UPDATE_PREEMPTED) {
        count &= ~MMU_UPDATE_PREEMPTED;
        if (a3 != 0 && guest_get(&total, GUEST_PTR(a3)) != 0) {
            return -EFAULT;
        }
    }
    c.owner = pv_foreign_get((domid_t)a4, &rc);
    if (c.owner == NULL) {
        return rc;
    }
    rc = c.owner->ops == &pv_ops ? run(&c, GUEST_PTR(a1), count, &done) : -EPERM;
    pv_foreign_put(c.owner);
    total += done;
    if (a3 != 0 && guest_put(GUEST_PTR(a3), &total) != 0) {
        return -EFAULT;
    }
    if (rc == -ERESTART) {
        return hypercall_continue(__HYPERVISOR_mmuext_op, a1 + done * sizeof(struct mmuext_op),
                                  (count - done) | MMU_UPDATE_PREEMPTED, a3, a4, 0, 0);
    }
    return rc;
}
