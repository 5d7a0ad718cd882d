/* SPDX-License-Identifier: MIT */
/*
 * Vcpus: made, brought up and down, paused, blocked and woken. A vcpu may run when no bit of
 * pause_flags (its own doing) and no pause_count (others' doing) stands in the way; every change
 * of either is followed by vcpu_wake() or vcpu_sleep_*(), where the scheduler looks again.
 */
#include "core/domain.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/printk.h"
#include "core/sched.h"
#include "core/softirq.h"
#include "lib/lib.h"

/* Stands in for the vcpu_info of a vcpu beyond the shared page's 32 until it registers one. */
static struct vcpu_info dummy_info __attribute__((aligned(64)));

/* --- timers that the guest set ---------------------------------------------------------------- */

static void singleshot_fired(void *data)
{
    virq_send_vcpu(data, VIRQ_TIMER);
}

static void periodic_fired(void *data)
{
    struct vcpu *v = data;
    stime_t period = __atomic_load_n(&v->periodic_period, __ATOMIC_RELAXED);

    if (period == 0) {
        return;
    }
    virq_send_vcpu(v, VIRQ_TIMER);
    v->periodic_last = arch_now();
    timer_set(&v->periodic_timer, v->periodic_last + period);
}

static void poll_timed_out(void *data)
{
    struct vcpu *v = data;

    if (__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) & VPF_POLL) {
        vcpu_unblock(v);
    }
}

static void init_timers(struct vcpu *v)
{
    timer_init(&v->singleshot_timer, singleshot_fired, v, v->cpu);
    timer_init(&v->periodic_timer, periodic_fired, v, v->cpu);
    timer_init(&v->poll_timer, poll_timed_out, v, v->cpu);
}

static void kill_timers(struct vcpu *v)
{
    __atomic_store_n(&v->periodic_period, 0, __ATOMIC_RELAXED);
    timer_kill(&v->singleshot_timer);
    timer_kill(&v->periodic_timer);
    timer_kill(&v->poll_timer);
}

/* --- life --------------------------------------------------------------------------------------
 */

static void init_fields(struct vcpu *v, struct domain *d, unsigned id)
{
    v->domain = d;
    v->id = id;
    v->time_lock = SPINLOCK(RANK_TIME);
    v->hard_affinity = CPUMASK_ALL;
    v->soft_affinity = CPUMASK_ALL;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = (uint64_t)arch_now();
    v->info = &dummy_info;
    if (d->shared_info != NULL && id < XEN_LEGACY_MAX_VCPUS) {
        v->info = &d->shared_info->vcpu_info[id];
    }
}

static int create_idle(struct vcpu *v)
{
    v->cpu = v->id;
    v->hard_affinity = 1ULL << v->id;
    v->initialised = true;
    init_timers(v);
    return arch_vcpu_idle_init(v) ? 0 : -ENOMEM;
}

static int create_guest(struct vcpu *v)
{
    int rc = sched_vcpu_init(v);

    if (rc != 0) {
        return rc;
    }
    __atomic_store_n(&v->pause_flags, VPF_DOWN, __ATOMIC_RELEASE);
    init_timers(v);
    rc = v->domain->ops->vcpu_create(v);
    if (rc != 0) {
        sched_vcpu_destroy(v);
    }
    return rc;
}

int vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v;
    int rc;

    if (id >= d->max_vcpus || id >= MAX_VCPUS) {
        return -EINVAL;
    }
    if (d->vcpu[id] != NULL) {
        return -EEXIST;
    }
    v = heap_alloc(sizeof(*v));
    if (v == NULL) {
        return -ENOMEM;
    }
    init_fields(v, d, id);
    rc = d == domain_idle ? create_idle(v) : create_guest(v);
    if (rc != 0) {
        heap_free(v);
        return rc;
    }
    spin_lock(&d->lock);
    v->pause_count = (d->controller_pause > 0) + d->shutting_down;
    __atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
    return 0;
}

/*
 * Nobody writes to its pages any more: the domain's ports are closed, which waits for those who
 * send by them, its vcpus are paused for good, and killing a timer waits for its handler.
 */
void vcpu_relinquish(struct vcpu *v)
{
    kill_timers(v);
    v->info = &dummy_info;
    v->runstate_guest.va = 0;
    v->time_guest.va = 0;
    if (v->info_page != NULL) {
        v->domain->ops->put_page(v->info_page, true);
        v->info_page = NULL;
    }
    if (v->time_page != NULL) {
        v->domain->ops->put_page(v->time_page, true);
        v->time_page = NULL;
    }
}

void vcpu_destroy(struct vcpu *v)
{
    struct domain *d = v->domain;

    vcpu_relinquish(v);
    evtchn_vcpu_destroy(v);
    d->ops->vcpu_destroy(v);
    sched_vcpu_destroy(v);
    d->vcpu[v->id] = NULL;
    heap_free(v);
}

/* --- pause, block, wake ------------------------------------------------------------------------
 */

void vcpu_pause_nosync(struct vcpu *v)
{
    __atomic_add_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_nosync(v);
}

void vcpu_pause(struct vcpu *v)
{
    ASSERT(v != current);
    vcpu_pause_nosync(v);
    vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 0) {
        vcpu_wake(v);
    }
}

void vcpu_block(void)
{
    struct vcpu *v = current;

    __atomic_or_fetch(&v->pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
    if (arch_event_deliverable(v)) { /* it came before the flag: nobody will wake us for it */
        __atomic_and_fetch(&v->pause_flags, ~(uint32_t)VPF_BLOCKED, __ATOMIC_SEQ_CST);
    } else {
        softirq_raise(SOFTIRQ_SCHEDULE);
    }
}

void vcpu_unblock(struct vcpu *v)
{
    const uint32_t waits = VPF_BLOCKED | VPF_POLL;

    if ((__atomic_load_n(&v->pause_flags, __ATOMIC_SEQ_CST) & waits) &&
        vcpu_stop_waiting(v, waits)) {
        vcpu_wake(v); /* poll_port is its own to set: it may poll again already */
    }
}

void vcpu_kick(struct vcpu *v)
{
    smp_mb(); /* the event is stored before the flags are read: pairs with vcpu_block() */
    vcpu_unblock(v);
    arch_vcpu_kick(v);
}

int vcpu_up(struct vcpu *v)
{
    if (!v->initialised) {
        return -EINVAL;
    }
    if (__atomic_fetch_and(&v->pause_flags, ~(uint32_t)VPF_DOWN, __ATOMIC_SEQ_CST) & VPF_DOWN) {
        vcpu_wake(v);
    }
    return 0;
}

/* A domain without a vcpu that is up has powered off. */
int vcpu_down(struct vcpu *v)
{
    struct vcpu *other;
    bool any = false;

    if (__atomic_fetch_or(&v->pause_flags, VPF_DOWN, __ATOMIC_SEQ_CST) & VPF_DOWN) {
        return 0;
    }
    for_each_vcpu(v->domain, other) {
        any |= !(__atomic_load_n(&other->pause_flags, __ATOMIC_SEQ_CST) & VPF_DOWN);
    }
    if (!any) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
    }
    vcpu_sleep_nosync(v);
    return 0;
}

void vcpu_raise_nmi(struct vcpu *v)
{
    arch_raise_nmi(v);
    vcpu_kick(v);
}
