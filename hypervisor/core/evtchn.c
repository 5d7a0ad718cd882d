/* SPDX-License-Identifier: MIT */
/*
 * The ports of a domain: made, bound, closed. The states are drawn in evtchn.h.
 *
 * A port changes under its domain's event lock, a pair under both locks, taken lower domain number
 * first. Closed ports form a list, so that finding a free one takes the same time with any number
 * of ports in use.
 */
#include "core/evtchn.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define WALK_BATCH 32 /* ports closed between two looks at preempt_needed() */

/* --- life of the table ------------------------------------------------------------------------ */

int evtchn_domain_init(struct domain *d)
{
    struct evtchn_state *st;

    if (d->max_evtchns == 0 || d->max_evtchns >= EVTCHN_FIFO_NR_CHANNELS) {
        d->max_evtchns = EVTCHN_FIFO_NR_CHANNELS;
    } else {
        d->max_evtchns++; /* createdomain names the highest port */
    }
    st = heap_alloc(sizeof(*st));
    if (st == NULL) {
        return -ENOMEM;
    }
    st->bucket = heap_alloc(DIV_ROUND_UP(d->max_evtchns, EVTCHN_BUCKET_SIZE) * sizeof(void *));
    if (st->bucket == NULL) {
        heap_free(st);
        return -ENOMEM;
    }
    st->abi = &evtchn_abi_2l;
    st->next_new = 1; /* port 0 is never used */
    d->event_lock = SPINLOCK(RANK_EVTCHN);
    d->evtchn = st;
    return 0;
}

void evtchn_domain_destroy(struct domain *d)
{
    struct evtchn_state *st = d->evtchn;

    if (st == NULL) {
        return;
    }
    for (unsigned i = 0; i < st->nr_valid / EVTCHN_BUCKET_SIZE; i++) {
        heap_free(st->bucket[i]);
    }
    evtchn_fifo_destroy(d);
    heap_free(st->pirq_port);
    heap_free(st->bucket);
    heap_free(st);
    d->evtchn = NULL;
}

/* Close all ports, a batch at a time. -ERESTART: call again. */
static int close_all(struct domain *d)
{
    struct evtchn_state *st = d->evtchn;

    while (st->walk_pos < st->next_new) {
        evtchn_close(d, st->walk_pos++); /* -EINVAL for a free one */
        if (st->walk_pos % WALK_BATCH == 0 && preempt_needed()) {
            return -ERESTART;
        }
    }
    st->walk_pos = 0;
    return 0;
}

int evtchn_relinquish(struct domain *d)
{
    int rc;

    if (d->evtchn == NULL) {
        return 0;
    }
    if (!d->evtchn->dying) { /* a reset that was cut short must not leave its walk to us */
        d->evtchn->dying = true;
        d->evtchn->walk_pos = 0;
    }
    rc = close_all(d);
    if (rc == 0) {
        evtchn_fifo_drop(d);
    }
    return rc;
}

int evtchn_reset(struct domain *d)
{
    int rc;

    if (d != current->domain && d->controller_pause == 0) {
        return -EINVAL;
    }
    rc = close_all(d);
    if (rc == 0) {
        evtchn_fifo_drop(d);
    }
    return rc;
}

/* --- ports ------------------------------------------------------------------------------------ */

static int add_bucket_locked(struct evtchn_state *st)
{
    struct evtchn *b = heap_alloc(EVTCHN_BUCKET_SIZE * sizeof(*b));

    if (b == NULL) {
        return -ENOMEM;
    }
    st->bucket[st->nr_valid >> EVTCHN_BUCKET_SHIFT] = b;
    __atomic_store_n(&st->nr_valid, st->nr_valid + EVTCHN_BUCKET_SIZE, __ATOMIC_RELEASE);
    return 0;
}

/* A free port, RESERVED for the caller; -ENOSPC, -ENOMEM. */
static int take_port_locked(struct domain *d)
{
    struct evtchn_state *st = d->evtchn;
    evtchn_port_t port = st->free_head;
    struct evtchn *c;
    int rc;

    if (__builtin_expect(!domain_alive(d), 0)) {
        return -EINVAL;
    }
    if (port != 0) {
        c = evtchn_from_port(d, port);
        st->free_head = c->next_free;
    } else {
        port = st->next_new;
        if (port >= MIN(d->max_evtchns, st->abi->max_ports)) {
            return -ENOSPC;
        }
        if (port >= st->nr_valid) {
            rc = add_bucket_locked(st);
            if (rc != 0) {
                return rc;
            }
        }
        st->next_new++;
        c = evtchn_from_port(d, port);
    }
    c->kind = EVTCHN_RESERVED;
    c->vcpu = 0;
    c->remote.d = NULL;
    c->remote.port = 0;
    st->abi->init_port(d, port, c);
    return (int)port;
}

