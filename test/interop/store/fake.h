/* SPDX-License-Identifier: MIT */
/*
 * What the shim under a daemon and the driver of the replay agree on. In the daemon's folder lie
 * `rings`, a page for each domain, the last one the table of domains' states; `xsd_kva`, dom0's
 * ring; and two datagram sockets that carry ports of event channels, each message one number:
 * `evtchn`, read by the daemon, and `guests`, read by the driver.
 */
#ifndef INTEROP_STORE_FAKE_H
#define INTEROP_STORE_FAKE_H

#include <stdint.h>

#define FAKE_PAGE    4096
#define FAKE_DOMAINS 15 /* numbers below this one may live */
#define FAKE_PAGES   (FAKE_DOMAINS + 1)

/* The daemon's ports. */
#define FAKE_PORT_EXCEPTIONS 1
#define FAKE_PORT_OF(domid)  (10 + (domid))

enum fake_state {
    FAKE_GONE,
    FAKE_UP,
    FAKE_SHUT_DOWN,
    FAKE_DYING,
};

/* In page FAKE_DOMAINS: one byte for each domain. */
struct fake_states {
    volatile uint8_t state[FAKE_DOMAINS];
};

#endif
