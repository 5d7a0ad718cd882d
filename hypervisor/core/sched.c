/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's frame: run states, the switch, affinity. Who runs where is the policy's (see
 * sched.h for its contract).
 *
 * v->cpu changes only under the lock of the processor that it names, and only while the vcpu is
 * neither running nor on its way off a processor (v->running). sched_cpu.running is who has the
 * processor as far as queues are concerned; v->running stays set until the state is saved.
 */
#include "core/sched.h"
#include <public/sysctl.h>
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/cmdline.h"
#include "lib/lib.h"

PERCPU(struct sched_cpu, sched_cpu);
const struct sched_policy *sched_policy;

struct spinlock *sched_lock_vcpu(struct vcpu *v, unsigned long *flags)
{
    for (;;) {
        unsigned cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);
        struct spinlock *lock = &per_cpu(sched_cpu, cpu).lock;

        *flags = spin_lock_irqsave(lock);
        if (v->cpu == cpu) {
            return lock;
        }
        spin_unlock_irqrestore(lock, *flags);
    }
}

/* --- run states: under the run queue's lock ----------------------------------------------------
 */

static void set_runstate(struct vcpu *v, int state, stime_t now)
{
    int64_t spent = now - (int64_t)v->runstate.state_entry_time;

    if (spent > 0) {
        v->runstate.time[v->runstate.state] += (uint64_t)spent;
        v->runstate.state_entry_time = (uint64_t)now;
    }
    v->runstate.state = state;
}

/* The state of a vcpu that does not run and may not. */
static int resting_state(const struct vcpu *v)
{
    uint32_t waits = __atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & (VPF_BLOCKED | VPF_POLL);

    return waits != 0 ? RUNSTATE_blocked : RUNSTATE_offline;
}

void vcpu_get_runstate(struct vcpu *v, struct vcpu_runstate_info *info)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    int64_t spent;

    *info = v->runstate;
    spent = arch_now() - (int64_t)info->state_entry_time;
    if (spent > 0) {
        info->time[info->state] += (uint64_t)spent;
    }
    spin_unlock_irqrestore(lock, flags);
}

uint64_t vcpu_cpu_time(struct vcpu *v)
{
    struct vcpu_runstate_info info;

    vcpu_get_runstate(v, &info);
    return info.time[RUNSTATE_running];
}

uint64_t sched_idle_time(unsigned cpu)
{
    struct vcpu *idle = per_cpu(sched_cpu, cpu).idle;

    return idle == NULL ? 0 : vcpu_cpu_time(idle);
}

/* --- wake and sleep ----------------------------------------------------------------------------
 */

static bool on_cpu(const struct vcpu *v)
{
    return per_cpu(sched_cpu, v->cpu).running == v;
}

void vcpu_wake(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);

    if (!v->running && vcpu_runnable(v) && v->runstate.state >= RUNSTATE_blocked) {
        unsigned cpu = sched_policy->pick_cpu(v);

        if (cpu != v->cpu) { /* in no queue: moving it needs only the lock of where it was */
            __atomic_store_n(&v->cpu, cpu, __ATOMIC_RELEASE);
            spin_unlock_irqrestore(lock, flags);
            lock = sched_lock_vcpu(v, &flags);
        }
    }
    if (vcpu_runnable(v)) {
        if (!on_cpu(v)) {
            if (v->runstate.state >= RUNSTATE_blocked) {
                set_runstate(v, RUNSTATE_runnable, arch_now());
            }
            sched_policy->wake(v);
        }
    } else if (v->runstate.state == RUNSTATE_blocked) {
        set_runstate(v, resting_state(v), arch_now());
    }
    spin_unlock_irqrestore(lock, flags);
}

void vcpu_sleep_nosync(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    bool resched = false;
    unsigned cpu = v->cpu;

    if (!vcpu_runnable(v)) {
        if (on_cpu(v)) {
            resched = true;
        } else {
            sched_policy->sleep(v);
            set_runstate(v, resting_state(v), arch_now());
        }
    }
    spin_unlock_irqrestore(lock, flags);
    if (resched) {
        softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
    }
}

void vcpu_sleep_sync(struct vcpu *v)
{
    vcpu_sleep_nosync(v);
    while (!vcpu_runnable(v) && __atomic_load_n(&v->running, __ATOMIC_ACQUIRE)) {
        cpu_relax();
    }
    smp_mb();
}

/* It may be on, or in the queue of, a processor that it is not allowed on: put that right. */
static void migrate(struct vcpu *v)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);

    if (on_cpu(v) || v->running) { /* sched_context_switched() will come here again */
        unsigned cpu = v->cpu;

        spin_unlock_irqrestore(lock, flags);
        softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
        return;
    }
    sched_policy->sleep(v);
    __atomic_store_n(&v->cpu, sched_policy->pick_cpu(v), __ATOMIC_RELEASE);
    spin_unlock_irqrestore(lock, flags);
    vcpu_wake(v);
}

