/* SPDX-License-Identifier: MIT */
/*
 * Delivering traps and events to a PV guest: its next instruction is its handler. The frame on
 * its kernel stack, from low to high addresses, is
 *
 *      rcx r11 [error code] rip cs rflags rsp ss
 *
 * so a handler starts with `pop rcx; pop r11`: the way in is SYSRET, which destroys both. Byte 4
 * of the cs slot is the event mask before the trap; bits 0-1 of cs are 0 when the guest's kernel
 * was interrupted; IF in the saved rflags is the inverse of the event mask. (Layout measured
 * against what stock kernels' entry code reads.)
 */
#include <public/callback.h>
#include "core/guest.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/asm_offsets.h"
#include "x86/cpu/entry.h"
#include "x86/mm/layout.h"
#include "x86/pv/pv.h"

#define RFLAGS_TF   (1u << 8)
#define RFLAGS_IF   (1u << 9)
#define RFLAGS_IOPL (3u << 12)
#define RFLAGS_NT   (1u << 14)
#define RFLAGS_RF   (1u << 16)
#define RFLAGS_VM   (1u << 17)
#define RFLAGS_AC   (1u << 18)

struct entry_point {
    uint64_t address;
    bool mask_events;
};

static uint64_t saved_rflags(const struct vcpu *v, const struct cpu_user_regs *regs, uint8_t mask)
{
    uint64_t fl = regs->rflags & ~(uint64_t)(RFLAGS_IF | RFLAGS_IOPL);

    if (mask == 0) {
        fl |= RFLAGS_IF;
    }
    if (v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl)) {
        fl |= (uint64_t)(v->arch.iopl & 3) << 12;
    }
    return fl;
}

#define FRAME_WORDS 8

/*
 * Put the interrupted state on the guest's kernel stack and aim the guest at its handler. Both
 * sizes of the frame are constants to the compiler, so that it is stored without a loop.
 */
static bool enter_guest(struct vcpu *v, const struct entry_point *to, const uint32_t *error)
{
    struct cpu_user_regs *regs = guest_regs();
    bool from_kernel = v->arch.kernel_mode;
    uint8_t mask = v->info->evtchn_upcall_mask;
    uint64_t frame[FRAME_WORDS], *low = error ? frame : frame + 1;
    guest_ptr_t sp;
    int rc;

    if (to->address == 0 || !is_canonical(to->address) || is_hv_address(to->address)) {
        domain_crash(v->domain, "vcpu %u: no handler (vector or callback at %#lx), rip %#lx",
                     v->id, (unsigned long)to->address, (unsigned long)regs->rip);
        return false;
    }
    if (from_kernel) {
        sp.va = regs->rsp & ~15ULL;
    } else {
        pv_toggle_mode(v);
        sp.va = v->arch.kernel_sp & ~15ULL;
    }
    low[0] = regs->rcx;
    low[1] = regs->r11;
    frame[3] = regs->rip;
    frame[4] = (from_kernel ? (regs->cs & ~3u) : regs->cs) | ((uint64_t)mask << 32);
    frame[5] = saved_rflags(v, regs, mask);
    frame[6] = regs->rsp;
    frame[7] = regs->ss;
    if (error) {
        frame[2] = *error;
        sp.va -= sizeof(frame);
        rc = guest_write_small(sp, frame, sizeof(frame));
    } else {
        sp.va -= sizeof(frame) - 8;
        rc = guest_write_small(sp, frame + 1, sizeof(frame) - 8);
    }
    if (rc != 0) {
        domain_crash(v->domain, "vcpu %u: bad kernel stack %#lx while entering %#lx from %#lx",
                     v->id, (unsigned long)sp.va, (unsigned long)to->address,
                     (unsigned long)regs->rip);
        return false;
    }
    if (to->mask_events) {
        v->info->evtchn_upcall_mask = 1;
    }
    regs->rip = to->address;
    regs->cs = GUEST_CS64;
    regs->ss = GUEST_DS;
    regs->rsp = sp.va;
    regs->rflags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC |
                                RFLAGS_IOPL);
    regs->rflags |= RFLAGS_IF | 2;
    leave_by_sysret(regs); /* rcx and r11 are on its stack */
    return true;
}

/* The handler that the guest registered for a vector; error NULL if the frame has none. */
static void enter_handler(struct vcpu *v, unsigned vector, const uint32_t *error)
{
    const struct trap_info *ti = &v->arch.traps[vector];
    struct entry_point to = {ti->address, TI_GET_IF(ti) != 0};

    if (ti->address == 0) {
        domain_crash(v->domain,
                     "vcpu %u: trap %u (error %#x, cr2 %#lx) without a handler, rip %#lx", v->id,
                     vector, error ? *error : 0, (unsigned long)v->info->arch.cr2,
                     (unsigned long)guest_regs()->rip);
        return;
    }
    enter_guest(v, &to, error);
}

