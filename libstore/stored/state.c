/* SPDX-License-Identifier: MIT */
/*
 * Records one after another, each a letter and its fields: numbers of 8 bytes, strings with their
 * length in front. A reader that runs past the end, or finds what it does not know, refuses all.
 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "ring.h"
#include "txn.h"
#include "watch.h"
#include "xendev.h"

#define STATE_MAGIC   0x45524f5453534e42ULL
#define STATE_VERSION 1

/* --- writing ---------------------------------------------------------------------------------- */

static void put(FILE *file, uint64_t value)
{
    fwrite(&value, sizeof(value), 1, file);
}

static void put_bytes(FILE *file, const void *data, size_t length)
{
    put(file, length);
    if (length > 0) {
        fwrite(data, 1, length, file);
    }
}

static void put_string(FILE *file, const char *text)
{
    put_bytes(file, text, strlen(text));
}

static void put_perms(FILE *file, const struct perms *perms)
{
    put(file, perms->count);
    for (uint32_t i = 0; i < perms->count; i++) {
        put(file, perms->list[i].domid);
        put(file, perms->list[i].access);
    }
}

static void put_node(FILE *file, const char *path, const struct node *node)
{
    fputc('N', file);
    put_string(file, path);
    put_perms(file, node->perms);
    put(file, node->value != NULL);
    put_bytes(file, node->value ? node->value->data : "", node->value ? node->value->length : 0);
}

static void put_tree(FILE *file)
{
    static const char *const special[] = {EVENT_INTRODUCE, EVENT_RELEASE};
    struct walk *walk = alloc_zero(sizeof(*walk));
    const struct node *n;

    put_node(file, "/", txn_live);
    walk_begin(walk, txn_live, "", true);
    while ((n = walk_next(walk)) != NULL) {
        put_node(file, walk->path, n);
    }
    walk_end(walk);
    free(walk);
    for (size_t i = 0; i < 2; i++) {
        fputc('S', file);
        put_string(file, special[i]);
        put_perms(file, watch_special_perms(special[i]));
    }
}

static void put_domain(FILE *file, const struct domain *domain)
{
    fputc('D', file);
    put(file, domain->party.domid);
    put(file, domain->party.target);
    put(file, domain->life);
    put(file, domain->introduced && domain->conn);
    put(file, domain->gfn);
    put(file, domain->remote_port);
    put(file, domain->local_port);
}

static int keep_open(int fd, bool keep)
{
    if (keep && fd >= 0) {
        fcntl(fd, F_SETFD, 0);
    }
    return keep ? fd : -1;
}

static size_t count_watches(const struct conn *conn)
{
    size_t n = 0;

    for (const struct watch *w = conn->watches; w; w = w->next_of_conn) {
        n++;
    }
    return n;
}

static void put_conn(FILE *file, struct conn *conn, bool keep)
{
    size_t messages = 0, txns = 0;

    for (const struct out *out = conn->first; out; out = out->next) {
        messages++;
    }
    for (const struct txn *t = conn->txns; t; t = t->next) {
        txns++;
    }
    fputc('C', file);
    put(file, conn->domain->party.domid);
    put(file, (uint64_t)(int64_t)keep_open(conn->fd, keep));
    put(file, conn->broken);
    put_bytes(file, conn->in ? conn->in + conn->in_start : "",
              conn->in ? conn->in_end - conn->in_start : 0);
    put(file, count_watches(conn));
    for (const struct watch *w = conn->watches; w; w = w->next_of_conn) {
        put_string(file, w->path);
        put(file, w->strip);
        put_string(file, w->token);
    }
    put(file, txns);
    for (const struct txn *t = conn->txns; t; t = t->next) {
        put(file, t->id);
    }
    put(file, messages);
    for (const struct out *out = conn->first; out; out = out->next) {
        put(file, out->sent);
        put_bytes(file, out->data, out->length);
    }
}

