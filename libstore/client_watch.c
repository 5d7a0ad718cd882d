/* SPDX-License-Identifier: MIT */
/* Watches of a client: events are queued in the connection until somebody asks. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

int client_queue_watch(struct store *s, const char *payload, size_t length)
{
    const char *end = memchr(payload, '\0', length);
    struct watch_event *e;

    if (!end || (size_t)(end - payload) + 1 >= length || payload[length - 1] != '\0') {
        return -EPROTO;
    }
    e = malloc(sizeof(*e) + length);
    if (!e) {
        return -ENOMEM;
    }
    e->next = NULL;
    e->path_length = (size_t)(end - payload) + 1;
    e->length = length;
    memcpy(e->text, payload, length);
    *s->last = e;
    s->last = &e->next;
    return 0;
}

void client_drop_watches(struct store *s)
{
    while (s->first) {
        struct watch_event *e = s->first;

        s->first = e->next;
        free(e);
    }
    s->last = &s->first;
}

static int two_strings(struct store *s, uint32_t type, const char *a, const char *b)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t la = strlen(a) + 1, lb = strlen(b) + 1;

    if (la + lb > sizeof(payload)) {
        return -E2BIG;
    }
    memcpy(payload, a, la);
    memcpy(payload + la, b, lb);
    return client_request(s, 0, type, payload, la + lb, NULL, NULL);
}

int store_watch(struct store *s, const char *path, const char *token)
{
    return two_strings(s, XS_WATCH, path, token);
}

int store_unwatch(struct store *s, const char *path, const char *token)
{
    return two_strings(s, XS_UNWATCH, path, token);
}

static int take_event(struct store *s, char **path, char **token)
{
    struct watch_event *e = s->first;
    char *block = malloc(e->length);

    if (!block) {
        return -ENOMEM;
    }
    memcpy(block, e->text, e->length);
    *path = block;
    *token = block + e->path_length;
    s->first = e->next;
    if (!s->first) {
        s->last = &s->first;
    }
    free(e);
    return 0;
}

int store_read_watch(struct store *s, int timeout_ms, char **path, char **token)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg msg;
    int rc;

    while (!s->first) {
        rc = transport_receive(s, &msg, payload, timeout_ms);
        if (rc == 0 && msg.type == XS_WATCH_EVENT) {
            rc = client_queue_watch(s, payload, msg.len);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return take_event(s, path, token);
}
