/* SPDX-License-Identifier: MIT */
/* One-shot timers on a heap for each processor; handlers run from SOFTIRQ_TIMER, unlocked. */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/pqueue.h"
#include "core/types.h"

struct timer {
    struct pq_node node; /* in the processor's heap; the key is the deadline */
    stime_t expires;
    void (*fn)(void *data);
    void *data;
    unsigned cpu; /* heap that it belongs to; changes under that heap's lock */
    bool killed;
};

void timer_subsys_init(void);
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
void timer_set(struct timer *t, stime_t expires); /* replaces an earlier deadline */
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, unsigned cpu);
/* After return the handler does not run and will not; waits for one that runs elsewhere. */
void timer_kill(struct timer *t);
static inline bool timer_queued(const struct timer *t)
{
    return pq_queued(&t->node);
}

#endif
