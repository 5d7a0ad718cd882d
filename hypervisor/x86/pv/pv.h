/* SPDX-License-Identifier: MIT */
/* What the files of the PV guest mode offer one another and the rest of x86. */
#ifndef X86_PV_H
#define X86_PV_H

#include "core/domain.h"
#include "core/hypercall.h"

extern const struct guest_ops pv_ops;

/* bounce.c: the guest's next instruction is its handler. Called with its registers on the stack. */
struct pv_trap {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t cr2; /* page faults */
};
void pv_inject_trap(const struct pv_trap *t);              /* into current */
void pv_inject_exception(unsigned vector, uint32_t error); /* vector knows whether it has one */
void pv_inject_page_fault(uint32_t error, uint64_t cr2);
/* Build the frame of a callback; false if the guest's stack is bad (then it is crashed). */
bool pv_enter_callback(enum pv_callback_index which);
/*
 * Exit work in C: pending NMI, events. Called by entry.S with interrupts off; non-zero when the
 * exit path must look again (the guest was crashed, or more is pending).
 */
int pv_exit_work(void);

/* mode: toggle between the guest's kernel and user address space (misc_op.c) */
void pv_toggle_mode(struct vcpu *v);
void pv_switch_root(struct vcpu *v); /* load the root for v's mode into CR3 */

/* Exceptions from guests, called by x86/cpu/traps.c. True: dealt with, the guest goes on. */
bool pv_handle_page_fault(struct cpu_user_regs *regs, uint64_t cr2); /* ptwr, LDT, MMIO-RO */
bool pv_emulate_privileged(struct cpu_user_regs *regs);              /* #GP, priv_op.c */
bool pv_emulate_invalid_op(struct cpu_user_regs *regs);              /* #UD, forced cpuid */
bool pv_handle_ldt_fault(struct vcpu *v, uint64_t cr2);              /* descriptor.c */

/* hypercall handlers of x86; the table is x86/pv/hypercalls.c */
#define PV_CALL(name)                                                                              \
    long name(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
PV_CALL(do_set_trap_table);
PV_CALL(do_mmu_update);
PV_CALL(do_set_gdt);
PV_CALL(do_stack_switch);
PV_CALL(do_set_callbacks);
PV_CALL(do_fpu_taskswitch);
PV_CALL(do_platform_op);
PV_CALL(do_set_debugreg);
PV_CALL(do_get_debugreg);
PV_CALL(do_update_descriptor);
PV_CALL(do_update_va_mapping);
PV_CALL(do_update_va_mapping_otherdomain);
PV_CALL(do_iret);
PV_CALL(do_set_segment_base);
PV_CALL(do_mmuext_op);
PV_CALL(do_callback_op);
PV_CALL(do_nmi_op);
PV_CALL(do_physdev_op);
PV_CALL(do_mca);

/* descriptor.c */
int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries);
void pv_drop_gdt(struct vcpu *v);
void pv_drop_ldt(struct vcpu *v);       /* unmap shadowed LDT pages */
int pv_perdomain_create(struct vcpu *v);  /* tables behind GDT_VIRT(v), LDT_VIRT(v) */
void pv_perdomain_destroy(struct domain *d);
void pv_load_ldt(struct vcpu *v); /* LLDT for the vcpu that is being switched in */
/* Map this processor's GDT page at page 14 of v's GDT area (context switch). */
void pv_set_percpu_gdt_page(struct vcpu *v, mfn_t m);
/* May a guest load this descriptor (DPL forced, call gates refused)? Fixes DPL 0 to 3. */
bool pv_check_descriptor(uint64_t *desc);
void pv_fixup_selector(uint16_t *sel);  /* RPL 0 becomes 3 */

/* mmuext.c: used by vcpu contexts, dom0 builder and destruction */
int pv_set_roots(struct vcpu *v, mfn_t kernel, mfn_t user); /* takes references and types */
/* The current vcpu's kernel root becomes m. -EINTR: preempted, the same call goes on. */
int pv_new_baseptr(struct vcpu *v, mfn_t m);
int pv_drop_roots(struct vcpu *v);                          /* -EINTR when preempted */

/* page_type.c: unpin a page of a dying domain, finish preempted work. -EINTR: call again. */
int pv_relinquish_page(struct page *pg);

/* misc_op.c: segment bases of the current vcpu, in either mode; -EINVAL if not canonical */
int pv_set_base(unsigned which, uint64_t base); /* SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_KERNEL */
uint64_t pv_get_base(unsigned which);

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value); /* -EPERM, -ENODEV */

/* callback.c: 128 stubs of 32 bytes for kernels that call through a page */
void pv_fill_hypercall_page(void *page);

/* dom0.c */
int pv_build_dom0(struct domain *d);

#endif
