/* SPDX-License-Identifier: MIT */
/*
 * Deferred work. SOFTIRQ_SCHEDULE is run after all others, because its handler does not return
 * when it switches to another vcpu; bits that are raised meanwhile stay set for the next look.
 */
#include "core/softirq.h"
#include "core/printk.h"

PERCPU(uint32_t, softirq_pending);

static void (*handlers[SOFTIRQ_COUNT])(void);

void softirq_open(enum softirq nr, void (*handler)(void))
{
    handlers[nr] = handler;
}

void softirq_raise(enum softirq nr)
{
    __atomic_or_fetch(&this_cpu(softirq_pending), 1u << nr, __ATOMIC_SEQ_CST);
}

void softirq_raise_on(unsigned cpu, enum softirq nr)
{
    uint32_t old = __atomic_fetch_or(&per_cpu(softirq_pending, cpu), 1u << nr, __ATOMIC_SEQ_CST);

    if (!(old & (1u << nr)) && cpu != smp_processor_id()) {
        arch_send_ipi(1ULL << cpu, IPI_EVENT_CHECK);
    }
}

void do_softirq(void)
{
    uint32_t *pending = &this_cpu(softirq_pending);
    bool were_off = !irq_enabled();
    uint32_t bits;

    spin_assert_none_held();
    irq_enable();
    while ((bits = __atomic_load_n(pending, __ATOMIC_ACQUIRE)) != 0) {
        uint32_t first = bits & ~(1u << SOFTIRQ_SCHEDULE);
        unsigned nr = first != 0 ? (unsigned)__builtin_ctz(first) : SOFTIRQ_SCHEDULE;

        __atomic_and_fetch(pending, ~(1u << nr), __ATOMIC_SEQ_CST);
        if (handlers[nr] != NULL) {
            handlers[nr]();
        }
    }
    if (were_off) {
        irq_disable();
    }
}
