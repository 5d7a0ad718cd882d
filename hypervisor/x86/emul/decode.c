/* SPDX-License-Identifier: MIT */
/*
 * Bytes to struct insn (Intel SDM vol. 2, chapter 2). Order: prefixes, REX, opcode, ModRM, SIB,
 * displacement, immediate. A REX prefix counts only right before the opcode. VEX, EVEX and 0F38,
 * 0F3A maps are not known and thus refused.
 */
#include "x86/emul/emul.h"

struct cursor {
    const uint8_t *bytes;
    unsigned len, pos;
    bool short_read;
};

static uint8_t next_byte(struct cursor *c)
{
    if (c->pos >= c->len) {
        c->short_read = true;
        return 0;
    }
    return c->bytes[c->pos++];
}

/* Little-endian number of 1, 2, 4 or 8 bytes, sign-extended. */
static uint64_t next_signed(struct cursor *c, unsigned bytes)
{
    uint64_t v = 0;
    unsigned unused = 64 - 8 * bytes;

    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)next_byte(c) << (8 * i);
    }
    return (uint64_t)((int64_t)(v << unused) >> unused);
}

/* Returns the first byte that is no prefix. */
static uint8_t read_prefixes(struct cursor *c, struct insn *i)
{
    uint8_t b;

    for (;; i->rex = (b & 0xf0) == 0x40 ? b : 0) {
        b = next_byte(c);
        switch (b) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            i->seg = (b >> 3) & 3;
            break;
        case 0x64:
        case 0x65:
            i->seg = (uint8_t)(SEG_FS + (b & 1));
            break;
        case 0x66:
            i->opsize = true;
            break;
        case 0x67:
            i->addr32 = true;
            break;
        case 0xf0:
            i->lock = true;
            break;
        case 0xf2:
            i->repne = true;
            i->rep = false;
            break;
        case 0xf3:
            i->rep = true;
            i->repne = false;
            break;
        default:
            if ((b & 0xf0) != 0x40) {
                return b;
            }
            break;
        }
        if (c->short_read) {
            return b;
        }
    }
}

/* SIB and displacement of a memory operand; a control or debug register has none. */
static void read_address(struct cursor *c, struct insn *i)
{
    unsigned base = i->modrm & 7;

    if (i->mod == 3) {
        return;
    }
    if (base == 4) {
        i->has_sib = true;
        i->sib = next_byte(c);
        base = i->sib & 7;
    }
    if (i->mod == 1) {
        i->disp = (int64_t)next_signed(c, 1);
    } else if (i->mod == 2 || base == 5) { /* mod 0, base 5: rip or nothing, and 32 bits */
        i->disp = (int64_t)next_signed(c, 4);
    }
}

static void read_modrm(struct cursor *c, struct insn *i)
{
    i->has_modrm = true;
    i->modrm = next_byte(c);
    i->mod = i->modrm >> 6;
    i->reg = (uint8_t)((i->modrm >> 3 & 7) | (i->rex & 4) << 1);
    i->rm = (uint8_t)((i->modrm & 7) | (i->rex & 1) << 3);
}

static void set_sizes(struct insn *i, unsigned form)
{
    bool wide = (i->rex & 8) && !(form & FORM_NO_64);

    i->addr_bytes = i->addr32 ? 4 : 8;
    if (form & FORM_BYTE) {
        i->op_bytes = 1;
    } else if ((form & FORM_64) || wide) {
        i->op_bytes = 8;
    } else {
        i->op_bytes = i->opsize ? 2 : 4;
    }
    i->dst_bytes = i->op_bytes;
    if (form & (FORM_SOURCE_8 | FORM_SOURCE_16 | FORM_SOURCE_32)) {
        i->op_bytes = form & FORM_SOURCE_8 ? 1 : form & FORM_SOURCE_16 ? 2 : 4;
    }
    i->sign_extend = form & FORM_SIGNED;
    i->to_reg = form & FORM_TO_REG;
}

static void read_immediate(struct cursor *c, struct insn *i, unsigned form)
{
    if (form & FORM_MOFFS) {
        i->moffs = true;
        i->imm = next_signed(c, i->addr_bytes);
        i->imm &= i->addr32 ? 0xffffffff : ~0ULL;
    } else if (form & FORM_IMM8) {
        i->has_imm = true;
        i->imm = next_signed(c, 1);
    } else if (form & FORM_IMM) {
        i->has_imm = true;
        i->imm = next_signed(c, i->op_bytes == 2 ? 2 : 4);
    }
}

/* What the processor would refuse with #UD although the opcode is known. */
static bool is_allowed(const struct insn *i, unsigned form)
{
    bool memory = i->has_modrm && i->mod != 3;

    if ((form & FORM_MEMORY) && !memory) {
        return false;
    }
    if (i->lock && (!memory || !(form & FORM_LOCK) || i->to_reg || i->alu == ALU_CMP)) {
        return false;
    }
    switch (i->kind) {
    case INSN_MOV_FROM_CR:
    case INSN_MOV_TO_CR:
        return i->reg == 0 || i->reg == 2 || i->reg == 3 || i->reg == 4 || i->reg == 8;
    case INSN_MOV_FROM_DR:
    case INSN_MOV_TO_DR:
        return i->reg < 8;
    default:
        return true;
    }
}

