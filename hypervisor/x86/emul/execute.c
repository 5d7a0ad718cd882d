/* SPDX-License-Identifier: MIT */
/*
 * Execution. An instruction that changes memory reads the old value, computes, and stores by
 * compare-and-exchange, whether it has a LOCK prefix or not; if another processor was quicker it
 * starts again with what is there now, a bounded number of times. Registers and flags change only
 * after the last access succeeded.
 */
#include "x86/emul/emul.h"

#define FLAG_CF 0x001u
#define FLAG_PF 0x004u
#define FLAG_AF 0x010u
#define FLAG_ZF 0x040u
#define FLAG_SF 0x080u
#define FLAG_OF 0x800u
#define FLAGS   (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define MAX_ATTEMPTS 64

/* One computation on operands of `bytes` bytes. */
struct calc {
    unsigned bytes;
    uint64_t mask, sign;
    uint32_t flags; /* in: flags before; out: after */
};

static struct calc calc_start(unsigned bytes, uint64_t rflags)
{
    uint64_t sign = 1ULL << (8 * bytes - 1);

    return (struct calc){bytes, sign | (sign - 1), sign, (uint32_t)rflags & FLAGS};
}

static uint32_t result_flags(const struct calc *c, uint64_t r)
{
    uint32_t f = (r & c->mask) == 0 ? FLAG_ZF : 0;

    f |= r & c->sign ? FLAG_SF : 0;
    return f | (__builtin_parity((unsigned)r & 0xff) ? 0 : FLAG_PF);
}

static uint64_t calc_add(struct calc *c, uint64_t a, uint64_t b, unsigned carry)
{
    uint64_t r = (a + b + carry) & c->mask;

    c->flags = result_flags(c, r) | ((a ^ b ^ r) & FLAG_AF);
    c->flags |= (((a & b) | ((a | b) & ~r)) & c->sign) ? FLAG_CF : 0;
    c->flags |= ((~(a ^ b) & (a ^ r)) & c->sign) ? FLAG_OF : 0;
    return r;
}

static uint64_t calc_sub(struct calc *c, uint64_t a, uint64_t b, unsigned borrow)
{
    uint64_t r = (a - b - borrow) & c->mask;

    c->flags = result_flags(c, r) | ((a ^ b ^ r) & FLAG_AF);
    c->flags |= (((~a & b) | ((~a | b) & r)) & c->sign) ? FLAG_CF : 0;
    c->flags |= (((a ^ b) & (a ^ r)) & c->sign) ? FLAG_OF : 0;
    return r;
}

static uint64_t calc_logic(struct calc *c, uint64_t r)
{
    c->flags = result_flags(c, r);
    return r & c->mask;
}

/* INC and DEC leave the carry alone. */
static uint64_t calc_step(struct calc *c, uint64_t a, bool up)
{
    uint32_t carry = c->flags & FLAG_CF;
    uint64_t r = up ? calc_add(c, a, 1, 0) : calc_sub(c, a, 1, 0);

    c->flags = (c->flags & ~FLAG_CF) | carry;
    return r;
}

static uint64_t calc_bit(struct calc *c, unsigned alu, uint64_t a, unsigned bit)
{
    uint64_t m = 1ULL << bit;

    c->flags = (c->flags & ~FLAG_CF) | (a & m ? FLAG_CF : 0);
    return alu == ALU_BTS ? a | m : alu == ALU_BTR ? a & ~m : alu == ALU_BTC ? a ^ m : a;
}

/* a: destination, b: source (for bits: the number of the bit) */
static uint64_t calc(struct calc *c, unsigned alu, uint64_t a, uint64_t b)
{
    unsigned carry = c->flags & FLAG_CF;

    a &= c->mask;
    b &= c->mask;
    switch (alu) {
    case ALU_ADD:
        return calc_add(c, a, b, 0);
    case ALU_ADC:
        return calc_add(c, a, b, carry);
    case ALU_SUB:
    case ALU_CMP:
        return calc_sub(c, a, b, 0);
    case ALU_SBB:
        return calc_sub(c, a, b, carry);
    case ALU_OR:
        return calc_logic(c, a | b);
    case ALU_AND:
    case ALU_TEST:
        return calc_logic(c, a & b);
    case ALU_XOR:
        return calc_logic(c, a ^ b);
    case ALU_INC:
    case ALU_DEC:
        return calc_step(c, a, alu == ALU_INC);
    case ALU_NOT:
        return ~a & c->mask;
    case ALU_NEG:
        return calc_sub(c, 0, a, 0);
    default:
        return calc_bit(c, alu, a, (unsigned)b & (8 * c->bytes - 1));
    }
}

