/* SPDX-License-Identifier: MIT */
/*
 * The context switch. Everything of the old vcpu is saved and everything of the new one loaded,
 * eagerly; there is no lazy state that another processor would have to ask for.
 *
 * Order, for the sake of what the processor reads behind our back: on the way to the idle vcpu
 * the descriptor table is changed first and the root second (the guest's GDT is mapped only by
 * its own roots); on the way to a guest it is the other way round.
 */
#include "x86/cpu/context.h"
#include "core/hypercall.h"
#include "core/printk.h"
#include "core/sched.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/desc.h"
#include "x86/cpu/entry.h"
#include "x86/cpu/fpu.h"
#include "x86/cpu/mitigations.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pv.h"

static void save_segments(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->arch.regs;

    __asm__ volatile("movw %%ds, %0" : "=m"(r->ds));
    __asm__ volatile("movw %%es, %0" : "=m"(r->es));
    __asm__ volatile("movw %%fs, %0" : "=m"(r->fs));
    __asm__ volatile("movw %%gs, %0" : "=m"(r->gs));
    v->arch.fs_base = rdmsr(MSR_FS_BASE);
    if (v->arch.kernel_mode) {
        v->arch.gs_base_kernel = rdmsr(MSR_GS_BASE);
        v->arch.gs_base_user = rdmsr(MSR_KERNEL_GS_BASE);
    } else {
        v->arch.gs_base_user = rdmsr(MSR_GS_BASE);
        v->arch.gs_base_kernel = rdmsr(MSR_KERNEL_GS_BASE);
    }
}

/* Load a data selector of the guest's; one that faults (its descriptor went away) becomes null. */
#define LOAD_SELECTOR(seg, value)                                                                  \
    ({                                                                                             \
        unsigned sel_ = (value);                                                                   \
        int bad_ = 0;                                                                              \
        __asm__ volatile("1: movw %w1, %%" #seg "\n"                                               \
                         "2:\n"                                                                    \
                         ".section .text.fixup, \"ax\"\n"                                          \
                         "3: movl $1, %0\n"                                                        \
                         "   xorl %1, %1\n"                                                        \
                         "   movw %w1, %%" #seg "\n"                                               \
                         "   jmp 2b\n"                                                             \
                         ".previous\n"                                                             \
                         ".section .ex_table, \"a\"\n"                                             \
                         ".balign 4\n"                                                             \
                         ".long 1b - .\n"                                                          \
                         ".long 3b - .\n"                                                          \
                         ".previous\n"                                                             \
                         : "+r"(bad_), "+r"(sel_));                                                \
        bad_;                                                                                      \
    })

static void load_segments(struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->arch.regs;
    bool kernel = v->arch.kernel_mode;
    int bad;

    bad = LOAD_SELECTOR(ds, r->ds);
    bad |= LOAD_SELECTOR(es, r->es);
    bad |= LOAD_SELECTOR(fs, r->fs);
    bad |= LOAD_SELECTOR(gs, r->gs);
    wrmsr(MSR_FS_BASE, v->arch.fs_base);
    wrmsr(MSR_GS_BASE, kernel ? v->arch.gs_base_kernel : v->arch.gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE, kernel ? v->arch.gs_base_user : v->arch.gs_base_kernel);
    if (bad) {
        guest_printk(v->domain, LOG_DEBUG, "vcpu %u: a stale selector was nulled\n", v->id);
    }
}

static void load_debug_raw(const uint64_t *dr, uint64_t dr7)
{
    __asm__ volatile("mov %0, %%db0" : : "r"(dr[0]));
    __asm__ volatile("mov %0, %%db1" : : "r"(dr[1]));
    __asm__ volatile("mov %0, %%db2" : : "r"(dr[2]));
    __asm__ volatile("mov %0, %%db3" : : "r"(dr[3]));
    __asm__ volatile("mov %0, %%db6" : : "r"(dr[6]));
    __asm__ volatile("mov %0, %%db7" : : "r"(dr7));
}

#define DR7_ACTIVE 0xffULL

void context_load_debug(struct vcpu *v)
{
    if (v->arch.debugreg[7] & DR7_ACTIVE) {
        load_debug_raw(v->arch.debugreg, v->arch.debugreg[7]);
    } else {
        __asm__ volatile("mov %0, %%db7" : : "r"(0x400UL));
    }
}

/* Both kernel and user run in ring 3: the instruction traps, and priv_op.c lets the kernel. */
void context_load_tsd(struct vcpu *v)
{
    uint64_t cr4 = read_cr4(), wanted = (cr4 & ~(uint64_t)CR4_TSD) | (v->arch.cr4 & CR4_TSD);

    if (wanted != cr4) {
        set_cr4(wanted);
    }
}

static void save_guest(struct vcpu *v, struct cpu_info *ci)
{
    memcpy(&v->arch.regs, &ci->regs, offsetof(struct cpu_user_regs, es));
    save_segments(v);
    fpu_save(v);
    if (v->arch.debugreg[7] & DR7_ACTIVE) {
        __asm__ volatile("mov %%db6, %0" : "=r"(v->arch.debugreg[6]));
        __asm__ volatile("mov %0, %%db7" : : "r"(0x400UL));
    }
}

