/* SPDX-License-Identifier: MIT */
/*
 * Event channels: one bit from one place to another.
 *
 *   FREE -> RESERVED (taken while being bound)
 *   FREE -> UNBOUND (alloc_unbound) -> INTERDOMAIN <-> INTERDOMAIN (peer of peer is self)
 *   FREE -> PIRQ | VIRQ | IPI
 *   any  -> FREE (close, reset, death); the peer of an interdomain port becomes UNBOUND
 */
#ifndef CORE_EVTCHN_H
#define CORE_EVTCHN_H

#include "core/domain.h"

enum evtchn_kind {
    EVTCHN_FREE,
    EVTCHN_RESERVED,
    EVTCHN_UNBOUND,
    EVTCHN_INTERDOMAIN,
    EVTCHN_PIRQ,
    EVTCHN_VIRQ,
    EVTCHN_IPI,
};

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
void evtchn_dump(struct domain *d);

#endif
