/* SPDX-License-Identifier: MIT */
/*
 * Opcode tables (Intel SDM vol. 2, appendix A), only what the emulator knows. An empty row is an
 * instruction that we refuse.
 */
#include "x86/emul/emul.h"

#define M FORM_MODRM
#define B FORM_BYTE

/* The eight arithmetic operations have six forms each, at 8 * number. */
#define ALU_ROWS(n)                                                                                \
    [8 * (n) + 0] = {INSN_ALU, n, M | B | FORM_LOCK},                                              \
               [8 * (n) + 1] = {INSN_ALU, n, M | FORM_LOCK},                                       \
               [8 * (n) + 2] = {INSN_ALU, n, M | B | FORM_TO_REG},                                 \
               [8 * (n) + 3] = {INSN_ALU, n, M | FORM_TO_REG}

const struct insn_row insn_one_byte[256] = {
    ALU_ROWS(ALU_ADD),
    ALU_ROWS(ALU_OR),
    ALU_ROWS(ALU_ADC),
    ALU_ROWS(ALU_SBB),
    ALU_ROWS(ALU_AND),
    ALU_ROWS(ALU_SUB),
    ALU_ROWS(ALU_XOR),
    ALU_ROWS(ALU_CMP),
    [0x63] = {INSN_LOAD, 0, M | FORM_SOURCE_32 | FORM_SIGNED | FORM_MEMORY},
    [0x6c] = {INSN_INS, 0, B | FORM_NO_64},
    [0x6d] = {INSN_INS, 0, FORM_NO_64},
    [0x6e] = {INSN_OUTS, 0, B | FORM_NO_64},
    [0x6f] = {INSN_OUTS, 0, FORM_NO_64},
    [0x80] = {INSN_ALU, 0, M | B | FORM_IMM8 | FORM_GROUP},
    [0x81] = {INSN_ALU, 0, M | FORM_IMM | FORM_GROUP},
    [0x83] = {INSN_ALU, 0, M | FORM_IMM8 | FORM_GROUP},
    [0x84] = {INSN_ALU, ALU_TEST, M | B},
    [0x85] = {INSN_ALU, ALU_TEST, M},
    [0x86] = {INSN_XCHG, 0, M | B | FORM_MEMORY | FORM_LOCK},
    [0x87] = {INSN_XCHG, 0, M | FORM_MEMORY | FORM_LOCK},
    [0x88] = {INSN_STORE, 0, M | B | FORM_MEMORY},
    [0x89] = {INSN_STORE, 0, M | FORM_MEMORY},
    [0x8a] = {INSN_LOAD, 0, M | B | FORM_MEMORY},
    [0x8b] = {INSN_LOAD, 0, M | FORM_MEMORY},
    [0xa0] = {INSN_LOAD, 0, B | FORM_MOFFS | FORM_ACC},
    [0xa1] = {INSN_LOAD, 0, FORM_MOFFS | FORM_ACC},
    [0xa2] = {INSN_STORE, 0, B | FORM_MOFFS | FORM_ACC},
    [0xa3] = {INSN_STORE, 0, FORM_MOFFS | FORM_ACC},
    [0xa4] = {INSN_MOVS, 0, B},
    [0xa5] = {INSN_MOVS, 0, 0},
    [0xaa] = {INSN_STOS, 0, B},
    [0xab] = {INSN_STOS, 0, 0},
    [0xc6] = {INSN_STORE, 0, M | B | FORM_IMM8 | FORM_MEMORY | FORM_GROUP},
    [0xc7] = {INSN_STORE, 0, M | FORM_IMM | FORM_MEMORY | FORM_GROUP},
    [0xe4] = {INSN_IN, 0, B | FORM_IMM8 | FORM_NO_64},
    [0xe5] = {INSN_IN, 0, FORM_IMM8 | FORM_NO_64},
    [0xe6] = {INSN_OUT, 0, B | FORM_IMM8 | FORM_NO_64},
    [0xe7] = {INSN_OUT, 0, FORM_IMM8 | FORM_NO_64},
    [0xec] = {INSN_IN, 0, B | FORM_NO_64},
    [0xed] = {INSN_IN, 0, FORM_NO_64},
    [0xee] = {INSN_OUT, 0, B | FORM_NO_64},
    [0xef] = {INSN_OUT, 0, FORM_NO_64},
    [0xf4] = {INSN_HLT, 0, 0},
    [0xf6] = {INSN_UNARY, 0, M | B | FORM_GROUP},
    [0xf7] = {INSN_UNARY, 0, M | FORM_GROUP},
    [0xfa] = {INSN_CLI, 0, 0},
    [0xfb] = {INSN_STI, 0, 0},
    [0xfe] = {INSN_UNARY, 0, M | B | FORM_GROUP},
    [0xff] = {INSN_UNARY, 0, M | FORM_GROUP},
};

