/* SPDX-License-Identifier: MIT */
/* One-shot timers on a heap for each processor; handlers run from SOFTIRQ_TIMER, unlocked. */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/types.h"

struct timer {
    stime_t expires;
    void (*fn)(void *data);
    void *data;
    unsigned cpu;       /* heap that it belongs to */
    uint32_t heap_slot; /* 1-based position while queued, 0 otherwise */
    bool killed;
    bool running;
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
    return t->heap_slot != 0;
}

#endif