static void set_flags(struct cpu_user_regs *regs, uint32_t flags)
{
    regs->rflags = (regs->rflags & ~(uint64_t)FLAGS) | flags;
}

static uint64_t address(const struct emul *e, const struct insn *i)
{
    return insn_address(i, e->regs, e->fs_base, e->gs_base);
}

static enum emul_result read_memory(struct emul *e, uint64_t addr, uint64_t *v, unsigned bytes)
{
    *v = 0;
    return e->ops->read ? e->ops->read(e->arg, addr, v, bytes) : EMUL_UNHANDLED;
}

/* The register operand of a two-operand form, or the immediate. */
static uint64_t source(const struct emul *e, const struct insn *i)
{
    return i->has_imm ? i->imm : insn_get_reg(i, e->regs, i->acc ? 0 : i->reg, i->op_bytes);
}

/* What is left of an instruction that changes its ModRM operand: the new value from the old. */
struct change {
    unsigned alu;
    bool exchange; /* the new value is the source itself */
    uint64_t src, addr, old;
    struct calc c;
};

static uint64_t new_value(const struct emul *e, const struct insn *i, struct change *ch)
{
    ch->c = calc_start(i->op_bytes, e->regs->rflags);
    return ch->exchange ? ch->src & ch->c.mask : calc(&ch->c, ch->alu, ch->old, ch->src);
}

static enum emul_result change_memory(struct emul *e, const struct insn *i, struct change *ch)
{
    enum emul_result rc;

    if (!e->ops->cmpxchg) {
        return EMUL_UNHANDLED;
    }
    rc = read_memory(e, ch->addr, &ch->old, i->op_bytes);
    for (unsigned n = 0; rc == EMUL_OK && n < MAX_ATTEMPTS; n++) {
        uint64_t new = new_value(e, i, ch), seen = ch->old;

        rc = e->ops->cmpxchg(e->arg, ch->addr, &seen, new, i->op_bytes);
        if (rc == EMUL_OK && seen == ch->old) {
            return EMUL_OK;
        }
        ch->old = seen;
    }
    return rc == EMUL_OK ? EMUL_RETRY : rc;
}

static enum emul_result change_operand(struct emul *e, const struct insn *i, struct change *ch)
{
    uint64_t new;

    if (i->mod != 3) {
        return change_memory(e, i, ch);
    }
    ch->old = insn_get_reg(i, e->regs, i->rm, i->op_bytes);
    new = new_value(e, i, ch);
    insn_set_reg(i, e->regs, i->rm, i->op_bytes, new);
    return EMUL_OK;
}

static enum emul_result read_operand(struct emul *e, const struct insn *i, uint64_t addr,
                                     uint64_t *v)
{
    if (i->has_modrm && i->mod == 3) {
        *v = insn_get_reg(i, e->regs, i->rm, i->op_bytes);
        return EMUL_OK;
    }
    return read_memory(e, addr, v, i->op_bytes);
}

static enum emul_result do_alu(struct emul *e, const struct insn *i)
{
    struct change ch = {.alu = i->alu, .src = source(e, i), .addr = address(e, i)};
    bool test_only = i->alu == ALU_CMP || i->alu == ALU_TEST || i->alu == ALU_BT;
    enum emul_result rc;
    uint64_t v;

    if (i->kind == INSN_BIT && !i->has_imm) { /* a register numbers bits far and near */
        unsigned unused = 64 - 8 * i->op_bytes;
        int64_t n = (int64_t)(ch.src << unused) >> unused;
        unsigned shift = (unsigned)__builtin_ctz(8u * i->op_bytes);

        ch.addr += (uint64_t)(n >> shift) * i->op_bytes;
    }
    if (!i->to_reg && !test_only) {
        rc = change_operand(e, i, &ch);
        if (rc == EMUL_OK) {
            set_flags(e->regs, ch.c.flags);
        }
        return rc;
    }
    rc = read_operand(e, i, ch.addr, &v);
    if (rc != EMUL_OK) {
        return rc;
    }
    ch.c = calc_start(i->op_bytes, e->regs->rflags);
    if (i->to_reg) {
        v = calc(&ch.c, i->alu, ch.src, v);
        if (!test_only) {
            insn_set_reg(i, e->regs, i->reg, i->op_bytes, v);
        }
    } else {
        calc(&ch.c, i->alu, v, ch.src);
    }
    set_flags(e->regs, ch.c.flags);
    return EMUL_OK;
}

