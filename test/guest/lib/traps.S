/* SPDX-License-Identifier: MIT */
/*
 * Entries of a tiny PV kernel and its way back. The hypervisor enters with rcx and r11 on top of
 * the frame; each stub makes one layout of it (struct trap_frame in traps.h), with the entry's
 * number beside the error code, calls trap_entry() and returns by the iret hypercall, which takes
 * the upper half of that layout as it is. Entries 0-255 are trap vectors, the callbacks follow.
 */
#define __ASSEMBLY__
#include <public/xen.h>
#include "traps.h"

        .text

#define WITH_ERROR(n) ((n) == 8 || ((n) >= 10 && (n) <= 14) || (n) == 17 || (n) == 21)

        .altmacro
.macro STUB n
        .balign 32
        popq    %rcx
        popq    %r11
        .if !(WITH_ERROR(\n))
        pushq   $0
        .endif
        movl    $\n, 4(%rsp)
        jmp     entry_common
.endm
        .balign 32
        .globl  trap_stubs
trap_stubs:
.set    vec, 0
.rept   TRAP_ENTRIES
        STUB    %vec
.set    vec, vec + 1
.endr
        .noaltmacro
        .balign 32
        .globl  trap_stubs_end
trap_stubs_end:

entry_common:
        pushq   %rcx
        pushq   %r11
        pushq   %rax
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %r10
        pushq   %r9
        pushq   %r8
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, %rdi
        movq    %rsp, %rbx
        andq    $~15, %rsp
        call    trap_entry
        movq    %rbx, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r8
        popq    %r9
        popq    %r10
        popq    %rdx
        popq    %rsi
        popq    %rdi
        movq    $0, 24(%rsp)            /* error code and number become the flags of iret */
        movl    $__HYPERVISOR_iret, %eax
        syscall
        ud2

/* long user_switch(struct iret_context *to, unsigned long arg): see traps.h */
        .globl  user_switch
user_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, user_return_rsp(%rip)
        movq    %rdi, %rsp
        movq    %rsi, %rdi
        movl    $__HYPERVISOR_iret, %eax
        syscall
        ud2

/* void user_leave(long value): user_switch() returns it */
        .globl  user_leave
user_leave:
        movq    %rdi, %rax
        movq    user_return_rsp(%rip), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

        .bss
        .balign 8
user_return_rsp:
        .skip   8
        .section .note.GNU-stack, "", @progbits
