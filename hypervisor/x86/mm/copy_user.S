/* SPDX-License-Identifier: MIT */
/*
 * The copy loops that may touch a guest's addresses. A fault in one of the marked instructions
 * goes on at its fix-up (x86/cpu/extable.c). The callers have checked and clamped the range.
 *
 *   size_t copy_guest_raw(void *dst, const void *src, size_t len)
 *   size_t clear_guest_raw(void *dst, size_t len)
 *
 * Both return how many bytes at the end were not copied.
 */
    .macro EXTABLE fault, fixup
    .pushsection .ex_table, "a"
    .balign 4
    .long \fault - .
    .long \fixup - .
    .popsection
    .endm

    .macro USER_BEGIN
    cmpb $0, smap_for_pv(%rip)
    je 90f
    stac
90:
    .endm

    .macro USER_END
    cmpb $0, smap_for_pv(%rip)
    je 91f
    clac
91:
    .endm

    .text
/* rdi = destination, rsi = source, rdx = length */
    .globl copy_guest_raw
    .hidden copy_guest_raw
    .type copy_guest_raw, @function
copy_guest_raw:
    USER_BEGIN
    mov %rdx, %rcx
    cmp $64, %rdx
    ja 3f
    and $~7, %rcx
    jz 2f
1:
    mov (%rsi), %rax
11:
    mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    sub $8, %rdx
    sub $8, %rcx
    jnz 1b
2:
    mov %edx, %ecx
21:
    rep movsb
    jmp 9f
3:
    shr $3, %rcx
    and $7, %edx
31:
    rep movsq
    mov %edx, %ecx
32:
    rep movsb
9:
    USER_END
    mov %rcx, %rax
    ret
    /* fix-ups: rax = bytes left */
.Lcopy_words:
    mov %rdx, %rcx
    jmp 9b
.Lcopy_string_words:
    lea (%rdx, %rcx, 8), %rcx
    jmp 9b
    EXTABLE 1b, .Lcopy_words
    EXTABLE 11b, .Lcopy_words
    EXTABLE 21b, 9b
    EXTABLE 31b, .Lcopy_string_words
    EXTABLE 32b, 9b
    .size copy_guest_raw, . - copy_guest_raw

/* rdi = destination, rsi = length */
    .globl clear_guest_raw
    .hidden clear_guest_raw
    .type clear_guest_raw, @function
clear_guest_raw:
    USER_BEGIN
    mov %rsi, %rcx
    xor %eax, %eax
1:
    rep stosb
9:
    USER_END
    mov %rcx, %rax
    ret
    EXTABLE 1b, 9b
    .size clear_guest_raw, . - clear_guest_raw

    .section .note.GNU-stack, "", @progbits
