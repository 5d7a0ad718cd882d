/* SPDX-License-Identifier: MIT */
/*
 * The default policy: weighted fair sharing by virtual time, answering tools as "credit2".
 *
 * Each processor has a queue of waiting vcpus by virtual time, which grows as a vcpu runs, slower
 * for a greater weight. The one that is furthest behind runs next; who wakes is placed a little
 * before the queue's own time, so it runs soon, but cannot save up what it slept.
 *
 * Across processors: a vcpu that wakes goes to an idle processor that it likes (soft affinity) or
 * may use (hard affinity); an idle processor takes waiting vcpus from others; and a processor
 * with more vcpus than another hands on its first waiting one when that evens the numbers, or
 * when who runs there has been alone for a while, so that three vcpus on two processors take
 * turns. A vcpu that moves keeps its distance from the queue's clock, within bounds.
 *
 * A cap is a budget of the domain that all its vcpus use up and that is filled each PERIOD;
 * overdrafts are carried over. A vcpu without budget is parked: in no queue until the filling.
 */
#include "core/sched_credit2.h"
#include <public/sysctl.h>
#include "core/errno.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define WEIGHT_DEFAULT 256
#define SLICE_MIN      MILLISECS(2)
#define SLICE_MAX      MILLISECS(10)
#define WAKE_BONUS     MILLISECS(2)   /* virtual time that a waking vcpu may be behind */
#define LAG_MAX        MILLISECS(100) /* and one that comes from another queue; or ahead */
#define PERIOD         MILLISECS(20)

PERCPU(struct c2_cpu, c2_cpu);
cpumask_t c2_online, c2_idle, c2_waiting; /* atomic */
static stime_t ratelimit = MICROSECS(1000);

/* --- queues: with the processor's lock held ----------------------------------------------------
 */

void c2_enqueue(unsigned cpu, struct c2_vcpu *cv)
{
    struct c2_cpu *cc = &per_cpu(c2_cpu, cpu);

    pq_insert(&cc->queue, &cv->node, cv->vtime);
    cc->nr++;
    mask_set(&c2_waiting, cpu);
}

void c2_dequeue(unsigned cpu, struct c2_vcpu *cv)
{
    struct c2_cpu *cc = &per_cpu(c2_cpu, cpu);

    pq_remove(&cc->queue, &cv->node);
    if (--cc->nr == 0) {
        mask_clear(&c2_waiting, cpu);
    }
}

struct c2_vcpu *c2_first(unsigned cpu)
{
    struct pq_node *n = pq_min(&per_cpu(c2_cpu, cpu).queue);

    return n == NULL ? NULL : container_of(n, struct c2_vcpu, node);
}

static int64_t scaled(const struct vcpu *v, stime_t ran)
{
    return ran * WEIGHT_DEFAULT / v->domain->sched_weight;
}

static stime_t unscaled(const struct vcpu *v, int64_t vt)
{
    return vt * v->domain->sched_weight / WEIGHT_DEFAULT;
}

/* Charge what cv ran since the last time. */
void c2_burn(struct c2_vcpu *cv, stime_t now)
{
    stime_t ran = now - cv->start;

    if (ran <= 0) {
        return;
    }
    cv->start = now;
    cv->vtime += scaled(cv->v, ran);
    if (cv->v->domain->sched_cap != 0) {
        struct c2_dom *cd = cv->v->domain->sched_priv;

        __atomic_sub_fetch(&cd->budget, ran, __ATOMIC_RELAXED);
    }
}

/* Charge who runs on cpu, and move the queue's clock to the least virtual time there. */
static void advance_clock(unsigned cpu, struct c2_vcpu *running, stime_t now)
{
    struct c2_cpu *cc = &per_cpu(c2_cpu, cpu);
    const struct c2_vcpu *head = c2_first(cpu);

    if (running != NULL) {
        c2_burn(running, now);
    }
    if (running != NULL && (head == NULL || running->vtime < head->vtime)) {
        head = running;
    }
    if (head != NULL) {
        cc->vtime = MAX(cc->vtime, head->vtime);
    }
}