static void load_guest(struct vcpu *v, struct cpu_info *ci, unsigned cpu)
{
    pv_set_percpu_gdt_page(v, desc_gdt_page_mfn(cpu));
    __atomic_or_fetch(&v->domain->arch.dirty_cpus, 1ULL << cpu, __ATOMIC_SEQ_CST);
    pv_switch_root(v);
    desc_load_gdt(GDT_VIRT(v->id));
    pv_load_ldt(v);
    memcpy(&ci->regs, &v->arch.regs, sizeof(ci->regs));
    load_segments(v);
    fpu_restore(v);
    context_load_tsd(v);
    if (v->arch.debugreg[7] & DR7_ACTIVE) {
        load_debug_raw(v->arch.debugreg, v->arch.debugreg[7]);
    }
    if (cpu_features.rdtscp) {
        wrmsr(MSR_TSC_AUX, v->arch.tsc_aux);
    }
}

static void load_idle(struct cpu_info *ci, unsigned cpu)
{
    desc_load_idle_gdt(cpu);
    __asm__ volatile("lldt %w0" : : "r"(0));
    ci->guest_cr3 = image_to_paddr(hv_root);
    write_cr3(ci->guest_cr3);
}

static void __attribute__((noreturn)) resume_on_empty_stack(struct cpu_info *ci, bool idle)
{
    if (idle) {
        __asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tjmp *%1"
                         :
                         : "r"(ci), "r"(idle_loop)
                         : "memory");
    } else {
        __asm__ volatile("mov %0, %%rsp\n\tjmp *%1" : : "r"(ci), "r"(ret_to_guest) : "memory");
    }
    __builtin_unreachable();
}

static PERCPU(domid_t, last_domain); /* whose vcpu ran last here, the idle one not counted */

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    struct cpu_info *ci = get_cpu_info();
    unsigned cpu = ci->cpu;

    ASSERT(!irq_enabled());
    if (!vcpu_is_idle(prev)) {
        save_guest(prev, ci);
    }
    ci->vcpu = next;
    if (vcpu_is_idle(next)) {
        load_idle(ci, cpu);
    } else {
        arch_vcpu_update_time(next);
        if (this_cpu(last_domain) != next->domain->id) {
            this_cpu(last_domain) = next->domain->id;
            mitigations_switch_domain();
        }
        load_guest(next, ci, cpu);
    }
    if (!vcpu_is_idle(prev) && prev->domain != next->domain) {
        __atomic_and_fetch(&prev->domain->arch.dirty_cpus, ~(1ULL << cpu), __ATOMIC_SEQ_CST);
    }
    sched_context_switched(prev, next);
    if (!vcpu_is_idle(next)) {
        arch_update_runstate_guest(next);
    }
    resume_on_empty_stack(ci, vcpu_is_idle(next));
}

struct cpu_user_regs *vcpu_regs(struct vcpu *v)
{
    return v == current ? guest_regs() : &v->arch.regs;
}

bool arch_vcpu_idle_init(struct vcpu *v)
{
    v->arch.kernel_mode = true;
    return true;
}

/* STI takes effect after the next instruction: an interrupt cannot slip in before HLT. */
void arch_cpu_idle(void)
{
    irq_disable();
    if (preempt_needed()) {
        irq_enable();
        return;
    }
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* --- events and the guest's own records ------------------------------------------------------- */

bool arch_event_deliverable(const struct vcpu *v)
{
    const struct vcpu_info *info = v->info;

    return __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_ACQUIRE) != 0 &&
           __atomic_load_n(&info->evtchn_upcall_mask, __ATOMIC_RELAXED) == 0;
}

void arch_vcpu_kick(struct vcpu *v)
{
    unsigned cpu = __atomic_load_n(&v->cpu, __ATOMIC_RELAXED);

    if (cpu != smp_processor_id() && __atomic_load_n(&v->running, __ATOMIC_ACQUIRE)) {
        arch_send_ipi(1ULL << cpu, IPI_EVENT_CHECK);
    }
}

void arch_raise_nmi(struct vcpu *v)
{
    __atomic_store_n(&v->arch.nmi_pending, true, __ATOMIC_RELEASE);
    softirq_raise_on(v->cpu, SOFTIRQ_LOOK);
    vcpu_kick(v);
}

/*
 * The guest's runstate area. With VMASST_TYPE_runstate_update_flag the guest sees
 * XEN_RUNSTATE_UPDATE in state_entry_time while the record is being changed.
 */
void arch_update_runstate_guest(struct vcpu *v)
{
    guest_ptr_t p = v->runstate_guest;
    struct vcpu_runstate_info copy;
    guest_ptr_t entry = {p.va + offsetof(struct vcpu_runstate_info, state_entry_time)};
    bool flag = (v->domain->vm_assist & (1u << VMASST_TYPE_runstate_update_flag)) != 0;
    bool user = !v->arch.kernel_mode;

    if (guest_ptr_null(p) || v != current) {
        return;
    }
    if (user) { /* the address is one of the guest kernel's */
        pv_toggle_mode(v);
    }
    copy = v->runstate;
    if (flag) {
        copy.state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (guest_put(entry, &copy.state_entry_time) != 0) {
            goto out;
        }
        __atomic_thread_fence(__ATOMIC_RELEASE);
    }
    if (guest_put(p, &copy) == 0 && flag) {
        __atomic_thread_fence(__ATOMIC_RELEASE);
        copy.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
        if (guest_put(entry, &copy.state_entry_time) != 0) {
            goto out; /* the guest took its own page away: its record stays as it is */
        }
    }
out:
    if (user) {
        pv_toggle_mode(v);
    }
}