/* --- the switch --------------------------------------------------------------------------------
 */

static void schedule(void)
{
    unsigned cpu = smp_processor_id();
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct sched_decision todo;
    struct vcpu *prev, *next;
    stime_t now;

    spin_lock_irq(&sc->lock);
    now = arch_now();
    prev = sc->running;
    todo = sched_policy->pick(cpu, now);
    next = todo.next;
    if (todo.slice > 0) {
        timer_set(&sc->slice_timer, now + todo.slice);
    } else if (timer_queued(&sc->slice_timer)) {
        timer_stop(&sc->slice_timer);
    }
    if (next == prev) {
        spin_unlock_irq(&sc->lock);
        return;
    }
    set_runstate(prev, vcpu_runnable(prev) ? RUNSTATE_runnable : resting_state(prev), now);
    set_runstate(next, RUNSTATE_running, now);
    sc->running = next;
    __atomic_store_n(&next->running, true, __ATOMIC_RELEASE);
    spin_unlock(&sc->lock);
    arch_context_switch(prev, next);
    irq_enable(); /* only a machine that returns from a switch comes here */
}

/* Called by the machine, interrupts off, once prev's state is saved and next's is loaded. */
void sched_context_switched(struct vcpu *prev, struct vcpu *next)
{
    unsigned cpu = smp_processor_id();
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

    /* from here on somebody may find prev at rest and destroy it: see sched_vcpu_destroy() */
    __atomic_store_n(&sc->leaving, prev, __ATOMIC_RELAXED);
    __atomic_store_n(&prev->running, false, __ATOMIC_RELEASE);
    if (!vcpu_is_idle(prev) && vcpu_runnable(prev)) {
        if (!(prev->hard_affinity & (1ULL << cpu))) {
            migrate(prev);
        } else if (sched_policy->context_saved != NULL) {
            sched_policy->context_saved(prev);
        }
    }
    __atomic_store_n(&sc->leaving, NULL, __ATOMIC_RELEASE);
    if (vcpu_is_idle(next)) {
        return;
    }
    if (next->singleshot_timer.cpu != cpu) {
        timer_migrate(&next->singleshot_timer, cpu);
        timer_migrate(&next->periodic_timer, cpu);
        timer_migrate(&next->poll_timer, cpu);
        softirq_raise(SOFTIRQ_MOVED);
    }
}

static void tell_moved(void)
{
    if (!vcpu_is_idle(current)) {
        evtchn_vcpu_moved(current);
    }
}

static void slice_over(void *data)
{
    (void)data;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void sched_yield(void)
{
    struct vcpu *v = current;
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    bool others = sched_policy->yield(v);

    spin_unlock_irqrestore(lock, flags);
    if (others) {
        softirq_raise(SOFTIRQ_SCHEDULE);
    }
}

void idle_loop(void)
{
    for (;;) {
        if (__atomic_load_n(&this_cpu(softirq_pending), __ATOMIC_ACQUIRE) != 0) {
            do_softirq();
        } else {
            arch_cpu_idle();
        }
    }
}

/* --- affinity ----------------------------------------------------------------------------------
 */

static cpumask_t sched_online(void)
{
    cpumask_t mask = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        mask |= (cpumask_t)per_cpu(sched_cpu, cpu).online << cpu;
    }
    return mask;
}

static void apply_affinity(struct vcpu *v)
{
    if (sched_policy->affinity_changed != NULL) {
        unsigned long flags;
        struct spinlock *lock = sched_lock_vcpu(v, &flags);

        sched_policy->affinity_changed(v);
        spin_unlock_irqrestore(lock, flags);
    }
    if (!(v->hard_affinity & (1ULL << v->cpu))) {
        migrate(v);
    }
}

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
    unsigned long flags;
    struct spinlock *lock;

    if (hard != NULL && (*hard & sched_online()) == 0) {
        return -EINVAL;
    }
    lock = sched_lock_vcpu(v, &flags);
    if (hard != NULL) {
        if (v->affinity_overridden) {
            v->hard_affinity_saved = *hard;
        } else {
            v->hard_affinity = *hard;
        }
    }
    if (soft != NULL) {
        v->soft_affinity = *soft;
    }
    spin_unlock_irqrestore(lock, flags);
    apply_affinity(v);
    return 0;
}

