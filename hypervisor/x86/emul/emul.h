/* SPDX-License-Identifier: MIT */
/*
 * Decoder and executor for the instructions that a hypervisor meets in 64-bit mode: privileged
 * ones, port I/O, and those that read or write one memory operand. Pure: guest memory and ports
 * are reached through the caller's functions, so that PV and HVM share it and tests run it on
 * the host. Whatever is not in the tables is refused, never guessed.
 *
 * Use: fetch up to INSN_MAX bytes at rip, insn_decode(), look at insn.kind. Kinds up to
 * INSN_LAST_EXECUTED can be given to emul_execute(); the privileged ones are the caller's to
 * carry out, followed by insn_advance().
 */
#ifndef X86_EMUL_H
#define X86_EMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <public/xen.h>

#define INSN_MAX 15

enum insn_kind {
    INSN_INVALID,
    /* emul_execute() does these */
    INSN_ALU,   /* add or adc sbb and sub xor cmp, by insn.alu; test is ALU_TEST */
    INSN_UNARY, /* inc dec not neg, by insn.alu */
    INSN_BIT,   /* bt bts btr btc, by insn.alu */
    INSN_STORE, /* mov to memory, movnti */
    INSN_LOAD,  /* mov from memory, movzx, movsx, movsxd */
    INSN_XCHG,
    INSN_CMPXCHG,
    INSN_XADD,
    INSN_STOS,
    INSN_MOVS,
    INSN_IN,
    INSN_OUT,
    INSN_INS,
    INSN_OUTS,
    INSN_LAST_EXECUTED = INSN_OUTS,
    /* privileged or sensitive ones, for the caller */
    INSN_CMPXCHG16B, /* and 8b: recognised so that it can be refused in words */
    INSN_CLI,
    INSN_STI,
    INSN_HLT,
    INSN_CLTS,
    INSN_INVD,
    INSN_WBINVD,
    INSN_UD2,
    INSN_MOV_FROM_CR, /* insn.reg: CR or DR number; insn.rm: GPR number */
    INSN_MOV_TO_CR,
    INSN_MOV_FROM_DR,
    INSN_MOV_TO_DR,
    INSN_RDMSR,
    INSN_WRMSR,
    INSN_RDTSC,
    INSN_RDTSCP,
    INSN_RDPMC,
    INSN_CPUID,
    INSN_XGETBV,
    INSN_XSETBV,
    INSN_LMSW, /* operand: register insn.rm if insn.mod is 3, else memory */
    INSN_SMSW,
    INSN_SGDT,
    INSN_SIDT,
    INSN_LGDT,
    INSN_LIDT,
    INSN_SLDT,
    INSN_STR,
    INSN_LLDT,
    INSN_LTR,
    INSN_INVLPG,
    INSN_SWAPGS,
    INSN_MONITOR,
    INSN_MWAIT,
    INSN_VMCALL,
    INSN_VMMCALL,
};

enum insn_alu {
    ALU_ADD,
    ALU_OR,
    ALU_ADC,
    ALU_SBB,
    ALU_AND,
    ALU_SUB,
    ALU_XOR,
    ALU_CMP,
    ALU_TEST,
    ALU_INC,
    ALU_DEC,
    ALU_NOT,
    ALU_NEG,
    ALU_BT,
    ALU_BTS,
    ALU_BTR,
    ALU_BTC,
};

enum insn_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_NONE };

struct insn {
    uint8_t kind;                          /* enum insn_kind */
    uint8_t alu;                           /* enum insn_alu */
    uint8_t length;                        /* bytes in all */
    uint8_t opcode;                        /* the last opcode byte */
    bool two_byte;                         /* behind 0F */
    uint8_t rex;                           /* 0: none */
    bool opsize, addr32, lock, rep, repne; /* prefixes 66, 67, F0, F3, F2 */
    uint8_t seg;                           /* enum insn_seg: override */
    bool has_modrm, has_sib;
    uint8_t modrm, sib;
    uint8_t mod, reg, rm; /* fields; reg and rm with their REX bits */
    uint8_t op_bytes;     /* operand size: 1, 2, 4, 8; of the memory operand for loads */
    uint8_t dst_bytes;    /* loads: size of the register that is written */
    uint8_t addr_bytes;   /* 4 or 8 */
    bool sign_extend;     /* loads: movsx */
    bool to_reg;          /* ALU: the register operand is the destination */
    bool acc;             /* no ModRM: the register operand is rAX */
    bool has_imm, moffs;  /* imm: sign-extended; with moffs it is the address */
    uint64_t imm;
    int64_t disp;
};

