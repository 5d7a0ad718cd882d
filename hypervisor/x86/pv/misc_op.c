/* SPDX-License-Identifier: MIT */
/*
 * The small calls of a PV kernel that change how its vcpu runs: iret, stack_switch,
 * set_segment_base, fpu_taskswitch, debug registers; and the switch between the guest's kernel
 * and user address space, which iret and each trap from user space make.
 */
#include "core/errno.h"
#include "core/guest.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "x86/cpu/context.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/entry.h"
#include "x86/cpu/fpu.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pv.h"

void pv_switch_root(struct vcpu *v)
{
    mfn_t root = v->arch.kernel_mode ? v->arch.root_kernel : v->arch.root_user;

    if (root.v == 0) { /* being torn down */
        get_cpu_info()->guest_cr3 = image_to_paddr(hv_root);
    } else {
        get_cpu_info()->guest_cr3 = mfn_to_paddr(root);
    }
    write_cr3(get_cpu_info()->guest_cr3);
}

void pv_toggle_mode(struct vcpu *v)
{
    if (v->arch.kernel_mode && v->arch.root_user.v == 0) {
        return; /* no user root: stay on the kernel's (iret checks before it comes here) */
    }
    v->arch.kernel_mode = !v->arch.kernel_mode;
    __asm__ volatile("swapgs" : : : "memory");
    pv_switch_root(v);
}

/* --- iret ------------------------------------------------------------------------------------- */

#define RFLAGS_GUEST_MASK 0x00244dd5u /* the bits that IRET at CPL 3 may load: ID AC OF DF TF ... */
#define RFLAGS_RF         (1u << 16)
#define RFLAGS_FIXED      0x202u /* bit 1, and IF: interrupts are ours */
#define RFLAGS_NT         (1u << 14)

/* HYPERVISOR_iret: return to what the frame on the kernel stack says. The result is its rax. */
PV_CALL(do_iret)
{
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu *v = current;
    struct iret_context c;

    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (guest_get(&c, GUEST_PTR(regs->rsp)) != 0) {
        domain_crash(v->domain, "vcpu %u: iret with a bad stack %#lx", v->id,
                     (unsigned long)regs->rsp);
        return 0;
    }
    if ((c.cs & 3) == 3) { /* to user space */
        if (v->arch.root_user.v == 0) {
            domain_crash(v->domain, "vcpu %u: iret to user space without a user root", v->id);
            return 0;
        }
        pv_toggle_mode(v);
    }
    regs->rip = c.rip;
    regs->cs = (uint16_t)(c.cs | 3);
    regs->rflags = (c.rflags & (RFLAGS_GUEST_MASK | RFLAGS_RF)) | RFLAGS_FIXED;
    regs->rsp = c.rsp;
    regs->ss = (uint16_t)(c.ss | 3);
    if (c.flags & VGCF_in_syscall) {
        leave_by_sysret(regs);
    } else {
        regs->entry_vector = 0;
        regs->r11 = c.r11;
        regs->rcx = c.rcx;
    }
    v->info->evtchn_upcall_mask = (c.rflags & (1u << 9)) == 0;
    v->arch.nmi_masked = false;
    if (v->arch.nmi_pending) {
        softirq_raise(SOFTIRQ_LOOK);
    }
    if (v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl)) {
        v->arch.iopl = (c.rflags >> 12) & 3;
    }
    return (long)c.rax;
}

PV_CALL(do_stack_switch)
{
    struct vcpu *v = current;
    uint16_t ss = (uint16_t)a1;

    (void)a3, (void)a4, (void)a5, (void)a6;
    pv_fixup_selector(&ss);
    v->arch.kernel_ss = ss;
    v->arch.kernel_sp = a2;
    return 0;
}

/* --- segment bases ---------------------------------------------------------------------------- */

int pv_set_base(unsigned which, uint64_t base)
{
    bool kernel = current->arch.kernel_mode;

    if (!is_canonical(base)) {
        return -EINVAL;
    }
    switch (which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        wrmsr(kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        wrmsr(kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE, base);
        return 0;
    default:
        return -EINVAL;
    }
}

uint64_t pv_get_base(unsigned which)
{
    bool kernel = current->arch.kernel_mode;

    switch (which) {
    case SEGBASE_FS:
        return rdmsr(MSR_FS_BASE);
    case SEGBASE_GS_USER:
        return rdmsr(kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE);
    default:
        return rdmsr(kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE);
    }
}

/* Load the user's gs selector while the kernel runs: its base goes where the kernel's is not. */
static long set_user_gs_selector(unsigned sel)
{
    unsigned bad = 0;
    unsigned long flags = irq_save();

    __asm__ volatile("swapgs\n"
                     "1: movw %w1, %%gs\n"
                     "2: mfence\n"
                     "swapgs\n"
                     ".section .text.fixup, \"ax\"\n"
                     "3: movl $1, %0\n"
                     "   xorl %1, %1\n"
                     "   movw %w1, %%gs\n"
                     "   jmp 2b\n"
                     ".previous\n"
                     ".section .ex_table, \"a\"\n"
                     ".balign 4\n"
                     ".long 1b - .\n"
                     ".long 3b - .\n"
                     ".previous\n"
                     : "+r"(bad), "+r"(sel)
                     :
                     : "memory");
    irq_restore(flags);
    return bad ? -EINVAL : 0;
}

PV_CALL(do_set_segment_base)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    if (a1 == SEGBASE_GS_USER_SEL) {
        return set_user_gs_selector((uint16_t)a2);
    }
    if (a1 > SEGBASE_GS_KERNEL) {
        return -EINVAL;
    }
    return pv_set_base((unsigned)a1, a2);
}

PV_CALL(do_fpu_taskswitch)
{
    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    fpu_set_ts(current, a1 != 0);
    return 0;
}

/* --- debug registers -------------------------------------------------------------------------- */

#define DR7_RESERVED 0xffffffff0000f800ULL /* also GD */
#define DR7_FIXED    0x400ULL
#define DR6_FIXED    0xffff0ff0ULL

static bool debug_address_ok(uint64_t va)
{
    return is_canonical(va) && !is_hv_address(va);
}

/* An I/O breakpoint (R/W = 2) needs CR4.DE, and would tell of other domains' ports. */
static bool dr7_ok(uint64_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        if ((v & (3ULL << (i * 2))) != 0 && ((v >> (16 + i * 4)) & 3) == 2) {
            return false;
        }
    }
    return (v & DR7_RESERVED) == 0;
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    switch (reg) {
    case 0 ... 3:
        if (!debug_address_ok(value)) {
            return -EPERM;
        }
        break;
    case 4:
    case 6:
        reg = 6;
        if (value >> 32) {
            return -EPERM;
        }
        value = (value & 0xe00f) | DR6_FIXED;
        break;
    case 5:
    case 7:
        reg = 7;
        if (!dr7_ok(value & ~DR7_FIXED)) {
            return -EPERM;
        }
        value |= DR7_FIXED;
        break;
    default:
        return -ENODEV;
    }
    v->arch.debugreg[reg] = value;
    if (v == current) {
        context_load_debug(v);
    }
    return 0;
}

PV_CALL(do_set_debugreg)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    if (a1 > 7) {
        return -EINVAL;
    }
    return pv_set_debugreg(current, (unsigned)a1, a2);
}

PV_CALL(do_get_debugreg)
{
    unsigned reg = (unsigned)a1;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (a1 > 7) {
        return -EINVAL;
    }
    if (reg == 4 || reg == 5) {
        reg += 2;
    }
    return (long)current->arch.debugreg[reg];
}
