/* SPDX-License-Identifier: MIT */
/*
 * The unit tests' machine, found in place of hypervisor/x86/include/arch/types.h: several
 * processors that take turns in one thread, interrupts that are a flag (fake/fake.h).
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <public/xen.h>
#include "core/spinlock.h"
#include "core/types.h"

struct vcpu;

extern unsigned fake_cpu; /* the processor whose code runs now */
extern struct vcpu *fake_current[MAX_CPUS];
extern bool fake_irqs_off[MAX_CPUS];
void fake_relax(void);

#define current (fake_current[fake_cpu])

static inline unsigned smp_processor_id(void)
{
    return fake_cpu;
}

static inline unsigned long irq_save(void)
{
    unsigned long old = fake_irqs_off[fake_cpu];

    fake_irqs_off[fake_cpu] = true;
    return old;
}

static inline void irq_restore(unsigned long flags)
{
    fake_irqs_off[fake_cpu] = flags != 0;
}

static inline void irq_disable(void)
{
    fake_irqs_off[fake_cpu] = true;
}

static inline void irq_enable(void)
{
    fake_irqs_off[fake_cpu] = false;
}

static inline bool irq_enabled(void)
{
    return !fake_irqs_off[fake_cpu];
}

/* Waiting for another processor: let it work. */
static inline void cpu_relax(void)
{
    fake_relax();
}

static inline void smp_mb(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct arch_vcpu {
    unsigned kicks, nmis, time_updates;
};

struct arch_domain {
    unsigned relinquish_calls;
};

#endif