/* 0, or -1: not in the tables, or longer than len (at most INSN_MAX bytes are looked at). */
int insn_decode(struct insn *i, const uint8_t *bytes, unsigned len);

/* Does it have an operand in memory (of ModRM, moffs, or a string)? */
bool insn_has_memory(const struct insn *i);

/* Linear address of the ModRM or moffs operand. regs->rip still points to the instruction. */
uint64_t insn_address(const struct insn *i, const struct cpu_user_regs *regs, uint64_t fs_base,
                      uint64_t gs_base);

/* General register n (0 rax, 1 rcx, ... 15 r15); NULL for n > 15. */
uint64_t *insn_gpr(struct cpu_user_regs *regs, unsigned n);
/* Read or write the low `bytes`; without REX byte registers 4 to 7 are AH to BH. 4-byte writes
 * clear the upper half. */
uint64_t insn_get_reg(const struct insn *i, struct cpu_user_regs *regs, unsigned n, unsigned bytes);
void insn_set_reg(const struct insn *i, struct cpu_user_regs *regs, unsigned n, unsigned bytes,
                  uint64_t value);

/* Step over the instruction; clears RF. */
void insn_advance(const struct insn *i, struct cpu_user_regs *regs);

enum emul_result {
    EMUL_OK,
    EMUL_FAULT,     /* a callback said so, and knows why; registers are as before that access */
    EMUL_RETRY,     /* not finished (repetition or contention): let the guest run it again */
    EMUL_UNHANDLED, /* not an instruction or form that is executed here */
};

/*
 * How memory and ports are reached. Each returns EMUL_OK, EMUL_FAULT or EMUL_RETRY. Any may be
 * NULL if its instructions are not to be executed. Addresses are linear and unchecked.
 * cmpxchg: store `new` if memory equals *old, atomically; else put what is there into *old.
 */
struct emul_ops {
    enum emul_result (*read)(void *arg, uint64_t addr, void *data, unsigned bytes);
    enum emul_result (*write)(void *arg, uint64_t addr, const void *data, unsigned bytes);
    enum emul_result (*cmpxchg)(void *arg, uint64_t addr, uint64_t *old, uint64_t new_value,
                                unsigned bytes);
    enum emul_result (*in)(void *arg, unsigned port, unsigned bytes, uint32_t *value);
    enum emul_result (*out)(void *arg, unsigned port, unsigned bytes, uint32_t value);
};

struct emul {
    const struct emul_ops *ops;
    void *arg;
    struct cpu_user_regs *regs;
    uint64_t fs_base, gs_base;
    unsigned max_reps; /* steps of a repetition in one call; 0: 1024 */
};

/* Execute, update registers and flags, and step over it when it is complete. */
enum emul_result emul_execute(struct emul *e, const struct insn *i);

/* string_io.c: the REP forms; called by emul_execute. */
enum emul_result emul_string(struct emul *e, const struct insn *i);

/* tables.c */
enum insn_form {
    FORM_MODRM = 1 << 0,
    FORM_BYTE = 1 << 1,  /* operand of one byte */
    FORM_IMM8 = 1 << 2,  /* one byte, sign-extended */
    FORM_IMM = 1 << 3,   /* operand size, at most 4 bytes, sign-extended */
    FORM_MOFFS = 1 << 4, /* address of addr_bytes */
    FORM_64 = 1 << 5,    /* 64 bits whatever the prefixes say */
    FORM_TO_REG = 1 << 6,
    FORM_MEMORY = 1 << 7,     /* only with a memory operand */
    FORM_ACC = 1 << 8,        /* register operand is rAX */
    FORM_NO_64 = 1 << 9,      /* REX.W changes nothing: port I/O */
    FORM_SOURCE_8 = 1 << 10,  /* load of a byte, */
    FORM_SOURCE_16 = 1 << 11, /* of two, */
    FORM_SOURCE_32 = 1 << 12, /* of four bytes */
    FORM_SIGNED = 1 << 13,
    FORM_GROUP = 1 << 14, /* kind depends on modrm.reg: insn_group() */
    FORM_LOCK = 1 << 15,  /* LOCK allowed with a memory destination */
};

struct insn_row {
    uint8_t kind, alu;
    uint16_t form;
};

extern const struct insn_row insn_one_byte[256], insn_two_byte[256];
/* The row of a group's member; kind INSN_INVALID if there is none. */
struct insn_row insn_group(bool two_byte, uint8_t opcode, uint8_t modrm);

#endif
