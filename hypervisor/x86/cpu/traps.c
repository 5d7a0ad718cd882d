/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. entry.S saves the registers and calls do_trap(); one table says for each vector
 * what to do when it comes from a guest and when it comes from ourselves.
 *
 *   from a guest      handled for it (page faults on what we emulate, privileged instructions,
 *                     software interrupts), else it becomes the guest's own exception
 *   from ourselves    continues at the fix-up if the instruction may fault, else it is a bug of
 *                     ours: a report and panic
 *
 * Gates leave interrupts off. A guest's exception is handled with interrupts on, as soon as what
 * the processor keeps in registers (CR2, DR6) has been read.
 */
#include "x86/cpu/traps.h"
#include "core/guest.h"
#include "core/percpu.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/desc.h"
#include "x86/cpu/entry.h"
#include "x86/cpu/extable.h"
#include "x86/cpu/fpu.h"
#include "x86/cpu/mce.h"
#include "x86/cpu/nmi.h"
#include "x86/mm/layout.h"
#include "x86/pv/pv.h"

#define ERROR_EXT     1u /* error codes with a selector: the event came from outside */
#define ERROR_IDT     2u
#define DR6_DEFAULT   0xffff0ff0UL
#define RFLAGS_TF     (1u << 8)
#define PERDOMAIN_END (PERDOMAIN_START + (1UL << 39))

struct trap_row {
    const char *name;
    void (*guest)(struct cpu_user_regs *regs);
    bool (*own)(struct cpu_user_regs *regs); /* false: it was not expected */
};

struct fault_place {
    uint64_t rip, cr2;
};
static PERCPU(struct fault_place, last_own_fault);

/* --- from a guest ----------------------------------------------------------------------------- */

static void guest_exception(struct cpu_user_regs *regs)
{
    irq_enable();
    pv_inject_exception(regs->entry_vector, regs->error_code);
}

/* The guest's kernel runs in ring 3 too: what it calls "user" is our record of its mode. */
static uint32_t guest_view_of_error(const struct vcpu *v, uint32_t error)
{
    error &= PF_PRESENT | PF_WRITE | PF_RESERVED | PF_INSN;
    if (!v->arch.kernel_mode) {
        error |= PF_USER;
    }
    return error;
}

static void guest_page_fault(struct cpu_user_regs *regs)
{
    uint64_t cr2 = read_cr2();

    irq_enable();
    if (pv_handle_page_fault(regs, cr2)) {
        return;
    }
    pv_inject_page_fault(guest_view_of_error(current, regs->error_code), cr2);
}

int trap_soft_interrupt_vector(uint32_t error_code, const uint8_t insn[2], bool have_insn)
{
    if ((error_code & ERROR_EXT) != 0 || (error_code & ERROR_IDT) == 0) {
        return -1;
    }
    /* Some emulators scale the vector wrongly in the error code: the instruction is right. */
    if (have_insn && insn[0] == 0xcd) {
        return insn[1];
    }
    return error_code >> 3 & 0xff;
}

/*
 * INT n of a guest reaches a gate that ring 3 may not use, or none: deliver it if the guest's own
 * trap table lets the interrupted mode raise it.
 */
static bool guest_soft_interrupt(struct cpu_user_regs *regs, unsigned vector)
{
    struct vcpu *v = current;
    const struct trap_info *ti = &v->arch.traps[vector];
    unsigned cpl = v->arch.kernel_mode ? 1 : 3;
    struct pv_trap t = {.vector = (uint8_t)vector};

    if (ti->address == 0 || TI_GET_DPL(ti) < cpl) {
        return false;
    }
    regs->rip += 2;
    pv_inject_trap(&t);
    return true;
}

static void guest_general_protection(struct cpu_user_regs *regs)
{
    uint32_t error = regs->error_code;
    uint8_t insn[2] = {0};
    int vector;

    irq_enable();
    if ((error & (ERROR_IDT | ERROR_EXT)) == ERROR_IDT) {
        bool have = guest_read(insn, (guest_ptr_t){regs->rip}, sizeof(insn)) == 0;

        vector = trap_soft_interrupt_vector(error, insn, have);
        if (guest_soft_interrupt(regs, (unsigned)vector)) {
            return;
        }
        error = (unsigned)vector << 3 | ERROR_IDT;
    } else if (regs->entry_vector == TRAP_GP && pv_emulate_privileged(regs)) {
        return;
    }
    pv_inject_exception(regs->entry_vector, error);
}

static void guest_invalid_opcode(struct cpu_user_regs *regs)
{
    irq_enable();
    if (!pv_emulate_invalid_op(regs)) {
        pv_inject_exception(TRAP_UD, 0);
    }
}

static uint64_t take_dr6(void)
{
    uint64_t dr6;

    __asm__ volatile("mov %%db6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%db6" : : "r"(DR6_DEFAULT));
    return dr6;
}

static void guest_debug(struct cpu_user_regs *regs)
{
    uint64_t dr6 = take_dr6();

    (void)regs;
    irq_enable();
    current->arch.debugreg[6] = dr6;
    pv_inject_exception(TRAP_DB, 0);
}

