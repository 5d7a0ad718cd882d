/* SPDX-License-Identifier: MIT */
/*
 * From the loader to C. All three ways in (multiboot1, multiboot2, PVH) arrive in 32-bit protected
 * mode without paging, with %eax telling who called (PVH: nobody, so we set it) and %ebx pointing
 * to what the loader has to say. Here the processor is checked, the first page tables are
 * completed and long mode is entered; x86_boot() runs on the boot processor's real stack in
 * CPU_SLICE(0), whose frames are part of .bss, so get_cpu_info() works from its first line.
 *
 * First page tables (4 KiB pages of the slice, else 2 MiB):
 *   slot 0          low 4 GiB one to one, in boot_root only; boot_root stays for starting others
 *   slot 259        slice 0
 *   slot 261        16 MiB from IMAGE_START, all rights until mm_init()
 *   slot 262        low 4 GiB as the direct map
 * hv_root has the same without slot 0. The third-level tables of all slots but 258 are fixed here:
 * guests' roots copy the slots of hv_root and never need a change.
 */
#include "x86/boot/image.h"
#include "x86/cpu/asm_offsets.h"
#include "x86/mm/layout.h"

#define PHYS(sym) ((sym) - IMAGE_START + IMAGE_PADDR)

#define TABLE   0x067 /* P RW US A D */
#define RW_PAGE 0x163 /* P RW A D G */
#define RX_PAGE 0x161
#define RW_BIG  0x0e3 /* P RW A D PS: not global, replaced soon */

    .section .boot.text, "ax", @progbits
    .code32
    .globl boot_start, boot_start_pvh
boot_start_pvh:
    movl $BOOT_MAGIC_PVH, %eax
boot_start:
    cli
    cld
    lgdt PHYS(boot_gdtr)
    ljmp $BOOT_CS32, $PHYS(1f)
1:  movl $BOOT_DS, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %ss
    xorl %ecx, %ecx
    movl %ecx, %fs
    movl %ecx, %gs
    movl %eax, %ebp
    movl %ebx, %esi

    /* long mode and no-execute, or a sentence */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
    jz no_long_mode
    testl $(1 << 20), %edx
    jz no_nx

    /* four second-level tables: 4 GiB in 2 MiB pages */
    movl $PHYS(boot_l2), %edi
    movl $RW_BIG, %eax
    xorl %edx, %edx
    movl $2048, %ecx
2:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 2b
    /* the image */
    movl $PHYS(boot_l2_image), %edi
    movl $(IMAGE_PADDR + RW_BIG), %eax
    movl $(IMAGE_MAX_SIZE >> 21), %ecx
3:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 3b

    movl %cr4, %eax
    orl $0x20, %eax /* PAE */
    movl %eax, %cr4
    movl $PHYS(boot_root), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax /* SCE LME NXE */
    wrmsr
    movl %cr0, %eax
    andl $~0x6000000e, %eax /* caches on, no emulated FPU */
    orl $0x80010021, %eax   /* PG WP NE PE */
    movl %eax, %cr0
    ljmp $BOOT_CS64, $PHYS(boot64)

no_nx:
    movl $PHYS(no_nx_text), %esi
    jmp die32
no_long_mode:
    movl $PHYS(no_long_mode_text), %esi
die32: /* to the first serial port and to a text screen, whichever is there */
    movl $0xb8000, %edi
4:  movb (%esi), %bl
    testb %bl, %bl
    jz 6f
    movw $0x3fd, %dx
    movl $100000, %ecx
5:  inb %dx, %al
    testb $0x20, %al
    loopz 5b
    movw $0x3f8, %dx
    movb %bl, %al
    outb %al, %dx
    movb $7, %ah
    movw %ax, (%edi)
    addl $2, %edi
    incl %esi
    jmp 4b
6:  hlt
    jmp 6b

    .code64
boot64:
    movabsq $boot64_high, %rax
    jmp *%rax
