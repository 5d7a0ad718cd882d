/* SPDX-License-Identifier: MIT */
/* Privileged instructions of a tiny PV kernel: they trap, and the hypervisor does them or not. */
#ifndef CPU_H
#define CPU_H

#include "traps.h"

struct cpuid_regs {
    uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid_native(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = {.a = leaf, .c = sub};

    __asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    return r;
}

static inline struct cpuid_regs cpuid_pv(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = {.a = leaf, .c = sub};

    __asm__ volatile(XEN_CPUID : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    return r;
}

/* false: #GP */
static inline bool rdmsr(uint32_t msr, uint64_t *value)
{
    uint32_t lo = 0, hi = 0;

    trap_none();
    __asm__ volatile(TRAP_SAFE("rdmsr") : "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
    *value = lo | (uint64_t)hi << 32;
    return trapped.entry == -1;
}

static inline bool wrmsr(uint32_t msr, uint64_t value)
{
    trap_none();
    __asm__ volatile(TRAP_SAFE("wrmsr")
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return trapped.entry == -1;
}

static inline bool xsetbv(uint64_t value)
{
    trap_none();
    __asm__ volatile(TRAP_SAFE("xsetbv")
                     :
                     : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return trapped.entry == -1;
}

/* One instruction that may trap; the entry, or -1. */
#define TRY_INSN(insn, ...)                                                                        \
    ({                                                                                             \
        trap_none();                                                                               \
        __asm__ volatile(TRAP_SAFE(insn) __VA_ARGS__);                                             \
        trapped.entry;                                                                             \
    })

#endif
