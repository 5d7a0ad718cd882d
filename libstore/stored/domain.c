/* SPDX-License-Identifier: MIT */
/*
 * The table of domains. It never shrinks: an account is small, and pointers to it stay good. What
 * dies is the content: connection, watches, transactions, nodes.
 */
#include "domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "log.h"
#include "ring.h"
#include "txn.h"
#include "watch.h"
#include "xendev.h"

static struct domain *table[DOMAIN_LIMIT];
static uint32_t highest;
static int exceptions_port = -1;
static struct domain **by_port; /* our ports of rings */
static uint32_t ports;

static enum domain_life look_up_life(uint32_t domid)
{
    switch (xendev_there() ? xendev_domain_state(domid) : XENDEV_UNKNOWN) {
    case XENDEV_UP:
        return DOMAIN_UP;
    case XENDEV_SHUT_DOWN:
        return DOMAIN_SHUT_DOWN;
    case XENDEV_DYING:
    case XENDEV_GONE:
        return DOMAIN_DYING;
    default:
        return DOMAIN_UNKNOWN;
    }
}

struct domain *domain_get(uint32_t domid)
{
    struct domain *d;

    if (domid >= DOMAIN_LIMIT) {
        domid = 0; /* refused before it comes here */
    }
    d = table[domid];
    if (!d) {
        d = table[domid] = alloc_zero(sizeof(*d));
        d->party = (struct party){domid, PARTY_NO_TARGET, domid == 0};
        highest = domid > highest ? domid : highest;
        if (look_up_life(domid) == DOMAIN_UP) {
            d->life = DOMAIN_UP;
        }
    }
    return d;
}

struct domain *domain_find(uint32_t domid)
{
    return domid < DOMAIN_LIMIT ? table[domid] : NULL;
}

struct domain *domain_next(uint32_t from)
{
    while (from <= highest && !table[from]) {
        from++;
    }
    return from <= highest ? table[from] : NULL;
}

struct domain *domain_local(void)
{
    return domain_get(0);
}

/* --- introduction ----------------------------------------------------------------------------- */

static void note_port(uint32_t port, struct domain *domain)
{
    if (port >= ports) {
        uint32_t size = port + 64;

        by_port = alloc_resize(by_port, size * sizeof(struct domain *));
        memset(by_port + ports, 0, (size - ports) * sizeof(struct domain *));
        ports = size;
    }
    by_port[port] = domain;
}

static int connect_port(struct domain *domain, uint32_t port)
{
    int local = xendev_bind_interdomain(domain->party.domid, port);

    if (local < 0) {
        return -local;
    }
    domain->remote_port = port;
    domain->local_port = (uint32_t)local;
    note_port(domain->local_port, domain);
    return 0;
}

static void disconnect_port(struct domain *domain)
{
    if (domain->local_port) {
        xendev_unbind(domain->local_port);
        note_port(domain->local_port, NULL);
        domain->local_port = 0;
    }
}

static int connect_ring(struct domain *domain)
{
    void *page = xendev_map_ring(domain->party.domid, domain->gfn);

    if (!page) {
        return errno ? errno : EINVAL;
    }
    ring_new(domain, page);
    return 0;
}

int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t port)
{
    struct domain *d = domain_get(domid);
    uint32_t before = d->local_port ? d->remote_port : 0;
    int error;

    if (!xendev_there()) {
        return ENOSYS;
    }
    if (domid == 0) {
        return EINVAL;
    }
    d->life = look_up_life(domid);
    if (d->life == DOMAIN_DYING) {
        return EINVAL;
    }
    disconnect_port(d);
    error = connect_port(d, port);
    if (!error && !d->conn) {
        d->gfn = gfn;
        error = connect_ring(d);
    } else if (!error) {
        ring_reset(d->conn); /* who is introduced again starts anew */
    }
    if (error) {
        log_write(LOG_WARN, "domain %u: introduction failed: %s", domid, strerror(error));
        disconnect_port(d);
        if (before) {
            connect_port(d, before); /* the guest is served as it was */
        }
        return EINVAL;
    }
    ring_event(d->conn); /* what the guest may have asked already */
    if (!d->introduced) {
        d->introduced = true;
        log_write(LOG_INFO, "domain %u introduced", domid);
        watch_fire_special(EVENT_INTRODUCE);
    }
    return 0;
}

bool domain_introduce_own(void)
{
    struct domain *d = domain_local();
    uint32_t port;
    void *page = xendev_own_ring(&port);

    if (!page) {
        return false;
    }
    if (connect_port(d, port) != 0) {
        log_write(LOG_WARN, "the kernel's own port %u cannot be bound", port);
        return false;
    }
    d->introduced = true;
    ring_event(ring_new(d, page));
    ring_notify(d->conn);
    return true;
}

int domain_restore(struct domain *domain, bool rebind)
{
    int error;

    if (!rebind) {
        note_port(domain->local_port, domain);
    }
    if (domain->party.domid == 0) {
        uint32_t port;
        void *page = xendev_own_ring(&port);

        if (!page) {
            return ENOENT;
        }
        error = rebind ? connect_port(domain, port) : 0;
        ring_new(domain, page);
    } else {
        error = rebind ? connect_port(domain, domain->remote_port) : 0;
        error = error ? error : connect_ring(domain);
    }
    if (!error) {
        ring_event(domain->conn);
    }
    return error;
}

