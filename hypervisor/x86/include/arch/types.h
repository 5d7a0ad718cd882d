/* SPDX-License-Identifier: MIT */
/*
 * What x86 adds to a domain and a vcpu, the block at the top of each processor's stack, and the
 * inline functions that core/arch.h promises.
 *
 * Each processor has one stack in its own 64 KiB slice (x86/mm/layout.h); all its stacks lie in
 * that slice, so `rsp | 0xffff` finds struct cpu_info from any of them, with no segment register
 * spent and nothing that an NMI could catch half switched. The registers of the running guest lie
 * at the top of the stack, pushed there by the processor and the entry code (x86/cpu/entry.S);
 * they are copied to vcpu->arch.regs when another vcpu takes the processor.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <public/xen.h>
#include "core/spinlock.h"
#include "core/types.h"

struct vcpu;
struct page;
struct trap_info;

struct cpu_info {
    struct cpu_user_regs regs; /* of the guest that runs here */
    struct vcpu *vcpu; /* use `current` */
    unsigned cpu;
    uint32_t pad;
    uint64_t guest_cr3;        /* root that is loaded */
    uint32_t *softirqs;        /* this processor's word of softirq_pending, for entry.S */
};
/*
 * It ends where the slice ends; &regs.es is the TSS's rsp0, and must be a multiple of 16 since the
 * processor aligns the stack before it pushes a frame.
 */
_Static_assert(sizeof(struct cpu_info) % 16 == 8, "rsp0 must be 16-byte aligned");

#define CPU_SLICE_SHIFT 16
#define CPU_SLICE_SIZE  (1UL << CPU_SLICE_SHIFT)

static inline struct cpu_info *get_cpu_info(void)
{
    unsigned long sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_info *)((sp | (CPU_SLICE_SIZE - 1)) + 1) - 1;
}

#define current (get_cpu_info()->vcpu)

static inline unsigned smp_processor_id(void)
{
    return get_cpu_info()->cpu;
}

/* Registers of the guest that this processor runs. */
static inline struct cpu_user_regs *guest_regs(void)
{
    return &get_cpu_info()->regs;
}

static inline unsigned long irq_save(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void irq_restore(unsigned long flags)
{
    __asm__ volatile("pushq %0; popfq" : : "g"(flags) : "memory", "cc");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline bool irq_enabled(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return (flags & 0x200) != 0;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline void smp_mb(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A guest entry point registered by callback_op or set_callbacks. */
struct pv_callback {
    uint64_t address;
    uint32_t flags; /* CALLBACKF_* */
};

enum pv_callback_index {
    PV_CB_EVENT,
    PV_CB_FAILSAFE,
    PV_CB_SYSCALL,
    PV_CB_SYSCALL32,
    PV_CB_SYSENTER,
    PV_CB_NMI,
    PV_CB_COUNT,
};

struct arch_vcpu {
    /* first, since entry.S reads them */
    bool kernel_mode; /* PV: guest kernel (true) or guest user */
    bool nmi_pending;
    bool nmi_masked, mce_pending;

    struct cpu_user_regs regs; /* while it does not run */

    /* address space: mfns of the roots, each holding a reference and a type (x86/pv/mmuext.c) */
    mfn_t root_kernel;
    mfn_t root_user; /* 0: none */
    unsigned dirty_cpu; /* processor that may hold stale state of it, ~0 none */

    /* segments */
    uint64_t fs_base, gs_base_user, gs_base_kernel;
    uint64_t kernel_sp;
    uint16_t kernel_ss;

    /* traps and callbacks */
    struct trap_info *traps; /* 256 */
    struct pv_callback callback[PV_CB_COUNT];

    /* descriptor tables: frames hold segment types */
    uint64_t gdt_frames[16];
    unsigned gdt_entries;
    uint64_t ldt_base;
    unsigned ldt_entries;
    uint32_t ldt_mapped; /* pages of the LDT that are shadowed in */

    /* control and debug registers as the guest sees them */
    uint64_t cr0, cr2_unused, cr4;
    uint64_t debugreg[8];
    uint64_t dr6, dr7_emul;
    unsigned iopl; /* virtual */
    guest_ptr_t iobmp;
    unsigned iobmp_limit;

    /* floating point and extended state (x86/cpu/fpu.c) */
    void *xsave_area;
    uint64_t xcr0, xcr0_accum;
    bool fpu_initialised, fpu_dirty;

    /* MSRs of its own */
    uint32_t tsc_aux;
    uint64_t spec_ctrl;
    uint64_t vmce_mcg_cap, vmce_mcg_ctl2;
    uint64_t misc_features; /* CPUID faulting */
    int64_t tsc_offset;

    struct page *perdomain_l1[2]; /* its GDT and LDT mappings, x86/pv/descriptor.c */
    struct page *pt_pending;      /* table whose devalidation was preempted; holds a reference */
};

struct cpu_policy; /* x86/cpu/cpuid_policy.h */

struct arch_domain {
    /* PV */
    struct page *perdomain_l3, *perdomain_l2; /* slot PERDOMAIN of each root */
    struct page **perdomain_l1;
    cpumask_t dirty_cpus; /* atomic: processors with one of its roots loaded */
    uint64_t pv_virt_start;
    struct spinlock pt_lock; /* RANK_PT */
    uint64_t nr_l4_pins;

    struct cpu_policy *cpu_policy;

    /* interrupts (x86/irq/guest_irq.c) */
    struct pirq_table *pirqs;
    uint64_t pirq_eoi_mfn; /* shared page of PHYSDEVOP_pirq_eoi_gmfn, 0 none */
    struct page *pirq_eoi_page;
    bool pirq_eoi_auto_unmask;
    uint64_t *pirq_eoi_map;

    /* what XENMEM_memory_map answers (set by domctl/memory_op) */
    struct e820_entry *e820; /* x86/boot/e820.h */
    unsigned nr_e820;
    uint32_t address_size; /* 64 */
    uint64_t physaddr_bits;
    uint32_t cf8; /* last value written to port 0xcf8 */
};

#endif