const struct insn_row insn_two_byte[256] = {
    [0x00] = {INSN_SLDT, 0, M | FORM_GROUP},
    [0x01] = {INSN_SGDT, 0, M | FORM_GROUP},
    [0x06] = {INSN_CLTS, 0, 0},
    [0x08] = {INSN_INVD, 0, 0},
    [0x09] = {INSN_WBINVD, 0, 0},
    [0x0b] = {INSN_UD2, 0, 0},
    [0x20] = {INSN_MOV_FROM_CR, 0, M | FORM_64},
    [0x21] = {INSN_MOV_FROM_DR, 0, M | FORM_64},
    [0x22] = {INSN_MOV_TO_CR, 0, M | FORM_64},
    [0x23] = {INSN_MOV_TO_DR, 0, M | FORM_64},
    [0x30] = {INSN_WRMSR, 0, 0},
    [0x31] = {INSN_RDTSC, 0, 0},
    [0x32] = {INSN_RDMSR, 0, 0},
    [0x33] = {INSN_RDPMC, 0, 0},
    [0xa2] = {INSN_CPUID, 0, 0},
    [0xa3] = {INSN_BIT, ALU_BT, M},
    [0xab] = {INSN_BIT, ALU_BTS, M | FORM_LOCK},
    [0xb0] = {INSN_CMPXCHG, 0, M | B | FORM_MEMORY | FORM_LOCK},
    [0xb1] = {INSN_CMPXCHG, 0, M | FORM_MEMORY | FORM_LOCK},
    [0xb3] = {INSN_BIT, ALU_BTR, M | FORM_LOCK},
    [0xb6] = {INSN_LOAD, 0, M | FORM_SOURCE_8 | FORM_MEMORY},
    [0xb7] = {INSN_LOAD, 0, M | FORM_SOURCE_16 | FORM_MEMORY},
    [0xba] = {INSN_BIT, 0, M | FORM_IMM8 | FORM_GROUP},
    [0xbb] = {INSN_BIT, ALU_BTC, M | FORM_LOCK},
    [0xbe] = {INSN_LOAD, 0, M | FORM_SOURCE_8 | FORM_SIGNED | FORM_MEMORY},
    [0xbf] = {INSN_LOAD, 0, M | FORM_SOURCE_16 | FORM_SIGNED | FORM_MEMORY},
    [0xc0] = {INSN_XADD, 0, M | B | FORM_MEMORY | FORM_LOCK},
    [0xc1] = {INSN_XADD, 0, M | FORM_MEMORY | FORM_LOCK},
    [0xc3] = {INSN_STORE, 0, M | FORM_MEMORY}, /* movnti */
    [0xc7] = {INSN_CMPXCHG16B, 0, M | FORM_GROUP},
};

/* 0F 01 with a memory operand, by modrm.reg; SMSW and LMSW also take a register. */
static const struct insn_row group7_memory[8] = {
    {INSN_SGDT, 0, M | FORM_64}, {INSN_SIDT, 0, M | FORM_64},
    {INSN_LGDT, 0, M | FORM_64}, {INSN_LIDT, 0, M | FORM_64},
    {INSN_SMSW, 0, M},           {INSN_INVALID, 0, 0},
    {INSN_LMSW, 0, M},           {INSN_INVLPG, 0, M | FORM_64},
};

static struct insn_row group7(uint8_t modrm)
{
    static const struct {
        uint8_t modrm, kind;
    } exact[] = {
        {0xc1, INSN_VMCALL}, {0xc8, INSN_MONITOR}, {0xc9, INSN_MWAIT},  {0xd0, INSN_XGETBV},
        {0xd1, INSN_XSETBV}, {0xd9, INSN_VMMCALL}, {0xf8, INSN_SWAPGS}, {0xf9, INSN_RDTSCP},
    };
    unsigned reg = modrm >> 3 & 7;

    if (modrm < 0xc0 || reg == 4 || reg == 6) {
        return group7_memory[reg];
    }
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        if (exact[i].modrm == modrm) {
            return (struct insn_row){exact[i].kind, 0, M};
        }
    }
    return (struct insn_row){INSN_INVALID, 0, 0};
}

static struct insn_row group_two_byte(uint8_t opcode, uint8_t modrm)
{
    static const uint8_t group6[8] = {INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR};
    unsigned reg = modrm >> 3 & 7;

    switch (opcode) {
    case 0x00:
        return (struct insn_row){group6[reg], 0, M};
    case 0x01:
        return group7(modrm);
    case 0xba:
        if (reg >= 4) {
            return (struct insn_row){INSN_BIT, (uint8_t)(ALU_BT + reg - 4),
                                     M | FORM_IMM8 | (reg > 4 ? FORM_LOCK : 0)};
        }
        break;
    case 0xc7:
        if (reg == 1) {
            return (struct insn_row){INSN_CMPXCHG16B, 0, M | FORM_MEMORY | FORM_LOCK};
        }
        break;
    default:
        break;
    }
    return (struct insn_row){INSN_INVALID, 0, 0};
}

struct insn_row insn_group(bool two_byte, uint8_t opcode, uint8_t modrm)
{
    struct insn_row row = insn_one_byte[opcode];
    unsigned reg = modrm >> 3 & 7;

    if (two_byte) {
        return group_two_byte(opcode, modrm);
    }
    switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x83:
        row.alu = (uint8_t)reg;
        row.form |= reg != ALU_CMP ? FORM_LOCK : 0;
        return row;
    case 0xc6:
    case 0xc7:
        row.kind = reg == 0 ? INSN_STORE : INSN_INVALID;
        return row;
    case 0xf6:
    case 0xf7:
        if (reg < 2) {
            row.kind = INSN_ALU;
            row.alu = ALU_TEST;
            row.form |= opcode == 0xf6 ? FORM_IMM8 : FORM_IMM;
        } else if (reg < 4) {
            row.alu = reg == 2 ? ALU_NOT : ALU_NEG;
            row.form |= FORM_LOCK;
        } else {
            row.kind = INSN_INVALID;
        }
        return row;
    default: /* fe, ff */
        row.alu = reg == 0 ? ALU_INC : ALU_DEC;
        row.form |= FORM_LOCK;
        row.kind = reg < 2 ? INSN_UNARY : INSN_INVALID;
        return row;
    }
}
