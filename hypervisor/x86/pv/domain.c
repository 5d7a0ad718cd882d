/* SPDX-License-Identifier: MIT */
/*
 * A PV domain: creation, the context of its vcpus, destruction.
 *
 * Destruction walks a fixed list: the roots and descriptor tables of each vcpu, then each page of
 * the domain, whose pin and whose allocation are given back. Pages that others still map stay
 * with the dying domain until those mappings go.
 */
#include <public/callback.h>
#include "core/errno.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "x86/cpu/context.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/fpu.h"
#include "x86/cpu/policy.h"
#include "x86/irq/irq.h"
#include "x86/mm/layout.h"
#include "x86/pv/page_type.h"
#include "x86/pv/pv.h"

/* --- creation --------------------------------------------------------------------------------- */

static int pv_domain_create(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    int rc;

    if (cfg && (cfg->arch.emulation_flags != 0 || (cfg->arch.misc_flags & ~XEN_X86_MSR_RELAXED))) {
        return -EINVAL;
    }
    d->arch.pt_lock = SPINLOCK(RANK_PT);
    d->arch.address_size = 64;
    d->arch.physaddr_bits = 64;
    rc = cpu_policy_domain_init(d);
    if (rc != 0) {
        return rc;
    }
    rc = guest_irq_domain_init(d);
    if (rc != 0) {
        cpu_policy_domain_destroy(d);
    }
    return rc;
}

static void pv_domain_destroy(struct domain *d)
{
    guest_irq_domain_destroy(d);
    cpu_policy_domain_destroy(d);
    pv_perdomain_destroy(d);
    heap_free(d->arch.e820);
    d->arch.e820 = NULL;
}

static void pv_vcpu_reset(struct vcpu *v)
{
    memset(&v->arch.regs, 0, sizeof(v->arch.regs));
    memset(v->arch.callback, 0, sizeof(v->arch.callback));
    memset(v->arch.traps, 0, 256 * sizeof(struct trap_info));
    v->arch.kernel_mode = true;
    v->arch.cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE: what a PV kernel expects to read */
    v->arch.debugreg[6] = 0xffff0ff0;
    v->arch.debugreg[7] = 0x400;
    fpu_reset(v);
}

static void pv_vcpu_destroy(struct vcpu *v)
{
    fpu_vcpu_destroy(v);
    heap_free(v->arch.traps);
    v->arch.traps = NULL;
}

static int pv_vcpu_create(struct vcpu *v)
{
    int rc;

    v->arch.traps = heap_alloc(256 * sizeof(struct trap_info));
    if (!v->arch.traps) {
        return -ENOMEM;
    }
    rc = fpu_vcpu_init(v);
    if (rc == 0) {
        rc = pv_perdomain_create(v);
    }
    if (rc != 0) {
        pv_vcpu_destroy(v);
        return rc;
    }
    pv_vcpu_reset(v);
    return 0;
}

/* --- the context of a vcpu -------------------------------------------------------------------- */

static bool address_ok(uint64_t va)
{
    return is_canonical(va) && !is_hv_address(va);
}

/* Everything in a context that can be judged without touching the domain. */
static int check_context(const struct vcpu *v, const vcpu_guest_context_t *c)
{
    if (!address_ok(c->event_callback_eip) || !address_ok(c->failsafe_callback_eip) ||
        !address_ok(c->syscall_callback_eip) || !is_canonical(c->fs_base) ||
        !is_canonical(c->gs_base_kernel) || !is_canonical(c->gs_base_user) ||
        !is_canonical(c->user_regs.rip)) {
        return -EINVAL;
    }
    if (c->ldt_ents > 8192 || (c->ldt_ents != 0 && (!address_ok(c->ldt_base) ||
                                                   (c->ldt_base & (PAGE_SIZE - 1)) != 0))) {
        return -EINVAL;
    }
    if (c->gdt_ents > FIRST_RESERVED_GDT_ENTRY) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < 256; i++) {
        if (!address_ok(c->trap_ctxt[i].address)) {
            return -EINVAL;
        }
    }
    /* Frame 0 is "no root" to us: without one of its own a vcpu would run with nothing mapped. */
    if (!v->initialised && xen_cr3_to_pfn(c->ctrlreg[3]) == 0) {
        return -EINVAL;
    }
    if (!(c->flags & VGCF_in_kernel) && v->arch.root_user.v == 0 &&
        (v->initialised || xen_cr3_to_pfn(c->ctrlreg[1]) == 0)) {
        return -EINVAL;
    }
    return 0;
}

