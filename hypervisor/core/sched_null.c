/* SPDX-License-Identifier: MIT */
/*
 * The policy `null`: a processor belongs to at most one vcpu, for as long as that vcpu is up.
 * Who finds no free processor when it wakes waits until one is given up. No time slices, no
 * weights; for machines that are not shared.
 *
 * The table of owners and the list of those who wait have one lock. v->cpu of a vcpu that waits
 * changes under that processor's lock like any other's.
 */
#include "core/sched.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "lib/list.h"

struct null_vcpu {
    struct list_node waiting;
    struct vcpu *v;
};

static struct spinlock null_lock = SPINLOCK(RANK_SCHED_POLICY);
static struct vcpu *owner[MAX_CPUS];
static struct list_node waiters = LIST_INIT(waiters);
static cpumask_t null_online;

static struct null_vcpu *nv(const struct vcpu *v)
{
    return v->sched_priv;
}

static bool owns(const struct vcpu *v)
{
    return owner[v->cpu] == v;
}

static int null_init(void)
{
    return 0;
}

static int null_add_vcpu(struct vcpu *v)
{
    struct null_vcpu *n = heap_alloc(sizeof(*n));

    if (n == NULL) {
        return -ENOMEM;
    }
    list_init(&n->waiting);
    n->v = v;
    v->sched_priv = n;
    v->cpu = (unsigned)__builtin_ctzll(null_online);
    return 0;
}

/* v gives its processor up, or stops waiting; the processor to look at again, or -1. */
static int give_up(struct vcpu *v)
{
    int freed = -1;

    spin_lock(&null_lock);
    list_del(&nv(v)->waiting);
    if (owns(v)) {
        owner[v->cpu] = NULL;
        freed = list_empty(&waiters) ? -1 : (int)v->cpu;
    }
    spin_unlock(&null_lock);
    return freed;
}

static void null_remove_vcpu(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    int freed = give_up(v);

    spin_unlock_irqrestore(lock, flags);
    if (freed >= 0) {
        softirq_raise_on((unsigned)freed, SOFTIRQ_SCHEDULE);
    }
    heap_free(v->sched_priv);
    v->sched_priv = NULL;
}

static void null_add_cpu(unsigned cpu)
{
    __atomic_or_fetch(&null_online, 1ULL << cpu, __ATOMIC_SEQ_CST);
}

static void null_remove_cpu(unsigned cpu)
{
    __atomic_and_fetch(&null_online, ~(1ULL << cpu), __ATOMIC_SEQ_CST);
    owner[cpu] = NULL;
}

/* A processor of its own, the one that it has if that still is allowed; else it will wait. */
static unsigned null_pick_cpu(struct vcpu *v)
{
    cpumask_t may = v->hard_affinity & __atomic_load_n(&null_online, __ATOMIC_RELAXED);
    cpumask_t soft = may & v->soft_affinity;
    unsigned cpu = v->cpu;

    spin_lock(&null_lock);
    if (owns(v) && !((may >> v->cpu) & 1)) {
        owner[v->cpu] = NULL;
    }
    if (!owns(v)) {
        for (unsigned pass = 0; pass < 2 && owner[cpu] != v; pass++) {
            for (cpumask_t m = pass == 0 ? soft : may; m != 0; m &= m - 1) {
                unsigned c = (unsigned)__builtin_ctzll(m);

                if (owner[c] == NULL) {
                    owner[c] = v;
                    cpu = c;
                    break;
                }
            }
        }
    }
    if (owner[cpu] == v) {
        list_del(&nv(v)->waiting);
    }
    spin_unlock(&null_lock);
    return cpu;
}

static void null_wake(struct vcpu *v)
{
    bool mine;

    spin_lock(&null_lock);
    mine = owns(v);
    if (!mine && list_empty(&nv(v)->waiting)) {
        list_add_tail(&waiters, &nv(v)->waiting);
    }
    spin_unlock(&null_lock);
    if (mine) {
        softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
    }
}

/* Blocking keeps the processor; being taken down gives it up. */
static void null_sleep(struct vcpu *v)
{
    int freed = -1;

    if (__atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & VPF_DOWN) {
        freed = give_up(v);
    } else if (!owns(v)) {
        spin_lock(&null_lock);
        list_del(&nv(v)->waiting);
        spin_unlock(&null_lock);
    }
    if (freed >= 0) {
        softirq_raise_on((unsigned)freed, SOFTIRQ_SCHEDULE);
    }
}

static bool null_yield(struct vcpu *v)
{
    (void)v;
    return false;
}

/* This processor is free: give it to the first who waits and may use it. Own lock held. */
static void adopt(unsigned cpu)
{
    struct null_vcpu *n;

    spin_lock(&null_lock);
    list_for_each_entry(n, &waiters, waiting) {
        struct vcpu *v = n->v;
        struct spinlock *lock = &per_cpu(sched_cpu, v->cpu).lock;
        bool other = v->cpu != cpu;

        if (!((v->hard_affinity >> cpu) & 1) || v->running) {
            continue;
        }
        if (other && !spin_trylock(lock)) {
            softirq_raise(SOFTIRQ_SCHEDULE);
            continue;
        }
        owner[cpu] = v;
        __atomic_store_n(&v->cpu, cpu, __ATOMIC_RELEASE);
        list_del(&n->waiting);
        if (other) {
            spin_unlock(lock);
        }
        break;
    }
    spin_unlock(&null_lock);
}

static struct sched_decision null_pick(unsigned cpu, stime_t now)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct vcpu *v = sc->running, *mine;

    (void)now;
    if (!vcpu_is_idle(v) && owner[cpu] == v &&
        (v->pause_flags & VPF_DOWN || !((v->hard_affinity >> cpu) & 1))) {
        give_up(v); /* if it is only not allowed here, it waits elsewhere once it is saved */
    }
    if (owner[cpu] == NULL && !list_empty(&waiters)) {
        adopt(cpu);
    }
    mine = owner[cpu];
    if (mine != NULL && mine->cpu == cpu && vcpu_runnable(mine) &&
        (mine == v || !__atomic_load_n(&mine->running, __ATOMIC_ACQUIRE))) {
        return (struct sched_decision){.next = mine};
    }
    return (struct sched_decision){.next = sc->idle};
}

static void null_dump(unsigned cpu)
{
    const struct vcpu *v = owner[cpu];

    if (v != NULL) {
        printk(LOG_ERR, "  belongs to d%uv%u\n", v->domain->id, v->id);
    }
}

const struct sched_policy sched_null = {
    .name = "null",
    .id = XEN_SCHEDULER_NULL,
    .init = null_init,
    .add_vcpu = null_add_vcpu,
    .remove_vcpu = null_remove_vcpu,
    .add_cpu = null_add_cpu,
    .remove_cpu = null_remove_cpu,
    .wake = null_wake,
    .sleep = null_sleep,
    .yield = null_yield,
    .pick = null_pick,
    .pick_cpu = null_pick_cpu,
    .dump = null_dump,
};
