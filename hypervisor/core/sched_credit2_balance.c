/* SPDX-License-Identifier: MIT */
/*
 * Credit2 across processors: where a vcpu goes when it wakes, what an idle processor takes from
 * others, what a busy one hands on. A second processor's lock is only ever tried for.
 */
#include "core/sched_credit2.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define ROTATE_AFTER  MILLISECS(20) /* so long alone on a processor while others share one */
#define PUSH_INTERVAL MILLISECS(10)
#define STEAL_LOOK    16

/* --- choosing a processor ----------------------------------------------------------------------
 */

static unsigned load_of(unsigned cpu)
{
    const struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

    return per_cpu(c2_cpu, cpu).nr + (__atomic_load_n(&sc->running, __ATOMIC_RELAXED) != sc->idle);
}

static unsigned least_loaded(cpumask_t mask, unsigned prefer)
{
    unsigned best = (unsigned)__builtin_ctzll(mask), load = ~0U;

    if ((mask >> prefer) & 1) {
        best = prefer;
        load = load_of(prefer);
    }
    for (; mask != 0; mask &= mask - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(mask), l = load_of(cpu);

        if (l < load) {
            best = cpu;
            load = l;
        }
    }
    return best;
}

unsigned c2_pick_cpu(struct vcpu *v)
{
    cpumask_t online = __atomic_load_n(&c2_online, __ATOMIC_RELAXED);
    cpumask_t idle = __atomic_load_n(&c2_idle, __ATOMIC_RELAXED);
    cpumask_t hard = v->hard_affinity & online, soft = hard & v->soft_affinity, m;

    if (hard == 0) {
        return v->cpu; /* sched_set_affinity refuses this; a processor that went away */
    }
    m = (soft != 0 ? soft : hard) & idle;
    if (m == 0) {
        m = hard & idle;
    }
    if (m != 0) {
        return (m >> v->cpu) & 1 ? v->cpu : (unsigned)__builtin_ctzll(m);
    }
    return least_loaded(soft != 0 ? soft : hard, v->cpu);
}

/* --- moving between processors: own lock held --------------------------------------------------
 */

/* Take cv from another processor's queue (its lock is held too). */
static void take_over(unsigned from, unsigned to, struct c2_vcpu *cv)
{
    c2_dequeue(from, cv);
    c2_join(to, cv, false);
    __atomic_store_n(&cv->v->cpu, to, __ATOMIC_RELEASE);
}

static struct c2_vcpu *find_for(unsigned from, unsigned to, bool liked)
{
    struct pq_node *n = pq_min(&per_cpu(c2_cpu, from).queue);

    for (unsigned i = 0; n != NULL && i < STEAL_LOOK; i++, n = pq_next(n)) {
        struct c2_vcpu *cv = container_of(n, struct c2_vcpu, node);

        if (c2_may_run_on(cv->v, to) && !__atomic_load_n(&cv->v->running, __ATOMIC_ACQUIRE) &&
            (!liked || ((cv->v->soft_affinity >> to) & 1))) {
            return cv;
        }
    }
    return NULL;
}

/* An idle processor looks for work: a vcpu that now belongs to it, in no queue, or NULL. */
struct c2_vcpu *c2_steal(unsigned cpu)
{
    cpumask_t from = __atomic_load_n(&c2_waiting, __ATOMIC_SEQ_CST) & ~(1ULL << cpu);
    struct c2_vcpu *cv = NULL;

    for (; from != 0 && cv == NULL; from &= from - 1) {
        unsigned other = (unsigned)__builtin_ctzll(from);
        struct spinlock *lock = &per_cpu(sched_cpu, other).lock;

        if (!spin_trylock(lock)) {
            softirq_raise(SOFTIRQ_SCHEDULE); /* look again at once, but let the holder go on */
            cpu_relax();
            continue;
        }
        cv = find_for(other, cpu, true);
        if (cv == NULL) {
            cv = find_for(other, cpu, false);
        }
        if (cv != NULL) {
            take_over(other, cpu, cv);
        }
        spin_unlock(lock);
    }
    return cv;
}

/* Both locks held: does it help when one goes from a processor with `load` vcpus to `to`? */
static bool worth_moving(unsigned load, unsigned to, stime_t now)
{
    const struct vcpu *there = per_cpu(sched_cpu, to).running;
    unsigned load_there = load_of(to);

    if (load_there + 1 < load) {
        return true;
    }
    if (load_there + 1 > load || vcpu_is_idle(there)) {
        return false;
    }
    return now - c2v(there)->since > ROTATE_AFTER;
}

/* Hand the first waiting vcpu on, at most one each PUSH_INTERVAL. */
void c2_push(unsigned cpu, stime_t now)
{
    struct c2_cpu *cc = &per_cpu(c2_cpu, cpu);
    struct c2_vcpu *cv = c2_first(cpu);
    unsigned load = cc->nr + 1;
    bool moved = false;
    cpumask_t to;

    if (cv == NULL || now - cc->last_push < PUSH_INTERVAL ||
        __atomic_load_n(&cv->v->running, __ATOMIC_ACQUIRE)) {
        return;
    }
    cc->last_push = now;
    to = cv->v->hard_affinity & __atomic_load_n(&c2_online, __ATOMIC_RELAXED) & ~(1ULL << cpu);
    if (to & cv->v->soft_affinity) {
        to &= cv->v->soft_affinity;
    }
    for (; to != 0 && !moved; to &= to - 1) {
        unsigned other = (unsigned)__builtin_ctzll(to);
        struct spinlock *lock = &per_cpu(sched_cpu, other).lock;

        if (load_of(other) >= load || !spin_trylock(lock)) {
            continue;
        }
        moved = worth_moving(load, other, now);
        if (moved) {
            take_over(cpu, other, cv);
            c2_enqueue(other, cv);
            c2_tickle(other, cv);
        }
        spin_unlock(lock);
    }
}