void c2_join(unsigned cpu, struct c2_vcpu *cv, bool woken)
{
    const struct vcpu *cur = per_cpu(sched_cpu, cpu).running;
    int64_t clock;

    advance_clock(cpu, vcpu_is_idle(cur) ? NULL : c2v(cur), arch_now());
    clock = per_cpu(c2_cpu, cpu).vtime;
    if (cv->home != cpu) { /* the clocks of two queues have nothing in common */
        cv->vtime += clock - per_cpu(c2_cpu, cv->home).vtime;
    }
    cv->home = cpu;
    cv->vtime = MIN(MAX(cv->vtime, clock - (woken ? WAKE_BONUS : LAG_MAX)), clock + LAG_MAX);
}

/* --- caps --------------------------------------------------------------------------------------
 */

static int64_t quota(const struct domain *d)
{
    return PERIOD * d->sched_cap / 100;
}

/* Out of budget? Then it is parked until the filling. */
static bool park_if_spent(struct c2_vcpu *cv, stime_t now)
{
    struct domain *d = cv->v->domain;
    struct c2_dom *cd = d->sched_priv;

    if (d->sched_cap == 0) {
        return false;
    }
    if (!timer_queued(&cd->refill)) {
        timer_set(&cd->refill, now + PERIOD);
    }
    if (__atomic_load_n(&cd->budget, __ATOMIC_RELAXED) > 0) {
        return false;
    }
    cv->parked = true;
    return true;
}

static void c2_wake(struct vcpu *v);

/* Charge all of d's vcpus that run now; true if any may run at all. */
static bool charge_all(struct domain *d)
{
    bool any = false;
    struct vcpu *v;

    for_each_vcpu(d, v) {
        unsigned long flags;
        struct spinlock *lock = sched_lock_vcpu(v, &flags);

        if (per_cpu(sched_cpu, v->cpu).running == v) {
            c2_burn(c2v(v), arch_now());
        }
        any |= vcpu_runnable(v);
        spin_unlock_irqrestore(lock, flags);
    }
    return any;
}

static void unpark_all(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        unsigned long flags;
        struct spinlock *lock = sched_lock_vcpu(v, &flags);

        if (c2v(v)->parked) {
            c2v(v)->parked = false;
            if (vcpu_runnable(v) && per_cpu(sched_cpu, v->cpu).running != v) {
                c2_wake(v);
            }
        }
        spin_unlock_irqrestore(lock, flags);
    }
}

/* Once a PERIOD while anybody in the domain wants to run. */
static void refill(void *data)
{
    struct c2_dom *cd = data;
    struct domain *d = cd->d;
    bool active = charge_all(d);
    int64_t full = quota(d), budget;

    budget = __atomic_add_fetch(&cd->budget, full, __ATOMIC_RELAXED);
    if (budget > full) {
        __atomic_sub_fetch(&cd->budget, budget - full, __ATOMIC_RELAXED);
    }
    if (d->sched_cap != 0 && (active || budget < full)) {
        timer_set(&cd->refill, cd->refill.expires + PERIOD);
    }
    if (d->sched_cap == 0 || budget > 0) {
        unpark_all(d);
    }
}

/* --- wake, sleep, yield ------------------------------------------------------------------------
 */

/* cv waits in cpu's queue: see that the processor looks soon enough. */
void c2_tickle(unsigned cpu, struct c2_vcpu *cv)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct c2_vcpu *cur;
    int64_t ahead;
    stime_t now, when;

    if (vcpu_is_idle(sc->running)) {
        mask_clear(&c2_idle, cpu);
        softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
        return;
    }
    cur = c2v(sc->running);
    now = arch_now();
    ahead = cur->vtime + scaled(cur->v, now - cur->start) - cv->vtime;
    if (ahead > 0 && now - cur->since >= ratelimit) {
        softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
        return;
    }
    when = ahead > 0 ? cur->since + ratelimit
                     : now + MIN(unscaled(cur->v, -ahead) + SLICE_MIN, SLICE_MAX);
    if (!timer_queued(&sc->slice_timer) || sc->slice_timer.expires > when) {
        timer_set(&sc->slice_timer, when);
    }
}

static void c2_wake(struct vcpu *v)
{
    struct c2_vcpu *cv = c2v(v);

    if (pq_queued(&cv->node) || cv->parked) {
        return;
    }
    c2_join(v->cpu, cv, true);
    c2_enqueue(v->cpu, cv);
    c2_tickle(v->cpu, cv);
}

