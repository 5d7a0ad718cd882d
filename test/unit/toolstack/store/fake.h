/* SPDX-License-Identifier: MIT */
/*
 * The daemon without devices: connections whose other end the test holds, domains whose state it
 * says, rings in memory of its own.
 */
#ifndef STORE_FAKE_H
#define STORE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "domain.h"
#include "ring.h"
#include "txn.h"
#include "watch.h"
#include "xendev.h"

struct peer {
    struct conn *conn;
    bool closed;
    size_t room; /* bytes that it takes before it is full; SIZE_MAX at first */
    char to[65536], from[1 << 18];
    size_t to_start, to_end, from_start, from_end;
    uint32_t next_id;
    int failure; /* XENSTORE_ERROR_* */

    /* the last reply */
    uint32_t type;
    char reply[XENSTORE_PAYLOAD_MAX + 1];
    size_t length;
};

extern enum xendev_state fake_states[64];
extern bool fake_xen; /* are there Xen devices? */
extern struct xenstore_domain_interface fake_pages[64];
extern unsigned fake_notified;

/* A fresh store, with default limits. */
int store_setup(void **state);
int store_teardown(void **state);

struct peer *peer_new(uint32_t domid);
void peer_free(struct peer *peer);
/* Bytes as they are. */
void peer_send(struct peer *peer, const void *data, size_t length);
void peer_request(struct peer *peer, uint32_t type, uint32_t txn, const void *payload,
                  size_t length);
void run(void);
/* Payload: `count` strings. 0 or the errno that came back. */
int ask(struct peer *peer, uint32_t type, uint32_t txn, size_t count, ...);
/* The next reply that waits: 0 or its errno, -1 when there is none. */
int answer(struct peer *peer);

int put(struct peer *peer, uint32_t txn, const char *path, const char *value);
/* the value, or the name of the error */
const char *get(struct peer *peer, uint32_t txn, const char *path);
int chmod_node(struct peer *peer, const char *path, const char *owner, const char *other);
uint32_t begin(struct peer *peer);
int commit(struct peer *peer, uint32_t txn);
/* "path|token" of the next event that came, or NULL. */
const char *event(struct peer *peer);

#endif