static void free_port_locked(struct domain *d, evtchn_port_t port, struct evtchn *c)
{
    struct evtchn_state *st = d->evtchn;

    st->abi->clear_pending(d, port);
    c->kind = EVTCHN_FREE;
    c->pending = false;
    c->remote.d = NULL;
    c->next_free = st->free_head;
    st->free_head = port;
}

static void lock_pair(struct domain *a, struct domain *b)
{
    if (a == b) {
        spin_lock(&a->event_lock);
    } else if (a->id < b->id) {
        spin_lock(&a->event_lock);
        spin_lock_nested(&b->event_lock);
    } else {
        spin_lock(&b->event_lock);
        spin_lock_nested(&a->event_lock);
    }
}

static void unlock_pair(struct domain *a, struct domain *b)
{
    spin_unlock(&a->event_lock);
    if (a != b) {
        spin_unlock(&b->event_lock);
    }
}

/* --- binding ---------------------------------------------------------------------------------- */

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
    int port;

    spin_lock(&d->event_lock);
    port = take_port_locked(d);
    if (port >= 0) {
        struct evtchn *c = evtchn_from_port(d, (evtchn_port_t)port);

        c->remote_domid = remote;
        c->kind = EVTCHN_UNBOUND;
    }
    spin_unlock(&d->event_lock);
    return port;
}

int evtchn_bind_interdomain(struct domain *ld, struct domain *rd, evtchn_port_t rport)
{
    struct evtchn *lc, *rc;
    int port;

    lock_pair(ld, rd);
    rc = evtchn_from_port(rd, rport);
    if (rc == NULL || rc->kind != EVTCHN_UNBOUND || rc->remote_domid != ld->id) {
        port = -EINVAL;
        goto out;
    }
    port = take_port_locked(ld);
    if (port < 0) {
        goto out;
    }
    lc = evtchn_from_port(ld, (evtchn_port_t)port);
    lc->remote.d = rd;
    lc->remote.port = rport;
    lc->kind = EVTCHN_INTERDOMAIN;
    rc->remote.d = ld;
    rc->remote.port = (evtchn_port_t)port;
    rc->kind = EVTCHN_INTERDOMAIN;
    evtchn_raise(ld, (evtchn_port_t)port, lc); /* whatever was sent before the bind was lost */
out:
    unlock_pair(ld, rd);
    return port;
}

static bool virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
           virq == VIRQ_XENPMU;
}