bool state_save(int fd, bool keep)
{
    FILE *file = fdopen(dup(fd), "w");
    bool ok;

    if (!file) {
        return false;
    }
    fputc('H', file);
    put(file, STATE_MAGIC);
    put(file, STATE_VERSION);
    put(file, tree_serial());
    put(file, (uint64_t)(int64_t)keep_open(xendev_evtchn_fd(), keep));
    put(file, (uint64_t)(int64_t)keep_open(socket_listener(), keep));
    put(file, keep && domain_exceptions_port() > 0 ? (uint64_t)domain_exceptions_port() : 0);
    for (int i = 0; i < QUOTA_KINDS; i++) {
        fputc('Q', file);
        put(file, (uint64_t)i);
        put(file, quota_limit((enum quota_kind)i));
    }
    put_tree(file);
    for (struct domain *d = domain_next(0); d; d = domain_next(d->party.domid + 1)) {
        put_domain(file, d);
    }
    for (struct conn *c = conn_first(); c; c = c->next) {
        if (!c->dead && (keep || c->ring)) {
            put_conn(file, c, keep);
        }
    }
    fputc('E', file);
    ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct input {
    char *data;
    size_t length, at;
    bool bad;
};

static struct input kept; /* connections wait here until loop and devices are open */
static bool rebind;

static uint64_t take(struct input *in)
{
    uint64_t value = 0;

    if (in->bad || in->length - in->at < sizeof(value)) {
        in->bad = true;
        return 0;
    }
    memcpy(&value, in->data + in->at, sizeof(value));
    in->at += sizeof(value);
    return value;
}

static const char *take_bytes(struct input *in, size_t *length)
{
    const char *p;

    *length = take(in);
    if (in->bad || *length > in->length - in->at) {
        in->bad = true;
        *length = 0;
        return "";
    }
    p = in->data + in->at;
    in->at += *length;
    return p;
}

/* For free(). */
static char *take_string(struct input *in)
{
    size_t length;
    const char *p = take_bytes(in, &length);

    return alloc_copy(p, length);
}

static struct perms *take_perms(struct input *in)
{
    static const struct store_perm none = {0, STORE_NONE};
    uint64_t count = take(in);
    struct perms *perms;

    if (in->bad || count == 0 || count > 4096) {
        in->bad = true;
        return perms_new(&none, 1);
    }
    struct store_perm *list = alloc_zero(count * sizeof(*list));

    for (uint64_t i = 0; i < count; i++) {
        list[i].domid = (uint32_t)take(in);
        list[i].access = (enum store_access)(take(in) & 3);
        in->bad = in->bad || list[i].domid >= DOMAIN_LIMIT;
    }
    perms = perms_new(list, count);
    free(list);
    return perms;
}

/* Parents come before their children, so each has its place already. */
static void take_node(struct input *in)
{
    char *path = take_string(in), *name;
    struct perms *perms = take_perms(in);
    bool has_value = take(in) != 0;
    size_t length;
    const char *data = take_bytes(in, &length);
    struct node *n, *parent;

    name = strrchr(path, '/');
    if (in->bad || !name) {
        in->bad = true;
        perms_unref(perms);
        free(path);
        return;
    }
    *name++ = '\0';
    n = node_new(name, strlen(name), perms, has_value ? blob_new(data, length) : NULL);
    parent = txn_live && *name ? tree_edit(&txn_live, *path ? path : "/") : NULL;
    if (parent) {
        tree_insert(parent, n);
    } else if (!txn_live && !*name) {
        txn_live = n;
    } else {
        in->bad = true;
        node_unref(n);
        free(path);
        return;
    }
    quota_charge_node(NULL, n, 1);
    free(path);
}

static void take_special(struct input *in)
{
    char *name = take_string(in);
    struct perms *perms = take_perms(in);

    in->bad = !watch_set_special_perms(name, perms) || in->bad;
    perms_unref(perms);
    free(name);
}

static void take_domain(struct input *in)
{
    uint64_t domid = take(in);
    struct domain *d;

    if (in->bad || domid >= DOMAIN_LIMIT) {
        in->bad = true;
        return;
    }
    d = domain_get((uint32_t)domid);
    d->party.target = (uint32_t)take(in);
    d->life = (enum domain_life)take(in);
    d->introduced = take(in) != 0;
    d->gfn = take(in);
    d->remote_port = (uint32_t)take(in);
    d->local_port = (uint32_t)take(in);
}

static bool read_all(int fd, struct input *in)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || st.st_size <= 0) {
        return false;
    }
    in->length = (size_t)st.st_size;
    in->data = alloc_zero(in->length);
    for (size_t done = 0; done < in->length;) {
        ssize_t n = pread(fd, in->data + done, in->length - done, (off_t)done);

        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static void take_head(struct input *in, int *evtchn, int *listener)
{
    int exceptions;

    if (in->length == 0 || in->data[in->at++] != 'H' || take(in) != STATE_MAGIC ||
        take(in) != STATE_VERSION) {
        in->bad = true;
    }
    tree_serial_advance(take(in));
    *evtchn = (int)take(in);
    *listener = (int)take(in);
    exceptions = (int)take(in);
    rebind = *evtchn < 0;
    if (exceptions > 0) {
        domain_watch_exceptions(exceptions);
    }
}

bool state_load(int fd, int *evtchn, int *listener)
{
    struct input in = {0};

    if (!read_all(fd, &in)) {
        free(in.data);
        return false;
    }
    take_head(&in, evtchn, listener);
    while (!in.bad && in.at < in.length && in.data[in.at] != 'C' && in.data[in.at] != 'E') {
        char letter = in.data[in.at++];

        if (letter == 'Q') {
            uint64_t kind = take(&in), value = take(&in);

            if (kind < QUOTA_KINDS) {
                quota_set_limit((enum quota_kind)kind, (uint32_t)value);
            }
        } else if (letter == 'N') {
            take_node(&in);
        } else if (letter == 'S') {
            take_special(&in);
        } else if (letter == 'D') {
            take_domain(&in);
        } else {
            in.bad = true;
        }
    }
    kept = in;
    return !in.bad && txn_live;
}

/* --- connections ------------------------------------------------------------------------------ */

static struct conn *connect_again(uint32_t domid, int fd)
{
    struct domain *d = domain_get(domid);
    int error;

    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        return socket_adopt(fd);
    }
    error = d->introduced ? domain_restore(d, rebind) : ENOENT;
    if (error) {
        log_write(LOG_WARN, "domain %u: its ring did not come back: %s", domid, strerror(error));
        d->introduced = false;
        return NULL;
    }
    return d->conn;
}