static enum emul_result do_store(struct emul *e, const struct insn *i)
{
    uint64_t v = source(e, i);

    return e->ops->write ? e->ops->write(e->arg, address(e, i), &v, i->op_bytes) : EMUL_UNHANDLED;
}

static enum emul_result do_load(struct emul *e, const struct insn *i)
{
    unsigned unused = 64 - 8 * i->op_bytes;
    uint64_t v;
    enum emul_result rc = read_memory(e, address(e, i), &v, i->op_bytes);

    if (rc == EMUL_OK) {
        if (i->sign_extend) {
            v = (uint64_t)((int64_t)(v << unused) >> unused);
        }
        insn_set_reg(i, e->regs, i->acc ? 0 : i->reg, i->dst_bytes, v);
    }
    return rc;
}

/* XCHG, and XADD, which differs in what it stores. */
static enum emul_result do_exchange(struct emul *e, const struct insn *i)
{
    struct change ch = {.alu = ALU_ADD,
                        .exchange = i->kind == INSN_XCHG,
                        .src = source(e, i),
                        .addr = address(e, i)};
    enum emul_result rc = change_memory(e, i, &ch);

    if (rc == EMUL_OK) {
        insn_set_reg(i, e->regs, i->reg, i->op_bytes, ch.old);
        set_flags(e->regs, ch.c.flags);
    }
    return rc;
}

static enum emul_result do_cmpxchg(struct emul *e, const struct insn *i)
{
    struct calc c = calc_start(i->op_bytes, e->regs->rflags);
    uint64_t acc = e->regs->rax & c.mask, seen = acc;
    enum emul_result rc;

    if (!e->ops->cmpxchg) {
        return EMUL_UNHANDLED;
    }
    rc = e->ops->cmpxchg(e->arg, address(e, i), &seen, source(e, i), i->op_bytes);
    if (rc == EMUL_OK) {
        calc_sub(&c, acc, seen, 0);
        set_flags(e->regs, c.flags);
        if (seen != acc) {
            insn_set_reg(i, e->regs, 0, i->op_bytes, seen);
        }
    }
    return rc;
}

static enum emul_result do_port(struct emul *e, const struct insn *i)
{
    unsigned port = i->has_imm ? (unsigned)i->imm & 0xff : (unsigned)e->regs->rdx & 0xffff;
    uint32_t v = (uint32_t)insn_get_reg(i, e->regs, 0, i->op_bytes);
    enum emul_result rc;

    if (i->kind == INSN_OUT) {
        return e->ops->out ? e->ops->out(e->arg, port, i->op_bytes, v) : EMUL_UNHANDLED;
    }
    if (!e->ops->in) {
        return EMUL_UNHANDLED;
    }
    rc = e->ops->in(e->arg, port, i->op_bytes, &v);
    if (rc == EMUL_OK) {
        insn_set_reg(i, e->regs, 0, i->op_bytes, v);
    }
    return rc;
}

enum emul_result emul_execute(struct emul *e, const struct insn *i)
{
    static enum emul_result (*const run[INSN_LAST_EXECUTED + 1])(struct emul *,
                                                                 const struct insn *) = {
        [INSN_ALU] = do_alu,         [INSN_UNARY] = do_alu,     [INSN_BIT] = do_alu,
        [INSN_STORE] = do_store,     [INSN_LOAD] = do_load,     [INSN_XCHG] = do_exchange,
        [INSN_CMPXCHG] = do_cmpxchg, [INSN_XADD] = do_exchange, [INSN_STOS] = emul_string,
        [INSN_MOVS] = emul_string,   [INSN_IN] = do_port,       [INSN_OUT] = do_port,
        [INSN_INS] = emul_string,    [INSN_OUTS] = emul_string,
    };
    enum emul_result rc;

    if (i->kind > INSN_LAST_EXECUTED || !run[i->kind]) {
        return EMUL_UNHANDLED;
    }
    rc = run[i->kind](e, i);
    if (rc == EMUL_OK) {
        insn_advance(i, e->regs);
    }
    return rc;
}
