/* SPDX-License-Identifier: MIT */
/*
 * A connection: requests come in, replies and events queue to go out. The transport below it is a
 * socket or a ring; both just take and give bytes. Nothing here blocks, and whoever does not take
 * what was sent to him is not listened to until he does: each unprivileged domain may have only
 * so many requests under way, and an event counts for the one whose request caused it until its
 * receiver took it, for at most 20 s.
 */
#ifndef STORED_CONN_H
#define STORED_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

struct conn;
struct domain;
struct txn;
struct watch;

/* Both return a number of bytes, -EAGAIN when there is nothing or no room, or what ends it. */
struct conn_ops {
    ssize_t (*read)(struct conn *conn, void *buf, size_t size);
    ssize_t (*write)(struct conn *conn, const void *buf, size_t size);
    void (*tell)(struct conn *conn);     /* after a round: wake the peer */
    void (*interest)(struct conn *conn); /* want_in, want_out changed */
    void (*fail)(struct conn *conn, int error); /* the peer broke the protocol: XENSTORE_ERROR_* */
    void (*close)(struct conn *conn);
};

struct out {
    struct out *next;
    struct domain *origin; /* whose request this is; NULL: nobody's that is limited */
    uint32_t epoch;
    struct watch *watch; /* an event of this watch */
    uint32_t length, sent;
    char data[];
};

#define CONN_BUFFER (2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX))

struct conn {
    struct conn *next, *previous; /* of all */
    struct conn *next_ready;
    const struct conn_ops *ops;
    struct domain *domain;
    uint32_t number;
    char prefix[24]; /* of relative paths, without the slash */
    bool ready;      /* in the list of those with work to do */
    bool dead;       /* to be removed at the end of the round */
    bool broken;     /* a ring whose guest broke the protocol: nothing is read any more */
    bool input; /* the transport has, or may have, something to read */
    bool want_in, want_out;
    struct watch *watches;
    struct txn *txns;

    char *in; /* CONN_BUFFER bytes while there is input */
    size_t in_start, in_end;

    struct out *first, **last;
    size_t queued; /* bytes */

    int fd; /* conn_socket.c */
    struct ring *ring;
};

struct conn *conn_new(const struct conn_ops *ops, struct domain *domain, const char *prefix);
/* Takes it out at the end of the round. */
void conn_kill(struct conn *conn);
/* Watches, transactions, input and output go; the connection stays (a guest that reconnects). */
void conn_reset(struct conn *conn);
struct conn *conn_first(void);

/* There may be input (conn->input is set), or room for output. */
void conn_work(struct conn *conn);
/* Another round is due soon. */
void conn_schedule(struct conn *conn);
/* Works on all that are scheduled, removes the dead; true: there is more. */
bool conn_run(void);
/* Once a second: who was not listened to for 20 s is heard again. */
void conn_tick(void);
bool conn_blocked(void); /* is anybody not listened to? */

void conn_reply(struct conn *conn, const struct xsd_sockmsg *request, uint32_t type,
                const void *payload, size_t length);
void conn_event(struct watch *watch, const char *path, struct domain *origin);
void conn_forget_watch(struct watch *watch);
void conn_put(struct conn *conn, struct out *out); /* state.c */

/* conn_socket.c */
bool socket_listen(const char *path);
void socket_adopt_listener(int fd);
int socket_listener(void);
struct conn *socket_adopt(int fd);

#endif
