/* SPDX-License-Identifier: MIT */
/*
 * Which domains there are. The store's two special watches say when to look; a slow timer looks
 * too, so that a missed event costs seconds and not correctness. Also dom0's own nodes, which
 * nobody else writes.
 */
#include "ctld.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

char *store_value(struct ctld *d, uint32_t domid, const char *below)
{
    char path[128], *value;

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, below);
    if (d->store == NULL || store_read(d->store, 0, path, &value, NULL) < 0) {
        return NULL;
    }
    return value;
}

/* ---- dom0's nodes ---- */

static void put_missing(struct ctld *d, const char *path, const char *value)
{
    char *old;

    if (store_read(d->store, 0, path, &old, NULL) == 0) {
        free(old);
    } else {
        store_write_string(d->store, 0, path, value);
    }
}

static void write_dom0(struct ctld *d)
{
    struct ctrl_domain_info info;
    char uuid[37], vm[48], path[80], number[24];

    if (ctrl_domain_info(d->h, 0, &info) < 0) {
        return;
    }
    ctrl_uuid_format(info.uuid, uuid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    put_missing(d, "/local/domain/0/name", "Domain-0");
    put_missing(d, "/local/domain/0/domid", "0");
    put_missing(d, "/local/domain/0/vm", vm);
    snprintf(path, sizeof(path), "%s/uuid", vm);
    put_missing(d, path, uuid);
    snprintf(path, sizeof(path), "%s/name", vm);
    put_missing(d, path, "Domain-0");
    snprintf(number, sizeof(number), "%" PRIu64, info.tot_pages * 4);
    put_missing(d, "/local/domain/0/memory/target", number);
    put_missing(d, "/local/domain/0/memory/static-max", number);
    put_missing(d, "/libxl/0/type", "pv");
}

/* ---- the store ---- */

static void store_ready(struct ctld *d, void *object, uint32_t events)
{
    (void)object;
    (void)events;
    /* The main loop fetches events before it sleeps; being woken is all that was needed. */
    d->rescan = d->rescan || d->store == NULL;
}

int store_connect(struct ctld *d)
{
    struct store *s;
    int rc = ctrl_store(d->h, &s);

    rc = rc < 0 ? rc : store_watch(s, "@introduceDomain", "introduce");
    rc = rc < 0 ? rc : store_watch(s, "@releaseDomain", "release");
    if (rc < 0) {
        return rc;
    }
    d->store = s;
    d->store_source = (struct source){ .fd = store_fd(s), .ready = store_ready };
    source_add(d, &d->store_source, EPOLLIN);
    write_dom0(d);
    d->rescan = true;
    return 0;
}

/* The handle keeps its connection for ever, so that a new one needs a new handle. */
void store_lost(struct ctld *d)
{
    struct ctrl *h;

    if (d->store != NULL) {
        say(d, "the store does not answer any more; waiting for it");
        source_remove(d, &d->store_source);
        d->store = NULL;
    }
    if (ctrl_open(&h) == 0) {
        ctrl_close(d->h);
        d->h = h;
    }
}

/* ---- domains ---- */

struct domain *domain_find(struct ctld *d, uint32_t domid)
{
    struct domain *dom = d->domains;

    while (dom != NULL && dom->domid != domid) {
        dom = dom->next;
    }
    return dom;
}

static struct domain *domain_new(struct ctld *d, const struct ctrl_domain_info *info)
{
    char *name = store_value(d, info->domid, "name");
    struct domain *dom = name != NULL ? calloc(1, sizeof(*dom)) : NULL;
    int rc;

    if (dom == NULL) {
        free(name);
        return NULL; /* still being made: it will be introduced */
    }
    dom->domid = info->domid;
    memcpy(dom->uuid, info->uuid, sizeof(dom->uuid));
    dom->name = name;
    dom->local_port = NO_PORT;
    dom->master = dom->slave = -1;
    rc = history_open(&dom->history, dom->domid, dom->uuid, name, d->options.history_bytes);
    if (rc < 0) {
        say(d, "domain %u: no history of its console: %s", dom->domid, strerror(-rc));
    } else {
        dom->history.head->gone = 0;
    }
    dom->next = d->domains;
    d->domains = dom;
    trace(d, "domain %u (%s) is there", dom->domid, dom->name);
    return dom;
}

void domain_forget(struct ctld *d, struct domain *dom)
{
    struct domain **at = &d->domains;

    while (*at != dom) {
        at = &(*at)->next;
    }
    *at = dom->next;
    console_drain(d, dom);
    console_stop(d, dom);
    rpc_finish(d, dom);
    if (dom->history.head != NULL) {
        dom->history.head->gone = 1;
    }
    trace(d, "domain %u (%s) is gone", dom->domid, dom->name);
    history_close(&dom->history);
    free(dom->name);
    free(dom);
    history_trim(d->options.keep_histories);
}

static void follow_name(struct ctld *d, struct domain *dom)
{
    char *name = store_value(d, dom->domid, "name");

    if (name == NULL) {
        return;
    }
    if (strcmp(name, dom->name) != 0 && dom->history.head != NULL) {
        snprintf(dom->history.head->name, sizeof(dom->history.head->name), "%s", name);
    }
    free(dom->name);
    dom->name = name;
}

static void look_at(struct ctld *d, const struct ctrl_domain_info *info)
{
    struct domain *dom = domain_find(d, info->domid);

    if (dom != NULL && memcmp(dom->uuid, info->uuid, sizeof(dom->uuid)) != 0) {
        domain_forget(d, dom);
        dom = NULL;
    }
    if (info->dying) {
        /* It cannot go while we hold its page. */
        if (dom != NULL && dom->worker == 0) {
            domain_forget(d, dom);
        } else if (dom != NULL) {
            dom->seen = true;
        }
        return;
    }
    dom = dom != NULL ? dom : domain_new(d, info);
    if (dom == NULL) {
        return;
    }
    dom->seen = true;
    follow_name(d, dom);
    if (dom->ring == NULL && dom->worker == 0) {
        console_start(d, dom);
    }
    lifecycle_check(d, dom, info);
}

void domains_scan(struct ctld *d)
{
    struct ctrl_domain_info *list;
    struct domain *dom, *next;
    size_t count;

    d->rescan = false;
    if (d->store == NULL || ctrl_domain_list(d->h, &list, &count) < 0) {
        return;
    }
    for (dom = d->domains; dom != NULL; dom = dom->next) {
        dom->seen = false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].domid != 0) {
            look_at(d, &list[i]);
        }
    }
    free(list);
    for (dom = d->domains; dom != NULL; dom = next) {
        next = dom->next;
        if (!dom->seen) {
            domain_forget(d, dom);
        }
    }
}
