/* SPDX-License-Identifier: MIT */
/*
 * Decoding and applying instructions that write memory (Intel SDM vol. 2, appendix A). The
 * address is not computed: the page fault gave it. String instructions do one step at a time, so
 * that one that crosses into other pages is resumed by the processor itself.
 */
#include "x86/pv/write_insn.h"

#define FLAG_CF (1u << 0)
#define FLAG_PF (1u << 2)
#define FLAG_ZF (1u << 6)
#define FLAG_SF (1u << 7)
#define FLAG_DF (1u << 10)
#define FLAG_OF (1u << 11)
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_ZF | FLAG_SF | FLAG_OF)

struct cursor {
    const uint8_t *code;
    unsigned length, pos;
    bool opsize, w; /* prefixes 66 and REX.W */
    uint8_t rex, modrm;
};

static bool next(struct cursor *c, uint8_t *byte)
{
    if (c->pos >= c->length) {
        return false;
    }
    *byte = c->code[c->pos++];
    return true;
}

static bool prefixes(struct cursor *c, struct write_insn *w, uint8_t *opcode)
{
    for (;;) {
        if (!next(c, opcode)) {
            return false;
        }
        switch (*opcode) {
        case 0x66:
            c->opsize = true;
            break;
        case 0xf2:
        case 0xf3:
            w->rep = true;
            break;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x67: case 0xf0:
            break;
        default:
            if ((*opcode & 0xf0) == 0x40) {
                c->rex = *opcode;
                w->rex = true;
                c->w = (c->rex & 8) != 0;
                return next(c, opcode);
            }
            return true;
        }
    }
}

/* ModRM with its SIB byte and displacement; false also for a register operand. */
static bool modrm(struct cursor *c, struct write_insn *w)
{
    unsigned mod, rm, disp = 0;
    uint8_t sib = 0;

    if (!next(c, &c->modrm)) {
        return false;
    }
    mod = c->modrm >> 6;
    rm = c->modrm & 7;
    if (mod == 3 || (rm == 4 && !next(c, &sib))) {
        return false;
    }
    if (mod == 1) {
        disp = 1;
    } else if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7) == 5)) {
        disp = 4;
    }
    c->pos += disp;
    w->reg = (uint8_t)((c->modrm >> 3 & 7) | (c->rex & 4 ? 8 : 0));
    return c->pos <= c->length;
}

