/* SPDX-License-Identifier: MIT */
/* Other ends of connections, and devices that are not there. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "quota.h"

enum xendev_state fake_states[64];
bool fake_xen;
struct xenstore_domain_interface fake_pages[64];
unsigned fake_notified;

/* --- devices ---------------------------------------------------------------------------------- */

bool xendev_there(void)
{
    return fake_xen;
}

int xendev_evtchn_fd(void)
{
    return -1;
}

int xendev_bind_interdomain(uint32_t domid, uint32_t remote_port)
{
    return remote_port == 0 ? -EINVAL : (int)(100 + domid);
}

int xendev_bind_exceptions(void)
{
    return 1;
}

void xendev_unbind(uint32_t port)
{
    (void)port;
}

void xendev_notify(uint32_t port)
{
    (void)port;
    fake_notified++;
}

void *xendev_map_ring(uint32_t domid, uint64_t gfn)
{
    errno = ENOENT;
    return gfn == 0 || domid >= 64 ? NULL : &fake_pages[domid];
}

void xendev_unmap_ring(void *page)
{
    (void)page;
}

void *xendev_own_ring(uint32_t *port)
{
    *port = 7;
    return &fake_pages[0];
}

enum xendev_state xendev_domain_state(uint32_t domid)
{
    return domid < 64 ? fake_states[domid] : XENDEV_GONE;
}

void loop_ask_restart(void)
{
}

int socket_listener(void)
{
    return -1;
}

struct conn *socket_adopt(int fd)
{
    (void)fd;
    return NULL;
}

/* --- peers ------------------------------------------------------------------------------------ */

static struct peer *peers[64];

static struct peer *peer_of(const struct conn *conn)
{
    for (size_t i = 0; i < 64; i++) {
        if (peers[i] && peers[i]->conn == conn) {
            return peers[i];
        }
    }
    abort();
}

static ssize_t peer_read(struct conn *conn, void *buf, size_t size)
{
    struct peer *p = peer_of(conn);
    size_t n = p->to_end - p->to_start;

    n = n < size ? n : size;
    if (n == 0) {
        return -EAGAIN;
    }
    memcpy(buf, p->to + p->to_start, n);
    p->to_start += n;
    return (ssize_t)n;
}

static ssize_t peer_write(struct conn *conn, const void *buf, size_t size)
{
    struct peer *p = peer_of(conn);
    size_t n = size < p->room ? size : p->room;

    if (n > sizeof(p->from) - p->from_end) {
        n = sizeof(p->from) - p->from_end;
    }
    if (n == 0) {
        return -EAGAIN;
    }
    memcpy(p->from + p->from_end, buf, n);
    p->from_end += n;
    p->room -= p->room == SIZE_MAX ? 0 : n;
    return (ssize_t)n;
}

static void peer_tell(struct conn *conn)
{
    (void)conn;
}

static void peer_fail(struct conn *conn, int error)
{
    peer_of(conn)->failure = error;
    conn_kill(conn);
}

static void peer_close(struct conn *conn)
{
    peer_of(conn)->closed = true;
    if (conn->domain->conn == conn) {
        conn->domain->conn = NULL;
    }
    peer_of(conn)->conn = NULL;
}

static const struct conn_ops peer_ops = {
    .read = peer_read,
    .write = peer_write,
    .tell = peer_tell,
    .interest = peer_tell,
    .fail = peer_fail,
    .close = peer_close,
};

struct peer *peer_new(uint32_t domid)
{
    struct peer *p = calloc(1, sizeof(*p));
    struct domain *d = domain_get(domid);
    char prefix[24];
    size_t i = 0;

    while (peers[i]) {
        i++;
    }
    peers[i] = p;
    snprintf(prefix, sizeof(prefix), "/local/domain/%u", domid);
    p->room = SIZE_MAX;
    p->conn = conn_new(&peer_ops, d, prefix);
    if (domid != 0) {
        d->conn = p->conn;
        d->introduced = true;
    }
    return p;
}

void peer_free(struct peer *peer)
{
    if (peer->conn) {
        conn_kill(peer->conn);
        run();
    }
    for (size_t i = 0; i < 64; i++) {
        peers[i] = peers[i] == peer ? NULL : peers[i];
    }
    free(peer);
}

void run(void)
{
    while (conn_run()) {
    }
}

void peer_send(struct peer *peer, const void *data, size_t length)
{
    memmove(peer->to, peer->to + peer->to_start, peer->to_end - peer->to_start);
    peer->to_end -= peer->to_start;
    peer->to_start = 0;
    memcpy(peer->to + peer->to_end, data, length);
    peer->to_end += length;
    if (peer->conn) {
        peer->conn->input = true;
        conn_schedule(peer->conn);
    }
}

void peer_request(struct peer *peer, uint32_t type, uint32_t txn, const void *payload,
                  size_t length)
{
    struct xsd_sockmsg header = {type, ++peer->next_id, txn, (uint32_t)length};

    peer_send(peer, &header, sizeof(header));
    peer_send(peer, payload, length);
}

