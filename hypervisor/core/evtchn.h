/* SPDX-License-Identifier: MIT */
/*
 * Event channels: one bit from one place to another.
 *
 *   FREE -> RESERVED (taken while being bound)
 *   FREE -> UNBOUND (alloc_unbound) -> INTERDOMAIN <-> INTERDOMAIN (peer of peer is self)
 *   FREE -> PIRQ | VIRQ | IPI
 *   any  -> FREE (close, reset, death); the peer of an interdomain port becomes UNBOUND
 *
 * Ports are made in buckets on demand, up to the domain's own limit; their memory stays until the
 * domain is destroyed, so that an interrupt handler may look at a port without a lock. What a
 * port is bound to changes under the domain's event lock, and for a pair under both. How a
 * pending bit reaches the guest is the business of an evtchn_abi: two-level or FIFO.
 */
#ifndef CORE_EVTCHN_H
#define CORE_EVTCHN_H

#include <public/event_channel.h>
#include "core/domain.h"
#include "core/nospec.h"

enum evtchn_kind {
    EVTCHN_FREE,
    EVTCHN_RESERVED,
    EVTCHN_UNBOUND,
    EVTCHN_INTERDOMAIN,
    EVTCHN_PIRQ,
    EVTCHN_VIRQ,
    EVTCHN_IPI,
};

struct evtchn {
    uint8_t kind;          /* enum evtchn_kind */
    bool pending;          /* FIFO: raised before the guest gave the page of its event word */
    uint8_t priority;      /* FIFO */
    uint8_t last_priority; /* FIFO: queue that it was linked on last */
    uint16_t vcpu;         /* who is notified */
    uint16_t last_vcpu;
    union {
        domid_t remote_domid; /* UNBOUND: who may bind */
        struct {
            struct domain *d; /* lives while the pair is bound: death closes its ports first */
            evtchn_port_t port;
        } remote; /* INTERDOMAIN */
        uint32_t pirq;
        uint32_t virq;
        evtchn_port_t next_free; /* FREE: 0 ends the list */
    };
    uint64_t spare;
};
_Static_assert(sizeof(struct evtchn) == 32, "128 in a page");

#define EVTCHN_BUCKET_SHIFT 7
#define EVTCHN_BUCKET_SIZE  (1u << EVTCHN_BUCKET_SHIFT)

/* How bits reach a guest. `v` is the vcpu to notify, `c` the port's own state. */
struct evtchn_abi {
    const char *name;
    unsigned max_ports;
    void (*init_port)(struct domain *d, evtchn_port_t port, struct evtchn *c);
    void (*set_pending)(struct vcpu *v, evtchn_port_t port, struct evtchn *c); /* any context */
    void (*clear_pending)(struct domain *d, evtchn_port_t port);
    void (*unmask)(struct vcpu *v, evtchn_port_t port, struct evtchn *c);
    bool (*is_pending)(struct domain *d, evtchn_port_t port);
    bool (*is_masked)(struct domain *d, evtchn_port_t port);
    int (*set_priority)(struct evtchn *c, uint32_t priority);
};
extern const struct evtchn_abi evtchn_abi_2l, evtchn_abi_fifo;

struct evtchn_fifo;
struct evtchn_state {
    const struct evtchn_abi *abi;
    unsigned nr_valid;       /* ports that have a struct evtchn */
    unsigned next_new;       /* lowest port that was never used */
    evtchn_port_t free_head; /* list of closed ports */
    unsigned walk_pos;       /* preempted reset or death: next port to close */
    bool dying;              /* the walk of death has begun, from the first port */
    uint32_t *pirq_port;     /* by pirq; made with the first bind_pirq */
    struct evtchn_fifo *fifo;
    struct evtchn **bucket;
};

/* The port's state or NULL; any port number. */
static inline struct evtchn *evtchn_from_port(const struct domain *d, evtchn_port_t port)
{
    const struct evtchn_state *st = d->evtchn;
    unsigned valid = __atomic_load_n(&st->nr_valid, __ATOMIC_ACQUIRE);

    if (port >= valid) {
        return NULL;
    }
    port = (evtchn_port_t)index_nospec(port, valid);
    return &st->bucket[port >> EVTCHN_BUCKET_SHIFT][port & (EVTCHN_BUCKET_SIZE - 1)];
}

/* Raise a port that is bound: lock held, or in an interrupt handler (evtchn_send.c). */
static inline void evtchn_raise(struct domain *d, evtchn_port_t port, struct evtchn *c)
{
    struct vcpu *v = d->vcpu[__atomic_load_n(&c->vcpu, __ATOMIC_RELAXED)];

    if (__builtin_expect(v != NULL, 1)) { /* NULL: a domain whose vcpus are not made yet */
        __atomic_load_n(&d->evtchn->abi, __ATOMIC_ACQUIRE)->set_pending(v, port, c);
    }
}

/* d->max_evtchns is what createdomain asked for; replaced by what holds. */
int evtchn_domain_init(struct domain *d);
int evtchn_relinquish(struct domain *d); /* closes all; -ERESTART when preempted */
void evtchn_domain_destroy(struct domain *d);
void evtchn_vcpu_destroy(struct vcpu *v);
/* Move notifications of an interrupt to the vcpu's new processor. */
void evtchn_vcpu_moved(struct vcpu *v);

/* The hypervisor raises an event for a guest. Safe with interrupts off. */
void virq_send_vcpu(struct vcpu *v, uint32_t virq);
void virq_send_domain(struct domain *d, uint32_t virq); /* global VIRQs: whoever bound it */
void virq_send_global(uint32_t virq);                   /* to the hardware domain */
void evtchn_send_pirq(struct domain *d, evtchn_port_t port);
/* A port for the builder and the tools: remote may bind it. Port, or -errno. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote);
long evtchn_send(struct domain *d, evtchn_port_t port);
bool evtchn_is_pending(struct domain *d, evtchn_port_t port);
bool evtchn_is_masked(struct domain *d, evtchn_port_t port);
/* pirq number bound to this port or -1, used by the interrupt code */
int evtchn_port_pirq(struct domain *d, evtchn_port_t port);
/* port bound to this pirq, 0: none. For the interrupt code, any context. */
evtchn_port_t evtchn_pirq_port(struct domain *d, unsigned pirq);
void evtchn_dump(struct domain *d);

/* --- operations: arguments are checked for the caller's rights by evtchn_op.c ----------------- */
int evtchn_bind_interdomain(struct domain *ld, struct domain *rd, evtchn_port_t rport);
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu);
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu);
int evtchn_bind_pirq(struct domain *d, uint32_t pirq, uint32_t flags);
int evtchn_close(struct domain *d, evtchn_port_t port);
int evtchn_status(struct domain *d, struct evtchn_status *s);
int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, uint32_t vcpu);
int evtchn_unmask(struct domain *d, evtchn_port_t port);
int evtchn_reset(struct domain *d); /* -ERESTART when preempted */

/* evtchn_fifo.c */
int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *ic);
int evtchn_fifo_expand(struct domain *d, uint64_t gfn);
void evtchn_fifo_drop(struct domain *d);    /* give the guest's pages back; 2-level again */
void evtchn_fifo_destroy(struct domain *d); /* free what is left, at the end of the domain */

/* For the two ways of delivery: the vcpu has an event; those who poll for the port wake. */
void evtchn_mark_vcpu(struct vcpu *v);
void evtchn_wake_pollers(struct domain *d, evtchn_port_t port);

#endif
