/* SPDX-License-Identifier: MIT */
/* Where a PV guest wants to be entered: set_trap_table, set_callbacks, callback_op, nmi_op. */
#include <public/callback.h>
#include <public/nmi.h>
#include "core/errno.h"
#include "core/guest.h"
#include "lib/lib.h"
#include "x86/mm/layout.h"
#include "x86/pv/pv.h"

/* A code address that a guest may name: anything canonical outside our part, or 0 for none. */
static bool entry_ok(uint64_t va)
{
    return is_canonical(va) && !is_hv_address(va);
}

PV_CALL(do_set_trap_table)
{
    struct vcpu *v = current;
    guest_ptr_t p = GUEST_PTR(a1);
    struct trap_info ti;
    unsigned n = 0;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (guest_ptr_null(p)) {
        memset(v->arch.traps, 0, 256 * sizeof(ti));
        return 0;
    }
    for (;; n++) {
        if (n > 256) {
            return -EINVAL;
        }
        if (guest_get_at(&ti, p, n) != 0) {
            return -EFAULT;
        }
        if (ti.address == 0) {
            return 0;
        }
        if (!entry_ok(ti.address)) {
            return -EINVAL;
        }
        pv_fixup_selector(&ti.cs);
        v->arch.traps[ti.vector] = ti;
    }
}

PV_CALL(do_set_callbacks)
{
    struct vcpu *v = current;

    (void)a4, (void)a5, (void)a6;
    if (!entry_ok(a1) || !entry_ok(a2) || !entry_ok(a3)) {
        return -EINVAL;
    }
    v->arch.callback[PV_CB_EVENT] = (struct pv_callback){a1, CALLBACKF_mask_events};
    v->arch.callback[PV_CB_FAILSAFE] = (struct pv_callback){a2, 0};
    v->arch.callback[PV_CB_SYSCALL] = (struct pv_callback){a3, 0};
    return 0;
}

static int callback_slot(unsigned type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return PV_CB_EVENT;
    case CALLBACKTYPE_failsafe:
        return PV_CB_FAILSAFE;
    case CALLBACKTYPE_syscall:
        return PV_CB_SYSCALL;
    case CALLBACKTYPE_syscall32:
        return PV_CB_SYSCALL32;
    case CALLBACKTYPE_sysenter:
        return PV_CB_SYSENTER;
    case CALLBACKTYPE_nmi:
        return PV_CB_NMI;
    default:
        return -ENOSYS;
    }
}

static long callback_register(guest_ptr_t p)
{
    struct callback_register reg;
    struct vcpu *v = current;
    int slot;

    if (guest_get(&reg, p) != 0) {
        return -EFAULT;
    }
    slot = callback_slot(reg.type);
    if (slot < 0) {
        return slot;
    }
    if (!entry_ok(reg.address)) {
        return -EINVAL;
    }
    v->arch.callback[slot] = (struct pv_callback){
        .address = reg.address,
        .flags = slot == PV_CB_EVENT ? CALLBACKF_mask_events
                                     : (reg.flags & CALLBACKF_mask_events),
    };
    return 0;
}

static long callback_unregister(guest_ptr_t p)
{
    struct callback_unregister unreg;
    int slot;

    if (guest_get(&unreg, p) != 0) {
        return -EFAULT;
    }
    slot = callback_slot(unreg.type);
    if (slot < 0) {
        return slot;
    }
    if (slot != PV_CB_NMI) {
        return -EINVAL; /* a guest cannot do without the others */
    }
    current->arch.callback[PV_CB_NMI] = (struct pv_callback){0, 0};
    return 0;
}

PV_CALL(do_callback_op)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch (a1) {
    case CALLBACKOP_register:
        return callback_register(GUEST_PTR(a2));
    case CALLBACKOP_unregister:
        return callback_unregister(GUEST_PTR(a2));
    default:
        return -ENOSYS;
    }
}

PV_CALL(do_nmi_op)
{
    struct xennmi_callback cb;

    (void)a3, (void)a4, (void)a5, (void)a6;
    switch (a1) {
    case XENNMI_register_callback:
        if (current->id != 0) {
            return -EINVAL;
        }
        if (guest_get(&cb, GUEST_PTR(a2)) != 0) {
            return -EFAULT;
        }
        if (!entry_ok(cb.handler_address)) {
            return -EINVAL;
        }
        current->arch.callback[PV_CB_NMI] = (struct pv_callback){cb.handler_address, 0};
        return 0;
    case XENNMI_unregister_callback:
        current->arch.callback[PV_CB_NMI] = (struct pv_callback){0, 0};
        return 0;
    default:
        return -ENOSYS;
    }
}

/*
 * A page of stubs for kernels that call through one: 32 bytes for each call number.
 *   push rcx; push r11; mov $nr, eax; syscall; pop r11; pop rcx; ret
 * iret also pushes rax, and does not come back.
 */
void pv_fill_hypercall_page(void *page)
{
    static const uint8_t stub[] = {0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0,
                                   0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
    static const uint8_t iret_stub[] = {0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0,
                                        0x0f, 0x05};
    uint8_t *p = page;

    memset(p, 0xcc, PAGE_SIZE);
    for (unsigned nr = 0; nr < PAGE_SIZE / 32; nr++) {
        memcpy(p + nr * 32, stub, sizeof(stub));
        p[nr * 32 + 4] = (uint8_t)nr;
    }
    memcpy(p + __HYPERVISOR_iret * 32, iret_stub, sizeof(iret_stub));
}