boot64_high:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    lgdt boot_gdtr_high(%rip)
    movq $PHYS(hv_root), %rax
    movq %rax, %cr3
    movabsq $(CPU_SLICES_START + SLICE_PAGES * 4096 - CI_SIZE - 8), %rsp
    movl %ebp, %edi
    /* esi: what the loader left in ebx; the upper half is zero after 32-bit code */
    movl %esi, %esi
    xorl %ebp, %ebp
    call x86_boot
7:  hlt
    jmp 7b

    .section .rodata.boot, "a", @progbits
no_nx_text:
    .asciz "Bonsai panic: this processor has no NX (or the firmware turned it off)"
no_long_mode_text:
    .asciz "Bonsai panic: this processor has no 64-bit mode"

    .section .data.page_aligned, "aw", @progbits
    .balign 4096
    .globl hv_root, boot_root, l3_direct, boot_l2, boot_l2_image
hv_root:
    .fill 256, 8, 0
    .quad PHYS(l3_m2p_ro) + TABLE
    .quad PHYS(l3_m2p_rw) + TABLE
    .quad 0 /* differs by domain */
    .quad PHYS(l3_slices) + TABLE
    .quad PHYS(l3_frames) + TABLE
    .quad PHYS(l3_image) + TABLE
    .set n, 0
    .rept 10
    .quad PHYS(l3_direct) + n + TABLE
    .set n, n + 4096
    .endr
    .fill 240, 8, 0
boot_root:
    .quad PHYS(l3_identity) + TABLE
    .fill 255, 8, 0
    .quad 0, 0, 0
    .quad PHYS(l3_slices) + TABLE
    .quad 0
    .quad PHYS(l3_image) + TABLE
    .quad PHYS(l3_direct) + TABLE
    .fill 249, 8, 0
    .globl l3_identity
l3_identity:
    .quad PHYS(boot_l2) + TABLE
    .quad PHYS(boot_l2) + 4096 + TABLE
    .quad PHYS(boot_l2) + 8192 + TABLE
    .quad PHYS(boot_l2) + 12288 + TABLE
    .fill 508, 8, 0
l3_direct:
    .quad PHYS(boot_l2) + TABLE
    .quad PHYS(boot_l2) + 4096 + TABLE
    .quad PHYS(boot_l2) + 8192 + TABLE
    .quad PHYS(boot_l2) + 12288 + TABLE
    .fill 508, 8, 0
    .fill 9 * 512, 8, 0
l3_slices:
    .quad PHYS(l2_slices) + TABLE
    .fill 511, 8, 0
l2_slices:
    .quad PHYS(l1_slice0) + TABLE
    .fill 511, 8, 0
/* Top bit: NX. Missing pages are the guards between the stacks. */
#define STACK_PAGE(n) .quad PHYS(bsp_slice) + (n) * 4096 + RW_PAGE + (1 << 63)
l1_slice0:
    .quad 0
    STACK_PAGE(0)
    .quad 0
    STACK_PAGE(1)
    .quad 0
    STACK_PAGE(2)
    .quad 0
    STACK_PAGE(3)
    .quad 0
    .quad PHYS(entry_stub_page) + RX_PAGE
    .quad 0
    STACK_PAGE(4)
    STACK_PAGE(5)
    STACK_PAGE(6)
    STACK_PAGE(7)
    STACK_PAGE(8)
    .fill 496, 8, 0
l3_image:
    .quad PHYS(boot_l2_image) + TABLE
    .fill 511, 8, 0

    .section .data.boot, "aw", @progbits
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* code, 32 bit */
    .quad 0x00cf93000000ffff /* data */
    .quad 0x00af9b000000ffff /* code, 64 bit */
    .globl boot_gdtr, boot_gdtr_high
boot_gdtr:
    .short 31
    .long PHYS(boot_gdt)
    .balign 8
    .short 0, 0, 0
boot_gdtr_high:
    .short 31
    .quad boot_gdt

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
boot_l2:
    .skip 4 * 4096
boot_l2_image:
    .skip 4096
l3_m2p_ro:
    .skip 4096
l3_m2p_rw:
    .skip 4096
l3_frames:
    .skip 4096
bsp_slice:
    .skip 9 * 4096

    .section .note.GNU-stack, "", @progbits