int sched_override_affinity(struct vcpu *v, int cpu)
{
    unsigned long flags;
    struct spinlock *lock = sched_lock_vcpu(v, &flags);
    int rc = 0;

    if (cpu < 0) {
        if (v->affinity_overridden) {
            v->hard_affinity = v->hard_affinity_saved;
            v->affinity_overridden = false;
        } else {
            rc = -EINVAL;
        }
    } else if (v->affinity_overridden) {
        rc = -EBUSY;
    } else if (cpu >= MAX_CPUS || !per_cpu(sched_cpu, cpu).online) {
        rc = -EINVAL;
    } else {
        v->hard_affinity_saved = v->hard_affinity;
        v->hard_affinity = 1ULL << cpu;
        v->affinity_overridden = true;
    }
    spin_unlock_irqrestore(lock, flags);
    if (rc == 0) {
        apply_affinity(v);
    }
    return rc;
}

/* --- domains, vcpus, processors come and go ----------------------------------------------------
 */

int sched_domain_init(struct domain *d)
{
    return sched_policy->add_domain == NULL ? 0 : sched_policy->add_domain(d);
}

void sched_domain_destroy(struct domain *d)
{
    if (sched_policy->remove_domain != NULL) {
        sched_policy->remove_domain(d);
    }
}

int sched_vcpu_init(struct vcpu *v)
{
    return sched_policy->add_vcpu(v);
}

/* It runs no more; a processor that has just switched away from it may still look at it. */
void sched_vcpu_destroy(struct vcpu *v)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        while (per_cpu(sched_cpu, cpu).online &&
               __atomic_load_n(&per_cpu(sched_cpu, cpu).leaving, __ATOMIC_ACQUIRE) == v) {
            cpu_relax();
        }
    }
    sched_policy->remove_vcpu(v);
}

long sched_adjust_domain(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    if (op->sched_id != sched_policy->id) {
        return -EINVAL;
    }
    return sched_policy->adjust_domain == NULL ? -EOPNOTSUPP : sched_policy->adjust_domain(d, op);
}

long sched_adjust_system(struct xen_sysctl_scheduler_op *op)
{
    if (op->sched_id != sched_policy->id || op->cpupool_id != 0) {
        return -EINVAL;
    }
    return sched_policy->adjust_system == NULL ? -EOPNOTSUPP : sched_policy->adjust_system(op);
}

int sched_cpu_online(unsigned cpu)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    int rc = 0;

    sc->lock = SPINLOCK(RANK_SCHED);
    if (domain_idle->vcpu[cpu] == NULL) {
        rc = vcpu_create(domain_idle, cpu);
        if (rc != 0) {
            return rc;
        }
    }
    sc->idle = domain_idle->vcpu[cpu];
    sc->idle->runstate.state = RUNSTATE_running;
    sc->idle->running = true;
    sc->running = sc->idle;
    timer_init(&sc->slice_timer, slice_over, NULL, cpu);
    return rc;
}

/* Runs on that processor. */
void sched_cpu_started(unsigned cpu)
{
    current = per_cpu(sched_cpu, cpu).idle;
    sched_policy->add_cpu(cpu);
    per_cpu(sched_cpu, cpu).online = true;
    softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
}

/* Whoever is assigned to it goes elsewhere; affinity that names no other processor is widened. */
void sched_cpu_offline(unsigned cpu)
{
    struct domain *d;
    domid_t id = 0;

    per_cpu(sched_cpu, cpu).online = false;
    sched_policy->remove_cpu(cpu);
    while ((d = domain_get_next(id)) != NULL) {
        struct vcpu *v;

        for_each_vcpu(d, v) {
            if (v->cpu != cpu) {
                continue;
            }
            if ((v->hard_affinity & sched_online()) == 0) {
                v->hard_affinity = CPUMASK_ALL;
            }
            migrate(v);
        }
        id = (domid_t)(d->id + 1);
        domain_put(d);
    }
}

void sched_subsys_init(void)
{
    static const struct sched_policy *const policies[] = {&sched_credit2, &sched_null};
    char want[16] = "";

    sched_policy = policies[0];
    if (cmdline_get(hv_cmdline, "sched", want, sizeof(want))) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
            if (strcmp(policies[i]->name, want) == 0) {
                sched_policy = policies[i];
                known = true;
            }
        }
        if (!known) {
            printk(LOG_WARNING, "sched=%s is not known; using %s\n", want, sched_policy->name);
        }
    }
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        per_cpu(sched_cpu, cpu).lock = SPINLOCK(RANK_SCHED);
    }
    softirq_open(SOFTIRQ_SCHEDULE, schedule);
    softirq_open(SOFTIRQ_MOVED, tell_moved);
    if (sched_policy->init() != 0 || sched_cpu_online(0) != 0) {
        panic("no memory for the scheduler");
    }
    sched_cpu_started(0);
    printk(LOG_INFO, "scheduler: %s\n", sched_policy->name);
}
