/* SPDX-License-Identifier: MIT */
/*
 * State of a vcpu beyond vcpu_guest_context: entry points for 32-bit system calls, extended
 * processor state, MSRs. The vcpu is paused meanwhile, so that its state lies in v->arch.
 */
#include "x86/vcpu_state.h"
#include <public/callback.h>
#include "core/errno.h"
#include "core/guest.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/fpu.h"
#include "x86/mm/layout.h"

static struct vcpu *find_vcpu(struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

static bool entry_ok(uint64_t va)
{
    return is_canonical(va) && !is_hv_address(va);
}

static long ext_get(struct vcpu *v, struct xen_domctl_ext_vcpucontext *c)
{
    const struct pv_callback *s32 = &v->arch.callback[PV_CB_SYSCALL32];
    const struct pv_callback *sysenter = &v->arch.callback[PV_CB_SYSENTER];
    uint32_t id = c->vcpu;

    memset(c, 0, sizeof(*c));
    c->vcpu = id;
    c->size = sizeof(*c);
    c->syscall32_callback_eip = s32->address;
    c->syscall32_callback_cs = FLAT_KERNEL_CS;
    c->syscall32_disables_events = (s32->flags & CALLBACKF_mask_events) != 0;
    c->sysenter_callback_eip = sysenter->address;
    c->sysenter_callback_cs = FLAT_KERNEL_CS;
    c->sysenter_disables_events = (sysenter->flags & CALLBACKF_mask_events) != 0;
    return 0;
}

static long ext_set(struct vcpu *v, const struct xen_domctl_ext_vcpucontext *c)
{
    if (c->size < offsetof(struct xen_domctl_ext_vcpucontext, vmce) ||
        !entry_ok(c->syscall32_callback_eip) || !entry_ok(c->sysenter_callback_eip) ||
        c->syscall32_disables_events > 1 || c->sysenter_disables_events > 1) {
        return -EINVAL;
    }
    v->arch.callback[PV_CB_SYSCALL32] = (struct pv_callback){
        c->syscall32_callback_eip, c->syscall32_disables_events ? CALLBACKF_mask_events : 0};
    v->arch.callback[PV_CB_SYSENTER] = (struct pv_callback){
        c->sysenter_callback_eip, c->sysenter_disables_events ? CALLBACKF_mask_events : 0};
    return 0;
}

long vcpu_state_ext(struct domain *d, struct xen_domctl_ext_vcpucontext *c, bool set)
{
    struct vcpu *v = find_vcpu(d, c->vcpu);
    long rc;

    if (!v) {
        return -ESRCH;
    }
    if (v == current) {
        return -EINVAL;
    }
    vcpu_pause(v);
    rc = set ? ext_set(v, c) : ext_get(v, c);
    vcpu_unpause(v);
    return rc;
}

/* --- extended state: xcr0, xcr0_accum, then the XSAVE area ------------------------------------ */

#define EXTSTATE_HEAD 16
#define XCR0_ALWAYS   3u /* x87 and SSE: usable, and so switched, whatever XCR0 says */

long vcpu_state_xsave_get(struct domain *d, struct xen_domctl_vcpuextstate *s)
{
    struct vcpu *v = find_vcpu(d, s->vcpu);
    uint64_t size = EXTSTATE_HEAD + fpu_area_size(), head[2];
    long rc = 0;

    if (!v || v == current) {
        return v ? -EINVAL : -ESRCH;
    }
    if (!cpu_features.xsave) {
        s->size = 0;
        return 0;
    }
    vcpu_pause(v);
    if (s->size == 0 && s->xfeature_mask == 0) {
        s->xfeature_mask = fpu_xcr0_mask();
        s->size = size;
    } else if (s->size != size || s->xfeature_mask != fpu_xcr0_mask()) {
        rc = -EINVAL;
    } else {
        head[0] = v->arch.xcr0;
        head[1] = v->arch.xcr0_accum;
        if (guest_write(s->buffer, head, sizeof(head)) != 0 ||
            guest_write((guest_ptr_t){s->buffer.va + EXTSTATE_HEAD}, v->arch.xsave_area,
                        fpu_area_size()) != 0) {
            rc = -EFAULT;
        }
    }
    vcpu_unpause(v);
    return rc;
}

/* Is a saved area one that XRSTOR accepts: only known components, a clean header? */
static bool area_ok(const char *area, uint64_t accum)
{
    const uint64_t *header = (const uint64_t *)(area + 512);

    if (header[0] & ~accum) {
        return false;
    }
    for (unsigned i = 1; i < 8; i++) {
        if (header[i] != 0) {
            return false; /* compacted form, or reserved bytes */
        }
    }
    return true;
}

long vcpu_state_xsave_set(struct domain *d, struct xen_domctl_vcpuextstate *s)
{
    struct vcpu *v = find_vcpu(d, s->vcpu);
    uint64_t head[2];
    char *area;
    long rc = 0;

    if (!v || v == current) {
        return v ? -EINVAL : -ESRCH;
    }
    if (!cpu_features.xsave || s->size < EXTSTATE_HEAD + 512 + 64 ||
        s->size > EXTSTATE_HEAD + fpu_area_size()) {
        return -EINVAL;
    }
    area = heap_alloc_pages(0);
    if (!area) {
        return -ENOMEM;
    }
    if (guest_read(head, s->buffer, sizeof(head)) != 0 ||
        guest_read(area, (guest_ptr_t){s->buffer.va + EXTSTATE_HEAD}, s->size - EXTSTATE_HEAD) !=
            0) {
        rc = -EFAULT;
    } else if (!fpu_xcr0_ok(head[0]) || !fpu_xcr0_ok(head[1]) || (head[0] & ~head[1]) ||
               !area_ok(area, head[1])) {
        rc = -EINVAL; /* XSETBV would fault at the next switch */
    } else {
        vcpu_pause(v);
        v->arch.xcr0 = head[0];
        v->arch.xcr0_accum = head[1] | XCR0_ALWAYS;
        memcpy(v->arch.xsave_area, area, PAGE_SIZE);
        vcpu_unpause(v);
    }
    heap_free_pages(area, 0);
    return rc;
}

/* --- MSRs: TSC_AUX is the one that a PV guest owns -------------------------------------------- */

static long msrs_set(struct vcpu *v, const struct xen_domctl_vcpu_msrs *m)
{
    struct xen_domctl_vcpu_msr msr;

    if (m->msr_count > 4) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < m->msr_count; i++) {
        if (guest_get_at(&msr, m->msrs, i) != 0) {
            return -EFAULT;
        }
        if (msr.reserved != 0 || msr.index != MSR_TSC_AUX || msr.value >> 32) {
            return -EINVAL;
        }
        v->arch.tsc_aux = (uint32_t)msr.value;
    }
    return 0;
}

static long msrs_get(struct vcpu *v, struct xen_domctl_vcpu_msrs *m)
{
    struct xen_domctl_vcpu_msr msr = {.index = MSR_TSC_AUX, .value = v->arch.tsc_aux};
    uint32_t n = msr.value ? 1 : 0, room = m->msr_count;

    if (guest_ptr_null(m->msrs)) {
        m->msr_count = 1;
        return 0;
    }
    m->msr_count = n;
    if (n > room) {
        return -ENOBUFS;
    }
    return n && guest_put(m->msrs, &msr) != 0 ? -EFAULT : 0;
}

long vcpu_state_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *m, bool set)
{
    struct vcpu *v = find_vcpu(d, m->vcpu);
    long rc;

    if (!v || v == current) {
        return v ? -EINVAL : -ESRCH;
    }
    vcpu_pause(v);
    rc = set ? msrs_set(v, m) : msrs_get(v, m);
    vcpu_unpause(v);
    return rc;
}
