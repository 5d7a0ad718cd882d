/* SPDX-License-Identifier: MIT */
/*
 * Cross-processor calls: one at a time in the whole machine. The caller fills `call`, sends
 * IPI_CALL, and waits until every bit of `pending` is cleared by its processor. Callers have
 * interrupts on, so two of them that wait for each other still serve each other's call.
 */
#include "core/smp.h"
#include "core/percpu.h"
#include "core/printk.h"
#include "core/spinlock.h"

static struct spinlock call_lock = SPINLOCK(RANK_SMP_CALL);
static struct {
    void (*fn)(void *data);
    void *data;
    bool wait;
    cpumask_t pending;
} call;

void smp_call(cpumask_t cpus, void (*fn)(void *data), void *data, bool wait)
{
    cpumask_t self, others;

    ASSERT(irq_enabled());
    spin_lock(&call_lock);
    self = 1ULL << smp_processor_id();
    others = cpus & arch_online_cpus() & ~self;
    if (others != 0) {
        call.fn = fn;
        call.data = data;
        call.wait = wait;
        __atomic_store_n(&call.pending, others, __ATOMIC_RELEASE);
        arch_send_ipi(others, IPI_CALL);
    }
    if (cpus & self) {
        irq_disable();
        fn(data);
        irq_enable();
    }
    while (__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE) != 0) {
        cpu_relax();
    }
    spin_unlock(&call_lock);
}

void smp_handle_call(void)
{
    cpumask_t self = 1ULL << smp_processor_id();
    void (*fn)(void *data);
    void *data;

    if (!(__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE) & self)) {
        return;
    }
    fn = call.fn;
    data = call.data;
    if (call.wait) {
        fn(data);
        __atomic_and_fetch(&call.pending, ~self, __ATOMIC_RELEASE);
    } else {
        __atomic_and_fetch(&call.pending, ~self, __ATOMIC_RELEASE);
        fn(data);
    }
}

void smp_handle_stop(void)
{
    arch_halt();
}
