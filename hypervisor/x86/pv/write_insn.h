/* SPDX-License-Identifier: MIT */
/*
 * The instructions by which a 64-bit kernel writes one word of memory, decoded and applied to a
 * value: what the emulation of writes to page tables and read-only device pages needs. Pure.
 */
#ifndef X86_PV_WRITE_INSN_H
#define X86_PV_WRITE_INSN_H

#include <public/xen.h>
#include "core/types.h"

#define WRITE_INSN_MAX 15

enum write_op {
    WRITE_MOV,
    WRITE_ADD,
    WRITE_OR,
    WRITE_AND,
    WRITE_SUB,
    WRITE_XOR,
    WRITE_XCHG,
    WRITE_CMPXCHG,
    WRITE_XADD,
    WRITE_BTS,
    WRITE_BTR,
    WRITE_BTC,
    WRITE_INC,
    WRITE_DEC,
    WRITE_NOT,
    WRITE_STOS,
    WRITE_MOVS, /* the caller reads the source at rsi */
};

struct write_insn {
    uint8_t length;
    uint8_t size; /* of the operand in memory: 1, 2, 4 or 8 */
    uint8_t op;   /* enum write_op */
    uint8_t reg;  /* source register, 0-15; with size 1 and no REX, 4-7 are AH to BH */
    bool rex;
    bool rep;
    bool has_imm;
    uint64_t imm; /* sign-extended */
};

/* False: not one of ours, or cut off. */
bool write_insn_decode(struct write_insn *w, const uint8_t *code, unsigned length);
/* What it stores over `old`; src is the word at rsi for WRITE_MOVS. Changes nothing. */
uint64_t write_insn_result(const struct write_insn *w, const struct cpu_user_regs *regs,
                           uint64_t old, uint64_t src);
/* The store was done: registers, flags and rip after one step (with REP: of the repetition). */
void write_insn_commit(const struct write_insn *w, struct cpu_user_regs *regs, uint64_t old,
                       uint64_t result);

#endif