int insn_decode(struct insn *i, const uint8_t *bytes, unsigned len)
{
    struct cursor c = {bytes, len < INSN_MAX ? len : INSN_MAX, 0, false};
    struct insn_row row;

    *i = (struct insn){.seg = SEG_NONE};
    i->opcode = read_prefixes(&c, i);
    if (i->opcode == 0x0f) {
        i->two_byte = true;
        i->opcode = next_byte(&c);
    }
    row = i->two_byte ? insn_two_byte[i->opcode] : insn_one_byte[i->opcode];
    if (c.short_read || row.kind == INSN_INVALID) {
        return -1;
    }
    if (row.form & FORM_MODRM) {
        read_modrm(&c, i);
        if (row.form & FORM_GROUP) {
            row = insn_group(i->two_byte, i->opcode, i->modrm);
        }
        if (row.kind >= INSN_MOV_FROM_CR && row.kind <= INSN_MOV_TO_DR) {
            i->mod = 3; /* whatever it says, the operand is a register */
        }
        read_address(&c, i);
    }
    i->kind = row.kind;
    i->alu = row.alu;
    i->acc = row.form & FORM_ACC;
    set_sizes(i, row.form);
    read_immediate(&c, i, row.form);
    i->length = (uint8_t)c.pos;
    if (c.short_read || row.kind == INSN_INVALID || !is_allowed(i, row.form)) {
        i->kind = INSN_INVALID;
        return -1;
    }
    return 0;
}

bool insn_has_memory(const struct insn *i)
{
    return (i->has_modrm && i->mod != 3) || i->moffs || i->kind == INSN_STOS ||
           i->kind == INSN_MOVS || i->kind == INSN_INS || i->kind == INSN_OUTS;
}

uint64_t *insn_gpr(struct cpu_user_regs *r, unsigned n)
{
#define AT(reg) offsetof(struct cpu_user_regs, reg)
    static const uint8_t offsets[16] = {AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp),
                                        AT(rsi), AT(rdi), AT(r8),  AT(r9),  AT(r10), AT(r11),
                                        AT(r12), AT(r13), AT(r14), AT(r15)};
#undef AT

    return n < 16 ? (uint64_t *)(void *)((char *)r + offsets[n]) : NULL;
}

static uint64_t gpr_value(const struct cpu_user_regs *r, unsigned n)
{
    return *insn_gpr((struct cpu_user_regs *)(uintptr_t)r, n & 15);
}

uint64_t insn_address(const struct insn *i, const struct cpu_user_regs *regs, uint64_t fs_base,
                      uint64_t gs_base)
{
    uint64_t a = (uint64_t)i->disp;
    unsigned base = i->rm, index;

    if (i->moffs) {
        a = i->imm;
    } else if (i->has_sib) {
        base = (i->sib & 7u) | (i->rex & 1u) << 3;
        index = (i->sib >> 3 & 7u) | (i->rex & 2u) << 2;
        if (index != 4) {
            a += gpr_value(regs, index) << (i->sib >> 6);
        }
        if ((base & 7) != 5 || i->mod != 0) {
            a += gpr_value(regs, base);
        }
    } else if (i->mod == 0 && (base & 7) == 5) {
        a += regs->rip + i->length;
    } else {
        a += gpr_value(regs, base);
    }
    if (i->addr_bytes == 4) {
        a = (uint32_t)a;
    }
    return a + (i->seg == SEG_FS ? fs_base : i->seg == SEG_GS ? gs_base : 0);
}

static uint64_t low_mask(unsigned bytes)
{
    return bytes >= 8 ? ~0ULL : (1ULL << (8 * bytes)) - 1;
}

uint64_t insn_get_reg(const struct insn *i, struct cpu_user_regs *regs, unsigned n, unsigned bytes)
{
    if (bytes == 1 && !i->rex && n >= 4 && n < 8) {
        return *insn_gpr(regs, n - 4) >> 8 & 0xff;
    }
    return *insn_gpr(regs, n & 15) & low_mask(bytes);
}

void insn_set_reg(const struct insn *i, struct cpu_user_regs *regs, unsigned n, unsigned bytes,
                  uint64_t value)
{
    uint64_t *reg = insn_gpr(regs, n & 15), mask = low_mask(bytes);

    if (bytes == 1 && !i->rex && n >= 4 && n < 8) {
        reg = insn_gpr(regs, n - 4);
        *reg = (*reg & ~0xff00ULL) | (value & 0xff) << 8;
    } else if (bytes == 4) {
        *reg = (uint32_t)value;
    } else {
        *reg = (*reg & ~mask) | (value & mask);
    }
}

void insn_advance(const struct insn *i, struct cpu_user_regs *regs)
{
    regs->rip += i->length;
    regs->rflags &= ~(1ULL << 16); /* RF */
}
