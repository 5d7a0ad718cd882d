/* SPDX-License-Identifier: MIT */
/*
 * Ways into the hypervisor and back.
 *
 * The frame, struct cpu_user_regs, from high to low addresses:
 *
 *      gs fs ds es                    not pushed; room for the context switch to save them
 *      ss rsp rflags cs rip           pushed by the processor (by hand for SYSCALL)
 *      entry_vector:error_code        one 8-byte slot: vector in the high half
 *      rdi rsi rdx rcx rax r8 ... r15 pushed here
 *
 * Coming from a guest the frame lies exactly at the top of the processor's stack, where the
 * struct cpu_info expects it. Coming from ourselves it lies wherever the stack was. Vectors with
 * a stack of their own (IST) copy a guest's frame to the main stack for #DB, so that the guest
 * can be handled like after any trap; NMI, #DF and #MC stay on theirs.
 */
#include "x86/cpu/asm_offsets.h"
#include "x86/mm/layout.h"

        .text

.macro PUSH_GPRS
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
.endm

.macro POP_GPRS
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
.endm

/* Nothing of a guest's registers is left for speculation to use; rdi is about to be set. */
.macro CLEAR_GPRS
        xorl    %esi, %esi
        xorl    %edx, %edx
        xorl    %ecx, %ecx
        xorl    %eax, %eax
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
.endm

/* A gate leaves AC as the guest had it, and with it SMAP off (SYSCALL clears it by its mask). */
.macro CLEAR_AC
        cmpb    $0, smap_for_pv(%rip)
        je      92f
        clac
92:
.endm

/* Vectors for which the processor pushes an error code: 8, 10-14, 17, 21, 29, 30. */
#define HAS_ERROR(n) ((n) == 8 || ((n) >= 10 && (n) <= 14) || (n) == 17 || (n) == 21 || \
                      (n) == 29 || (n) == 30)

        .altmacro
.macro STUB n
        .balign 16
stub_\n:
        .if !(HAS_ERROR(\n))
        pushq   $0
        .endif
        movl    $\n, 4(%rsp)
        .if (\n) == 1
        jmp     common_debug
        .elseif (\n) == 2 || (\n) == 8 || (\n) == 18
        jmp     common_ist
        .elseif (\n) == 0x80
        jmp     common_int80
        .elseif (\n) < 32
        jmp     common_trap
        .else
        jmp     common_irq
        .endif
.endm

.set    vec, 0
.rept   256
        STUB    %vec
.set    vec, vec + 1
.endr

        .section .rodata
        .balign 8
        .globl  entry_stubs
entry_stubs:
.macro STUB_ADDRESS n
        .quad   stub_\n
.endm
.set    vec, 0
.rept   256
        STUB_ADDRESS %vec
.set    vec, vec + 1
.endr
        .noaltmacro
        .text

        .balign 16
common_trap:
        cld
        PUSH_GPRS
        CLEAR_GPRS
        CLEAR_AC
        movq    %rsp, %rdi
        testb   $3, REGS_CS(%rsp)
        jz      1f
        call    do_trap
        jmp     ret_to_guest
1:      leaq    REGS_RIP(%rsp), %rbp    /* a backtrace steps over the trap */
        call    do_trap
        jmp     ret_to_self

        .balign 16
common_irq:
        cld
        PUSH_GPRS
        CLEAR_GPRS
        CLEAR_AC
        movq    %rsp, %rdi
        testb   $3, REGS_CS(%rsp)
        jz      1f
        call    do_irq
        jmp     ret_to_guest
1:      call    do_irq
        jmp     ret_to_self

/* NMI, #DF, #MC: on their own stacks, straight back if they come back at all. */
        .balign 16
common_ist:
        cld
        PUSH_GPRS
        CLEAR_GPRS
        CLEAR_AC
        movq    %rsp, %rdi
        call    do_trap
