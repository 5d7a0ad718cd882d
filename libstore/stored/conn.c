/* SPDX-License-Identifier: MIT */
/* Queues of connections, and whose turn it is. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "domain.h"
#include "log.h"
#include "quota.h"
#include "request.h"
#include "txn.h"
#include "watch.h"

#define ROUND_REQUESTS 16          /* of one connection before the next has its turn */
#define QUEUE_STALL    (1U << 20)  /* bytes of output from which input is not read */
#define QUEUE_LIMIT    (32U << 20) /* bytes of output from which a connection is given up */
#define PATIENCE_MS    20000

static struct conn *all;
static struct conn *ready_first, **ready_last = &ready_first;
static struct conn *current; /* being worked on */
static bool graves;          /* somebody is dead */
static unsigned blocked;     /* domains that are not listened to */
static uint32_t last_number;

struct conn *conn_first(void)
{
    return all;
}

struct conn *conn_new(const struct conn_ops *ops, struct domain *domain, const char *prefix)
{
    struct conn *c = alloc_zero(sizeof(*c));

    c->ops = ops;
    c->domain = domain;
    c->number = ++last_number;
    c->fd = -1;
    c->want_in = true;
    c->last = &c->first;
    memcpy(c->prefix, prefix, strnlen(prefix, sizeof(c->prefix) - 1));
    c->next = all;
    if (all) {
        all->previous = c;
    }
    all = c;
    return c;
}

void conn_schedule(struct conn *conn)
{
    if (!conn->ready && !conn->dead) {
        conn->ready = true;
        conn->next_ready = NULL;
        *ready_last = conn;
        ready_last = &conn->next_ready;
    }
}

/* --- requests under way ----------------------------------------------------------------------- */

static struct domain *limited(struct domain *domain)
{
    return domain && !domain->party.privileged ? domain : NULL;
}

static void under_way(struct out *out, struct domain *origin)
{
    out->origin = limited(origin);
    if (out->origin) {
        out->epoch = out->origin->epoch;
        out->origin->usage.requests++;
    }
}

static void taken(struct out *out)
{
    struct domain *d = out->origin;

    if (d && out->epoch == d->epoch) {
        d->usage.requests--;
        if (d->conn && d->blocked_since) {
            conn_schedule(d->conn);
        }
    }
    if (out->watch && out->watch->last == out) {
        out->watch->last = NULL;
    }
    free(out);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool must_wait(struct conn *conn)
{
    struct domain *d = limited(conn->domain);
    bool wait = d && d->usage.requests >= quota_limit(QUOTA_REQUESTS);

    if (d && wait != (d->blocked_since != 0)) {
        d->blocked_since = wait ? now_ms() : 0;
        blocked += wait ? 1 : -1U;
    }
    return wait || conn->queued >= QUEUE_STALL;
}

bool conn_blocked(void)
{
    return blocked > 0;
}

void conn_tick(void)
{
    int64_t now = now_ms();

    for (struct conn *c = all; c; c = c->next) {
        struct domain *d = c->domain;

        if (d->blocked_since && now - d->blocked_since >= PATIENCE_MS) {
            quota_allows(&d->party, QUOTA_REQUESTS, d->usage.requests + 1ULL); /* for the log */
            d->blocked_since = 0;
            blocked--;
            d->epoch++;
            d->usage.requests = 0;
            conn_schedule(c);
        }
    }
}

/* --- output ----------------------------------------------------------------------------------- */

void conn_put(struct conn *conn, struct out *out)
{
    out->next = NULL;
    *conn->last = out;
    conn->last = &out->next;
    conn->queued += out->length - out->sent;
    if (conn->queued > QUEUE_LIMIT && !conn->dead) {
        log_write(LOG_WARN, "connection %u does not take its messages, closed", conn->number);
        conn_kill(conn);
    }
    if (conn != current) {
        conn_schedule(conn);
    }
}

static struct out *message(struct xsd_sockmsg header, const void *a, size_t la, const void *b,
                           size_t lb)
{
    struct out *out = alloc_zero(sizeof(*out) + sizeof(header) + la + lb);

    header.len = (uint32_t)(la + lb);
    out->length = (uint32_t)sizeof(header) + header.len;
    memcpy(out->data, &header, sizeof(header));
    memcpy(out->data + sizeof(header), a, la);
    if (lb > 0) {
        memcpy(out->data + sizeof(header) + la, b, lb);
    }
    return out;
}

void conn_reply(struct conn *conn, const struct xsd_sockmsg *request, uint32_t type,
                const void *payload, size_t length)
{
    struct xsd_sockmsg header = {.type = type, .req_id = request->req_id, .tx_id = request->tx_id};
    struct out *out = message(header, payload, length, NULL, 0);

    under_way(out, conn->domain);
    conn_put(conn, out);
}

void conn_event(struct watch *watch, const char *path, struct domain *origin)
{
    struct xsd_sockmsg header = {.type = XS_WATCH_EVENT};
    size_t lp = strlen(path) + 1, lt = strlen(watch->token) + 1;
    struct out *out = watch->last;

    /* The same event once more before the first was taken says nothing new. */
    if (watch->conn->dead || lp + lt > XENSTORE_PAYLOAD_MAX ||
        (out && out->sent == 0 && out->length == sizeof(header) + lp + lt &&
         memcmp(out->data + sizeof(header), path, lp) == 0)) {
        return;
    }
    out = message(header, path, lp, watch->token, lt);
    out->watch = watch;
    watch->last = out;
    under_way(out, origin);
    conn_put(watch->conn, out);
}

void conn_forget_watch(struct watch *watch)
{
    if (!watch->last) {
        return;
    }
    for (struct out *out = watch->conn->first; out; out = out->next) {
        if (out->watch == watch) {
            out->watch = NULL;
        }
    }
}

static void drop_output(struct conn *conn)
{
    while (conn->first) {
        struct out *out = conn->first;

        conn->first = out->next;
        taken(out);
    }
    conn->last = &conn->first;
    conn->queued = 0;
}

static void flush(struct conn *conn)
{
    while (conn->first && !conn->dead && !conn->broken) {
        struct out *out = conn->first;
        ssize_t n = conn->ops->write(conn, out->data + out->sent, out->length - out->sent);

        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            conn_kill(conn);
            return;
        }
        out->sent += (uint32_t)n;
        conn->queued -= (size_t)n;
        if (out->sent == out->length) {
            conn->first = out->next;
            if (!conn->first) {
                conn->last = &conn->first;
            }
            taken(out);
        }
    }
}

