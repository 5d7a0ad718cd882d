/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's frame and the contract of a policy.
 *
 * sched.c owns run states, the switch itself and affinity; a policy (struct sched_policy) only
 * decides who runs where. Every hook runs with the lock of the run queue of v->cpu (or of `cpu`)
 * held and interrupts off, unless its line says otherwise; it must not sleep, print or call back
 * into sched.c. pick() must be O(log n) or better in the number of runnable vcpus.
 *
 * schedule() is the handler of SOFTIRQ_SCHEDULE; it does not return when it switches.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/domain.h"
#include "core/percpu.h"

struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;

struct sched_decision {
    struct vcpu *next;  /* runnable and allowed on this processor, or the idle vcpu */
    stime_t slice;      /* run at most so long; <= 0: no limit */
};

struct sched_policy {
    const char *name;        /* as in `sched=` */
    unsigned id;             /* XEN_SCHEDULER_* that tools see */
    int (*init)(void);       /* once, before any vcpu; no lock */
    int (*add_domain)(struct domain *d);      /* no lock; allocates d->sched_priv */
    void (*remove_domain)(struct domain *d);  /* no lock */
    int (*add_vcpu)(struct vcpu *v);          /* no lock; allocates v->sched_priv, sets v->cpu */
    void (*remove_vcpu)(struct vcpu *v);      /* no lock; v does not run and never will */
    void (*add_cpu)(unsigned cpu);            /* no lock */
    void (*remove_cpu)(unsigned cpu);
    void (*wake)(struct vcpu *v);             /* became runnable: queue it, tickle a processor */
    void (*sleep)(struct vcpu *v);            /* no longer runnable: take it off its queue */
    bool (*yield)(struct vcpu *v);            /* false: there is nobody to give way to */
    struct sched_decision (*pick)(unsigned cpu, stime_t now);
    /* v has just been taken off its processor (state saved): requeue or migrate it. No lock. */
    void (*context_saved)(struct vcpu *v);
    unsigned (*pick_cpu)(struct vcpu *v);     /* best processor within hard_affinity & online */
    void (*affinity_changed)(struct vcpu *v);
    int (*adjust_domain)(struct domain *d, struct xen_domctl_scheduler_op *op); /* no lock */
    int (*adjust_system)(struct xen_sysctl_scheduler_op *op);                   /* no lock */
    void (*dump)(unsigned cpu);
};

extern const struct sched_policy sched_credit2, sched_null;
extern const struct sched_policy *sched_policy; /* chosen by sched=, constant afterwards */

/* One processor's view. The lock guards the queue that the processor uses and v->runstate. */
struct sched_cpu {
    struct spinlock lock;
    struct vcpu *running;
    struct vcpu *leaving; /* switched away from, and still being placed: it must not be freed */
    struct vcpu *idle;
    struct timer slice_timer;
    bool online;
};
DECLARE_PERCPU(struct sched_cpu, sched_cpu);

void sched_subsys_init(void);
int sched_cpu_online(unsigned cpu); /* makes its idle vcpu; before the processor starts */
void sched_cpu_started(unsigned cpu);
void sched_cpu_offline(unsigned cpu);
int sched_domain_init(struct domain *d);
void sched_domain_destroy(struct domain *d);
int sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);
/* Run queue lock of v->cpu; v->cpu is stable while it is held. */
struct spinlock *sched_lock_vcpu(struct vcpu *v, unsigned long *flags);
/* The machine updates next's runstate area (arch_update_runstate_guest) after this. */
void sched_context_switched(struct vcpu *prev, struct vcpu *next);
int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
int sched_override_affinity(struct vcpu *v, int cpu); /* SCHEDOP_pin_override; -1 restores */
long sched_adjust_domain(struct domain *d, struct xen_domctl_scheduler_op *op);
long sched_adjust_system(struct xen_sysctl_scheduler_op *op);
uint64_t vcpu_cpu_time(struct vcpu *v); /* ns that it has run */
uint64_t sched_idle_time(unsigned cpu);
void sched_yield(void);
/* The idle vcpu's body; never returns. Called by each processor once it is set up. */
void idle_loop(void) __attribute__((noreturn));

#endif
