/* SPDX-License-Identifier: MIT */
/* What entry.S exports to C. */
#ifndef X86_ENTRY_H
#define X86_ENTRY_H

#include <public/xen.h>
#include "core/types.h"
#include "x86/cpu/asm_offsets.h"
#include "x86/mm/layout.h"

/* Address of the stub of each vector; the IDT is filled from it. */
extern const uint64_t entry_stubs[256];
/*
 * One page of code that SYSCALL reaches, mapped into every processor's slice: it finds that
 * processor's stack relative to its own address. MSR LSTAR = slice page + (symbol - page).
 */
extern const char entry_stub_page[4096];
extern const char entry_stub_syscall[], entry_stub_syscall32[];
extern const char entry_sysenter[];
extern const char iret_to_guest_insn[], iret_to_guest_fixup[];
/* Go on with the guest whose registers lie at the top of this processor's stack. */
void ret_to_guest(void) __attribute__((noreturn));

/* C entry points that entry.S calls. */
void do_trap(struct cpu_user_regs *regs);
void do_irq(struct cpu_user_regs *regs);
void pv_continue(struct cpu_user_regs *regs);
void pv_guest_syscall(struct cpu_user_regs *regs);
void pv_guest_syscall32(struct cpu_user_regs *regs);
void pv_guest_sysenter(struct cpu_user_regs *regs);
void pv_guest_int80(struct cpu_user_regs *regs);
void pv_bad_iret(struct cpu_user_regs *regs);

/*
 * The guest goes on from this frame by SYSRET, which costs it rcx and r11; or by IRET if these are
 * selectors, or an address, that SYSRET cannot load.
 */
static inline void leave_by_sysret(struct cpu_user_regs *regs)
{
    bool fits = regs->cs == GUEST_CS64 && regs->ss == GUEST_DS && is_canonical(regs->rip);

    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    regs->entry_vector = fits ? ENTRY_SYSCALL : 0;
}

#endif