int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu)
{
    struct vcpu *v;
    int port;

    if (virq >= NR_VIRQS || (vcpu != 0 && !virq_is_per_vcpu(virq))) {
        return -EINVAL;
    }
    virq = (uint32_t)index_nospec(virq, NR_VIRQS);
    v = vcpu < d->max_vcpus ? d->vcpu[index_nospec(vcpu, d->max_vcpus)] : NULL;
    if (v == NULL) {
        return -ENOENT;
    }
    spin_lock(&d->event_lock);
    port = v->virq_port[virq] != 0 ? -EEXIST : take_port_locked(d);
    if (port >= 0) {
        struct evtchn *c = evtchn_from_port(d, (evtchn_port_t)port);

        c->vcpu = (uint16_t)v->id;
        c->virq = virq;
        c->kind = EVTCHN_VIRQ;
        __atomic_store_n(&v->virq_port[virq], (evtchn_port_t)port, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->event_lock);
    return port;
}

int evtchn_bind_ipi(struct domain *d, uint32_t vcpu)
{
    int port;

    if (vcpu >= d->max_vcpus || d->vcpu[index_nospec(vcpu, d->max_vcpus)] == NULL) {
        return -ENOENT;
    }
    spin_lock(&d->event_lock);
    port = take_port_locked(d);
    if (port >= 0) {
        struct evtchn *c = evtchn_from_port(d, (evtchn_port_t)port);

        c->vcpu = (uint16_t)vcpu;
        c->kind = EVTCHN_IPI;
    }
    spin_unlock(&d->event_lock);
    return port;
}

int evtchn_bind_pirq(struct domain *d, uint32_t pirq, uint32_t flags)
{
    struct evtchn_state *st = d->evtchn;
    struct evtchn *c;
    int port, rc = 0;

    if (pirq >= arch_nr_pirqs(d) || (flags & ~BIND_PIRQ__WILL_SHARE) != 0) {
        return -EINVAL;
    }
    pirq = (uint32_t)index_nospec(pirq, arch_nr_pirqs(d));
    spin_lock(&d->event_lock);
    if (st->pirq_port == NULL) {
        st->pirq_port = heap_alloc(arch_nr_pirqs(d) * sizeof(*st->pirq_port));
        rc = st->pirq_port == NULL ? -ENOMEM : 0;
    } else if (st->pirq_port[pirq] != 0) {
        rc = -EEXIST;
    }
    port = rc != 0 ? rc : take_port_locked(d);
    if (port >= 0) {
        c = evtchn_from_port(d, (evtchn_port_t)port);
        c->pirq = pirq;
        c->kind = EVTCHN_PIRQ;
        __atomic_store_n(&st->pirq_port[pirq], (evtchn_port_t)port, __ATOMIC_RELEASE);
        rc = pirq_bind(d->vcpu[0], pirq, (flags & BIND_PIRQ__WILL_SHARE) != 0);
        if (rc != 0) {
            st->pirq_port[pirq] = 0;
            free_port_locked(d, (evtchn_port_t)port, c);
            port = rc;
        }
    }
    spin_unlock(&d->event_lock);
    return port;
}

int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn *c;
    struct vcpu *v;
    int rc = 0;

    v = vcpu < d->max_vcpus ? d->vcpu[index_nospec(vcpu, d->max_vcpus)] : NULL;
    if (v == NULL) {
        return -ENOENT;
    }
    spin_lock(&d->event_lock);
    c = evtchn_from_port(d, port);
    if (c == NULL || (c->kind == EVTCHN_VIRQ && virq_is_per_vcpu(c->virq))) {
        rc = -EINVAL;
    } else if (c->kind == EVTCHN_UNBOUND || c->kind == EVTCHN_INTERDOMAIN ||
               c->kind == EVTCHN_PIRQ || c->kind == EVTCHN_VIRQ) {
        __atomic_store_n(&c->vcpu, (uint16_t)v->id, __ATOMIC_RELAXED);
        if (c->kind == EVTCHN_PIRQ) {
            pirq_set_affinity(d, c->pirq, v->cpu);
        }
    } else {
        rc = -EINVAL;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

/* --- close ------------------------------------------------------------------------------------ */

static void close_virq_locked(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        if (v->virq_port[c->virq] == port) {
            __atomic_store_n(&v->virq_port[c->virq], 0, __ATOMIC_RELEASE);
        }
    }
}

/* The peer stays, and waits for us or another of our ports to come back. Both locks are held. */
static void part_from_peer(struct domain *d, const struct evtchn *c)
{
    struct evtchn *peer = evtchn_from_port(c->remote.d, c->remote.port);

    ASSERT(peer->kind == EVTCHN_INTERDOMAIN && peer->remote.d == d);
    peer->kind = EVTCHN_UNBOUND;
    peer->remote.d = NULL;
    peer->remote.port = 0;
    peer->remote_domid = d->id;
}

static int close_locked(struct domain *d, evtchn_port_t port, struct evtchn *c)
{
    switch (c->kind) {
    case EVTCHN_UNBOUND:
    case EVTCHN_IPI:
        break;
    case EVTCHN_INTERDOMAIN:
        part_from_peer(d, c);
        break;
    case EVTCHN_PIRQ:
        __atomic_store_n(&d->evtchn->pirq_port[c->pirq], 0, __ATOMIC_RELEASE);
        pirq_unbind(d, c->pirq);
        break;
    case EVTCHN_VIRQ:
        close_virq_locked(d, c, port);
        break;
    default:
        return -EINVAL;
    }
    free_port_locked(d, port, c);
    return 0;
}

/* Two ports of one domain that are each other's peers: the peer is freed by its own close. */
int evtchn_close(struct domain *d, evtchn_port_t port)
{
    for (;;) {
        struct domain *rd = d;
        struct evtchn *c;
        bool same;
        int rc;

        spin_lock(&d->event_lock);
        c = evtchn_from_port(d, port);
        if (c == NULL) {
            spin_unlock(&d->event_lock);
            return -EINVAL;
        }
        if (c->kind == EVTCHN_INTERDOMAIN) {
            rd = c->remote.d;
        }
        if (rd == d) {
            rc = close_locked(d, port, c);
            spin_unlock(&d->event_lock);
            return rc;
        }
        if (!domain_ref(rd)) {
            BUG(); /* a bound peer lives */
        }
        spin_unlock(&d->event_lock);

        lock_pair(d, rd);
        same = c->kind == EVTCHN_INTERDOMAIN && c->remote.d == rd;
        rc = same ? close_locked(d, port, c) : 0;
        unlock_pair(d, rd);
        domain_put(rd);
        if (same) {
            return rc;
        }
    }
}
