/* SPDX-License-Identifier: MIT */
/* Rings of guests: what domains do with them beyond being connections. */
#ifndef STORED_RING_H
#define STORED_RING_H

struct conn;
struct domain;

/* Takes over the page. */
struct conn *ring_new(struct domain *domain, void *page);
/* The guest rang, or may have. */
void ring_event(struct conn *conn);
/* Nothing of before is left on either side. */
void ring_reset(struct conn *conn);
/* The guest is told at the end of the round in any case. */
void ring_notify(struct conn *conn);

#endif