/* --- input ------------------------------------------------------------------------------------ */

/* One request out of the buffer, or false. */
static bool take_request(struct conn *conn)
{
    struct xsd_sockmsg header;
    char *payload = conn->in + conn->in_start + sizeof(header), saved;
    size_t have = conn->in_end - conn->in_start;

    if (have < sizeof(header)) {
        return false;
    }
    memcpy(&header, conn->in + conn->in_start, sizeof(header));
    if (!wire_length_ok(&header)) {
        log_write(LOG_WARN, "connection %u (domain %u): a request of %u bytes", conn->number,
                  conn->domain->party.domid, header.len);
        conn->ops->fail(conn, XENSTORE_ERROR_PROTO);
        return false;
    }
    if (have < sizeof(header) + header.len) {
        return false;
    }
    conn->in_start += sizeof(header) + header.len;
    /* handlers like a NUL behind what they parse; the next request's first byte waits aside */
    saved = payload[header.len];
    payload[header.len] = '\0';
    request_handle(conn, &header, payload);
    if (conn->in) {
        payload[header.len] = saved;
    }
    return !conn->dead;
}

static bool fill(struct conn *conn)
{
    ssize_t n;

    if (!conn->in) {
        conn->in = alloc_resize(NULL, CONN_BUFFER + 1);
        conn->in_start = conn->in_end = 0;
    }
    if (conn->in_start > 0) {
        memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
        conn->in_end -= conn->in_start;
        conn->in_start = 0;
    }
    n = conn->ops->read(conn, conn->in + conn->in_end, CONN_BUFFER - conn->in_end);
    conn->input = n > 0 && conn->in_end + (size_t)n == CONN_BUFFER;
    if (n > 0) {
        conn->in_end += (size_t)n;
        return true;
    }
    if (n != -EAGAIN) {
        conn_kill(conn);
    }
    return false;
}

static void set_interest(struct conn *conn, bool in, bool out)
{
    if (conn->want_in != in || conn->want_out != out) {
        conn->want_in = in;
        conn->want_out = out;
        conn->ops->interest(conn);
    }
}

/* Requests until there are no more, or the next connection's turn has come. */
static void listen_to(struct conn *conn)
{
    int left = ROUND_REQUESTS;

    while (!conn->dead && !conn->broken && !must_wait(conn)) {
        if (conn->in && take_request(conn)) {
            if (--left == 0) {
                conn_schedule(conn);
                return;
            }
        } else if (conn->dead || conn->broken || !conn->input || !fill(conn)) {
            return;
        }
    }
}

void conn_work(struct conn *conn)
{
    bool wait;

    current = conn;
    flush(conn);
    listen_to(conn);
    flush(conn);
    current = NULL;
    if (conn->dead) {
        return;
    }
    wait = must_wait(conn);
    if (!wait && conn->input) {
        conn_schedule(conn);
    }
    if (conn->in && conn->in_start == conn->in_end) {
        free(conn->in);
        conn->in = NULL;
    }
    conn->ops->tell(conn);
    set_interest(conn, !wait, conn->first != NULL);
}

/* --- life ------------------------------------------------------------------------------------- */

void conn_kill(struct conn *conn)
{
    conn->dead = true;
    graves = true;
}

void conn_reset(struct conn *conn)
{
    txn_end_all(conn);
    watch_remove_all(conn);
    drop_output(conn);
    conn->in_start = conn->in_end = 0;
    conn->broken = conn->input = false;
}

static void destroy(struct conn *conn)
{
    conn_reset(conn);
    conn->ops->close(conn);
    if (conn->previous) {
        conn->previous->next = conn->next;
    } else {
        all = conn->next;
    }
    if (conn->next) {
        conn->next->previous = conn->previous;
    }
    free(conn->in);
    free(conn);
}

bool conn_run(void)
{
    struct conn *list = ready_first;

    ready_first = NULL;
    ready_last = &ready_first;
    while (list) {
        struct conn *c = list;

        list = c->next_ready;
        c->ready = false;
        if (!c->dead) {
            conn_work(c);
        }
    }
    if (graves && !ready_first) {
        graves = false;
        for (struct conn *c = all, *next; c; c = next) {
            next = c->next;
            if (c->dead) {
                destroy(c);
            }
        }
    }
    return ready_first != NULL;
}
