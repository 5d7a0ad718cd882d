/* SPDX-License-Identifier: MIT */
/* What the daemon asks of Linux's Xen devices: ports, pages of guests, states of domains. */
#ifndef STORED_XENDEV_H
#define STORED_XENDEV_H

#include <stdbool.h>
#include <stdint.h>

/* Opens /dev/xen/evtchn (or takes over the descriptor of the run before) and the others.
 * 0 or a negative errno. */
int xendev_open(int evtchn_fd);
bool xendev_there(void);
int xendev_evtchn_fd(void);

/* Each returns a port or a negative errno. */
int xendev_bind_interdomain(uint32_t domid, uint32_t remote_port);
int xendev_bind_exceptions(void); /* VIRQ_DOM_EXC */
void xendev_unbind(uint32_t port);
void xendev_notify(uint32_t port);
/* The next port with an event, or -EAGAIN; it is quiet until xendev_unmask. */
int xendev_next_event(void);
void xendev_unmask(uint32_t port);

/* The page of a guest's store ring; NULL and errno. */
void *xendev_map_ring(uint32_t domid, uint64_t gfn);
void xendev_unmap_ring(void *page);

/* The ring that the kernel of this domain set up for itself. */
void *xendev_own_ring(uint32_t *port);

enum xendev_state {
    XENDEV_GONE,
    XENDEV_UP,
    XENDEV_SHUT_DOWN,
    XENDEV_DYING,
    XENDEV_UNKNOWN, /* nobody to ask */
};

enum xendev_state xendev_domain_state(uint32_t domid);

#endif
