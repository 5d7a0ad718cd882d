/* SPDX-License-Identifier: MIT */
/*
 * hypercall-page: the page of stubs, asked for by an ELF note and by the MSR.
 *
 * Why: kernels older than the raw SYSCALL convention call through it.
 * Right outcome: both pages are filled with stubs of 32 bytes; a call through them answers as the
 * instruction does and keeps rcx and r11; the iret stub is the special one.
 * Environments: pv
 */
#include <public/elfnote.h>
#include <public/version.h>
#include "mm.h"
#include "traps.h"

__asm__(".pushsection .text; .balign 4096; .globl note_page; note_page: .skip 4096; .popsection\n"
        ".pushsection .note.Xen, \"a\", @note; .balign 4; .long 4, 8, 2; .asciz \"Xen\"\n"
        ".quad note_page; .popsection");
extern char note_page[];
static char msr_page[PAGE_SIZE] __attribute__((aligned(4096)));

static long call(char *page, unsigned nr, uint64_t a1, uint64_t a2, uint64_t *rcx, uint64_t *r11)
{
    register uint64_t r11v __asm__("r11") = 0x1111;
    uint64_t c = 0xcccc, rax;

    __asm__ volatile("call *%[fn]"
                     : "=a"(rax), "+c"(c), "+r"(r11v), "+D"(a1), "+S"(a2)
                     : [fn] "b"(page + nr * 32)
                     : "rdx", "memory", "cc");
    *rcx = c;
    *r11 = r11v;
    return (long)rax;
}

static void check_page(char *page)
{
    uint64_t rcx, r11;

    EXPECT_EQ(call(page, __HYPERVISOR_xen_version, XENVER_version, 0, &rcx, &r11) >> 16, 4);
    EXPECT_EQ(rcx, 0xcccc);
    EXPECT_EQ(r11, 0x1111);
    EXPECT_EQ(call(page, 63, 0, 0, &rcx, &r11), E_NOSYS);
}

static bool cpuid_base(uint32_t *msr)
{
    uint32_t a = 0x40000002, b, c = 0, d;

    __asm__ volatile(XEN_CPUID : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *msr = b;
    return a >= 1;
}

enum verdict guest_main(void)
{
    uint64_t mfn = virt_to_mfn(msr_page) << PAGE_SHIFT;
    uint32_t msr;

    check_page(note_page);
    NEED(cpuid_base(&msr));
    trap_none();
    __asm__ volatile(TRAP_SAFE("wrmsr")
                     :
                     : "c"(msr), "a"((uint32_t)mfn), "d"((uint32_t)(mfn >> 32))
                     : "memory");
    EXPECT_EQ(trapped.entry, -1);
    if (trapped.entry == -1) {
        check_page(msr_page);
    }
    trap_none();
    __asm__ volatile(TRAP_SAFE("wrmsr") : : "c"(msr), "a"(0xfffff000), "d"(0xfff) : "memory");
    EXPECT_EQ(trapped.entry, 13);
    return SUCCESS;
}