ret_to_self:
        POP_GPRS
        addq    $8, %rsp
        iretq

/*
 * #DB: own stack, since it can hit the first instruction after SYSCALL: a breakpoint that MOV SS
 * holds back comes there, or behind a gate. It never comes on top of itself: nothing on this stack
 * touches a guest's memory, our addresses cannot have breakpoints, and what MOV SS holds back is
 * lost when the next instruction is INT1 or faults.
 */
        .balign 16
common_debug:
        cld
        PUSH_GPRS
        CLEAR_GPRS
        CLEAR_AC
        testb   $3, REGS_CS(%rsp)
        movq    %rsp, %rdi
        jz      1f
        movq    %rsp, %rsi
        movq    %rsp, %rdi
        orq     $0xffff, %rdi
        subq    $(CI_SIZE - 1), %rdi    /* cpu_info of this slice */
        movq    %rdi, %rbx
        movl    $(REGS_ES / 8), %ecx
        rep movsq
        movq    %rbx, %rsp
        movq    %rbx, %rdi
        call    do_trap
        jmp     ret_to_guest
1:      call    do_trap
        jmp     ret_to_self

/* INT 0x80: the one vector that a guest's user space may raise directly. */
        .balign 16
common_int80:
        cld
        PUSH_GPRS
        CLEAR_GPRS
        CLEAR_AC
        movq    %rsp, %rdi
        sti
        call    pv_guest_int80
        jmp     ret_to_guest

/*
 * SYSENTER: on the main stack already, below room for the segments. It keeps no rip and no rsp, and
 * rflags but for IF; nothing of them may stay in force here.
 */
        .balign 16
        .globl  entry_sysenter
entry_sysenter:
        pushq   $GUEST_DS
        pushq   $0
        pushfq
        pushq   $2
        popfq
        pushq   $3                      /* a null selector, in ring 3 */
        pushq   $0
        pushq   $0
        movl    $13, 4(%rsp)
        PUSH_GPRS
        CLEAR_GPRS
        movq    %rsp, %rdi
        call    pv_guest_sysenter
        jmp     ret_to_guest

/* ---------------------------------------------------------------------------------------------
 * SYSCALL. The page below is linked here and mapped again at SLICE_ENTRY_STUB in every
 * processor's slice; LSTAR points there. All its addresses are relative to rip and reach the
 * cpu_info of that slice, so no register is needed to find the stack.
 */
#define SLICE_REL(off) \
    entry_stub_page + (SLICE_PAGES - SLICE_ENTRY_STUB) * 4096 - CI_SIZE + (off)(%rip)

.macro SYSCALL_FRAME cs_selector entry
        movq    %rsp, SLICE_REL(REGS_RSP)
        movq    $GUEST_DS, SLICE_REL(REGS_SS)
        leaq    SLICE_REL(REGS_RSP), %rsp
        pushq   %r11
        pushq   $\cs_selector
        pushq   %rcx
        pushq   $\entry                /* sign-extended: the vector is its upper half */
.endm

        .section .text.entry_stub, "ax"
        .balign 4096
        .globl  entry_stub_page, entry_stub_syscall, entry_stub_syscall32
entry_stub_page:
entry_stub_syscall:
        SYSCALL_FRAME GUEST_CS64, -1
        jmp     *1f(%rip)
        .balign 8
1:      .quad   common_syscall

        .balign 16
entry_stub_syscall32:
        SYSCALL_FRAME GUEST_CS32, 0
        jmp     *1f(%rip)
        .balign 8
1:      .quad   common_syscall32
        .balign 4096

/* ---------------------------------------------------------------------------------------------
 * Back to the guest: an NMI, deferred work, then events, then its registers. rsp = &cpu_info.regs.
 * A hypercall enters below the first: who makes an NMI pending raises a soft interrupt with it.
 */
        .text
        .balign 16
        .globl  ret_to_guest
