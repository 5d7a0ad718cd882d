/* SPDX-License-Identifier: MIT */
/*
 * The sched_op hypercall: one row for each operation. Poll waits until one of some ports is
 * pending, masked or not: it says that it waits first and looks at the ports then, and whoever
 * makes a port pending looks for pollers afterwards (evtchn_send.c), so none is missed.
 */
#include "core/sched.h"
#include "core/calls.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/guest.h"
#include "core/nospec.h"
#include "core/hypercall.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define POLL_MAX 128

static long op_yield(guest_ptr_t arg)
{
    (void)arg;
    sched_yield();
    return 0;
}

static long op_block(guest_ptr_t arg)
{
    (void)arg;
    __atomic_store_n(&current->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    vcpu_block();
    return 0;
}

static long op_shutdown(guest_ptr_t arg)
{
    struct sched_shutdown s;

    if (guest_get(&s, arg)) {
        return -EFAULT;
    }
    domain_shutdown(current->domain, s.reason & 0xff);
    return 0;
}

static long op_shutdown_code(guest_ptr_t arg)
{
    struct sched_shutdown s;
    struct domain *d = current->domain;

    if (guest_get(&s, arg)) {
        return -EFAULT;
    }
    if (d->shutting_down || d->shutdown_code != ~0U) {
        return -EINVAL;
    }
    d->shutdown_code = s.reason & 0xff;
    return 0;
}

static long op_remote_shutdown(guest_ptr_t arg)
{
    struct sched_remote_shutdown s;
    struct domain *d;

    if (guest_get(&s, arg)) {
        return -EFAULT;
    }
    d = domain_get(s.domain_id);
    if (d == NULL) {
        return -ESRCH;
    }
    domain_shutdown(d, s.reason & 0xff);
    domain_put(d);
    return 0;
}

static void poll_end(struct vcpu *v)
{
    v->poll_port = 0;
    (void)vcpu_stop_waiting(v, VPF_POLL);
}

/* 1: one of them is pending. 0: none; a port that does not exist never is. */
static long poll_look(struct domain *d, const evtchn_port_t *ports, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (evtchn_is_pending(d, ports[i])) {
            return 1;
        }
    }
    return 0;
}

static long op_poll(guest_ptr_t arg)
{
    struct vcpu *v = current;
    struct sched_poll p;
    evtchn_port_t *ports, one;
    long rc = 0;

    if (guest_get(&p, arg)) {
        return -EFAULT;
    }
    if (p.nr_ports > POLL_MAX) {
        return -EINVAL;
    }
    ports = p.nr_ports > 1 ? heap_alloc(p.nr_ports * sizeof(*ports)) : &one;
    if (ports == NULL) {
        return -ENOMEM;
    }
    if (guest_read(ports, p.ports, p.nr_ports * sizeof(*ports))) {
        rc = -EFAULT;
        goto out;
    }
    v->poll_port = p.nr_ports == 1 ? (int)ports[0] : -1;
    __atomic_add_fetch(&v->domain->pollers, 1, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&v->pause_flags, VPF_POLL, __ATOMIC_SEQ_CST);
    if (arch_event_deliverable(v)) {
        rc = 1; /* an event that is not masked ends the wait too */
    } else {
        rc = poll_look(v->domain, ports, p.nr_ports);
    }
    if (rc != 0) {
        poll_end(v);
        rc = 0;
        goto out;
    }
    if (p.timeout != 0) {
        timer_set(&v->poll_timer, (stime_t)MIN(p.timeout, (uint64_t)STIME_MAX));
    } else {
        timer_stop(&v->poll_timer);
    }
    softirq_raise(SOFTIRQ_SCHEDULE);
out:
    if (ports != &one) {
        heap_free(ports);
    }
    return rc;
}

/* --- watchdog ----------------------------------------------------------------------------------
 */

static void watchdog_fired(void *data)
{
    struct domain *d = data;

    printk(LOG_WARNING, "domain %u: its watchdog fired\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

/* A stopped or fired watchdog keeps its timer; domain_kill ends them for good. */
static void watchdog_arm(struct domain *d, unsigned i, uint32_t seconds)
{
    if (d->watchdog_timer[i].fn == NULL) {
        timer_init(&d->watchdog_timer[i], watchdog_fired, d, current->cpu);
    }
    if (seconds == 0) {
        timer_stop(&d->watchdog_timer[i]);
    } else {
        timer_set(&d->watchdog_timer[i], arch_now() + SECONDS(seconds));
    }
}

static long watchdog_locked(struct domain *d, const struct sched_watchdog *w)
{
    if (w->id > ARRAY_SIZE(d->watchdog_timer)) {
        return -EINVAL;
    }
    if (w->id == 0) {
        if (w->timeout == 0) {
            return -EINVAL;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog_timer); i++) {
            if (!(d->watchdog_inuse & (1u << i))) {
                d->watchdog_inuse |= (uint8_t)(1u << i);
                watchdog_arm(d, i, w->timeout);
                return i + 1;
            }
        }
        return -ENOSPC;
    }
    if (!(d->watchdog_inuse & (1u << (w->id - 1)))) {
        return -EINVAL;
    }
    if (w->timeout == 0) {
        d->watchdog_inuse &= (uint8_t) ~(1u << (w->id - 1));
    }
    watchdog_arm(d, w->id - 1, w->timeout);
    return 0;
}

static long op_watchdog(guest_ptr_t arg)
{
    struct domain *d = current->domain;
    struct sched_watchdog w;
    long rc;

    if (guest_get(&w, arg)) {
        return -EFAULT;
    }
    spin_lock(&d->lock);
    rc = watchdog_locked(d, &w);
    spin_unlock(&d->lock);
    return rc;
}

static long op_pin_override(guest_ptr_t arg)
{
    struct sched_pin_override p;

    if (guest_get(&p, arg)) {
        return -EFAULT;
    }
    return sched_override_affinity(current, p.pcpu);
}

static const struct {
    access_fn access;
    long (*fn)(guest_ptr_t arg);
} sched_ops[] = {
    [SCHEDOP_yield] = {access_any, op_yield},
    [SCHEDOP_block] = {access_any, op_block},
    [SCHEDOP_shutdown] = {access_any, op_shutdown},
    [SCHEDOP_poll] = {access_any, op_poll},
    [SCHEDOP_remote_shutdown] = {access_control, op_remote_shutdown},
    [SCHEDOP_shutdown_code] = {access_any, op_shutdown_code},
    [SCHEDOP_watchdog] = {access_any, op_watchdog},
    [SCHEDOP_pin_override] = {access_hardware, op_pin_override},
};

CORE_CALL(do_sched_op)
{
    unsigned cmd = (unsigned)a1;

    if (cmd >= ARRAY_SIZE(sched_ops)) {
        return -ENOSYS;
    }
    cmd = (unsigned)index_nospec(cmd, ARRAY_SIZE(sched_ops));
    if (!sched_ops[cmd].access(current->domain)) {
        return -EPERM;
    }
    return sched_ops[cmd].fn(GUEST_PTR(a2));
}
