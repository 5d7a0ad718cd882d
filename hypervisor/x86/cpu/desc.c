/* SPDX-License-Identifier: MIT */
/*
 * GDT, IDT and TSS of each processor.
 *
 * The PV ABI puts the hypervisor's descriptors at selectors 0xe000 and up, that is on page 14 of
 * the GDT; pages 0 to 13 are the guest's. Each processor has one frame for page 14, for its TSS
 * differs. While a guest runs, GDTR points to the guest's window (GDT_VIRT), where the context
 * switch maps that frame; else GDTR points 14 pages below the frame itself, and what lies between
 * is never touched, since nothing loads a selector below 0xe000 then.
 *
 * The IDT is one for all processors, gates switch stacks by the IST of the TSS for those vectors
 * that may hit where rsp is not ours: NMI, #DF, #MC, #DB (AMD APM vol. 2, 8.9.4).
 */
#include "x86/cpu/desc.h"
#include "core/domain.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/mm/layout.h"

#define GDT_PAGE_ENTRIES 512
#define GDT_LIMIT        (FIRST_RESERVED_GDT_BYTE + PAGE_SIZE - 1)
#define GDT_SLOT(sel)    (((sel)-FIRST_RESERVED_GDT_BYTE) / 8)

/* code and data descriptors, accessed bit set: the processor never writes to them */
#define DESC_CODE64(dpl) (0x00af9b000000ffffULL | (uint64_t)(dpl) << 45)
#define DESC_CODE32(dpl) (0x00cf9b000000ffffULL | (uint64_t)(dpl) << 45)
#define DESC_DATA(dpl)   (0x00cf93000000ffffULL | (uint64_t)(dpl) << 45)
#define DESC_TYPE_LDT    0x2
#define DESC_TYPE_TSS    0x9

struct tss64 {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss64) == 104, "task state segment");

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type; /* present, DPL, 0xe: interrupt gate */
    uint16_t offset_mid;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "gate descriptor");

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static uint64_t gdt_page[MAX_CPUS][GDT_PAGE_ENTRIES] __attribute__((aligned(4096)));
static struct tss64 tss[MAX_CPUS] __attribute__((aligned(128)));
static struct gate idt[256] __attribute__((aligned(4096)));

/* LDT and TSS descriptors take two entries in long mode. */
static void set_system_descriptor(uint64_t *e, uint64_t base, uint32_t limit, unsigned type)
{
    e[1] = base >> 32;
    e[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
           (uint64_t)(limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
}

void desc_set_gate(unsigned vector, uint64_t handler, unsigned dpl, unsigned ist)
{
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)handler,
        .selector = HV_CS,
        .ist = (uint8_t)ist,
        .type = (uint8_t)(0x8e | dpl << 5),
        .offset_mid = (uint16_t)(handler >> 16),
        .offset_high = (uint32_t)(handler >> 32),
    };
}

static void build_gdt(unsigned cpu)
{
    uint64_t *g = gdt_page[cpu];

    g[GDT_SLOT(HV_CS)] = DESC_CODE64(0);
    g[GDT_SLOT(HV_CS) + 1] = DESC_DATA(0); /* SS that SYSCALL loads: STAR's selector plus 8 */
    g[GDT_SLOT(GUEST_CS32)] = DESC_CODE32(3);
    g[GDT_SLOT(GUEST_DS)] = DESC_DATA(3);
    g[GDT_SLOT(GUEST_CS64)] = DESC_CODE64(3);
    set_system_descriptor(&g[GDT_SLOT(HV_TSS)], (uint64_t)&tss[cpu], sizeof(tss[cpu]) - 1,
                          DESC_TYPE_TSS);
    g[GDT_SLOT(HV_PERCPU)] = 0x0000910000000000ULL | cpu; /* data, DPL 0; LSL reads the number */
}

static void build_tss(unsigned cpu)
{
    struct tss64 *t = &tss[cpu];
    static const struct {
        unsigned ist, page;
    } stacks[] = {
        {1, SLICE_NMI_STACK},
        {2, SLICE_DF_STACK},
        {3, SLICE_MCE_STACK},
        {4, SLICE_DB_STACK},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(stacks); i++) {
        t->ist[stacks[i].ist - 1] = CPU_SLICE(cpu) + (stacks[i].page + 1) * PAGE_SIZE;
    }
    t->iomap_base = sizeof(*t); /* beyond the limit: no port is open to ring 3 */
    t->rsp[0] = CPU_SLICE(cpu) + CPU_SLICE_SIZE - sizeof(struct cpu_info) +
                offsetof(struct cpu_info, regs.es);
}

void desc_set_rsp0(unsigned cpu, uint64_t rsp0)
{
    tss[cpu].rsp[0] = rsp0;
}

mfn_t desc_gdt_page_mfn(unsigned cpu)
{
    return paddr_to_mfn(image_to_paddr(gdt_page[cpu]));
}

void desc_load_gdt(uint64_t base)
{
    struct table_register r = {.limit = GDT_LIMIT, .base = base};

    __asm__ volatile("lgdt %0" : : "m"(r) : "memory");
}

void desc_load_idle_gdt(unsigned cpu)
{
    desc_load_gdt((uint64_t)gdt_page[cpu] - FIRST_RESERVED_GDT_BYTE);
}

void desc_load_ldt(unsigned cpu, uint64_t base, unsigned entries)
{
    uint16_t selector = 0;

    if (entries != 0) {
        set_system_descriptor(&gdt_page[cpu][GDT_SLOT(HV_LDT)], base, entries * 8 - 1,
                              DESC_TYPE_LDT);
        selector = HV_LDT;
    }
    __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}

/* Leave the boot loader's segments: CS by a far return, the others to null. */
static void load_segments(void)
{
    __asm__ volatile("pushq %0\n"
                     "leaq 1f(%%rip), %%rax\n"
                     "pushq %%rax\n"
                     "lretq\n"
                     "1:\n"
                     "xorl %%eax, %%eax\n"
                     "movl %%eax, %%ds\n"
                     "movl %%eax, %%es\n"
                     "movl %%eax, %%ss\n"
                     "movl %%eax, %%fs\n"
                     "movl %%eax, %%gs\n"
                     :
                     : "i"(HV_CS)
                     : "rax", "memory");
}

void desc_init(unsigned cpu)
{
    struct table_register r = {.limit = sizeof(idt) - 1, .base = (uint64_t)idt};

    build_gdt(cpu);
    build_tss(cpu);
    desc_load_idle_gdt(cpu);
    load_segments();
    __asm__ volatile("ltr %w0" : : "r"(HV_TSS) : "memory");
    desc_load_ldt(cpu, 0, 0);
    __asm__ volatile("lidt %0" : : "m"(r) : "memory");
}
