/* SPDX-License-Identifier: MIT */
/*
 * Start of a tiny PV kernel: the notes that a domain builder reads, the first instruction, and
 * the stubs by which traps and events reach C (lib/traps.c).
 */
#include <public/elfnote.h>

.macro NOTE type, payload:vararg
        .balign 4
        .long   4, 2f - 1f, \type
        .asciz  "Xen"
1:      \payload
2:      .balign 4
.endm

        .section .note.Xen, "a", @note
        NOTE    XEN_ELFNOTE_GUEST_OS, .asciz "bonsai-test"
        NOTE    XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
        NOTE    XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
        NOTE    XEN_ELFNOTE_LOADER, .asciz "generic"
        NOTE    XEN_ELFNOTE_PAE_MODE, .asciz "yes"
        NOTE    XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000
        NOTE    XEN_ELFNOTE_PADDR_OFFSET, .quad 0
        NOTE    XEN_ELFNOTE_ENTRY, .quad _start
        NOTE    XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
        NOTE    XEN_ELFNOTE_SUPPORTED_FEATURES, .quad 0x8801 /* bits 0, 11 (dom0), 15 */
        NOTE    XEN_ELFNOTE_MOD_START_PFN, .quad 1

        .text
        .globl  _start
_start:
        cld
        movq    %rsi, %rdi
        leaq    boot_stack_end(%rip), %rsp
        xorl    %ebp, %ebp
        call    guest_start
1:      jmp     1b

        .bss
        .balign 4096
        .globl  boot_stack, boot_stack_end, user_trap_stack_end
boot_stack:
        .skip   16384
boot_stack_end:
        .skip   3 * 16384               /* vcpus 1 to 3 */
        .skip   16384                   /* where traps of user mode are handled */
user_trap_stack_end:
        .section .note.GNU-stack, "", @progbits
