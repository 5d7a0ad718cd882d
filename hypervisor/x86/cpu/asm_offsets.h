/* SPDX-License-Identifier: MIT */
/* Offsets that assembly needs; asm_offsets.c asserts each against the structure itself. */
#ifndef X86_ASM_OFFSETS_H
#define X86_ASM_OFFSETS_H

#define REGS_R15    0
#define REGS_R14    8
#define REGS_R13    16
#define REGS_R12    24
#define REGS_RBP    32
#define REGS_RBX    40
#define REGS_R11    48
#define REGS_R10    56
#define REGS_R9     64
#define REGS_R8     72
#define REGS_RAX    80
#define REGS_RCX    88
#define REGS_RDX    96
#define REGS_RSI    104
#define REGS_RDI    112
#define REGS_ERROR  120
#define REGS_VECTOR 124
#define REGS_RIP    128
#define REGS_CS     136
#define REGS_RFLAGS 144
#define REGS_RSP    152
#define REGS_SS     160
#define REGS_ES     168
#define REGS_SIZE   200

#define CI_VCPU    200
#define CI_CPU     208
#define CI_SOFTIRQS 224
#define CI_SIZE    232

/*
 * regs.entry_vector of a frame that SYSRET can load as it is: rcx holds rip, r11 rflags, and the
 * selectors are those of the flat 64-bit segments.
 */
#define ENTRY_SYSCALL 0xffffffff

/* As core/hypercall.h and core/errno.h have them. */
#define HYPERCALL_ROWS   64
#define HYPERCALL_ENOSYS 38

#define VCPU_INFO        16
#define VCPU_CONTINUES   24
#define VCPU_KERNEL_MODE 80
#define VCPU_NMI_PENDING 81

#endif
