/* SPDX-License-Identifier: MIT */
/*
 * emulated: privileged instructions that a PV kernel may use as if it were in ring 0.
 *
 * Why: kernels keep them in their early code and in drivers; each is decoded from the guest's
 * bytes, so the decoder is on the way too.
 * Right outcome: ports with immediate and dx forms and strings; cli and sti do nothing; control
 * registers read as the kernel left them, bits it may not change stay; MSRs of the list read,
 * others are #GP; rdtsc works; unknown ones fault as on a machine.
 * Environments: pv
 */
#include "cpu.h"
#include "mm.h"
#include "time.h"
#include <public/physdev.h>

static void ports(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    uint8_t seconds, buffer[4] = {0xaa, 0xaa, 0xaa, 0xaa};
    void *to = buffer;
    uint64_t n = 2;

    NEED(HCALL2(physdev_op, PHYSDEVOP_set_iopl, &iopl) == 0);
    /* the CMOS clock: register 0x0a has its rate in the low bits, never all ones */
    EXPECT_EQ(TRY_INSN("outb %%al, $0x70", : : "a"(0x0a)), -1);
    EXPECT_EQ(TRY_INSN("inb $0x71, %%al", : "=a"(seconds)), -1);
    EXPECT(seconds != 0xff);
    EXPECT_EQ(TRY_INSN("outb %%al, %%dx", : : "a"(0x0a), "d"(0x70)), -1);
    EXPECT_EQ(TRY_INSN("inb %%dx, %%al", : "=a"(seconds) : "d"(0x71)), -1);
    EXPECT(seconds != 0xff);
    EXPECT_EQ(TRY_INSN("rep insb", : "+D"(to), "+c"(n) : "d"(0x71) : "memory"), -1);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(to, buffer + 2);
    EXPECT_EQ(buffer[2], 0xaa);
    EXPECT_EQ(buffer[0] & 0x7f, seconds & 0x7f);
}

static void flags(void)
{
    uint64_t before, after;

    __asm__ volatile("pushfq; popq %0" : "=r"(before));
    EXPECT_EQ(TRY_INSN("cli", : :), -1);
    EXPECT_EQ(TRY_INSN("sti", : :), -1);
    __asm__ volatile("pushfq; popq %0" : "=r"(after));
    EXPECT_EQ(before & 0x200, after & 0x200);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_mask, 1);
    EXPECT_EQ(TRY_INSN("wbinvd", : :), -1);
}

static void control_registers(void)
{
    uint64_t cr0 = 0, cr3 = 0, cr4 = 0, cr2 = 0;

    EXPECT_EQ(TRY_INSN("movq %%cr0, %0", : "=r"(cr0)), -1);
    EXPECT((cr0 & 0x80000001) == 0x80000001);
    EXPECT_EQ(TRY_INSN("movq %%cr3, %0", : "=r"(cr3)), -1);
    EXPECT_EQ(cr3 >> PAGE_SHIFT, root_mfn());
    EXPECT_EQ(TRY_INSN("movq %%cr4, %0", : "=r"(cr4)), -1);
    EXPECT((cr4 & 0x20) != 0); /* PAE */
    EXPECT((cr4 & ((1u << 11) | (1u << 20) | (1u << 21) | (1u << 13) | (1u << 17))) == 0);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr4", : : "r"(cr4)), -1);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr0", : : "r"(cr0)), -1);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr3", : : "r"(cr3)), -1);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr2", : : "r"(0x123456UL)), -1);
    EXPECT_EQ(TRY_INSN("movq %%cr2, %0", : "=r"(cr2)), -1);
    EXPECT_EQ(cr2, 0x123456);
    EXPECT_EQ(TRY_INSN("movq %0, %%cr3", : : "r"(0xfffffff000UL)), 13);
    EXPECT_EQ(TRY_INSN("movq %%cr3, %0", : "=r"(cr3)), -1);
    EXPECT_EQ(cr3 >> PAGE_SHIFT, root_mfn());
}

static void debug_registers(void)
{
    uint64_t v = 0;

    EXPECT_EQ(TRY_INSN("movq %0, %%db0", : : "r"(P(&v))), -1);
    EXPECT_EQ(TRY_INSN("movq %%db0, %0", : "=r"(v)), -1);
    EXPECT_EQ(v, P(&v));
    EXPECT_EQ(TRY_INSN("movq %0, %%db0", : : "r"(0xffff830000000000)), 13);
    EXPECT_EQ(TRY_INSN("movq %%db7, %0", : "=r"(v)), -1);
    EXPECT_EQ(v & 0xff, 0);
}

static void msrs(void)
{
    static const uint32_t readable[] = {0x1b,       0x8b,       0x277,     0xc0000080,
                                        0xc0000100, 0xc0000101, 0xc0000102};
    static const uint32_t refused[] = {0x1,        0x174,      0x600,      0x4b564d00,
                                       0xc0000081, 0xc0000082, 0xc0000084, 0xc0010117};
    uint64_t v;

    for (unsigned i = 0; i < ARRAY_SIZE(readable); i++) {
        if (!rdmsr(readable[i], &v)) {
            print("rdmsr %#x: refused\n", readable[i]);
            failures++;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        if (wrmsr(refused[i], 0)) {
            print("wrmsr %#x: accepted\n", refused[i]);
            failures++;
        }
        EXPECT_EQ(trapped.entry, 13);
    }
    EXPECT(rdmsr(0x277, &v));
    EXPECT_EQ(v, 0x050100070406);
    EXPECT(rdmsr(0xc0000080, &v));
    EXPECT((v & 0x500) == 0x500); /* LME, LMA */
    EXPECT(rdmsr(0x1b, &v));
    EXPECT_EQ(v & 0x400, 0); /* no x2APIC */
    EXPECT(wrmsr(0xc0000100, 0x12345000));
    EXPECT(rdmsr(0xc0000100, &v));
    EXPECT_EQ(v, 0x12345000);
    EXPECT(!wrmsr(0xc0000100, 0x800000000000));
    EXPECT(wrmsr(0xc0000100, 0));
    EXPECT(!rdmsr(0x4b564d00, &v)); /* nobody's */
}

static void time_stamp(void)
{
    uint64_t cr4, a = rdtsc(), b;
    uint32_t lo, hi;

    EXPECT_EQ(TRY_INSN("movq %%cr4, %0", : "=r"(cr4)), -1);
    EXPECT_EQ(TRY_INSN("rdtsc", : "=a"(lo), "=d"(hi)), -1);
    b = lo | (uint64_t)hi << 32;
    EXPECT(b > a);
}

enum verdict guest_main(void)
{
    ports();
    flags();
    control_registers();
    debug_registers();
    msrs();
    time_stamp();
    EXPECT_EQ(TRY_INSN("vmcall", : : "a"(0) : "memory"), 6);
    return SUCCESS;
}
