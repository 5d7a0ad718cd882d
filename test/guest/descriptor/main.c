/* SPDX-License-Identifier: MIT */
/*
 * descriptor: GDT and LDT of the guest.
 *
 * Why: a call gate or a ring 0 segment of the guest's making would be a door into the hypervisor.
 * Right outcome: data and code segments load, with privilege level 3 whatever the guest wrote;
 * TSS and LDT descriptors (gates: test call-gate) are refused when written and when a table holds
 * them; a page in use as GDT cannot be written nor mapped writable; the hypervisor's part stays;
 * LDT selectors work and end with set_ldt of nothing.
 * Environments: pv
 */
#include "cpu.h"
#include "mm.h"

#define DATA   0x00cff2000000ffffUL /* base 0, DPL 3, writable data */
#define CODE64 0x00affa000000ffffUL
#define DPL0   0x00cf92000000ffffUL
#define TSS    0x0000e9000000ffffUL

static uint64_t *gdt;

static long set_gdt(uint64_t *frames, unsigned entries)
{
    return HCALL2(set_gdt, frames, entries);
}

static long update(unsigned index, uint64_t desc)
{
    return HCALL2(update_descriptor, (virt_to_mfn(gdt) << PAGE_SHIFT) + index * 8, desc);
}

static int load(unsigned selector)
{
    int entry = TRY_INSN("movw %%ax, %%es", : : "a"(selector) : "memory");

    __asm__ volatile("movw %%ax, %%es" : : "a"(0));
    return entry;
}

static void refused_tables(void)
{
    uint64_t *bad = alloc_page(), frame, many[16];
    static const uint64_t lies[] = {TSS, 0x0000e20000000000UL};

    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
        bad[7] = lies[i];
        NEED(set_readonly(bad) == 0);
        frame = virt_to_mfn(bad);
        EXPECT_EQ(set_gdt(&frame, 512), E_INVAL);
        NEED(set_writable(bad) == 0);
    }
    bad[7] = 0;
    frame = virt_to_mfn(bad);
    EXPECT_EQ(set_gdt(&frame, 512), E_INVAL); /* it is mapped writable */
    frame = root_mfn();
    EXPECT_EQ(set_gdt(&frame, 512), E_INVAL);
    frame = 0xfffffff;
    EXPECT_EQ(set_gdt(&frame, 512), E_INVAL);
    NEED(set_readonly(bad) == 0);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = virt_to_mfn(bad);
    }
    EXPECT_EQ(set_gdt(many, FIRST_RESERVED_GDT_ENTRY + 1), E_INVAL);
    NEED(set_writable(bad) == 0);
    EXPECT_EQ(set_gdt((void *)0x1000, 512), E_FAULT);
}

static void global(void)
{
    uint64_t frame;

    gdt = alloc_page();
    gdt[4] = DATA;
    gdt[5] = DPL0;
    NEED(set_readonly(gdt) == 0);
    frame = virt_to_mfn(gdt);
    CHECK_EQ(set_gdt(&frame, 512), 0);
    EXPECT_EQ(load(4 * 8 + 3), -1);
    EXPECT_EQ(load(5 * 8 + 3), -1); /* its level was raised to 3 */
    EXPECT_EQ(load(6 * 8 + 3), 13);
    EXPECT_EQ(load(0xe008), 13);
    EXPECT(!try_write(&gdt[6], DATA));
    EXPECT(set_writable(gdt) < 0);
    EXPECT_EQ(update(6, DATA), 0);
    EXPECT_EQ(load(6 * 8 + 3), -1);
    EXPECT_EQ(update(7, DPL0), 0);
    EXPECT_EQ(gdt[7] & (3UL << 45), 3UL << 45);
    EXPECT_EQ(update(8, CODE64), 0);
    EXPECT_EQ(update(9, TSS), E_INVAL);
    EXPECT_EQ(gdt[9], 0);
    EXPECT_EQ(HCALL2(update_descriptor, 0xfffffff000, DATA), E_INVAL);
    EXPECT_EQ(HCALL2(update_descriptor, (root_mfn() << PAGE_SHIFT) + 8, DATA), E_INVAL);
    EXPECT_EQ(HCALL2(update_descriptor, (virt_to_mfn(gdt) << PAGE_SHIFT) + 4, DATA), E_INVAL);
    EXPECT_EQ(set_gdt(NULL, 0), 0);
    EXPECT_EQ(load(4 * 8 + 3), 13);
    EXPECT_EQ(set_writable(gdt), 0);
}

static void local(void)
{
    uint64_t *ldt = alloc_page();

    ldt[0] = DATA;
    NEED(set_readonly(ldt) == 0);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, P(ldt), 512), 0);
    EXPECT_EQ(load(4 | 3), -1);
    EXPECT_EQ(load(8 | 4 | 3), 13);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, P(ldt) + 8, 512), E_INVAL);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, P(ldt), 8193), E_INVAL);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, 0xffff830000000000, 512), E_INVAL);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    EXPECT_EQ(load(4 | 3), 13);
    EXPECT_EQ(set_writable(ldt), 0);
    /* one that is not there, and one that holds a TSS: the load faults */
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, 0x10000000000, 512), 0);
    EXPECT(load(4 | 3) > 0);
    ldt[0] = TSS;
    NEED(set_readonly(ldt) == 0);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, P(ldt), 512), 0);
    EXPECT(load(4 | 3) > 0);
    EXPECT_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
}

enum verdict guest_main(void)
{
    refused_tables();
    global();
    local();
    return SUCCESS;
}
