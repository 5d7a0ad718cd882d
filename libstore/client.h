/* SPDX-License-Identifier: MIT */
/* What the files of the client library share. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "wire.h"

/* A watch event that came while a reply was awaited; path and token in one block. */
struct watch_event {
    struct watch_event *next;
    size_t path_length; /* with its NUL */
    size_t length;      /* of both */
    char text[];
};

struct store {
    int fd;
    bool is_device; /* the kernel's device: a message is written in one call */
    uint32_t next_id;
    struct watch_event *first, **last;
    bool broken; /* the stream lost its place: only closing helps */
};

/* transport.c: whole messages over socket or device. -errno; -EPIPE when the daemon is gone. */
int transport_open(const char *path, struct store *s);
int transport_send(struct store *s, const struct xsd_sockmsg *msg, const void *payload);
/* payload has room for XENSTORE_PAYLOAD_MAX bytes. timeout as in store_read_watch(). */
int transport_receive(struct store *s, struct xsd_sockmsg *msg, char *payload, int timeout_ms);

/* client_watch.c */
int client_queue_watch(struct store *s, const char *payload, size_t length);
void client_drop_watches(struct store *s);

/* client.c: the reply to request `id`; events that come first are queued. */
int client_reply(struct store *s, uint32_t type, uint32_t id, char *payload, size_t *length);
int client_request(struct store *s, uint32_t txn, uint32_t type, const void *payload,
                   size_t length, char *reply, size_t *reply_length);

#endif
