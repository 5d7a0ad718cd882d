/* SPDX-License-Identifier: MIT */
/*
 * traps: each exception that a PV kernel can cause reaches its handler with the right frame.
 *
 * Why: the frame is not the processor's own: rcx and r11 lie on top of it, the event mask hides in
 * the cs slot, and the error code of a page fault is seen from a kernel that runs in ring 3.
 * Right outcome: vector, error code, cr2, rip, cs and flags as written here; rcx and r11 survive;
 * a handler of the interrupt-gate kind starts with events masked, another with the mask as it was;
 * the saved mask and IF in the saved flags tell the state before.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

static void expect(const char *what, int entry, uint32_t error)
{
    if (trapped.entry != entry || trapped.count != 1 || trapped.frame.error != error) {
        print("%s: entry %d, error %#x (%u times); expected %d, %#x\n", what, trapped.entry,
              trapped.frame.error, trapped.count, entry, error);
        failures++;
    }
    trap_none();
}

#define TRY(what, insn, entry, error)                                                              \
    do {                                                                                           \
        trap_none();                                                                               \
        __asm__ volatile(TRAP_SAFE(insn) : : : "rax", "rcx", "rdx", "memory", "cc");               \
        expect(what, entry, error);                                                                \
    } while (0)

static void simple_faults(void)
{
    TRY("divide", "xorl %%edx, %%edx; xorl %%ecx, %%ecx; divl %%ecx", 0, 0);
    TRY("int3", "int3", 3, 0);
    TRY("ud2", "ud2", 6, 0);
    TRY("null selector in ss", "xorl %%eax, %%eax; movw %%ax, %%ss", 13, 0);
    TRY("selector out of the table", "movl $0xfff8, %%eax; movw %%ax, %%ds", 13, 0xfff8);
    TRY("ring 0 selector", "movl $0xe008, %%eax; movw %%ax, %%ds", 13, 0xe008);
    TRY("non-canonical", "movq $0x8000, %%rax; shlq $32, %%rax; movq (%%rax), %%rax", 13, 0);
    TRY("lgdt", "lgdt (%%rsp)", 13, 0);
    TRY("ltr", "xorl %%eax, %%eax; ltr %%ax", 13, 0);
}

static void debug_trap(void)
{
    trap_none();
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); " TRAP_SAFE("popfq; nop") "nop"
                     :
                     :
                     : "memory", "cc");
    EXPECT_EQ(trapped.entry, 1);
    EXPECT((trapped.frame.rflags & 0x100) != 0);
    trap_none();
}

static bool stop_stepping(struct trap_frame *f)
{
    if (f->entry != 1) {
        return false;
    }
    f->rflags &= ~0x100UL;
    return true;
}

static void page_faults(void)
{
    char *ro = alloc_page(), *gone = window(0), *nx = alloc_page();
    uint64_t v;

    NEED(set_readonly(ro) == 0);
    NEED(map_at(gone, 0, 0) == 0);
    EXPECT(!try_read(gone + 24, &v));
    EXPECT_EQ(trapped.cr2, gone + 24);
    expect("read, not present", 14, 0);
    EXPECT(!try_write(gone + 8, 1));
    EXPECT_EQ(trapped.cr2, gone + 8);
    expect("write, not present", 14, 2);
    EXPECT(!try_write(ro + 16, 1));
    EXPECT_EQ(trapped.cr2, ro + 16);
    expect("write, read-only", 14, 3);
    NEED(map_at(nx, virt_to_mfn(nx), PTE_KRW | PTE_NX) == 0);
    *nx = (char)0xc3;
    trap_none();
    __asm__ volatile("pushq %%rbp; movq %%rsp, %%rbp; movq $77f, trap_resume(%%rip); call *%0\n"
                     "77: movq $0, trap_resume(%%rip); movq %%rbp, %%rsp; popq %%rbp"
                     :
                     : "a"(nx)
                     : "memory");
    EXPECT_EQ(trapped.cr2, nx);
    expect("execute, NX", 14, 0x11);
    EXPECT(!try_read((void *)0xffff830000000000, &v)); /* the hypervisor's */
    EXPECT_EQ(trapped.entry, 14);
    EXPECT_EQ(trapped.frame.error & ~1u, 0);
    EXPECT_EQ(trapped.cr2, 0xffff830000000000);
}

static void frame(void)
{
    uint64_t rcx = 0x1122334455667788, r11 = 0x99aabbccddeeff00;
    uint64_t rip = 0, rsp = 0;

    trap_none();
    __asm__ volatile(
        "movq %0, %%rcx; movq %1, %%r11; leaq 1f(%%rip), %2; movq %%rsp, %3\n" TRAP_SAFE(
            "1: ud2") "movq %%rcx, %0; movq %%r11, %1"
        : "+b"(rcx), "+d"(r11), "=&S"(rip), "=&D"(rsp)
        :
        : "rcx", "r11", "memory");
    EXPECT_EQ(trapped.entry, 6);
    EXPECT_EQ(trapped.frame.rip, rip);
    EXPECT_EQ(trapped.frame.rsp, rsp);
    EXPECT_EQ(trapped.frame.rcx, 0x1122334455667788);
    EXPECT_EQ(trapped.frame.r11, 0x99aabbccddeeff00);
    EXPECT_EQ(rcx, 0x1122334455667788);
    EXPECT_EQ(r11, 0x99aabbccddeeff00);
    EXPECT_EQ(trapped.frame.cs & 0xffff, FLAT_KERNEL_CS & ~3);
    EXPECT_EQ(trapped.frame.ss & ~3UL, FLAT_KERNEL_SS & ~3);
}

static void masks(void)
{
    trap_set(6, 0, true);
    vcpu_info()->evtchn_upcall_mask = 0;
    TRY("gate that masks", "ud2", 6, 0);
    EXPECT_EQ(trapped.mask, 1);
    EXPECT_EQ(trapped.frame.saved_mask & 0xff, 0);
    EXPECT((trapped.frame.rflags & 0x200) != 0);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_mask, 0); /* iret took it from the flags */
    trap_set(6, 0, false);
    TRY("gate that does not", "ud2", 6, 0);
    EXPECT_EQ(trapped.mask, 0);
    vcpu_info()->evtchn_upcall_mask = 1;
    TRY("masked before", "ud2", 6, 0);
    EXPECT_EQ(trapped.mask, 1);
    EXPECT_EQ(trapped.frame.saved_mask & 0xff, 1);
    EXPECT((trapped.frame.rflags & 0x200) == 0);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_mask, 1);
}

static void bad_tables(void)
{
    struct trap_info bad[2] = {{.vector = 40, .cs = FLAT_KERNEL_CS, .address = 0x800000000000}};

    EXPECT_EQ(HCALL1(set_trap_table, 0x1000), E_FAULT);
    EXPECT(HCALL1(set_trap_table, bad) < 0);
}

enum verdict guest_main(void)
{
    simple_faults();
    page_faults();
    frame();
    masks();
    bad_tables();
    trap_hook = stop_stepping;
    debug_trap();
    return SUCCESS;
}
