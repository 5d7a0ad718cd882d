/* SPDX-License-Identifier: MIT */
/*
 * What multiboot1 and multiboot2 loaders look for in the file's first pages. Both headers carry
 * load addresses (flag 0x10000, address tag), for loaders refuse or mislay a 64-bit ELF otherwise.
 */
#include "x86/boot/image.h"
#include "x86/mm/layout.h"

#define PHYS(sym) ((sym) - IMAGE_START + IMAGE_PADDR)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* modules on page boundaries, memory map, addresses below */
#define MB2_MAGIC 0xe85250d6

    .section .boot.header, "ax", @progbits
    .balign 8
mb1_header:
    .long MB1_MAGIC
    .long MB1_FLAGS
    .long -(MB1_MAGIC + MB1_FLAGS)
    .long PHYS(mb1_header)
    .long PHYS(__image_start)
    .long PHYS(__data_end)
    .long PHYS(__image_end)
    .long PHYS(boot_start)

    .balign 8
mb2_header:
    .long MB2_MAGIC
    .long 0 /* i386 */
    .long mb2_end - mb2_header
    .long -(MB2_MAGIC + (mb2_end - mb2_header)) & 0xffffffff
    /* tag 2: addresses */
    .short 2, 0
    .long 24
    .long PHYS(mb2_header)
    .long PHYS(__image_start)
    .long PHYS(__data_end)
    .long PHYS(__image_end)
    /* tag 3: entry */
    .short 3, 0
    .long 12
    .long PHYS(boot_start)
    .balign 8
    /* tag 1: what we would like to be told: memory map; EFI and ACPI come unasked */
    .short 1, 1
    .long 12
    .long 6
    .balign 8
    /* tag 5: any screen, text or graphics, if there is one */
    .short 5, 1
    .long 20
    .long 0, 0, 0
    .balign 8
    /* tag 6: modules on page boundaries */
    .short 6, 0
    .long 8
    .short 0, 0
    .long 8
mb2_end:
    .org 256

    .section .note.GNU-stack, "", @progbits
