/* SPDX-License-Identifier: MIT */
/*
 * Instructions of ours that may fault, and where to go on when they do. An entry of section
 * .ex_table is two 32-bit distances: from its own first word to the instruction, from its second
 * word to the fix-up. hypervisor.lds.S gathers them between __extable_start and __extable_end.
 */
#ifndef X86_EXTABLE_H
#define X86_EXTABLE_H

#ifdef __ASSEMBLER__
#define EX_TABLE(insn, fixup)                                                                      \
    .pushsection.ex_table, "a";                                                                    \
    .balign 4;                                                                                     \
    .long insn -.;                                                                                 \
    .long fixup -.;                                                                                \
    .popsection
#else
#include <public/xen.h>
#include "core/types.h"

/* For inline assembly: labels, in quotes. */
#define EX_TABLE(insn, fixup)                                                                      \
    ".pushsection .ex_table, \"a\"\n.balign 4\n.long " insn " - .\n.long " fixup                   \
    " - .\n.popsection\n"

/* Where to go on after a fault at this address, 0 if it was not expected. */
uint64_t extable_find(uint64_t rip);
/* Let regs continue at the fix-up; false when there is none. */
bool extable_fix(struct cpu_user_regs *regs);
#endif

#endif