static void c2_sleep(struct vcpu *v)
{
    struct c2_vcpu *cv = c2v(v);

    if (pq_queued(&cv->node)) {
        c2_dequeue(v->cpu, cv);
    }
    cv->parked = false; /* if it wakes before the filling, pick parks it again */
}

static bool c2_yield(struct vcpu *v)
{
    struct c2_vcpu *cv = c2v(v), *head = c2_first(v->cpu);

    if (head == NULL) {
        return false;
    }
    c2_burn(cv, arch_now());
    cv->vtime = MAX(cv->vtime, head->vtime + 1);
    cv->since = -SECONDS(1); /* no rate limit for who gives way */
    return true;
}

/* --- pick --------------------------------------------------------------------------------------
 */

/* How long may next run before somebody has to look again? */
static stime_t slice_for(const struct c2_vcpu *next, const struct c2_vcpu *head)
{
    const struct domain *d = next->v->domain;
    stime_t slice = 0;

    if (head != NULL) {
        stime_t gap = unscaled(next->v, head->vtime - next->vtime);

        slice = MIN(MAX(gap, 0) + SLICE_MIN, SLICE_MAX);
        slice = MAX(slice, ratelimit);
    }
    if (d->sched_cap != 0) {
        const struct c2_dom *cd = d->sched_priv;
        int64_t left = __atomic_load_n(&cd->budget, __ATOMIC_RELAXED);

        left = MAX(left, MICROSECS(200));
        slice = slice == 0 ? left : MIN(slice, left);
    }
    return slice;
}

/* The first waiting vcpu whose domain has budget; the others are parked on the way. */
static struct c2_vcpu *first_with_budget(unsigned cpu, stime_t now)
{
    struct c2_vcpu *cv;

    while ((cv = c2_first(cpu)) != NULL && park_if_spent(cv, now)) {
        c2_dequeue(cpu, cv);
    }
    return cv;
}

static struct sched_decision c2_pick(unsigned cpu, stime_t now)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct c2_vcpu *prev = NULL, *next, *head;

    if (!vcpu_is_idle(sc->running)) {
        prev = c2v(sc->running);
        c2_burn(prev, now);
        if (!vcpu_runnable(prev->v) || !c2_may_run_on(prev->v, cpu) || park_if_spent(prev, now)) {
            prev = NULL;
        }
    }
    head = first_with_budget(cpu, now);
    if (prev != NULL &&
        (head == NULL || prev->vtime <= head->vtime || now - prev->since < ratelimit)) {
        next = prev;
    } else if (head != NULL) {
        next = head;
        c2_dequeue(cpu, next);
        if (prev != NULL) {
            c2_enqueue(cpu, prev);
        }
    } else {
        next = c2_steal(cpu);
    }
    if (next == NULL) {
        mask_set(&c2_idle, cpu);
        return (struct sched_decision){.next = sc->idle};
    }
    mask_clear(&c2_idle, cpu);
    if (next->v != sc->running) {
        next->start = next->since = now;
        next->home = cpu;
    }
    advance_clock(cpu, next, now);
    head = c2_first(cpu);
    return (struct sched_decision){.next = next->v, .slice = slice_for(next, head)};
}

/* v waits here and its state is saved: an idle processor may want it, or a less busy one. */
static void c2_context_saved(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    cpumask_t idle = __atomic_load_n(&c2_idle, __ATOMIC_SEQ_CST) & v->hard_affinity;

    if (pq_queued(&c2v(v)->node)) {
        if (idle != 0) {
            softirq_raise_on((unsigned)__builtin_ctzll(idle), SOFTIRQ_SCHEDULE);
        } else {
            c2_push(v->cpu, arch_now());
        }
    }
    spin_unlock_irqrestore(lock, flags);
}

/* --- what comes and goes -----------------------------------------------------------------------
 */

static int c2_init(void)
{
    return 0;
}

static int c2_add_domain(struct domain *d)
{
    struct c2_dom *cd = heap_alloc(sizeof(*cd));

    if (cd == NULL) {
        return -ENOMEM;
    }
    cd->d = d;
    timer_init(&cd->refill, refill, cd, smp_processor_id());
    d->sched_weight = WEIGHT_DEFAULT;
    d->sched_cap = 0;
    d->sched_priv = cd;
    return 0;
}

static void c2_remove_domain(struct domain *d)
{
    struct c2_dom *cd = d->sched_priv;

    timer_kill(&cd->refill);
    d->sched_priv = NULL;
    heap_free(cd);
}

