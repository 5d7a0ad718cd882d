/* SPDX-License-Identifier: MIT */
/*
 * The memory image: linked at IMAGE_START, loaded at 2 MiB. Text, constants and data each start
 * on a page of their own, so that each gets its own rights (x86/mm/map.c). The sections lie in
 * the file as they lie in memory, without gaps, for the address form of the multiboot header
 * knows one linear piece. The symbol table of backtraces comes after the text, so that adding it
 * in the second link moves no function.
 */
#include "x86/mm/layout.h"
#include "x86/boot/image.h"

ENTRY(boot_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = IMAGE_START;
    __image_start = .;
    __text_start = .;
    .text : AT(IMAGE_PADDR) {
        *(.boot.header)
        *(.boot.text)
        *(.text.entry_page)
        *(.text .text.*)
        . = ALIGN(4096);
    } :text
    __text_end = .;

    __rodata_start = .;
    .rodata : AT(ADDR(.rodata) - IMAGE_START + IMAGE_PADDR) {
        *(.rodata .rodata.*)
        *(.got .got.plt)
        . = ALIGN(8);
        __extable_start = .;
        *(.ex_table)
        __extable_end = .;
        *(.data.rel.ro .data.rel.ro.*)
        *(.symbols)
        . = ALIGN(8);
    } :rodata
    .notes : AT(ADDR(.notes) - IMAGE_START + IMAGE_PADDR) {
        *(.note.Xen)
        __build_id_note = .;
        *(.note.gnu.build-id)
        __build_id_end = .;
    } :rodata :note
    __build_id_start = __build_id_note + 16;
    . = ALIGN(4096);
    __rodata_end = .;

    __data_start = .;
    .data : AT(ADDR(.data) - IMAGE_START + IMAGE_PADDR) {
        *(.data.page_aligned)
        *(.data .data.*)
        . = ALIGN(4096);
    } :data
    __data_end = .;
    .bss : AT(ADDR(.bss) - IMAGE_START + IMAGE_PADDR) {
        *(.bss.page_aligned)
        *(.bss .bss.*)
        *(COMMON)
        . = ALIGN(4096);
    } :data
    __image_end = .;

    /DISCARD/ : {
        *(.comment)
        *(.eh_frame)
        *(.note.GNU-stack)
        *(.note.gnu.property)
        *(.llvm_addrsig)
    }
}

ASSERT(__image_end - __image_start <= IMAGE_MAX_SIZE, "the image outgrew its early mapping")
ASSERT(__data_end - __image_start + IMAGE_PADDR < 0x100000000, "the image leaves the low 4 GiB")
