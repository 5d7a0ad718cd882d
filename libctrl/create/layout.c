/* SPDX-License-Identifier: MIT */
/*
 * A new domain's part of the store, as libxl lays it out for a PV guest with a console: guests,
 * back ends and other people's tools look for it there. All of it appears in one transaction, sent
 * as one batch. A node takes over the permissions of its parent, so only the roots and the nodes
 * that the guest may write need any of their own.
 */
#include "create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMIT_ATTEMPTS 20
#define FIXED_ROWS 80u

struct layout {
    struct creation *c;
    char dom[40], vm[48], libxl[24];
    struct store_perm readable[2]; /* ours, the guest may read */
    struct store_perm guests[1];   /* the guest's own */
    struct store_batch *rows;
    size_t count, room;
    bool failed;
};

static struct store_batch *row(struct layout *l, enum store_batch_kind kind, const char *base,
                               const char *below)
{
    struct store_batch *r = &l->rows[l->count];
    char *path;

    if (l->failed || l->count == l->room ||
        asprintf(&path, "%s%s%s", base, below[0] != '\0' ? "/" : "", below) < 0) {
        l->failed = true;
        return NULL;
    }
    *r = (struct store_batch){ .kind = kind, .path = path };
    l->count++;
    return r;
}

static void put(struct layout *l, const char *base, const char *below, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void put(struct layout *l, const char *base, const char *below, const char *format, ...)
{
    struct store_batch *r = row(l, STORE_BATCH_WRITE, base, below);
    char *value;
    va_list args;
    int n;

    if (r == NULL) {
        return;
    }
    va_start(args, format);
    n = vasprintf(&value, format, args);
    va_end(args);
    if (n < 0) {
        l->failed = true;
        return;
    }
    r->value = value;
    r->length = (size_t)n;
}

static void permit(struct layout *l, const char *base, const char *below,
                   const struct store_perm *perms, size_t count)
{
    struct store_batch *r = row(l, STORE_BATCH_SET_PERMS, base, below);

    if (r != NULL) {
        r->perms = perms;
        r->nr_perms = count;
    }
}

static void add_roots(struct layout *l)
{
    struct creation *c = l->c;
    const char *name = c->config->name;

    row(l, STORE_BATCH_RM, l->dom, "");
    row(l, STORE_BATCH_RM, l->vm, "");
    row(l, STORE_BATCH_RM, l->libxl, "");
    row(l, STORE_BATCH_MKDIR, l->dom, "");
    permit(l, l->dom, "", l->readable, 2);
    row(l, STORE_BATCH_MKDIR, l->vm, "");
    permit(l, l->vm, "", l->readable, 2);
    put(l, l->vm, "uuid", "%s", c->uuid_text);
    put(l, l->vm, "name", "%s", name);
    put(l, l->vm, "start_time", "%" PRId64 ".00", (int64_t)time(NULL));
    put(l, l->libxl, "type", "pv");
    put(l, l->libxl, "dm-version", "qemu_xen");
    put(l, l->dom, "vm", "%s", l->vm);
    put(l, l->dom, "name", "%s", name);
    put(l, l->dom, "domid", "%u", c->domid);
}

static void add_guest_nodes(struct layout *l)
{
    static const char *const nodes[] = {
        "control/shutdown", "control/feature-poweroff", "control/feature-reboot",
        "control/feature-suspend", "control/sysrq", "device/suspend/event-channel", "data",
        "drivers", "feature", "attr", "error",
    };

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        put(l, l->dom, nodes[i], "%s", "");
        permit(l, l->dom, nodes[i], l->guests, 1);
    }
    put(l, l->dom, "control/platform-feature-multiprocessor-suspend", "1");
    put(l, l->dom, "control/platform-feature-xs_reset_watches", "1");
}

static void add_resources(struct layout *l)
{
    struct creation *c = l->c;
    char path[40];

    put(l, l->dom, "memory/static-max", "%" PRIu64, c->maxmem_kib);
    put(l, l->dom, "memory/target", "%" PRIu64, c->memory_kib);
    put(l, l->dom, "memory/videoram", "0");
    for (unsigned int i = 0; i < c->max_vcpus; i++) {
        snprintf(path, sizeof(path), "cpu/%u/availability", i);
        put(l, l->dom, path, "%s", i < c->vcpus ? "online" : "offline");
    }
    put(l, l->dom, "store/port", "%u", c->pv.store_port);
    put(l, l->dom, "store/ring-ref", "%" PRIu64, c->pv.store_mfn);
    put(l, l->dom, "console/backend-id", "%u", c->pv.console_domid);
    put(l, l->dom, "console/port", "%u", c->pv.console_port);
    put(l, l->dom, "console/ring-ref", "%" PRIu64, c->pv.console_mfn);
    put(l, l->dom, "console/limit", "1048576");
    put(l, l->dom, "console/type", "xenconsoled");
    put(l, l->dom, "console/output", "pty");
    put(l, l->dom, "console/tty", "%s", "");
}

/* The batch in one transaction: -EAGAIN when somebody else was quicker. */
static int commit(struct layout *l, struct store *s)
{
    uint32_t txn;
    int rc = store_transaction_start(s, &txn);

    if (rc < 0) {
        return rc;
    }
    store_batch(s, txn, l->rows, l->count);
    for (size_t i = 0; i < l->count && rc == 0; i++) {
        bool absent = l->rows[i].kind == STORE_BATCH_RM && l->rows[i].error == -ENOENT;

        rc = absent ? 0 : l->rows[i].error;
    }
    if (rc < 0) {
        store_transaction_end(s, txn, false);
        return rc;
    }
    return store_transaction_end(s, txn, true);
}

static void layout_release(struct layout *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free((char *)l->rows[i].path);
        free((char *)l->rows[i].value);
    }
    free(l->rows);
}

int layout_write(struct creation *c)
{
    struct layout l = {
        .c = c,
        .readable = { { 0, STORE_NONE }, { c->domid, STORE_READ } },
        .guests = { { c->domid, STORE_NONE } },
        .room = FIXED_ROWS + c->max_vcpus,
    };
    struct store *s;
    int rc = ctrl_store(c->h, &s);

    if (rc < 0) {
        return rc;
    }
    snprintf(l.dom, sizeof(l.dom), "/local/domain/%u", c->domid);
    snprintf(l.vm, sizeof(l.vm), "/vm/%s", c->uuid_text);
    snprintf(l.libxl, sizeof(l.libxl), "/libxl/%u", c->domid);
    l.rows = calloc(l.room, sizeof(*l.rows));
    if (l.rows == NULL) {
        return ctrl_no_memory(c->h);
    }
    add_roots(&l);
    add_guest_nodes(&l);
    add_resources(&l);
    rc = l.failed ? -ENOMEM : -EAGAIN;
    for (unsigned int i = 0; i < COMMIT_ATTEMPTS && rc == -EAGAIN; i++) {
        rc = commit(&l, s);
    }
    layout_release(&l);
    return rc < 0 ? ctrl_fail(c->h, rc, "cannot write domain %u to the store: %s", c->domid,
                              strerror(-rc))
                  : 0;
}