static bool immediate(struct cursor *c, struct write_insn *w, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        uint8_t b;

        if (!next(c, &b)) {
            return false;
        }
        v |= (uint64_t)b << (8 * i);
    }
    w->imm = (uint64_t)((int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
    w->has_imm = true;
    return true;
}

static bool alu(struct write_insn *w, unsigned number)
{
    static const int8_t op[8] = {WRITE_ADD, WRITE_OR, -1, -1, WRITE_AND, WRITE_SUB, WRITE_XOR, -1};

    w->op = (uint8_t)op[number];
    return op[number] >= 0;
}

static bool decode_0f(struct cursor *c, struct write_insn *w)
{
    static const uint8_t bit_op[4] = {0, WRITE_BTS, WRITE_BTR, WRITE_BTC};
    uint8_t b;

    if (!next(c, &b) || !modrm(c, w)) {
        return false;
    }
    switch (b) {
    case 0xb0:
    case 0xb1:
        w->op = WRITE_CMPXCHG;
        break;
    case 0xc0:
    case 0xc1:
        w->op = WRITE_XADD;
        break;
    case 0xc3: /* movnti */
        w->op = WRITE_MOV;
        return !c->opsize;
    case 0xab:
    case 0xb3:
    case 0xbb:
        w->op = bit_op[(b - 0xa3) / 8];
        return true;
    case 0xba:
        if ((c->modrm >> 3 & 7) < 5) {
            return false;
        }
        w->op = bit_op[(c->modrm >> 3 & 7) - 4];
        return immediate(c, w, 1);
    default:
        return false;
    }
    if (!(b & 1)) {
        w->size = 1;
    }
    return true;
}

/* Opcodes with a group number in ModRM. */
static bool decode_group(struct cursor *c, struct write_insn *w, uint8_t b)
{
    unsigned number, wide = w->size > 4 ? 4 : w->size;

    if (!modrm(c, w)) {
        return false;
    }
    number = c->modrm >> 3 & 7;
    if (!(b & 1)) {
        w->size = 1;
    }
    switch (b) {
    case 0x80:
    case 0x83:
        return alu(w, number) && immediate(c, w, 1);
    case 0x81:
        return alu(w, number) && immediate(c, w, wide);
    case 0xc6:
        w->op = WRITE_MOV;
        return number == 0 && immediate(c, w, 1);
    case 0xc7:
        w->op = WRITE_MOV;
        return number == 0 && immediate(c, w, wide);
    case 0xf6:
    case 0xf7:
        w->op = WRITE_NOT;
        return number == 2;
    default: /* fe, ff */
        w->op = number == 0 ? WRITE_INC : WRITE_DEC;
        return number <= 1;
    }
}

static bool decode_one(struct cursor *c, struct write_insn *w, uint8_t b)
{
    if ((b & 0xc6) == 0 && b < 0x40) { /* op r/m, r */
        w->size = b & 1 ? w->size : 1;
        return alu(w, b >> 3) && modrm(c, w);
    }
    switch (b) {
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
        w->op = b < 0x88 ? WRITE_XCHG : WRITE_MOV;
        w->size = b & 1 ? w->size : 1;
        return modrm(c, w);
    case 0xa4:
    case 0xa5:
    case 0xaa:
    case 0xab:
        w->op = b < 0xa8 ? WRITE_MOVS : WRITE_STOS;
        w->size = b & 1 ? w->size : 1;
        return true;
    case 0x80: case 0x81: case 0x83: case 0xc6: case 0xc7: case 0xf6: case 0xf7: case 0xfe:
    case 0xff:
        return decode_group(c, w, b);
    default:
        return false;
    }
}

bool write_insn_decode(struct write_insn *w, const uint8_t *code, unsigned length)
{
    struct cursor c = {.code = code, .length = length};
    bool string;
    uint8_t b;

    *w = (struct write_insn){0};
    if (!prefixes(&c, w, &b)) {
        return false;
    }
    w->size = c.w ? 8 : c.opsize ? 2 : 4;
    if (b == 0x0f ? !decode_0f(&c, w) : !decode_one(&c, w, b)) {
        return false;
    }
    string = w->op == WRITE_STOS || w->op == WRITE_MOVS;
    w->rep = w->rep && string;
    w->length = (uint8_t)c.pos;
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static uint64_t *reg_word(const struct cpu_user_regs *r, unsigned n)
{
    static const uint8_t place[16] = {
        offsetof(struct cpu_user_regs, rax), offsetof(struct cpu_user_regs, rcx),
        offsetof(struct cpu_user_regs, rdx), offsetof(struct cpu_user_regs, rbx),
        offsetof(struct cpu_user_regs, rsp), offsetof(struct cpu_user_regs, rbp),
        offsetof(struct cpu_user_regs, rsi), offsetof(struct cpu_user_regs, rdi),
        offsetof(struct cpu_user_regs, r8),  offsetof(struct cpu_user_regs, r9),
        offsetof(struct cpu_user_regs, r10), offsetof(struct cpu_user_regs, r11),
        offsetof(struct cpu_user_regs, r12), offsetof(struct cpu_user_regs, r13),
        offsetof(struct cpu_user_regs, r14), offsetof(struct cpu_user_regs, r15),
    };

    return (uint64_t *)((uintptr_t)r + place[n & 15]);
}

static uint64_t size_mask(unsigned size)
{
    return size == 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

static uint64_t reg_get(const struct write_insn *w, const struct cpu_user_regs *r, unsigned n)
{
    if (w->size == 1 && !w->rex && n >= 4 && n < 8) {
        return *reg_word(r, n - 4) >> 8 & 0xff;
    }
    return *reg_word(r, n) & size_mask(w->size);
}

static void reg_set(const struct write_insn *w, struct cpu_user_regs *r, unsigned n, uint64_t v)
{
    uint64_t *word, mask = size_mask(w->size);

    if (w->size == 1 && !w->rex && n >= 4 && n < 8) {
        word = reg_word(r, n - 4);
        *word = (*word & ~0xff00ULL) | (v & 0xff) << 8;
        return;
    }
    word = reg_word(r, n);
    *word = w->size >= 4 ? v & mask : (*word & ~mask) | (v & mask);
}

static uint64_t source(const struct write_insn *w, const struct cpu_user_regs *r)
{
    return w->has_imm ? w->imm & size_mask(w->size) : reg_get(w, r, w->reg);
}

static uint64_t bit_of(const struct write_insn *w, const struct cpu_user_regs *r)
{
    return 1ULL << (source(w, r) & (w->size * 8 - 1));
}

uint64_t write_insn_result(const struct write_insn *w, const struct cpu_user_regs *regs,
                           uint64_t old, uint64_t src)
{
    uint64_t mask = size_mask(w->size);

    switch (w->op) {
    case WRITE_ADD:
    case WRITE_XADD:
        return (old + source(w, regs)) & mask;
    case WRITE_SUB:
        return (old - source(w, regs)) & mask;
    case WRITE_OR:
        return old | source(w, regs);
    case WRITE_AND:
        return old & source(w, regs);
    case WRITE_XOR:
        return old ^ source(w, regs);
    case WRITE_CMPXCHG:
        return old == (regs->rax & mask) ? source(w, regs) : old;
    case WRITE_BTS:
        return old | bit_of(w, regs);
    case WRITE_BTR:
        return old & ~bit_of(w, regs);
    case WRITE_BTC:
        return old ^ bit_of(w, regs);
    case WRITE_INC:
        return (old + 1) & mask;
    case WRITE_DEC:
        return (old - 1) & mask;
    case WRITE_NOT:
        return ~old & mask;
    case WRITE_STOS:
        return regs->rax & mask;
    case WRITE_MOVS:
        return src & mask;
    default: /* mov, xchg */
        return source(w, regs);
    }
}

/* CF, ZF, SF, OF and PF of a - b = d or a + b = d; logic passes no carry. */
static uint64_t arith_flags(const struct write_insn *w, uint64_t a, uint64_t b, uint64_t d,
                            bool sub)
{
    uint64_t sign = 1ULL << (w->size * 8 - 1), flags = 0;

    flags |= (sub ? a < b : d < a) ? FLAG_CF : 0;
    flags |= d == 0 ? FLAG_ZF : 0;
    flags |= d & sign ? FLAG_SF : 0;
    flags |= ((sub ? (a ^ b) & (a ^ d) : (a ^ d) & (b ^ d)) & sign) ? FLAG_OF : 0;
    flags |= __builtin_parity((unsigned)(d & 0xff)) ? 0 : FLAG_PF;
    return flags;
}

static void set_flags(struct cpu_user_regs *regs, uint64_t which, uint64_t flags)
{
    regs->rflags = (regs->rflags & ~which) | (flags & which);
}

static void step_string(const struct write_insn *w, struct cpu_user_regs *regs)
{
    uint64_t step = regs->rflags & FLAG_DF ? -(uint64_t)w->size : w->size;

    regs->rdi += step;
    if (w->op == WRITE_MOVS) {
        regs->rsi += step;
    }
    if (w->rep) {
        regs->rcx--;
    }
}

void write_insn_commit(const struct write_insn *w, struct cpu_user_regs *regs, uint64_t old,
                       uint64_t result)
{
    uint64_t logic = FLAGS_ARITH & ~(FLAG_CF | FLAG_OF), src = source(w, regs), acc;

    switch (w->op) {
    case WRITE_ADD:
    case WRITE_XADD:
        set_flags(regs, FLAGS_ARITH, arith_flags(w, old, src, result, false));
        if (w->op == WRITE_XADD) {
            reg_set(w, regs, w->reg, old);
        }
        break;
    case WRITE_SUB:
        set_flags(regs, FLAGS_ARITH, arith_flags(w, old, src, result, true));
        break;
    case WRITE_OR:
    case WRITE_AND:
    case WRITE_XOR:
        set_flags(regs, FLAGS_ARITH, arith_flags(w, 0, 0, result, false) & logic);
        break;
    case WRITE_INC:
    case WRITE_DEC:
        set_flags(regs, FLAGS_ARITH & ~FLAG_CF,
                  arith_flags(w, old, 1, result, w->op == WRITE_DEC));
        break;
    case WRITE_XCHG:
        reg_set(w, regs, w->reg, old);
        break;
    case WRITE_CMPXCHG:
        acc = regs->rax & size_mask(w->size);
        set_flags(regs, FLAGS_ARITH,
                  arith_flags(w, acc, old, (acc - old) & size_mask(w->size), true));
        if (acc != old) {
            reg_set(w, regs, 0, old);
        }
        break;
    case WRITE_BTS:
    case WRITE_BTR:
    case WRITE_BTC:
        set_flags(regs, FLAG_CF, old & bit_of(w, regs) ? FLAG_CF : 0);
        break;
    case WRITE_STOS:
    case WRITE_MOVS:
        step_string(w, regs);
        break;
    default:
        break;
    }
    if (!w->rep || regs->rcx == 0) {
        regs->rip += w->length;
    }
}