static int c2_add_vcpu(struct vcpu *v)
{
    struct c2_vcpu *cv = heap_alloc(sizeof(*cv));

    if (cv == NULL) {
        return -ENOMEM;
    }
    cv->v = v;
    v->sched_priv = cv;
    v->cpu = v->id % (unsigned)__builtin_popcountll(c2_online);
    v->cpu = c2_pick_cpu(v);
    cv->home = v->cpu;
    return 0;
}

static void c2_remove_vcpu(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock;

    if (!domain_alive(v->domain)) { /* refill() must not meet it any more */
        timer_kill(&((struct c2_dom *)v->domain->sched_priv)->refill);
    }
    lock = sched_lock_vcpu(v, &flags);
    c2_sleep(v);
    spin_unlock_irqrestore(lock, flags);
    heap_free(v->sched_priv);
    v->sched_priv = NULL;
}

static void c2_add_cpu(unsigned cpu)
{
    mask_set(&c2_online, cpu);
    mask_set(&c2_idle, cpu);
}

static void c2_remove_cpu(unsigned cpu)
{
    mask_clear(&c2_online, cpu);
    mask_clear(&c2_idle, cpu);
}

/* --- tools -------------------------------------------------------------------------------------
 */

/* What its vcpus ran until now counts by the old cap; then they are looked at by the new one. */
static void set_cap(struct domain *d, uint16_t cap)
{
    struct c2_dom *cd = d->sched_priv;
    struct vcpu *v;

    charge_all(d);
    __atomic_store_n(&d->sched_cap, cap, __ATOMIC_RELAXED);
    __atomic_store_n(&cd->budget, 0, __ATOMIC_RELAXED);
    timer_set(&cd->refill, arch_now()); /* fills, unparks, and keeps time from now on */
    for_each_vcpu(d, v) {
        softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
    }
}

static int c2_adjust_domain(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        op->u.credit2.weight = d->sched_weight;
        op->u.credit2.cap = d->sched_cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (op->u.credit2.weight != 0) { /* 0: leave it */
            __atomic_store_n(&d->sched_weight, op->u.credit2.weight, __ATOMIC_RELAXED);
        }
        if (op->u.credit2.cap != d->sched_cap) {
            set_cap(d, op->u.credit2.cap);
        }
        return 0;
    default:
        return -EINVAL;
    }
}

static int c2_adjust_system(struct xen_sysctl_scheduler_op *op)
{
    uint32_t us = op->u.sched_credit2.ratelimit_us;

    switch (op->cmd) {
    case XEN_SYSCTL_SCHEDOP_putinfo:
        if (us != 0 && (us < 100 || us > 500000)) {
            return -EINVAL;
        }
        ratelimit = MICROSECS(us);
        return 0;
    case XEN_SYSCTL_SCHEDOP_getinfo:
        op->u.sched_credit2.ratelimit_us = (uint32_t)(ratelimit / 1000);
        return 0;
    default:
        return -EINVAL;
    }
}

static void c2_dump(unsigned cpu)
{
    const struct c2_cpu *cc = &per_cpu(c2_cpu, cpu);
    unsigned shown = 0;

    for (struct pq_node *n = pq_min(&cc->queue); n != NULL && shown < 32; n = pq_next(n)) {
        const struct c2_vcpu *cv = container_of(n, struct c2_vcpu, node);

        printk(LOG_ERR, "  waits: d%uv%u, %ld us %s\n", cv->v->domain->id, cv->v->id,
               (long)((cv->vtime - cc->vtime) / 1000), "of virtual time from the queue's");
        shown++;
    }
}

const struct sched_policy sched_credit2 = {
    .name = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .init = c2_init,
    .add_domain = c2_add_domain,
    .remove_domain = c2_remove_domain,
    .add_vcpu = c2_add_vcpu,
    .remove_vcpu = c2_remove_vcpu,
    .add_cpu = c2_add_cpu,
    .remove_cpu = c2_remove_cpu,
    .wake = c2_wake,
    .sleep = c2_sleep,
    .yield = c2_yield,
    .pick = c2_pick,
    .context_saved = c2_context_saved,
    .pick_cpu = c2_pick_cpu,
    .adjust_domain = c2_adjust_domain,
    .adjust_system = c2_adjust_system,
    .dump = c2_dump,
};