static bool message(struct peer *peer, struct xsd_sockmsg *header, const char **payload, size_t *at)
{
    if (peer->from_end - *at < sizeof(*header)) {
        return false;
    }
    memcpy(header, peer->from + *at, sizeof(*header));
    if (peer->from_end - *at < sizeof(*header) + header->len) {
        return false;
    }
    *payload = peer->from + *at + sizeof(*header);
    *at += sizeof(*header) + header->len;
    return true;
}

/* Takes the first event, or the first reply, out of what came. */
static bool take(struct peer *peer, bool want_event, struct xsd_sockmsg *header, char *copy)
{
    size_t at = peer->from_start, before = at;
    const char *payload;

    while (message(peer, header, &payload, &at)) {
        if ((header->type == XS_WATCH_EVENT) == want_event) {
            memcpy(copy, payload, header->len);
            copy[header->len] = '\0';
            memmove(peer->from + before, peer->from + at, peer->from_end - at);
            peer->from_end -= at - before;
            return true;
        }
        before = at;
    }
    return false;
}

int answer(struct peer *peer)
{
    struct xsd_sockmsg header;

    if (!take(peer, false, &header, peer->reply)) {
        return -1;
    }
    peer->type = header.type;
    peer->length = header.len;
    return header.type == XS_ERROR ? wire_error_number(peer->reply, header.len) : 0;
}

int ask(struct peer *peer, uint32_t type, uint32_t txn, size_t count, ...)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t length = 0;
    va_list ap;

    va_start(ap, count);
    for (size_t i = 0; i < count; i++) {
        const char *text = va_arg(ap, const char *);

        memcpy(payload + length, text, strlen(text) + 1);
        length += strlen(text) + 1;
    }
    va_end(ap);
    peer_request(peer, type, txn, payload, length);
    run();
    return answer(peer);
}

int put(struct peer *peer, uint32_t txn, const char *path, const char *value)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t length = strlen(path) + 1;

    memcpy(payload, path, length);
    memcpy(payload + length, value, strlen(value));
    peer_request(peer, XS_WRITE, txn, payload, length + strlen(value));
    run();
    return answer(peer);
}

const char *get(struct peer *peer, uint32_t txn, const char *path)
{
    int error = ask(peer, XS_READ, txn, 1, path);

    return error ? wire_error_name(error) : peer->reply;
}

int chmod_node(struct peer *peer, const char *path, const char *owner, const char *other)
{
    return ask(peer, XS_SET_PERMS, 0, other ? 3 : 2, path, owner, other);
}

uint32_t begin(struct peer *peer)
{
    return ask(peer, XS_TRANSACTION_START, 0, 1, "") == 0
               ? (uint32_t)strtoul(peer->reply, NULL, 10)
               : 0;
}

int commit(struct peer *peer, uint32_t txn)
{
    return ask(peer, XS_TRANSACTION_END, txn, 1, "T");
}

const char *event(struct peer *peer)
{
    static char text[XENSTORE_PAYLOAD_MAX + 2];
    struct xsd_sockmsg header;

    run();
    if (!take(peer, true, &header, text)) {
        return NULL;
    }
    text[strlen(text)] = '|';
    return text;
}

/* --- the store -------------------------------------------------------------------------------- */

int store_setup(void **state)
{
    static const struct store_perm nobody = {0, STORE_NONE};
    static const uint32_t limits[QUOTA_KINDS] = {1000, 128, 20, 64, 2048, 1024, 5, 2U << 20};

    (void)state;
    for (int i = 0; i < QUOTA_KINDS; i++) {
        quota_set_limit((enum quota_kind)i, limits[i]);
    }
    memset(fake_pages, 0, sizeof(fake_pages));
    for (int i = 0; i < 64; i++) {
        fake_states[i] = XENDEV_UP;
    }
    fake_xen = false;
    txn_live = node_new("", 0, perms_new(&nobody, 1), NULL);
    quota_charge_node(NULL, txn_live, 1);
    return 0;
}

/* Nothing may be left: accounts are 0, every connection is gone. */
int store_teardown(void **state)
{
    struct change c;

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        if (peers[i]) {
            peer_free(peers[i]);
        }
    }
    while (conn_first()) {
        conn_kill(conn_first());
        run();
    }
    while (txn_live->children) {
        struct walk walk;

        walk_begin(&walk, txn_live, "", false);
        walk_next(&walk);
        c = (struct change){.kind = CHANGE_RM, .path = strdup(walk.path)};
        walk_end(&walk);
        txn_change(NULL, domain_local(), &c);
    }
    quota_charge_node(NULL, txn_live, -1);
    node_unref(txn_live);
    for (struct domain *d = domain_next(0); d; d = domain_next(d->party.domid + 1)) {
        if (d->usage.nodes || d->usage.watches || d->usage.transactions || d->usage.bytes ||
            d->usage.requests) {
            printf("domain %u: something is left\n", d->party.domid);
            return -1;
        }
        d->introduced = false;
        d->life = DOMAIN_UNKNOWN;
        d->party.target = PARTY_NO_TARGET;
    }
    return 0;
}