void pv_inject_trap(const struct pv_trap *t)
{
    struct vcpu *v = current;

    if (t->vector == 14) {
        v->info->arch.cr2 = t->cr2;
    }
    enter_handler(v, t->vector, t->has_error ? &t->error : NULL);
}

/* 8, 10 to 14, 17 and 21 */
#define VECTORS_WITH_ERROR 0x00227d00u

void pv_inject_exception(unsigned vector, uint32_t error)
{
    bool has_error = vector < 32 && (VECTORS_WITH_ERROR >> vector & 1) != 0;

    enter_handler(current, (uint8_t)vector, has_error ? &error : NULL);
}

void pv_inject_page_fault(uint32_t error, uint64_t cr2)
{
    struct pv_trap t = {.vector = 14, .has_error = true, .error = error, .cr2 = cr2};

    pv_inject_trap(&t);
}

bool pv_enter_callback(enum pv_callback_index which)
{
    struct vcpu *v = current;
    const struct pv_callback *cb = &v->arch.callback[which];
    struct entry_point to = {cb->address, (cb->flags & CALLBACKF_mask_events) != 0};

    return enter_guest(v, &to, NULL);
}

static void deliver_nmi(struct vcpu *v)
{
    v->arch.nmi_pending = false;
    v->arch.nmi_masked = true;
    if (v->arch.callback[PV_CB_NMI].address != 0) {
        pv_enter_callback(PV_CB_NMI);
    } else {
        pv_inject_exception(2, 0);
    }
}

int pv_exit_work(void)
{
    struct vcpu *v = current;

    if (v->arch.nmi_pending && !v->arch.nmi_masked) {
        if (v->arch.callback[PV_CB_NMI].address != 0 || v->arch.traps[2].address != 0) {
            deliver_nmi(v);
            return 1;
        }
        v->arch.nmi_pending = false; /* a kernel that has no NMI handler yet */
    }
    if (arch_event_deliverable(v)) {
        if (v->arch.callback[PV_CB_EVENT].address == 0) {
            return 0; /* not registered yet: the bit stays pending */
        }
        pv_enter_callback(PV_CB_EVENT);
        return 1;
    }
    return 0;
}

/* --- entries that are not faults -------------------------------------------------------------- */

/* A hypercall's handler wants to be called again, with arguments that say how far it came. */
void pv_continue(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    v->cont.pending = false;
    regs->rip -= 2; /* the SYSCALL instruction is two bytes: it is made again */
    regs->rax = v->cont.nr;
    regs->rdi = v->cont.args[0];
    regs->rsi = v->cont.args[1];
    regs->rdx = v->cont.args[2];
    regs->r10 = v->cont.args[3];
    regs->r8 = v->cont.args[4]; /* r9 survives: no call takes it, and guests rely on it */
    leave_by_sysret(regs);
}

/* SYSCALL by the guest's user space. */
void pv_guest_syscall(struct cpu_user_regs *regs)
{
    (void)regs;
    irq_enable();
    pv_enter_callback(PV_CB_SYSCALL);
}

void pv_guest_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (v->arch.kernel_mode || v->arch.callback[PV_CB_SYSCALL32].address == 0) {
        regs->rip -= 2;
        pv_inject_exception(6, 0);
        return;
    }
    pv_enter_callback(PV_CB_SYSCALL32);
}

/*
 * SYSENTER: where user space was is lost. A kernel that does so itself has no stack any more, which
 * is its end.
 */
void pv_guest_sysenter(struct cpu_user_regs *regs)
{
    regs->rflags |= RFLAGS_IF;
    irq_enable();
    if (current->arch.callback[PV_CB_SYSENTER].address == 0) {
        pv_inject_exception(13, 0);
        return;
    }
    pv_enter_callback(PV_CB_SYSENTER);
}

void pv_guest_int80(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    const struct trap_info *ti = &v->arch.traps[0x80];
    unsigned cpl = v->arch.kernel_mode ? 1 : 3;

    if (ti->address == 0 || TI_GET_DPL(ti) < cpl) {
        regs->rip -= 2;
        pv_inject_exception(13, (0x80 << 3) | 2);
        return;
    }
    pv_inject_exception(0x80, 0);
}

/* IRET refused the guest's frame: a fault of the guest's instruction. */
void pv_bad_iret(struct cpu_user_regs *regs)
{
    /* entry from a guest's point of view: whatever it asked for is not loadable */
    uint32_t error = regs->cs & ~3u;

    regs->cs = GUEST_CS64;
    regs->ss = GUEST_DS;
    irq_enable();
    pv_inject_exception(13, error);
}
