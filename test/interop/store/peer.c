/* SPDX-License-Identifier: MIT */
/* Connections to the daemons: sockets, and rings with their event channels. */
#include "replay.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

struct daemon daemons[DAEMONS_MAX];
size_t nr_daemons;

static struct sockaddr_un address_of(const struct daemon *d, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", d->folder, name);
    return address;
}

void daemon_open(struct daemon *d, const char *name, const char *folder)
{
    struct sockaddr_un guests, evtchn;
    char path[256];
    int fd;

    d->name = name;
    d->folder = folder;
    guests = address_of(d, "guests");
    evtchn = address_of(d, "evtchn");
    unlink(guests.sun_path);
    d->guests = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    d->evtchn = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (bind(d->guests, (struct sockaddr *)&guests, sizeof(guests)) != 0 ||
        connect(d->evtchn, (struct sockaddr *)&evtchn, sizeof(evtchn)) != 0) {
        err(1, "%s", folder);
    }
    snprintf(path, sizeof(path), "%s/rings", folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    d->rings = mmap(NULL, FAKE_PAGES * FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (d->rings == MAP_FAILED) {
        err(1, "%s", path);
    }
    close(fd);
    for (size_t i = 0; i < CLIENTS; i++) {
        d->clients[i].fd = -1;
        d->clients[i].closed = true;
    }
}

void daemon_set_state(struct daemon *d, uint32_t domid, uint8_t state)
{
    ((struct fake_states *)(d->rings + FAKE_DOMAINS * FAKE_PAGE))->state[domid] = state;
}

static void ring_bell(struct daemon *d, uint32_t port)
{
    if (send(d->evtchn, &port, sizeof(port), MSG_NOSIGNAL) < 0) {
        errx(1, "%s is gone", d->name);
    }
}

void daemon_tell_deaths(struct daemon *d)
{
    ring_bell(d, FAKE_PORT_EXCEPTIONS);
}

static int connect_socket(const struct daemon *d)
{
    struct sockaddr_un address = address_of(d, "socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        err(1, "%s: %s", d->name, address.sun_path);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

void client_drop_events(struct client *c)
{
    for (size_t i = 0; i < c->nr_events; i++) {
        free(c->events[i]);
    }
    free(c->events);
    c->events = NULL;
    c->nr_events = 0;
}

/* A new connection; a guest's page begins anew, its introduction is up to the caller. */
void client_open(struct daemon *d, size_t client)
{
    struct client *c = &d->clients[client];

    if (c->fd >= 0) {
        close(c->fd);
    }
    client_drop_events(c);
    memset(c, 0, sizeof(*c));
    c->fd = -1;
    if (client >= FIRST_GUEST) {
        c->domid = (uint32_t)client - 1;
        c->page = (void *)(d->rings + c->domid * FAKE_PAGE);
        memset(c->page, 0, FAKE_PAGE);
        daemon_set_state(d, c->domid, FAKE_UP);
    } else {
        c->fd = connect_socket(d);
    }
}

/* --- bytes ------------------------------------------------------------------------------------ */

static size_t ring_put(struct client *c, const char *from, size_t length)
{
    struct xenstore_domain_interface *p = c->page;
    uint32_t prod = p->req_prod;
    size_t room = XENSTORE_RING_SIZE - (prod - __atomic_load_n(&p->req_cons, __ATOMIC_SEQ_CST));

    length = length < room ? length : room;
    for (size_t i = 0; i < length; i++) {
        p->req[MASK_XENSTORE_IDX(prod + i)] = from[i];
    }
    __atomic_store_n(&p->req_prod, prod + (uint32_t)length, __ATOMIC_SEQ_CST);
    return length;
}

static size_t ring_get(struct daemon *d, struct client *c, char *to, size_t room)
{
    struct xenstore_domain_interface *p = c->page;
    uint32_t cons = p->rsp_cons;
    size_t have = __atomic_load_n(&p->rsp_prod, __ATOMIC_SEQ_CST) - cons;
    size_t length = have < room ? have : room;

    for (size_t i = 0; i < length; i++) {
        to[i] = p->rsp[MASK_XENSTORE_IDX(cons + i)];
    }
    __atomic_store_n(&p->rsp_cons, cons + (uint32_t)length, __ATOMIC_SEQ_CST);
    if (have >= XENSTORE_RING_SIZE / 2) {
        ring_bell(d, FAKE_PORT_OF(c->domid)); /* it may wait for room */
    }
    return length;
}

static void flush(struct daemon *d, struct client *c)
{
    size_t left = c->out_length - c->out_sent;
    ssize_t n;

    if (c->closed || left == 0) {
        return;
    }
    if (c->page) {
        n = (ssize_t)ring_put(c, c->out + c->out_sent, left);
        if (n > 0) {
            ring_bell(d, FAKE_PORT_OF(c->domid));
        }
    } else {
        n = send(c->fd, c->out + c->out_sent, left, MSG_NOSIGNAL);
    }
    if (n < 0 && errno != EAGAIN) {
        c->closed = true;
    } else if (n > 0) {
        c->out_sent += (size_t)n;
    }
}

static void take_event(struct client *c, const char *data, size_t length)
{
    const char *token = memchr(data, '\0', length);
    char *text;

    if (!token || data[length - 1] != '\0' || token + 1 >= data + length) {
        errx(1, "an event that is none");
    }
    if (asprintf(&text, "%s %s", data, token + 1) < 0) {
        abort();
    }
    c->events = realloc(c->events, (c->nr_events + 1) * sizeof(*c->events));
    c->events[c->nr_events++] = text;
}

static bool take_message(struct client *c)
{
    struct xsd_sockmsg head;
    size_t whole;

    memcpy(&head, c->in, sizeof(head));
    whole = sizeof(head) + head.len;
    if (c->in_length < sizeof(head) || c->in_length < whole) {
        return false;
    }
    if (head.type == XS_WATCH_EVENT) {
        take_event(c, c->in + sizeof(head), head.len);
    } else if (head.req_id == c->awaited) {
        c->awaited = 0;
        c->reply_type = head.type;
        c->reply.length = head.len;
        memcpy(c->reply.data, c->in + sizeof(head), head.len);
    } else {
        errx(1, "a reply to %u, %u was asked", head.req_id, c->awaited);
    }
    c->in_length -= whole;
    memmove(c->in, c->in + whole, c->in_length);
    return true;
}

static void receive(struct daemon *d, struct client *c)
{
    ssize_t n = 1;

    while (!c->closed && n > 0) {
        if (c->page) {
            n = (ssize_t)ring_get(d, c, c->in + c->in_length, ROOM - c->in_length);
            c->closed = n == 0 && c->page->error != 0;
        } else {
            n = recv(c->fd, c->in + c->in_length, ROOM - c->in_length, 0);
            c->closed = n == 0 || (n < 0 && errno != EAGAIN);
        }
        c->in_length += n > 0 ? (size_t)n : 0;
        while (take_message(c)) {
        }
    }
}

/* --- requests --------------------------------------------------------------------------------- */

void client_ask(struct daemon *d, size_t client, uint32_t number, uint32_t type, uint32_t tx,
                const void *payload, size_t length)
{
    struct client *c = &d->clients[client];
    struct xsd_sockmsg head = {type, number, tx, (uint32_t)length};

    length = length <= XENSTORE_PAYLOAD_MAX ? length : 0; /* only announced */
    memcpy(c->out, &head, sizeof(head));
    memcpy(c->out + sizeof(head), payload, length);
    c->out_length = sizeof(head) + length;
    c->out_sent = 0;
    c->awaited = number;
    c->reply_type = XS_INVALID;
    c->reply.length = 0;
    flush(d, c);
}

/* Looks once at everything; how many wait for a reply. */
static size_t look(struct daemon *d)
{
    size_t waiting = 0;
    uint32_t port;

    while (recv(d->guests, &port, sizeof(port), 0) > 0) {
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &d->clients[i];

        flush(d, c);
        receive(d, c);
        waiting += c->awaited != 0 && !c->closed;
    }
    return waiting;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool pump(int patience_ms)
{
    int64_t end = now_ms() + patience_ms;

    for (;;) {
        struct pollfd fds[DAEMONS_MAX * (FIRST_GUEST + 1)];
        size_t n = 0, waiting = 0;

        for (size_t i = 0; i < nr_daemons; i++) {
            size_t here = look(&daemons[i]);

            waiting += here;
            fds[n++] = (struct pollfd){.fd = here ? daemons[i].guests : -1, .events = POLLIN};
            for (size_t k = 0; k < FIRST_GUEST; k++) {
                const struct client *c = &daemons[i].clients[k];

                fds[n++] =
                    (struct pollfd){.fd = c->awaited && !c->closed ? c->fd : -1, .events = POLLIN};
            }
        }
        if (waiting == 0) {
            return true;
        }
        if (now_ms() > end) {
            return false;
        }
        poll(fds, n, 20);
    }
}
