/* SPDX-License-Identifier: MIT */
/*
 * A guest's console: the page that it shares with us holds two rings, one for each direction, and
 * an event channel tells of changes. The page is reached through grant 0, which the domain builder
 * has made for it, else by its frame. What the guest prints goes to the history, and from there to
 * the clients, and to a pseudo-terminal whose path stands in the store.
 *
 * The guest writes the indices: a distance of more than the ring is wide means garbage, and then
 * its output is passed over. A guest may print bytes_per_second; after that its port stays masked
 * until the next tick.
 */
#include "ctld.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define TICKS_PER_SECOND 10

static uint32_t load_index(const XENCONS_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store_index(XENCONS_RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* ---- from the guest ---- */

/* Whatever the terminal's reader does not fetch is dropped; the history has it. */
static void to_pty(struct domain *dom, const char *data, size_t length)
{
    while (dom->master >= 0 && length > 0) {
        ssize_t n = write(dom->master, data, length);

        if (n <= 0) {
            return;
        }
        data += n;
        length -= (size_t)n;
    }
}

/* Everything the ring holds now, as far as the budget goes. true: something was read. */
static bool read_ring(struct ctld *d, struct domain *dom)
{
    struct xencons_interface *ring = dom->ring;
    uint32_t cons = load_index(&ring->out_cons), prod = load_index(&ring->out_prod);
    uint32_t count = prod - cons;
    char data[sizeof(ring->out)];

    if (count == 0) {
        return false;
    }
    if (count > sizeof(ring->out)) {
        store_index(&ring->out_cons, prod);
        return true;
    }
    count = count <= dom->budget ? count : (uint32_t)dom->budget;
    for (uint32_t i = 0; i < count; i++) {
        data[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
    }
    store_index(&ring->out_cons, cons + count);
    dom->budget -= count;
    history_write(&dom->history, data, count);
    to_pty(dom, data, count);
    rpc_push(d, dom);
    return count > 0;
}

void console_drain(struct ctld *d, struct domain *dom)
{
    if (dom->ring != NULL) {
        dom->budget = sizeof(dom->ring->out);
        read_ring(d, dom);
    }
}

static void pull_pty(struct ctld *d, struct domain *dom);

static void handle_event(struct ctld *d, struct domain *dom)
{
    bool any = false;

    while (dom->budget > 0 && read_ring(d, dom)) {
        any = true;
    }
    if (any) {
        ctrl_evtchn_notify(d->evtchn, dom->local_port);
    }
    pull_pty(d, dom);
    rpc_pull(d, dom);
    if (dom->budget == 0) {
        dom->throttled = true;
        need_tick(d);
    } else {
        ctrl_evtchn_unmask(d->evtchn, dom->local_port);
    }
}

void console_events(struct ctld *d)
{
    uint32_t port;

    if (ctrl_evtchn_pending(d->evtchn, &port) < 0) {
        return;
    }
    for (struct domain *dom = d->domains; dom != NULL; dom = dom->next) {
        if (dom->ring != NULL && dom->local_port == port) {
            need_tick(d);
            handle_event(d, dom);
            return;
        }
    }
}

void console_tick(struct ctld *d)
{
    size_t quantum = d->options.bytes_per_second / TICKS_PER_SECOND;

    for (struct domain *dom = d->domains; dom != NULL; dom = dom->next) {
        dom->budget = quantum > 0 ? quantum : 1;
        if (dom->ring != NULL && dom->throttled) {
            dom->throttled = false;
            handle_event(d, dom);
        }
    }
}

/* ---- to the guest ---- */

size_t console_room(const struct domain *dom)
{
    uint32_t used;

    if (dom->ring == NULL) {
        return 0;
    }
    used = load_index(&dom->ring->in_prod) - load_index(&dom->ring->in_cons);
    return used > sizeof(dom->ring->in) ? 0 : sizeof(dom->ring->in) - used;
}

size_t console_input(struct ctld *d, struct domain *dom, const char *data, size_t length)
{
    struct xencons_interface *ring = dom->ring;
    size_t room = console_room(dom);
    uint32_t prod;

    length = length < room ? length : room;
    if (length == 0) {
        return 0;
    }
    prod = load_index(&ring->in_prod);
    for (size_t i = 0; i < length; i++) {
        ring->in[MASK_XENCONS_IDX(prod + i, ring->in)] = data[i];
    }
    store_index(&ring->in_prod, prod + (uint32_t)length);
    ctrl_evtchn_notify(d->evtchn, dom->local_port);
    return length;
}

/* Take from the terminal what the guest has room for; without room, stop listening to it. */
static void pull_pty(struct ctld *d, struct domain *dom)
{
    char data[sizeof(dom->ring->in)];
    size_t room = console_room(dom);
    ssize_t n;

    if (dom->master < 0) {
        return;
    }
    if (room == 0) {
        source_change(d, &dom->pty, 0);
        return;
    }
    n = read(dom->master, data, room);
    if (n > 0) {
        console_input(d, dom, data, (size_t)n);
    }
    source_change(d, &dom->pty, EPOLLIN);
}

static void pty_ready(struct ctld *d, void *object, uint32_t events)
{
    (void)events;
    pull_pty(d, object);
}

/* ---- coming and going ---- */

/* The domain may be going meanwhile, and then its nodes must not come back: a transaction. */
static void tell_tty(struct ctld *d, const struct domain *dom, const char *name)
{
    char vm[80], path[80], *value;
    int rc = -EAGAIN;

    snprintf(vm, sizeof(vm), "/local/domain/%u/vm", dom->domid);
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", dom->domid);
    for (int i = 0; i < 10 && rc == -EAGAIN; i++) {
        uint32_t txn;

        if (store_transaction_start(d->store, &txn) < 0) {
            return;
        }
        rc = store_read(d->store, txn, vm, &value, NULL);
        if (rc < 0) {
            store_transaction_end(d->store, txn, false);
            return;
        }
        free(value);
        rc = store_write_string(d->store, txn, path, name);
        if (rc < 0) {
            store_transaction_end(d->store, txn, false);
            return;
        }
        rc = store_transaction_end(d->store, txn, true);
    }
}

static int open_pty(struct ctld *d, struct domain *dom)
{
    struct termios raw;
    char name[64];

    dom->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (dom->master < 0 || grantpt(dom->master) < 0 || unlockpt(dom->master) < 0 ||
        ptsname_r(dom->master, name, sizeof(name)) != 0) {
        return -errno;
    }
    /* Held open so that the master does not hang up when the last reader leaves. */
    dom->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (dom->slave < 0) {
        return -errno;
    }
    if (tcgetattr(dom->slave, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(dom->slave, TCSANOW, &raw);
    }
    fchmod(dom->slave, 0600);
    dom->pty = (struct source){ .fd = dom->master, .ready = pty_ready, .object = dom };
    tell_tty(d, dom, name);
    return source_add(d, &dom->pty, EPOLLIN);
}

static void close_pty(struct ctld *d, struct domain *dom)
{
    if (dom->pty.ready != NULL) {
        source_remove(d, &dom->pty);
    }
    if (dom->slave >= 0) {
        close(dom->slave);
    }
    if (dom->master >= 0) {
        close(dom->master);
    }
    dom->master = dom->slave = -1;
    dom->pty = (struct source){ .fd = -1 };
}

static int map_ring(struct ctld *d, struct domain *dom)
{
    char *value = store_value(d, dom->domid, "console/ring-ref");
    uint64_t frame;
    void *p;
    int rc;

    if (value == NULL) {
        return -ENOENT;
    }
    frame = strtoull(value, NULL, 10);
    free(value);
    dom->ring_is_grant = ctrl_grant_map(d->hw, dom->domid, 0, true, &p) == 0;
    if (!dom->ring_is_grant) {
        rc = ctrl_foreign_map(d->hw, dom->domid, true, &frame, 1, &p);
        if (rc < 0) {
            return rc;
        }
    }
    dom->ring = p;
    return 0;
}

static void unmap_ring(struct ctld *d, struct domain *dom)
{
    if (dom->ring == NULL) {
        return;
    }
    if (dom->ring_is_grant) {
        ctrl_grant_unmap(d->hw, dom->ring);
    } else {
        ctrl_foreign_unmap(d->hw, dom->ring, 1);
    }
    dom->ring = NULL;
}

void console_start(struct ctld *d, struct domain *dom)
{
    char *value = dom->failures < 5 ? store_value(d, dom->domid, "console/port") : NULL;
    int rc;

    if (value == NULL) {
        return;
    }
    dom->failures++; /* until it has worked */
    dom->remote_port = (uint32_t)strtoul(value, NULL, 10);
    free(value);
    rc = map_ring(d, dom);
    if (rc < 0) {
        trace(d, "domain %u: no console ring: %s", dom->domid, strerror(-rc));
        return;
    }
    rc = ctrl_evtchn_bind_interdomain(d->evtchn, dom->domid, dom->remote_port, &dom->local_port);
    if (rc < 0) {
        say(d, "domain %u: cannot bind its console's event channel %u: %s (does another daemon"
               " serve it?)", dom->domid, dom->remote_port, strerror(-rc));
        dom->local_port = NO_PORT;
        unmap_ring(d, dom);
        return;
    }
    rc = open_pty(d, dom);
    if (rc < 0) {
        say(d, "domain %u: no terminal for its console: %s", dom->domid, strerror(-rc));
        close_pty(d, dom);
    }
    dom->failures = 0;
    dom->budget = d->options.bytes_per_second / TICKS_PER_SECOND + 1;
    handle_event(d, dom); /* what was printed before we came */
}

void console_stop(struct ctld *d, struct domain *dom)
{
    if (dom->local_port != NO_PORT) {
        ctrl_evtchn_unbind(d->evtchn, dom->local_port);
        dom->local_port = NO_PORT;
    }
    close_pty(d, dom);
    unmap_ring(d, dom);
}
