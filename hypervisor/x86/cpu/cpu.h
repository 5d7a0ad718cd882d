/* SPDX-License-Identifier: MIT */
/* Small wrappers of privileged instructions, feature flags, and the per-processor set-up calls. */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "core/types.h"
#include <arch/types.h>

#define EFER_SCE           (1u << 0)
#define EFER_LME           (1u << 8)
#define EFER_LMA           (1u << 10)
#define EFER_NXE           (1u << 11)
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103
#define MSR_PAT            0x277
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define PAT_VALUE          0x050100070406ULL

#define CR0_TS         (1u << 3)
#define CR4_TSD        (1u << 2)
#define CR4_PGE        (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

struct cpu_features { /* of the machine; boot processor's, others must match */
    bool nx, pge, smep, smap, umip, fsgsbase, xsave, xsaveopt, x2apic, tsc_deadline, rdtscp;
    bool page1gb, invariant_tsc, hypervisor, amd, intel, cpuid_fault, erms;
    uint32_t family, model, stepping, max_leaf, max_ext_leaf, phys_bits;
    uint32_t l1[4], l7[4], e1[4], l6[4]; /* raw leaves 1, 7.0, 0x80000001, 6: eax ebx ecx edx */
};
extern struct cpu_features cpu_features;
extern bool smap_for_pv; /* SMAP is on while PV guests run (smap= on the command line) */

void cpu_identify(void);      /* boot processor: fills cpu_features */
void cpu_init(unsigned cpu);  /* every processor: CR0, CR4, EFER, PAT, SYSCALL MSRs */
void desc_init(unsigned cpu); /* GDT, IDT, TSS of this processor, loaded */
void desc_set_rsp0(unsigned cpu, uint64_t rsp0);
void traps_init(void); /* the IDT's content */
void time_init(void);  /* clock source, TSC scale; boot processor */
void time_init_cpu(void);

static inline void cpuid_raw(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return ((uint64_t)hi << 32) | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
/* extable.c: 0, or -EFAULT when the access faulted */
int rdmsr_safe(uint32_t msr, uint64_t *v);
int wrmsr_safe(uint32_t msr, uint64_t v);

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return ((uint64_t)hi << 32) | lo;
}
#define CR_ACCESS(n)                                                                               \
    static inline uint64_t read_cr##n(void)                                                        \
    {                                                                                              \
        uint64_t v;                                                                                \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));                                          \
        return v;                                                                                  \
    }                                                                                              \
    static inline void set_cr##n(uint64_t v)                                                       \
    {                                                                                              \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");                                 \
    }
CR_ACCESS(0)
CR_ACCESS(2)
CR_ACCESS(4)
static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

#endif