static void take_watches(struct input *in, struct conn *conn)
{
    for (uint64_t n = take(in); n > 0 && !in->bad; n--) {
        char *path = take_string(in);
        uint64_t strip = take(in);
        char *token = take_string(in);
        struct watch *w;

        if (conn && !in->bad && strip <= strlen(path)) {
            watch_add(conn, path, (uint32_t)strip, token, &w);
        }
        free(path);
        free(token);
    }
}

static void take_txns(struct input *in, struct conn *conn)
{
    for (uint64_t n = take(in); n > 0 && !in->bad; n--) {
        uint32_t id = (uint32_t)take(in), ignored;

        if (conn && txn_start(conn, &ignored) == 0) {
            conn->txns->id = id;
            conn->txns->doomed = true;
        }
    }
}

static void take_messages(struct input *in, struct conn *conn)
{
    for (uint64_t n = take(in); n > 0 && !in->bad; n--) {
        uint64_t sent = take(in);
        size_t length;
        const char *data = take_bytes(in, &length);
        struct out *out;

        if (!conn || in->bad || sent > length) {
            continue;
        }
        out = alloc_zero(sizeof(*out) + length);
        out->length = (uint32_t)length;
        out->sent = (uint32_t)sent;
        memcpy(out->data, data, length);
        conn_put(conn, out);
    }
}

static void take_conn(struct input *in)
{
    uint64_t domid = take(in);
    int fd = (int)take(in);
    bool broken = take(in) != 0;
    size_t length;
    const char *data = take_bytes(in, &length);
    struct conn *c;

    if (in->bad || domid >= DOMAIN_LIMIT || length > CONN_BUFFER) {
        in->bad = true;
        return;
    }
    c = connect_again((uint32_t)domid, fd);
    if (c && length > 0) {
        c->in = alloc_zero(CONN_BUFFER + 1);
        memcpy(c->in, data, length);
        c->in_end = length;
    }
    take_watches(in, c);
    take_txns(in, c);
    take_messages(in, c);
    if (c) {
        c->broken = broken;
        c->input = true;
        conn_schedule(c);
    }
}

void state_connect(void)
{
    while (!kept.bad && kept.at < kept.length && kept.data[kept.at] == 'C') {
        kept.at++;
        take_conn(&kept);
    }
    if (kept.bad) {
        log_write(LOG_ERROR, "the state of the run before ends too early");
    }
    free(kept.data);
    kept = (struct input){0};
}
