/* SPDX-License-Identifier: MIT */
/*
 * Clients of the socket (../rpc.h is the protocol). A client that follows a console has nothing
 * but an offset into the history: whatever is there beyond it is sent when the socket takes it, so
 * a slow client costs no memory and loses only what the history itself has lost.
 */
#include "ctld.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "../rpc.h"

#define MAX_CLIENTS 256

static void client_free(struct ctld *d, struct client *cl)
{
    struct client **at = &d->clients;

    while (*at != cl) {
        at = &(*at)->next;
    }
    *at = cl->next;
    source_remove(d, &cl->source);
    close(cl->source.fd);
    history_close(&cl->history);
    free(cl);
}

static void client_send(struct client *cl, const char *text, size_t length)
{
    if (send(cl->source.fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length) {
        cl->closing = true;
    }
}

static void client_error(struct client *cl, const char *sentence)
{
    char text[600];
    int n = snprintf(text, sizeof(text), "{\"ok\":false,\"error\":\"%s\"}\n", sentence);

    client_send(cl, text, (size_t)n);
    cl->closing = true;
}

/* ---- streams ---- */

/* Send what the history has beyond the client's offset. false: the client was freed. */
static bool client_flush(struct ctld *d, struct client *cl)
{
    const struct history *hist = cl->domain != NULL ? &cl->domain->history : &cl->history;
    uint32_t events = cl->closing || cl->history_only ? 0 : EPOLLIN;
    char data[4096];

    while (cl->streaming && !cl->closing) {
        uint64_t next = cl->offset;
        size_t n = history_read(hist, &next, data, sizeof(data));
        ssize_t sent = n > 0 ? send(cl->source.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

        if (n == 0) {
            cl->closing = cl->history_only;
            break;
        }
        if (sent < 0) {
            cl->closing = errno != EAGAIN;
            events |= EPOLLOUT;
            break;
        }
        cl->offset = next - n + (size_t)sent;
    }
    if (cl->closing) {
        client_free(d, cl);
        return false;
    }
    source_change(d, &cl->source, events);
    return true;
}

void rpc_push(struct ctld *d, struct domain *dom)
{
    struct client *next;

    for (struct client *cl = d->clients; cl != NULL; cl = next) {
        next = cl->next;
        if (cl->domain == dom) {
            client_flush(d, cl);
        }
    }
}

void rpc_finish(struct ctld *d, struct domain *dom)
{
    struct client *next;

    for (struct client *cl = d->clients; cl != NULL; cl = next) {
        next = cl->next;
        if (cl->domain != dom) {
            continue;
        }
        cl->domain = NULL;
        cl->history_only = true;
        if (history_open(&cl->history, dom->domid, dom->uuid, dom->name,
                         d->options.history_bytes) < 0) {
            cl->closing = true;
        }
        client_flush(d, cl);
    }
}

/* Input for the guest, as much as it takes. false: the client was freed. */
static bool client_input(struct ctld *d, struct client *cl)
{
    size_t room = console_room(cl->domain);
    char data[1024];
    ssize_t n;

    if (room == 0) {
        source_change(d, &cl->source, 0);
        return true;
    }
    n = recv(cl->source.fd, data, room < sizeof(data) ? room : sizeof(data), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        client_free(d, cl);
        return false;
    }
    if (n > 0) {
        console_input(d, cl->domain, data, (size_t)n);
    }
    return true;
}

void rpc_pull(struct ctld *d, struct domain *dom)
{
    struct client *next;

    for (struct client *cl = d->clients; cl != NULL; cl = next) {
        next = cl->next;
        if (cl->domain == dom && cl->source.events == 0 && console_room(dom) > 0) {
            source_change(d, &cl->source, EPOLLIN);
        }
    }
}

/* ---- requests ---- */

static void start_stream(struct ctld *d, struct client *cl, const struct history *hist)
{
    uint64_t total = hist->head != NULL ? hist->head->total : 0;
    uint32_t size = hist->head != NULL ? hist->head->size : 0;
    char text[80];
    int n;

    if (cl->offset > total) {
        cl->offset = total;
    }
    if (total - cl->offset > size) {
        cl->offset = total - size;
    }
    n = snprintf(text, sizeof(text), "{\"ok\":true,\"at\":%llu}\n",
                 (unsigned long long)cl->offset);
    client_send(cl, text, (size_t)n);
    cl->streaming = true;
    client_flush(d, cl);
}

static const char *const domid_path[] = { "domid", NULL }, *const from_path[] = { "from", NULL };
static const char *const last_path[] = { "last", NULL }, *const call_path[] = { "call", NULL };
static const char *const domain_path[] = { "domain", NULL };

static yajl_val at(yajl_val root, const char *const *path)
{
    return yajl_tree_get(root, (const char **)path, yajl_t_any);
}

/* true: the client streams from here on, and may be gone already. */
static bool call_console(struct ctld *d, struct client *cl, yajl_val root)
{
    yajl_val domid = at(root, domid_path), from = at(root, from_path), last = at(root, last_path);
    struct domain *dom;
    uint64_t total;

    if (!YAJL_IS_INTEGER(domid) || YAJL_GET_INTEGER(domid) < 1) {
        client_error(cl, "expected the number of a domain");
        return false;
    }
    dom = domain_find(d, (uint32_t)YAJL_GET_INTEGER(domid));
    if (dom == NULL) {
        domains_scan(d);
        dom = domain_find(d, (uint32_t)YAJL_GET_INTEGER(domid));
    }
    if (dom == NULL || dom->history.head == NULL) {
        client_error(cl, "there is no such domain with a console");
        return false;
    }
    total = dom->history.head->total;
    cl->offset = YAJL_IS_INTEGER(from) ? (uint64_t)YAJL_GET_INTEGER(from) : total;
    if (YAJL_IS_INTEGER(last)) {
        uint64_t bytes = (uint64_t)YAJL_GET_INTEGER(last);

        cl->offset = bytes < total ? total - bytes : 0;
    }
    cl->domain = dom;
    /* The guest has ended and stays: what is kept, then the end. */
    if (dom->history.head->ended || dom->worker != 0) {
        cl->domain = NULL;
        cl->history_only = true;
        if (history_open(&cl->history, dom->domid, dom->uuid, dom->name,
                         d->options.history_bytes) < 0) {
            client_error(cl, "no history is kept of that domain");
            return false;
        }
    }
    start_stream(d, cl, &dom->history);
    return true;
}

static bool call_history(struct ctld *d, struct client *cl, yajl_val root)
{
    const char *name = YAJL_GET_STRING(at(root, domain_path));
    char number[12];
    int rc = -ENOENT;

    for (struct domain *dom = d->domains; name != NULL && dom != NULL && rc < 0; dom = dom->next) {
        snprintf(number, sizeof(number), "%u", dom->domid);
        if (strcmp(dom->name, name) == 0 || strcmp(number, name) == 0) {
            rc = history_open(&cl->history, dom->domid, dom->uuid, dom->name,
                              d->options.history_bytes);
        }
    }
    if (rc < 0 && name != NULL) {
        rc = history_find(&cl->history, name);
    }
    if (rc < 0) {
        client_error(cl, "no history is kept of a domain of that name");
        return false;
    }
    cl->history_only = true;
    start_stream(d, cl, &cl->history);
    return true;
}

static void put(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

static void call_status(struct ctld *d, struct client *cl)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    const unsigned char *text;
    size_t length;

    if (g == NULL) {
        client_error(cl, "out of memory");
        return;
    }
    yajl_gen_map_open(g);
    put(g, "ok");
    yajl_gen_bool(g, 1);
    put(g, "pid");
    yajl_gen_integer(g, getpid());
    put(g, "domains");
    yajl_gen_array_open(g);
    for (struct domain *dom = d->domains; dom != NULL; dom = dom->next) {
        yajl_gen_map_open(g);
        put(g, "domid");
        yajl_gen_integer(g, dom->domid);
        put(g, "name");
        put(g, dom->name);
        put(g, "console");
        yajl_gen_bool(g, dom->ring != NULL);
        put(g, "printed_bytes");
        yajl_gen_integer(g, dom->history.head != NULL ? (long long)dom->history.head->total : 0);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    yajl_gen_map_close(g);
    yajl_gen_get_buf(g, &text, &length);
    client_send(cl, (const char *)text, length);
    client_send(cl, "\n", 1);
    yajl_gen_free(g);
}

/* One line. true: the client is a stream now. */
static bool handle_line(struct ctld *d, struct client *cl)
{
    yajl_val root = yajl_tree_parse(cl->line, NULL, 0);
    const char *call = root != NULL ? YAJL_GET_STRING(at(root, call_path)) : NULL;
    bool stream = false;

    if (call != NULL && strcmp(call, "console") == 0) {
        stream = call_console(d, cl, root);
    } else if (call != NULL && strcmp(call, "history") == 0) {
        stream = call_history(d, cl, root);
    } else if (call != NULL && strcmp(call, "status") == 0) {
        call_status(d, cl);
    } else {
        client_error(cl, "expected a line of JSON with the call console, history or status");
    }
    yajl_tree_free(root);
    return stream;
}

/* Byte by byte, for what follows the line is not ours to read yet. */
static void client_request(struct ctld *d, struct client *cl)
{
    for (;;) {
        ssize_t n = recv(cl->source.fd, cl->line + cl->have, 1, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0 || cl->have + 1 == sizeof(cl->line)) {
            client_free(d, cl);
            return;
        }
        if (cl->line[cl->have] != '\n') {
            cl->have++;
            continue;
        }
        cl->line[cl->have] = '\0';
        cl->have = 0;
        if (handle_line(d, cl)) {
            return;
        }
        if (cl->closing) {
            client_free(d, cl);
            return;
        }
    }
}

static void client_ready(struct ctld *d, void *object, uint32_t events)
{
    struct client *cl = object;

    if (cl->streaming) {
        if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
            client_free(d, cl);
            return;
        }
        if ((events & EPOLLIN) != 0 && cl->domain != NULL && !client_input(d, cl)) {
            return;
        }
        if ((events & EPOLLOUT) != 0) {
            client_flush(d, cl);
        }
    } else {
        client_request(d, cl);
    }
}

/* ---- the socket ---- */

static void accept_ready(struct ctld *d, void *object, uint32_t events)
{
    int fd = accept4(d->rpc_source.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *cl;
    unsigned int count = 0;

    (void)object;
    (void)events;
    for (cl = d->clients; cl != NULL; cl = cl->next) {
        count++;
    }
    cl = fd >= 0 && count < MAX_CLIENTS ? calloc(1, sizeof(*cl)) : NULL;
    if (cl == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    cl->source = (struct source){ .fd = fd, .ready = client_ready, .object = cl };
    cl->next = d->clients;
    d->clients = cl;
    source_add(d, &cl->source, EPOLLIN);
}

int rpc_open(struct ctld *d)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = RPC_SOCKET };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0077);
    int rc = 0;

    unlink(RPC_SOCKET);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 64) < 0) {
        rc = -errno;
    }
    umask(mask);
    if (rc < 0) {
        say(d, "cannot listen at %s: %s", RPC_SOCKET, strerror(-rc));
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    d->rpc_source = (struct source){ .fd = fd, .ready = accept_ready };
    return source_add(d, &d->rpc_source, EPOLLIN);
}

void rpc_close(struct ctld *d)
{
    while (d->clients != NULL) {
        client_free(d, d->clients);
    }
    unlink(RPC_SOCKET);
}
