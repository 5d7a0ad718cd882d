/* SPDX-License-Identifier: MIT */
/*
 * Timers: a queue by deadline for each processor. The processor's one-shot clock is always
 * programmed for the earliest; its interrupt raises SOFTIRQ_TIMER, which runs what is due. A
 * deadline that becomes a remote processor's earliest is told to it by the same softirq.
 */
#include "core/timer.h"
#include "core/percpu.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "core/spinlock.h"
#include "lib/lib.h"

struct timer_cpu {
    struct spinlock lock;
    struct pqueue queue;
    struct timer *running; /* whose handler runs now */
};
static PERCPU(struct timer_cpu, timers);

static void program(const struct timer_cpu *tc)
{
    const struct pq_node *n = pq_min(&tc->queue);

    arch_timer_program(n == NULL ? STIME_MAX : n->key);
}

/* Lock the queue that t belongs to; interrupts go off. */
static struct timer_cpu *lock_timer(struct timer *t, unsigned long *flags)
{
    for (;;) {
        unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
        struct timer_cpu *tc = &per_cpu(timers, cpu);

        *flags = spin_lock_irqsave(&tc->lock);
        if (t->cpu == cpu) {
            return tc;
        }
        spin_unlock_irqrestore(&tc->lock, *flags);
    }
}

/* The earliest deadline of this queue changed: see that its processor's clock follows. */
static void first_changed(struct timer_cpu *tc, unsigned cpu)
{
    if (cpu == smp_processor_id()) {
        program(tc);
    } else {
        softirq_raise_on(cpu, SOFTIRQ_TIMER);
    }
}

static void run_timers(void)
{
    struct timer_cpu *tc = &this_cpu(timers);

    spin_lock_irq(&tc->lock);
    for (;;) {
        struct pq_node *n = pq_min(&tc->queue);
        struct timer *t;

        if (n == NULL || n->key > arch_now()) {
            break;
        }
        t = container_of(n, struct timer, node);
        pq_remove(&tc->queue, n);
        tc->running = t;
        spin_unlock_irq(&tc->lock);
        t->fn(t->data);
        spin_lock_irq(&tc->lock);
        __atomic_store_n(&tc->running, NULL, __ATOMIC_RELEASE);
    }
    program(tc);
    spin_unlock_irq(&tc->lock);
}

void timer_subsys_init(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        per_cpu(timers, cpu).lock = SPINLOCK(RANK_TIMER);
    }
    softirq_open(SOFTIRQ_TIMER, run_timers);
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
    *t = (struct timer){.fn = fn, .data = data, .cpu = cpu};
}

void timer_set(struct timer *t, stime_t expires)
{
    unsigned long flags;
    struct timer_cpu *tc = lock_timer(t, &flags);
    struct pq_node *first = pq_min(&tc->queue);

    if (!t->killed) {
        if (pq_queued(&t->node)) {
            pq_remove(&tc->queue, &t->node);
        }
        t->expires = expires;
        pq_insert(&tc->queue, &t->node, expires);
        if (first == &t->node || pq_min(&tc->queue) == &t->node) {
            first_changed(tc, t->cpu);
        }
    }
    spin_unlock_irqrestore(&tc->lock, flags);
}

void timer_stop(struct timer *t)
{
    unsigned long flags;
    struct timer_cpu *tc = lock_timer(t, &flags);

    if (pq_queued(&t->node)) { /* the clock may fire once for nothing: cheaper than asking */
        pq_remove(&tc->queue, &t->node);
    }
    spin_unlock_irqrestore(&tc->lock, flags);
}

void timer_migrate(struct timer *t, unsigned cpu)
{
    unsigned long flags;
    struct timer_cpu *tc = lock_timer(t, &flags);
    bool queued = pq_queued(&t->node);

    if (t->cpu != cpu) {
        if (queued) {
            pq_remove(&tc->queue, &t->node);
        }
        __atomic_store_n(&t->cpu, cpu, __ATOMIC_RELEASE);
    } else {
        queued = false;
    }
    spin_unlock_irqrestore(&tc->lock, flags);
    if (queued) {
        timer_set(t, t->expires);
    }
}

void timer_kill(struct timer *t)
{
    unsigned long flags;
    struct timer_cpu *tc;

    if (t->fn == NULL) { /* never initialised */
        return;
    }
    tc = lock_timer(t, &flags);
    if (pq_queued(&t->node)) {
        pq_remove(&tc->queue, &t->node);
    }
    t->killed = true;
    spin_unlock_irqrestore(&tc->lock, flags);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) { /* it may have migrated while it ran */
        if (cpu == smp_processor_id()) {
            continue;
        }
        while (__atomic_load_n(&per_cpu(timers, cpu).running, __ATOMIC_ACQUIRE) == t) {
            cpu_relax();
        }
    }
}
