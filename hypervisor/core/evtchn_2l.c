/* SPDX-License-Identifier: MIT */
/*
 * Two-level delivery: a pending bit and a mask bit for each of 4096 ports in shared_info, and in
 * each vcpu's vcpu_info one bit for each word of pending bits that deserves a look. The guest
 * writes all of these words as it likes; we only do single atomic bit operations on them.
 */
#include "core/errno.h"
#include "core/evtchn.h"

#define WORD(port) ((port) / 64)
#define BIT(port)  (1UL << ((port) % 64))

static bool test_and_set(xen_ulong_t *word, xen_ulong_t mask)
{
    return (__atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

static bool test(const xen_ulong_t *word, xen_ulong_t mask)
{
    return (__atomic_load_n(word, __ATOMIC_ACQUIRE) & mask) != 0;
}

static void e2l_init_port(struct domain *d, evtchn_port_t port, struct evtchn *c)
{
    (void)d, (void)port, (void)c;
}

static void notify(struct vcpu *v, evtchn_port_t port)
{
    if (!test_and_set(&v->info->evtchn_pending_sel, 1UL << WORD(port))) {
        evtchn_mark_vcpu(v);
    }
}

static void e2l_set_pending(struct vcpu *v, evtchn_port_t port, struct evtchn *c)
{
    struct domain *d = v->domain;
    struct shared_info *s = d->shared_info;

    (void)c;
    if (port >= EVTCHN_2L_NR_CHANNELS || test_and_set(&s->evtchn_pending[WORD(port)], BIT(port))) {
        return;
    }
    if (!test(&s->evtchn_mask[WORD(port)], BIT(port))) {
        notify(v, port);
    }
    evtchn_wake_pollers(d, port);
}

static void e2l_clear_pending(struct domain *d, evtchn_port_t port)
{
    if (port < EVTCHN_2L_NR_CHANNELS) {
        __atomic_fetch_and(&d->shared_info->evtchn_pending[WORD(port)], ~BIT(port),
                           __ATOMIC_SEQ_CST);
    }
}

static void e2l_unmask(struct vcpu *v, evtchn_port_t port, struct evtchn *c)
{
    struct shared_info *s = v->domain->shared_info;
    xen_ulong_t old;

    (void)c;
    if (port >= EVTCHN_2L_NR_CHANNELS) {
        return;
    }
    old = __atomic_fetch_and(&s->evtchn_mask[WORD(port)], ~BIT(port), __ATOMIC_SEQ_CST);
    if ((old & BIT(port)) != 0 && test(&s->evtchn_pending[WORD(port)], BIT(port))) {
        notify(v, port);
    }
}

static bool e2l_is_pending(struct domain *d, evtchn_port_t port)
{
    return port < EVTCHN_2L_NR_CHANNELS &&
           test(&d->shared_info->evtchn_pending[WORD(port)], BIT(port));
}

static bool e2l_is_masked(struct domain *d, evtchn_port_t port)
{
    return port >= EVTCHN_2L_NR_CHANNELS ||
           test(&d->shared_info->evtchn_mask[WORD(port)], BIT(port));
}

static int e2l_set_priority(struct evtchn *c, uint32_t priority)
{
    (void)c, (void)priority;
    return -ENOSYS;
}

const struct evtchn_abi evtchn_abi_2l = {
    .name = "2-level",
    .max_ports = EVTCHN_2L_NR_CHANNELS,
    .init_port = e2l_init_port,
    .set_pending = e2l_set_pending,
    .clear_pending = e2l_clear_pending,
    .unmask = e2l_unmask,
    .is_pending = e2l_is_pending,
    .is_masked = e2l_is_masked,
    .set_priority = e2l_set_priority,
};