static void set_registers(struct vcpu *v, const vcpu_guest_context_t *c)
{
    struct cpu_user_regs *r = &v->arch.regs;

    *r = c->user_regs;
    r->error_code = 0;
    r->entry_vector = 0;
    pv_fixup_selector(&r->ss);
    pv_fixup_selector(&r->cs);
    pv_fixup_selector(&r->ds);
    pv_fixup_selector(&r->es);
    pv_fixup_selector(&r->fs);
    pv_fixup_selector(&r->gs);
    r->rflags = (r->rflags & 0x00254dd5) | 0x202;
    v->arch.iopl = (c->user_regs.rflags >> 12) & 3;
    v->arch.kernel_mode = (c->flags & VGCF_in_kernel) != 0;
    v->arch.fs_base = c->fs_base;
    v->arch.gs_base_kernel = c->gs_base_kernel;
    v->arch.gs_base_user = c->gs_base_user;
    if (c->flags & VGCF_i387_valid) {
        if (fpu_set_legacy(v, &c->fpu_ctxt) != 0) {
            fpu_reset(v);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        v->arch.debugreg[i] = 0;
    }
    v->arch.debugreg[6] = 0xffff0ff0;
    v->arch.debugreg[7] = 0x400;
    for (unsigned i = 0; i < 4; i++) {
        (void)pv_set_debugreg(v, i, c->debugreg[i]);
    }
    (void)pv_set_debugreg(v, 6, c->debugreg[6]);
    (void)pv_set_debugreg(v, 7, c->debugreg[7]);
}

static void set_entries(struct vcpu *v, const vcpu_guest_context_t *c)
{
    unsigned failsafe = (c->flags & VGCF_failsafe_disables_events) ? CALLBACKF_mask_events : 0;
    unsigned syscall = (c->flags & VGCF_syscall_disables_events) ? CALLBACKF_mask_events : 0;

    memcpy(v->arch.traps, c->trap_ctxt, sizeof(c->trap_ctxt));
    for (unsigned i = 0; i < 256; i++) {
        pv_fixup_selector(&v->arch.traps[i].cs);
    }
    v->arch.callback[PV_CB_EVENT] =
        (struct pv_callback){c->event_callback_eip, CALLBACKF_mask_events};
    v->arch.callback[PV_CB_FAILSAFE] = (struct pv_callback){c->failsafe_callback_eip, failsafe};
    v->arch.callback[PV_CB_SYSCALL] = (struct pv_callback){c->syscall_callback_eip, syscall};
    v->arch.kernel_ss = (uint16_t)(c->kernel_ss | 3);
    v->arch.kernel_sp = c->kernel_sp;
}

static int set_tables(struct vcpu *v, const vcpu_guest_context_t *c)
{
    mfn_t kernel = MFN(xen_cr3_to_pfn(c->ctrlreg[3]));
    mfn_t user = MFN(c->ctrlreg[1] != 0 ? xen_cr3_to_pfn(c->ctrlreg[1]) : 0);
    uint64_t frames[16];
    int rc;

    for (unsigned i = 0; i < 16; i++) {
        frames[i] = c->gdt_frames[i];
    }
    rc = pv_set_gdt(v, frames, (unsigned)c->gdt_ents);
    if (rc != 0) {
        return rc;
    }
    rc = pv_set_roots(v, kernel, user);
    if (rc != 0) {
        pv_drop_gdt(v);
        return rc;
    }
    v->arch.ldt_base = c->ldt_base;
    v->arch.ldt_entries = (unsigned)c->ldt_ents;
    return 0;
}

static int pv_vcpu_set_context(struct vcpu *v, const vcpu_guest_context_t *c)
{
    int rc = check_context(v, c);

    if (rc != 0) {
        return rc;
    }
    if (!v->initialised) {
        rc = set_tables(v, c);
        if (rc != 0) {
            return rc;
        }
        set_entries(v, c);
        v->arch.cr4 = c->ctrlreg[4];
        if (v->id == 0) { /* a restored guest does not ask again */
            v->domain->vm_assist = (uint32_t)c->vm_assist & VMASST_OFFERED;
        }
    } else if (xen_cr3_to_pfn(c->ctrlreg[3]) != v->arch.root_kernel.v ||
               c->gdt_ents != v->arch.gdt_entries) {
        return -EOPNOTSUPP; /* a running vcpu's tables change by its own calls only */
    }
    set_registers(v, c);
    v->initialised = true;
    if (c->flags & VGCF_online) {
        __atomic_and_fetch(&v->pause_flags, ~(uint32_t)VPF_DOWN, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static int pv_vcpu_get_context(struct vcpu *v, vcpu_guest_context_t *c)
{
    ASSERT(v != current); /* the state of one that runs is not all in v->arch */
    memset(c, 0, sizeof(*c));
    c->user_regs = v->arch.regs;
    c->user_regs.rflags |= (uint64_t)(v->arch.iopl & 3) << 12;
    fpu_get_legacy(v, &c->fpu_ctxt);
    c->flags = VGCF_i387_valid | (v->arch.kernel_mode ? VGCF_in_kernel : 0);
    if (!(v->pause_flags & VPF_DOWN)) {
        c->flags |= VGCF_online;
    }
    memcpy(c->trap_ctxt, v->arch.traps, sizeof(c->trap_ctxt));
    c->ldt_base = v->arch.ldt_base;
    c->ldt_ents = v->arch.ldt_entries;
    for (unsigned i = 0; i < 16; i++) {
        c->gdt_frames[i] = v->arch.gdt_frames[i];
    }
    c->gdt_ents = v->arch.gdt_entries;
    c->kernel_ss = v->arch.kernel_ss;
    c->kernel_sp = v->arch.kernel_sp;
    c->ctrlreg[0] = v->arch.cr0;
    c->ctrlreg[1] = v->arch.root_user.v ? xen_pfn_to_cr3(v->arch.root_user.v) : 0;
    c->ctrlreg[2] = v->info->arch.cr2;
    c->ctrlreg[3] = xen_pfn_to_cr3(v->arch.root_kernel.v);
    c->ctrlreg[4] = pv_guest_cr4(v);
    for (unsigned i = 0; i < 8; i++) {
        c->debugreg[i] = v->arch.debugreg[i];
    }
    c->event_callback_eip = v->arch.callback[PV_CB_EVENT].address;
    c->failsafe_callback_eip = v->arch.callback[PV_CB_FAILSAFE].address;
    c->syscall_callback_eip = v->arch.callback[PV_CB_SYSCALL].address;
    if (v->arch.callback[PV_CB_FAILSAFE].flags & CALLBACKF_mask_events) {
        c->flags |= VGCF_failsafe_disables_events;
    }
    if (v->arch.callback[PV_CB_SYSCALL].flags & CALLBACKF_mask_events) {
        c->flags |= VGCF_syscall_disables_events;
    }
    c->vm_assist = v->domain->vm_assist;
    c->fs_base = v->arch.fs_base;
    c->gs_base_kernel = v->arch.gs_base_kernel;
    c->gs_base_user = v->arch.gs_base_user;
    return 0;
}

/* --- frame numbers: a PV guest's are machine frames ------------------------------------------- */

static struct page *pv_get_page(struct domain *d, gfn_t gfn, bool need_write)
{
    struct page *pg = arch_mfn_to_page(MFN(gfn.v));

    if (!pg || !page_get(pg, d)) {
        return NULL;
    }
    if (need_write && !page_get_writable(pg)) {
        page_put(pg);
        return NULL;
    }
    return pg;
}

static void pv_put_page(struct page *pg, bool need_write)
{
    if (need_write) {
        page_put_writable(pg);
    }
    page_put(pg);
}

static int pv_page_added(struct domain *d, gfn_t gfn, struct page *pg, unsigned order)
{
    mfn_t m = arch_page_to_mfn(pg);

    for (uint64_t i = 0; i < (1ULL << order); i++) {
        if (page_get(&pg[i], d)) { /* another vcpu may have given it back: it is not ours to name */
            arch_m2p_set(MFN(m.v + i), gfn.v + i);
            page_put(&pg[i]);
        }
    }
    return 0;
}

static void pv_page_removed(struct domain *d, gfn_t gfn, struct page *pg)
{
    (void)d, (void)gfn;
    arch_m2p_set(arch_page_to_mfn(pg), INVALID_MFN.v);
}

/* A PV guest's own map is its own affair; the tools ask for the size that it published. */
static uint64_t pv_max_gfn(struct domain *d)
{
    uint64_t n = d->shared_info ? d->shared_info->arch.max_pfn : 0;

    return n ? n - 1 : 0;
}

/* --- destruction ------------------------------------------------------------------------------ */

static int relinquish_pages(struct domain *d)
{
    struct page *pg;
    unsigned done = 0;
    int rc;

    for (;;) {
        spin_lock(&d->page_lock);
        if (list_empty(&d->page_list)) {
            spin_unlock(&d->page_lock);
            return 0;
        }
        pg = list_first_entry(&d->page_list, struct page, list);
        list_move_tail(&d->relinquish_list, &pg->list);
        spin_unlock(&d->page_lock);
        if (!page_get(pg, d)) {
            continue; /* its last reference is being dropped elsewhere */
        }
        rc = pv_relinquish_page(pg) == 0 ? 0 : -ERESTART;
        if (rc != 0) {
            spin_lock(&d->page_lock);
            list_del(&pg->list);
            list_add(&d->page_list, &pg->list);
            spin_unlock(&d->page_lock);
            page_put(pg);
            return rc;
        }
        page_release_alloc(pg);
        page_put(pg);
        if ((++done & 255) == 0 && preempt_needed()) {
            return -ERESTART;
        }
    }
}

static int pv_domain_relinquish(struct domain *d)
{
    struct vcpu *v;
    int rc;

    for_each_vcpu (d, v) {
        rc = pv_drop_roots(v);
        if (rc != 0) {
            return -ERESTART;
        }
        pv_drop_ldt(v);
        pv_drop_gdt(v);
    }
    return relinquish_pages(d);
}

const struct guest_ops pv_ops = {
    .name = "pv",
    .domain_create = pv_domain_create,
    .domain_relinquish = pv_domain_relinquish,
    .domain_destroy = pv_domain_destroy,
    .vcpu_create = pv_vcpu_create,
    .vcpu_destroy = pv_vcpu_destroy,
    .vcpu_set_context = pv_vcpu_set_context,
    .vcpu_get_context = pv_vcpu_get_context,
    .vcpu_reset = pv_vcpu_reset,
    .get_page = pv_get_page,
    .put_page = pv_put_page,
    .page_added = pv_page_added,
    .page_removed = pv_page_removed,
    .max_gfn = pv_max_gfn,
};

const struct guest_ops *arch_guest_ops(uint32_t flags)
{
    return (flags & XEN_DOMCTL_CDF_hvm) ? NULL : &pv_ops;
}