ret_to_guest:
        movq    CI_VCPU(%rsp), %rbx
        cmpb    $0, VCPU_NMI_PENDING(%rbx)
        je      .Lret_with_vcpu
        cli
        call    pv_exit_work
        testl   %eax, %eax
        jnz     ret_to_guest
        jmp     .Lret_with_vcpu

        .balign 16
common_syscall:
        PUSH_GPRS
        movq    CI_VCPU(%rsp), %rbx
        cmpb    $0, VCPU_KERNEL_MODE(%rbx)
        je      .Luser_syscall

        /*
         * A hypercall: the guest's arguments are in the handler's registers already, but for the
         * fourth. All others are cleared.
         */
        movq    %r10, %rcx
        cmpq    $HYPERCALL_ROWS, %rax
        jae     .Lno_such_call
        sbbq    %r10, %r10              /* all ones, or 0 where the branch was only guessed */
        andq    %r10, %rax
        leaq    hypercall_table(%rip), %r10
        xorl    %r11d, %r11d
        xorl    %ebp, %ebp
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        sti
        call    *(%r10,%rax,8)
        cmpb    $0, VCPU_CONTINUES(%rbx)
        jne     .Lcontinue
        movq    %rax, REGS_RAX(%rsp)

        /* fall through */
.Lret_with_vcpu:
        cli
        movq    CI_SOFTIRQS(%rsp), %rax
        cmpl    $0, (%rax)
        jne     .Lsoftirq
        movq    VCPU_INFO(%rbx), %rax
        cmpb    $0, (%rax)              /* pending; the mask is the next byte */
        jne     .Lpending
.Lrestore:
        cmpl    $ENTRY_SYSCALL, REGS_VECTOR(%rsp)
        jne     .Liret
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
        /* After a SYSCALL at the very end of the lower half SYSRET would fault on our side. */
        cmpq    %rcx, lower_half_end(%rip)
        je      .Liret_popped
        movq    REGS_RSP - REGS_ERROR(%rsp), %rsp
        sysretq

.Liret:
        POP_GPRS
.Liret_popped:
        addq    $8, %rsp
        .globl  iret_to_guest_insn
iret_to_guest_insn:
        iretq
        .section .rodata
        .balign 8
lower_half_end:
        .quad   0x0000800000000000
        .section .ex_table, "a"
        .balign 4
        .long   iret_to_guest_insn - .
        .long   iret_to_guest_fixup - .
        .text

/*
 * The guest's frame is one that IRET refuses (bad selectors, mostly). The fix-up comes back here
 * with the guest's registers loaded and rsp at its rip slot: make the frame whole again.
 */
        .globl  iret_to_guest_fixup
iret_to_guest_fixup:
        pushq   $0
        movl    $13, 4(%rsp)
        PUSH_GPRS
        CLEAR_GPRS
        movq    %rsp, %rdi
        call    pv_bad_iret
        jmp     ret_to_guest

.Lpending:
        cmpb    $0, 1(%rax)
        jne     .Lrestore
        call    pv_exit_work
        testl   %eax, %eax
        jz      .Lrestore               /* it could do nothing more: go */
        jmp     ret_to_guest
.Lsoftirq:
        sti
        call    do_softirq
        jmp     ret_to_guest

.Lno_such_call:
        movq    $-HYPERCALL_ENOSYS, REGS_RAX(%rsp)
        jmp     .Lret_with_vcpu
.Lcontinue:
        movq    %rsp, %rdi
        call    pv_continue
        jmp     ret_to_guest
.Luser_syscall:
        movq    %rsp, %rdi
        CLEAR_GPRS
        call    pv_guest_syscall
        jmp     ret_to_guest

        .balign 16
common_syscall32:
        PUSH_GPRS
        CLEAR_GPRS
        movq    %rsp, %rdi
        sti
        call    pv_guest_syscall32
        jmp     ret_to_guest

        .section .note.GNU-stack, "", @progbits
