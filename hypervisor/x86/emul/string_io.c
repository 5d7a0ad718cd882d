/* SPDX-License-Identifier: MIT */
/*
 * STOS, MOVS, INS and OUTS, alone or repeated. The registers count along after each step, so
 * that a fault or a limit in the middle leaves a state from which the guest goes on.
 */
#include "x86/emul/emul.h"

#define FLAG_DF       0x400u
#define DEFAULT_STEPS 1024

/* A counter or index register in the address size. */
static uint64_t get_index(const struct insn *i, uint64_t reg)
{
    return i->addr_bytes == 4 ? (uint32_t)reg : reg;
}

static void add_index(const struct insn *i, uint64_t *reg, uint64_t n)
{
    *reg = i->addr_bytes == 4 ? (uint32_t)(*reg + n) : *reg + n;
}

static uint64_t source_address(const struct emul *e, const struct insn *i)
{
    uint64_t base = i->seg == SEG_FS ? e->fs_base : i->seg == SEG_GS ? e->gs_base : 0;

    return base + get_index(i, e->regs->rsi);
}

/* One element. Moves no register. */
static enum emul_result element(struct emul *e, const struct insn *i)
{
    const struct emul_ops *o = e->ops;
    unsigned port = (unsigned)e->regs->rdx & 0xffff;
    uint64_t v = e->regs->rax;
    uint32_t data = 0;
    enum emul_result rc = EMUL_OK;

    if (i->kind == INSN_OUTS || i->kind == INSN_MOVS) {
        v = 0;
        rc = o->read ? o->read(e->arg, source_address(e, i), &v, i->op_bytes) : EMUL_UNHANDLED;
    } else if (i->kind == INSN_INS) {
        rc = o->in && o->write ? o->in(e->arg, port, i->op_bytes, &data) : EMUL_UNHANDLED;
        v = data;
    }
    if (rc != EMUL_OK) {
        return rc;
    }
    if (i->kind == INSN_OUTS) {
        return o->out ? o->out(e->arg, port, i->op_bytes, (uint32_t)v) : EMUL_UNHANDLED;
    }
    return o->write ? o->write(e->arg, get_index(i, e->regs->rdi), &v, i->op_bytes)
                    : EMUL_UNHANDLED;
}

enum emul_result emul_string(struct emul *e, const struct insn *i)
{
    bool repeat = i->rep || i->repne;
    unsigned steps = e->max_reps ? e->max_reps : DEFAULT_STEPS;
    uint64_t delta = i->op_bytes;
    enum emul_result rc;

    if (e->regs->rflags & FLAG_DF) {
        delta = 0 - delta;
    }
    for (;; steps--) {
        if (repeat && get_index(i, e->regs->rcx) == 0) {
            return EMUL_OK;
        }
        if (steps == 0) {
            return EMUL_RETRY;
        }
        rc = element(e, i);
        if (rc != EMUL_OK) {
            return rc;
        }
        if (i->kind != INSN_OUTS) {
            add_index(i, &e->regs->rdi, delta);
        }
        if (i->kind == INSN_OUTS || i->kind == INSN_MOVS) {
            add_index(i, &e->regs->rsi, delta);
        }
        if (!repeat) {
            return EMUL_OK;
        }
        add_index(i, &e->regs->rcx, ~0ULL);
    }
}
