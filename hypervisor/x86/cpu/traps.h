/* SPDX-License-Identifier: MIT */
/* Exceptions: reports, and the numbers of the vectors. */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include <public/xen.h>
#include "core/types.h"

enum trap_vector {
    TRAP_DE,
    TRAP_DB,
    TRAP_NMI,
    TRAP_BP,
    TRAP_OF,
    TRAP_BR,
    TRAP_UD,
    TRAP_NM,
    TRAP_DF,
    TRAP_TS = 10,
    TRAP_NP,
    TRAP_SS,
    TRAP_GP,
    TRAP_PF,
    TRAP_MF = 16,
    TRAP_AC,
    TRAP_MC,
    TRAP_XM,
    TRAP_COUNT = 32,
};

/* page-fault error code */
#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_INSN     (1u << 4)

/* Print registers, control registers, the stack and a backtrace. Reads memory only if mapped. */
void trap_report(const struct cpu_user_regs *regs);
/* The general registers of a frame (also of a guest). */
void trap_print_regs(const struct cpu_user_regs *regs);
const char *trap_name(unsigned vector);
/* Code for INT n that a guest executed and that lead to #GP or #NP: the vector, or -1. */
int trap_soft_interrupt_vector(uint32_t error_code, const uint8_t insn[2], bool have_insn);

#endif
