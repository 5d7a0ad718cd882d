/* SPDX-License-Identifier: MIT */
/*
 * Where another processor starts: real mode, in a page below 1 MiB that smpboot.c copies this code
 * to, with the words at trampoline_data filled in. It goes straight to long mode (paging and
 * protection in one write of CR0; AMD APM vol. 2, 14.6) on boot_root, where this one page is
 * mapped at its own address, and from there to smpboot_ap_main() on its stack.
 */
#include "x86/boot/image.h"
#include "x86/mm/layout.h"

#define PHYS(sym) ((sym) - IMAGE_START + IMAGE_PADDR)
#define AT(sym)   ((sym) - trampoline_start)

    .section .rodata.trampoline, "a", @progbits
    .balign 16
    .globl trampoline_start, trampoline_end, trampoline_long, trampoline_gdt, trampoline_data
    .code16
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl AT(trampoline_gdtr)
    movl $0x20, %eax /* PAE */
    movl %eax, %cr4
    movl AT(trampoline_cr3), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax /* SCE LME NXE */
    wrmsr
    movl $0x80010031, %eax /* PG WP NE ET PE; caches on */
    movl %eax, %cr0
    ljmpl *AT(trampoline_far)

    .code64
trampoline_long:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movq trampoline_stack(%rip), %rsp
    movq trampoline_entry(%rip), %rax
    jmp *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
    .quad 0x00af9b000000ffff
    .balign 8
/* struct trampoline_data of smpboot.c */
trampoline_data:
trampoline_cr3:
    .long 0
trampoline_far:
    .long 0 /* address of the copy of trampoline_long */
    .short BOOT_CS64
trampoline_gdtr:
    .short 31
    .long 0 /* address of the copy of trampoline_gdt */
trampoline_stack:
    .quad 0
trampoline_entry:
    .quad 0
trampoline_end:

    .text
    .globl trampoline_high
trampoline_high: /* in the image now: leave the low mapping behind */
    movq $PHYS(hv_root), %rax
    movq %rax, %cr3
    xorl %ebp, %ebp
    call smpboot_ap_main
1:  hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
