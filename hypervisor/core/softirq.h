/* SPDX-License-Identifier: MIT */
/*
 * Deferred work of one processor: a bit is raised anywhere, its handler runs with interrupts on
 * and no lock held, on the way out to a guest or in the idle loop.
 */
#ifndef CORE_SOFTIRQ_H
#define CORE_SOFTIRQ_H

#include "core/percpu.h"

enum softirq {
    SOFTIRQ_TIMER,
    SOFTIRQ_SCHEDULE,
    SOFTIRQ_TASKLET,
    SOFTIRQ_RCU,
    SOFTIRQ_DOMAIN, /* domain.c: notify of, and free, domains that ended */
    SOFTIRQ_MOVED,  /* sched.c: the current vcpu came from another processor */
    SOFTIRQ_KEYS,   /* debugkeys.c */
    SOFTIRQ_NMI,    /* the machine's: tell dom0 of an NMI */
    SOFTIRQ_LOOK,   /* the machine's: no handler, but the exit path looks at the vcpu again */
    SOFTIRQ_COUNT
};

/* Read by the exit paths in assembly: non-zero means do_softirq() before the guest runs. */
DECLARE_PERCPU(uint32_t, softirq_pending);

void softirq_open(enum softirq nr, void (*handler)(void));
void softirq_raise(enum softirq nr);                    /* on this processor */
void softirq_raise_on(unsigned cpu, enum softirq nr);   /* sends an IPI if it is another */
void do_softirq(void);

/* Long operations ask this between steps and continue later when it is true. */
static inline bool preempt_needed(void)
{
    return __atomic_load_n(&this_cpu(softirq_pending), __ATOMIC_RELAXED) != 0;
}

#endif
