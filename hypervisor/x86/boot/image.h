/* SPDX-License-Identifier: MIT */
/* Where the image lies in memory, and the marks that hypervisor.lds.S sets in it. */
#ifndef X86_IMAGE_H
#define X86_IMAGE_H

#define IMAGE_PADDR    0x200000  /* load address */
#define IMAGE_MAX_SIZE 0x1000000 /* mapped by head.S: 16 MiB */

/* What head.S hands to x86_boot() about the way that it was entered. */
#define BOOT_MAGIC_MULTIBOOT1 0x2badb002
#define BOOT_MAGIC_MULTIBOOT2 0x36d76289
#define BOOT_MAGIC_PVH        0x336ec578

/* Selectors of the GDT that start-up uses until desc_init(). */
#define BOOT_CS32 0x08
#define BOOT_DS   0x10
#define BOOT_CS64 0x18

#ifndef __ASSEMBLER__
extern const char __image_start[], __image_end[];
extern const char __text_start[], __text_end[];
extern const char __rodata_start[], __rodata_end[];
extern const char __data_start[], __data_end[];
extern const unsigned char __build_id_start[], __build_id_end[];
#endif

#endif
