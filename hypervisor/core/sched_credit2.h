/* SPDX-License-Identifier: MIT */
/* Between sched_credit2.c and sched_credit2_balance.c. Locks: as sched.h says of the hooks. */
#ifndef CORE_SCHED_CREDIT2_H
#define CORE_SCHED_CREDIT2_H

#include "core/sched.h"

struct c2_dom {
    int64_t budget; /* ns, atomic; may be negative */
    struct timer refill;
    struct domain *d;
};

struct c2_vcpu {
    struct pq_node node;
    struct vcpu *v;
    int64_t vtime; /* ns, weighted */
    stime_t start; /* of what has not been charged yet */
    stime_t since; /* has had its processor since then */
    unsigned home; /* processor whose clock vtime follows */
    bool parked;   /* runnable, but its domain has used up its cap */
};

struct c2_cpu {
    struct pqueue queue;
    unsigned nr;   /* waiting */
    int64_t vtime; /* never goes back */
    stime_t last_push;
};

DECLARE_PERCPU(struct c2_cpu, c2_cpu);
extern cpumask_t c2_online, c2_idle, c2_waiting; /* atomic */

/* --- sched_credit2.c: the processor's lock is held --- */
void c2_enqueue(unsigned cpu, struct c2_vcpu *cv);
void c2_dequeue(unsigned cpu, struct c2_vcpu *cv);
struct c2_vcpu *c2_first(unsigned cpu);
/* Charge what cv ran since the last time. */
void c2_burn(struct c2_vcpu *cv, stime_t now);
/* cv is about to join cpu's queue: its virtual time is brought near that queue's clock. */
void c2_join(unsigned cpu, struct c2_vcpu *cv, bool woken);
/* cv waits in cpu's queue: see that the processor looks soon enough. */
void c2_tickle(unsigned cpu, struct c2_vcpu *cv);

/* --- sched_credit2_balance.c --- */
unsigned c2_pick_cpu(struct vcpu *v);
/* An idle processor looks for work: a vcpu that now belongs to it, in no queue, or NULL. */
struct c2_vcpu *c2_steal(unsigned cpu);
/* Hand the first waiting vcpu on, at most one each PUSH_INTERVAL. */
void c2_push(unsigned cpu, stime_t now);

static inline struct c2_vcpu *c2v(const struct vcpu *v)
{
    return v->sched_priv;
}

static inline void mask_set(cpumask_t *m, unsigned cpu)
{
    if (!(__atomic_load_n(m, __ATOMIC_RELAXED) & (1ULL << cpu))) {
        __atomic_or_fetch(m, 1ULL << cpu, __ATOMIC_SEQ_CST);
    }
}

static inline void mask_clear(cpumask_t *m, unsigned cpu)
{
    if (__atomic_load_n(m, __ATOMIC_RELAXED) & (1ULL << cpu)) {
        __atomic_and_fetch(m, ~(1ULL << cpu), __ATOMIC_SEQ_CST);
    }
}

static inline bool c2_may_run_on(const struct vcpu *v, unsigned cpu)
{
    return (v->hard_affinity >> cpu) & 1;
}

#endif
