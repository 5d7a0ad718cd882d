/* SPDX-License-Identifier: MIT */
/*
 * The note that names the 32-bit entry point to loaders of PVH kernels. Takes as much of the text
 * as the multiboot headers do, so that both links share one table of symbols.
 */
#include "x86/boot/image.h"
#include "x86/mm/layout.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18

    .section .boot.header, "ax", @progbits
    .balign 8
    .org 256

    .section .note.Xen, "a", @note
    .balign 4
    .long 4
    .long 4
    .long XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long boot_start_pvh - IMAGE_START + IMAGE_PADDR

    .section .note.GNU-stack, "", @progbits