static void disconnect(struct domain *domain)
{
    domain->introduced = false;
    disconnect_port(domain);
    if (domain->conn) {
        conn_reset(domain->conn);
        conn_kill(domain->conn);
        domain->conn = NULL;
    }
    domain->party.target = PARTY_NO_TARGET;
}

int domain_release(uint32_t domid)
{
    struct domain *d = domain_find(domid);

    if (domid == 0) {
        return EINVAL;
    }
    if (!d || !d->introduced) {
        return ENOENT;
    }
    disconnect(d);
    log_write(LOG_INFO, "domain %u released", domid);
    domain_forget(d);
    watch_fire_special(EVENT_RELEASE);
    return 0;
}

int domain_resume(uint32_t domid)
{
    struct domain *d = domain_find(domid);

    if (domid == 0) {
        return EINVAL;
    }
    if (!d || !d->introduced) {
        return ENOENT;
    }
    if (d->life == DOMAIN_SHUT_DOWN) {
        d->life = DOMAIN_UP;
    }
    return 0;
}

int domain_set_target(uint32_t domid, uint32_t target)
{
    struct domain *d = domain_find(domid);

    if (!d || !d->introduced || !domain_find(target) || !domain_find(target)->introduced) {
        return ENOENT;
    }
    d->party.target = target;
    return 0;
}

/* --- death ------------------------------------------------------------------------------------ */

struct doomed {
    char **paths;
    size_t count;
};

static void add_path(struct doomed *list, const char *path)
{
    list->paths = alloc_resize(list->paths, (list->count + 1) * sizeof(char *));
    list->paths[list->count++] = alloc_copy(path, strlen(path));
}

/* Nodes that it owns (topmost only), and nodes whose permissions name it; the root stays. */
static void collect(uint32_t domid, struct doomed *owned, struct doomed *named)
{
    struct walk *walk = alloc_zero(sizeof(*walk));
    const struct node *n;
    size_t below = 0;
    char top[sizeof(walk->path)] = "";

    if (perms_name(txn_live->perms, domid)) {
        add_path(named, "/");
    }
    walk_begin(walk, txn_live, "", true);
    while ((n = walk_next(walk)) != NULL) {
        if (below && strncmp(walk->path, top, below) == 0 && walk->path[below] == '/') {
            continue;
        }
        if (n->perms->list[0].domid == domid) {
            below = walk->length;
            memcpy(top, walk->path, below + 1);
            add_path(owned, walk->path);
        } else if (perms_name(n->perms, domid)) {
            add_path(named, walk->path);
        }
    }
    walk_end(walk);
    free(walk);
}

/* Nobody is told: what others may do stays as it was. */
static void leave_perms(const char *path, uint32_t domid)
{
    struct view view = {&txn_live, NULL};
    struct change c = {.kind = CHANGE_PERMS,
                       .path = alloc_copy(path, strlen(path)),
                       .perms = perms_without(tree_find(txn_live, path)->perms, domid)};
    struct effect effect;

    node_change(&view, &domain_local()->party, &c, &effect);
    effect_clear(&effect);
    change_clear(&c);
}

void domain_forget(struct domain *domain)
{
    struct doomed owned = {0}, named = {0};

    collect(domain->party.domid, &owned, &named);
    for (size_t i = 0; i < named.count; i++) {
        leave_perms(named.paths[i], domain->party.domid);
        free(named.paths[i]);
    }
    for (size_t i = 0; i < owned.count; i++) {
        struct change c = {.kind = CHANGE_RM, .path = owned.paths[i]};

        txn_change(NULL, domain_local(), &c);
    }
    free(owned.paths);
    free(named.paths);
}

/* What the hypervisor says now, against what we knew: true when something is to be told. */
static bool check(struct domain *d)
{
    enum domain_life life = look_up_life(d->party.domid);
    bool told = d->introduced;

    if (life == DOMAIN_UNKNOWN || life == d->life || d->life == DOMAIN_UNKNOWN ||
        (life == DOMAIN_UP && d->life == DOMAIN_SHUT_DOWN)) {
        return false;
    }
    if (life == DOMAIN_DYING) {
        disconnect(d);
        domain_forget(d);
        d->life = DOMAIN_UNKNOWN; /* the number may come back */
        log_write(LOG_INFO, "domain %u is gone", d->party.domid);
    } else {
        d->life = life;
    }
    return told && life != DOMAIN_UP;
}

void domain_check_all(void)
{
    bool tell = false;

    for (struct domain *d = domain_next(1); d; d = domain_next(d->party.domid + 1)) {
        tell |= check(d);
    }
    if (tell) {
        watch_fire_special(EVENT_RELEASE);
    }
}

/* --- events ----------------------------------------------------------------------------------- */

bool domain_watch_exceptions(int inherited_port)
{
    exceptions_port = inherited_port > 0 ? inherited_port : xendev_bind_exceptions();
    return exceptions_port >= 0;
}

int domain_exceptions_port(void)
{
    return exceptions_port;
}

void domain_event(uint32_t port)
{
    if (exceptions_port >= 0 && port == (uint32_t)exceptions_port) {
        domain_check_all();
        return;
    }
    if (port < ports && by_port[port] && by_port[port]->conn) {
        ring_event(by_port[port]->conn);
    }
}
