/* SPDX-License-Identifier: MIT */
/*
 * Raising events, and looking at ports.
 *
 * evtchn_send() takes one lock, that of the sender. It keeps the sender's port bound, hence the
 * peer's too, hence the peer's domain alive: both locks are needed to part a pair. Setting the bit
 * itself is atomic or under the FIFO lock.
 *
 * virq_send_*() and evtchn_send_pirq() come from interrupt handlers and take no event lock: the
 * memory of a port lives as long as its domain, so the worst that a race with close can do is one
 * event too many on a port that was reused at that moment.
 */
#include "core/evtchn.h"
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"

long evtchn_send(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c;
    long rc = 0;

    spin_lock(&d->event_lock);
    c = evtchn_from_port(d, port);
    if (__builtin_expect(c == NULL, 0)) {
        rc = -EINVAL;
    } else if (__builtin_expect(c->kind == EVTCHN_INTERDOMAIN, 1)) {
        struct domain *rd = c->remote.d;

        evtchn_raise(rd, c->remote.port, evtchn_from_port(rd, c->remote.port));
    } else if (c->kind == EVTCHN_IPI) {
        evtchn_raise(d, port, c);
    } else if (c->kind != EVTCHN_UNBOUND) { /* nobody listens yet: lost, without an error */
        rc = -EINVAL;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

static void raise_bound(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = port != 0 ? evtchn_from_port(d, port) : NULL;

    if (c != NULL && c->kind > EVTCHN_UNBOUND) {
        evtchn_raise(d, port, c);
    }
}

void virq_send_vcpu(struct vcpu *v, uint32_t virq)
{
    raise_bound(v->domain, __atomic_load_n(&v->virq_port[virq], __ATOMIC_ACQUIRE));
}

void virq_send_domain(struct domain *d, uint32_t virq)
{
    if (d->evtchn != NULL && d->max_vcpus != 0 && d->vcpu[0] != NULL) {
        virq_send_vcpu(d->vcpu[0], virq);
    }
}

void virq_send_global(uint32_t virq)
{
    if (domain_hardware != NULL) {
        virq_send_domain(domain_hardware, virq);
    }
}

void evtchn_send_pirq(struct domain *d, evtchn_port_t port)
{
    raise_bound(d, port);
}

void evtchn_mark_vcpu(struct vcpu *v)
{
    if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST) == 0) {
        vcpu_kick(v);
    }
}

/* A vcpu is counted before it looks at its ports, and the port was raised before we look here. */
void evtchn_wake_pollers(struct domain *d, evtchn_port_t port)
{
    struct vcpu *v;

    if (__builtin_expect(__atomic_load_n(&d->pollers, __ATOMIC_SEQ_CST) == 0, 1)) {
        return;
    }
    for_each_vcpu(d, v) {
        int polled = __atomic_load_n(&v->poll_port, __ATOMIC_RELAXED);

        if ((polled < 0 || (polled != 0 && polled == (int)port)) &&
            (__atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & VPF_POLL) != 0 &&
            vcpu_stop_waiting(v, VPF_POLL)) {
            vcpu_wake(v); /* poll_port is its own to reset: it may poll again already */
        }
    }
}

/* --- looking ---------------------------------------------------------------------------------- */

int evtchn_status(struct domain *d, struct evtchn_status *s)
{
    static const uint8_t status_of[] = {
        [EVTCHN_FREE] = EVTCHNSTAT_closed,     [EVTCHN_RESERVED] = EVTCHNSTAT_closed,
        [EVTCHN_UNBOUND] = EVTCHNSTAT_unbound, [EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVTCHN_PIRQ] = EVTCHNSTAT_pirq,       [EVTCHN_VIRQ] = EVTCHNSTAT_virq,
        [EVTCHN_IPI] = EVTCHNSTAT_ipi,
    };
    struct evtchn *c;

    spin_lock(&d->event_lock);
    c = evtchn_from_port(d, s->port);
    if (c != NULL) {
        s->status = status_of[c->kind];
        s->vcpu = c->vcpu;
        if (c->kind == EVTCHN_UNBOUND) {
            s->u.unbound.dom = c->remote_domid;
        } else if (c->kind == EVTCHN_INTERDOMAIN) {
            s->u.interdomain.dom = c->remote.d->id;
            s->u.interdomain.port = c->remote.port;
        } else if (c->kind == EVTCHN_PIRQ) {
            s->u.pirq = c->pirq;
        } else if (c->kind == EVTCHN_VIRQ) {
            s->u.virq = c->virq;
        }
    }
    spin_unlock(&d->event_lock);
    return c == NULL ? -EINVAL : 0;
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c;
    int pirq = -1;

    spin_lock(&d->event_lock);
    c = evtchn_from_port(d, port);
    if (c != NULL && d->vcpu[c->vcpu] != NULL) {
        d->evtchn->abi->unmask(d->vcpu[c->vcpu], port, c);
        pirq = c->kind == EVTCHN_PIRQ ? (int)c->pirq : -1;
    }
    spin_unlock(&d->event_lock);
    if (pirq >= 0) {
        pirq_unmask(d, (unsigned)pirq);
    }
    return c == NULL ? -EINVAL : 0;
}

bool evtchn_is_pending(struct domain *d, evtchn_port_t port)
{
    return evtchn_from_port(d, port) != NULL && d->evtchn->abi->is_pending(d, port);
}

bool evtchn_is_masked(struct domain *d, evtchn_port_t port)
{
    return evtchn_from_port(d, port) == NULL || d->evtchn->abi->is_masked(d, port);
}

int evtchn_port_pirq(struct domain *d, evtchn_port_t port)
{
    const struct evtchn *c = evtchn_from_port(d, port);

    return c != NULL && c->kind == EVTCHN_PIRQ ? (int)c->pirq : -1;
}

evtchn_port_t evtchn_pirq_port(struct domain *d, unsigned pirq)
{
    const uint32_t *map = __atomic_load_n(&d->evtchn->pirq_port, __ATOMIC_ACQUIRE);

    return map != NULL && pirq < arch_nr_pirqs(d) ? __atomic_load_n(&map[pirq], __ATOMIC_ACQUIRE)
                                                  : 0;
}

void evtchn_vcpu_moved(struct vcpu *v)
{
    struct domain *d = v->domain;

    if (d->evtchn == NULL || d->evtchn->pirq_port == NULL) {
        return;
    }
    spin_lock(&d->event_lock);
    for (unsigned pirq = 0; pirq < arch_nr_pirqs(d); pirq++) {
        evtchn_port_t port = d->evtchn->pirq_port[pirq];

        if (port != 0 && evtchn_from_port(d, port)->vcpu == v->id) {
            pirq_set_affinity(d, pirq, v->cpu);
        }
    }
    spin_unlock(&d->event_lock);
}

void evtchn_dump(struct domain *d)
{
    static const char kind_letter[] = "frunpvi";

    printk(LOG_INFO, "domain %u: event channels (%s)\n", d->id, d->evtchn->abi->name);
    spin_lock(&d->event_lock);
    for (evtchn_port_t port = 1; port < d->evtchn->next_new; port++) {
        const struct evtchn *c = evtchn_from_port(d, port);

        if (c->kind > EVTCHN_RESERVED) {
            printk(LOG_INFO, "  %u: %c vcpu %u%s%s\n", port, kind_letter[c->kind], c->vcpu,
                   d->evtchn->abi->is_pending(d, port) ? " pending" : "",
                   d->evtchn->abi->is_masked(d, port) ? " masked" : "");
        }
    }
    spin_unlock(&d->event_lock);
}
