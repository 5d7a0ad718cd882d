/* SPDX-License-Identifier: MIT */
/*
 * A guest's ring: a page with two circles of 1024 bytes and running indexes. Whatever stands in
 * the page the guest may change at any moment, so each index is read once, checked, and used from
 * a local copy; an index that cannot be is an error that is noted in the page, and the guest is
 * not listened to any more until it reconnects.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "ring.h"
#include "xendev.h"

struct ring {
    volatile struct xenstore_domain_interface *page;
    bool moved; /* something was read or written since the last notification */
};

static uint32_t load(const volatile uint32_t *word)
{
    uint32_t value = *word;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return value;
}

static void store(volatile uint32_t *word, uint32_t value)
{
    /* full: the peer's look at the index must not pass ours at its */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *word = value;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void ring_fail(struct conn *conn, int error)
{
    conn->broken = true;
    conn->ring->page->error = (uint32_t)error;
    conn->ring->moved = true;
    log_write(LOG_WARN, "domain %u: error %d on its ring, not served until it reconnects",
              conn->domain->party.domid, error);
}

/* Copies out of (or into) the circle, in at most two pieces. */
static void copy_out(char *to, const volatile char *circle, uint32_t index, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        to[i] = circle[MASK_XENSTORE_IDX(index + i)];
    }
}

static void copy_in(volatile char *circle, uint32_t index, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        circle[MASK_XENSTORE_IDX(index + i)] = from[i];
    }
}

static ssize_t ring_read(struct conn *conn, void *buf, size_t size)
{
    volatile struct xenstore_domain_interface *page = conn->ring->page;
    uint32_t cons = page->req_cons, prod = load(&page->req_prod);
    size_t have = prod - cons;

    if (have > XENSTORE_RING_SIZE) {
        ring_fail(conn, XENSTORE_ERROR_RINGIDX);
        return -EAGAIN;
    }
    if (have == 0) {
        return -EAGAIN;
    }
    have = have < size ? have : size;
    copy_out(buf, page->req, cons, have);
    store(&page->req_cons, cons + (uint32_t)have);
    conn->ring->moved = true;
    return (ssize_t)have;
}

static ssize_t ring_write(struct conn *conn, const void *buf, size_t size)
{
    volatile struct xenstore_domain_interface *page = conn->ring->page;
    uint32_t prod = page->rsp_prod, cons = load(&page->rsp_cons);
    size_t used = prod - cons, room = XENSTORE_RING_SIZE - used;

    if (used > XENSTORE_RING_SIZE) {
        ring_fail(conn, XENSTORE_ERROR_RINGIDX);
        return -EAGAIN;
    }
    if (room == 0) {
        return -EAGAIN;
    }
    room = room < size ? room : size;
    copy_in(page->rsp, prod, buf, room);
    store(&page->rsp_prod, prod + (uint32_t)room);
    conn->ring->moved = true;
    return (ssize_t)room;
}

static void ring_tell(struct conn *conn)
{
    if (conn->ring->moved && conn->domain->local_port) {
        conn->ring->moved = false;
        xendev_notify(conn->domain->local_port);
    }
}

static void ring_interest(struct conn *conn)
{
    (void)conn; /* the guest's event comes in any case */
}

static void ring_close(struct conn *conn)
{
    struct domain *d = conn->domain;

    if (d->conn == conn) {
        d->conn = NULL;
    }
    xendev_unmap_ring((void *)conn->ring->page);
    free(conn->ring);
}

static const struct conn_ops ring_ops = {
    .read = ring_read,
    .write = ring_write,
    .tell = ring_tell,
    .interest = ring_interest,
    .fail = ring_fail,
    .close = ring_close,
};

struct conn *ring_new(struct domain *domain, void *page)
{
    char prefix[24];
    struct conn *c;

    snprintf(prefix, sizeof(prefix), "/local/domain/%u", domain->party.domid);
    c = conn_new(&ring_ops, domain, prefix);
    c->ring = alloc_zero(sizeof(*c->ring));
    c->ring->page = page;
    c->ring->page->server_features =
        XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
    domain->conn = c;
    return c;
}

void ring_notify(struct conn *conn)
{
    conn->ring->moved = true;
}

void ring_reset(struct conn *conn)
{
    volatile struct xenstore_domain_interface *page = conn->ring->page;

    conn_reset(conn);
    page->req_cons = page->req_prod = 0;
    page->rsp_cons = page->rsp_prod = 0;
    page->error = XENSTORE_ERROR_NONE;
    store(&page->connection, XENSTORE_CONNECTED);
    conn->ring->moved = true;
}

void ring_event(struct conn *conn)
{
    if (load(&conn->ring->page->connection) == XENSTORE_RECONNECT) {
        ring_reset(conn);
    }
    conn->input = true;
    conn_schedule(conn);
}