/* --- from ourselves --------------------------------------------------------------------------- */

static bool own_fault(struct cpu_user_regs *regs)
{
    return extable_fix(regs);
}

/*
 * A write to guest memory may meet a translation that is older than the guest's page table: the
 * fault itself drops it, so such an access is made once more before it counts as failed.
 */
static bool may_be_stale(const struct cpu_user_regs *regs, uint64_t cr2)
{
    struct fault_place *last = &this_cpu(last_own_fault);

    if ((regs->error_code & (PF_PRESENT | PF_WRITE)) != (PF_PRESENT | PF_WRITE) ||
        is_hv_address(cr2) || (last->rip == regs->rip && last->cr2 == cr2)) {
        *last = (struct fault_place){0};
        return false;
    }
    *last = (struct fault_place){.rip = regs->rip, .cr2 = cr2};
    return true;
}

static bool own_page_fault(struct cpu_user_regs *regs)
{
    uint64_t cr2 = read_cr2();

    if (cr2 >= PERDOMAIN_START && cr2 < PERDOMAIN_END && !vcpu_is_idle(current) &&
        (regs->error_code & PF_PRESENT) == 0 && pv_handle_ldt_fault(current, cr2)) {
        return true;
    }
    if (extable_find(regs->rip) == 0) {
        return false;
    }
    return may_be_stale(regs, cr2) || extable_fix(regs);
}

/* A guest's single step or breakpoint that hit one of our instructions: not its business. */
static bool own_debug(struct cpu_user_regs *regs)
{
    take_dr6();
    regs->rflags &= ~(uint64_t)RFLAGS_TF;
    return true;
}

static bool own_nmi(struct cpu_user_regs *regs)
{
    nmi_handle(regs);
    return true;
}

static bool own_machine_check(struct cpu_user_regs *regs)
{
    mce_handle(regs);
}

/* Rows without a guest column are handled as ours wherever they come from. */
static const struct trap_row rows[TRAP_COUNT] = {
    [TRAP_DE] = {"divide error", guest_exception, own_fault},
    [TRAP_DB] = {"debug", guest_debug, own_debug},
    [TRAP_NMI] = {"NMI", NULL, own_nmi},
    [TRAP_BP] = {"breakpoint", guest_exception, NULL},
    [TRAP_OF] = {"overflow", guest_exception, NULL},
    [TRAP_BR] = {"bound range", guest_exception, NULL},
    [TRAP_UD] = {"invalid opcode", guest_invalid_opcode, own_fault},
    [TRAP_NM] = {"device not available", fpu_device_not_available, own_fault},
    [TRAP_DF] = {"double fault", NULL, NULL},
    [TRAP_TS] = {"invalid TSS", guest_exception, own_fault},
    [TRAP_NP] = {"segment not present", guest_general_protection, own_fault},
    [TRAP_SS] = {"stack segment", guest_exception, own_fault},
    [TRAP_GP] = {"general protection", guest_general_protection, own_fault},
    [TRAP_PF] = {"page fault", guest_page_fault, own_page_fault},
    [TRAP_MF] = {"x87 error", guest_exception, own_fault},
    [TRAP_AC] = {"alignment check", guest_exception, own_fault},
    [TRAP_MC] = {"machine check", NULL, own_machine_check},
    [TRAP_XM] = {"SIMD error", guest_exception, own_fault},
};

const char *trap_name(unsigned vector)
{
    return vector < TRAP_COUNT && rows[vector].name ? rows[vector].name : "reserved exception";
}

static void __attribute__((noreturn)) fatal(const struct cpu_user_regs *regs)
{
    static PERCPU(unsigned, depth);

    if (this_cpu(depth)++ > 1) {
        arch_halt(); /* the report itself fails */
    }
    arch_console_panic();
    trap_report(regs);
    panic("unexpected %s (vector %u, error code %#x) at %pS", trap_name(regs->entry_vector),
          regs->entry_vector, regs->error_code, (void *)regs->rip);
}

void do_trap(struct cpu_user_regs *regs)
{
    const struct trap_row *row;

    if (regs->entry_vector >= TRAP_COUNT) {
        fatal(regs);
    }
    row = &rows[regs->entry_vector];
    if ((regs->cs & 3) != 0 && row->guest != NULL) {
        row->guest(regs);
    } else if (row->own == NULL || !row->own(regs)) {
        fatal(regs);
    }
}

/*
 * Gates: breakpoint, overflow and 0x80 may be raised by a guest's INT; all others raise #GP, and
 * guest_soft_interrupt() looks them up.
 */
void traps_init(void)
{
    static const uint8_t ist[TRAP_COUNT] = {
        [TRAP_NMI] = 1, [TRAP_DF] = 2, [TRAP_MC] = 3, [TRAP_DB] = 4};

    for (unsigned v = 0; v < 256; v++) {
        unsigned dpl = v == TRAP_BP || v == TRAP_OF || v == 0x80 ? 3 : 0;

        if (entry_stubs[v] != 0) {
            desc_set_gate(v, entry_stubs[v], dpl, v < TRAP_COUNT ? ist[v] : 0);
        }
    }
}
