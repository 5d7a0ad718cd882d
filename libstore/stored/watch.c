/* SPDX-License-Identifier: MIT */
/* The table of watches, and the events of a change. */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conn.h"
#include "domain.h"
#include "log.h"

static struct watch **table;
static uint32_t table_size, table_used;
static uint32_t seed;

static struct {
    const char *name;
    struct perms *perms; /* NULL: for the privileged */
} special[] = {{EVENT_INTRODUCE, NULL}, {EVENT_RELEASE, NULL}};

static uint32_t hash_begin(void)
{
    while (seed == 0) {
        if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
            seed = 0x811c9dc5;
        }
    }
    return seed;
}

static uint32_t hash_byte(uint32_t hash, char c)
{
    hash = (hash ^ (unsigned char)c) * 0x01000193;
    return hash ^ hash >> 15;
}

static uint32_t hash_path(const char *path)
{
    uint32_t hash = hash_begin();

    while (*path) {
        hash = hash_byte(hash, *path++);
    }
    return hash;
}

static void grow(void)
{
    uint32_t size = table_size ? table_size * 2 : 256;
    struct watch **bigger;

    if (table_used < table_size) {
        return;
    }
    bigger = alloc_zero(size * sizeof(struct watch *));
    for (uint32_t i = 0; i < table_size; i++) {
        while (table[i]) {
            struct watch *w = table[i];

            table[i] = w->next_in_table;
            w->next_in_table = bigger[w->hash & (size - 1)];
            bigger[w->hash & (size - 1)] = w;
        }
    }
    free(table);
    table = bigger;
    table_size = size;
}

static int64_t watch_bytes(const struct watch *watch)
{
    return (int64_t)(sizeof(*watch) + strlen(watch->path) + strlen(watch->token) + 2);
}

int watch_add(struct conn *conn, const char *path, uint32_t strip, const char *token,
              struct watch **out)
{
    struct usage *usage = &conn->domain->usage;
    struct watch *w;

    for (w = conn->watches; w; w = w->next_of_conn) {
        if (strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0) {
            return EEXIST;
        }
    }
    if (!quota_allows(&conn->domain->party, QUOTA_WATCHES, usage->watches + 1ULL)) {
        return E2BIG;
    }
    if (!quota_allows(&conn->domain->party, QUOTA_BYTES,
                      (uint64_t)usage->bytes + strlen(path) + strlen(token))) {
        return ENOSPC;
    }
    grow();
    w = alloc_zero(sizeof(*w));
    w->conn = conn;
    w->path = alloc_copy(path, strlen(path));
    w->token = alloc_copy(token, strlen(token));
    w->strip = strip;
    w->hash = hash_path(path);
    w->next_in_table = table[w->hash & (table_size - 1)];
    table[w->hash & (table_size - 1)] = w;
    w->next_of_conn = conn->watches;
    conn->watches = w;
    table_used++;
    usage->watches++;
    usage->bytes += watch_bytes(w);
    *out = w;
    return 0;
}

static void destroy(struct watch *watch)
{
    struct watch **slot = &table[watch->hash & (table_size - 1)];

    while (*slot != watch) {
        slot = &(*slot)->next_in_table;
    }
    *slot = watch->next_in_table;
    table_used--;
    watch->conn->domain->usage.watches--;
    watch->conn->domain->usage.bytes -= watch_bytes(watch);
    conn_forget_watch(watch);
    free(watch->path);
    free(watch->token);
    free(watch);
}

int watch_remove(struct conn *conn, const char *path, const char *token)
{
    for (struct watch **slot = &conn->watches; *slot; slot = &(*slot)->next_of_conn) {
        struct watch *w = *slot;

        if (strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0) {
            *slot = w->next_of_conn;
            destroy(w);
            return 0;
        }
    }
    return ENOENT;
}

void watch_remove_all(struct conn *conn)
{
    while (conn->watches) {
        struct watch *w = conn->watches;

        conn->watches = w->next_of_conn;
        destroy(w);
    }
}

/* --- events ----------------------------------------------------------------------------------- */

struct firing {
    const char *path;
    const struct perms *now, *old, *folder; /* each may be NULL */
    const struct node *removed;             /* the path is of a node below this one */
    const char *below;                      /* the rest of the path from there on */
    struct domain *origin;
};

/* Of a node that went with what it was in. */
static bool could_read_folder(const struct firing *f, const struct party *party)
{
    char *folder = alloc_copy(f->below, (size_t)(strrchr(f->below, '/') - f->below));
    const struct node *n = *folder ? tree_find(f->removed, folder) : f->removed;

    free(folder);
    return n && perms_access(n->perms, party) & PERM_READ;
}

static bool may_hear(const struct firing *f, const struct party *party)
{
    return party->privileged || (f->now && perms_access(f->now, party) & PERM_READ) ||
           (f->old && perms_access(f->old, party) & PERM_READ) ||
           (f->folder && perms_access(f->folder, party) & PERM_READ) ||
           (f->removed && could_read_folder(f, party));
}

/* Watches at the first `length` bytes of `at`. */
static void fire_at(uint32_t hash, const char *at, size_t length, const struct firing *f)
{
    for (struct watch *w = table[hash & (table_size - 1)]; w; w = w->next_in_table) {
        if (w->hash == hash && strncmp(w->path, at, length) == 0 && !w->path[length] &&
            may_hear(f, &w->conn->domain->party)) {
            conn_event(w, f->path + w->strip, f->origin);
        }
    }
}

/* Every watch at the path and, unless exact, at what is above it. */
static void fire(const struct firing *f, bool exact)
{
    uint32_t hash = hash_begin();
    const char *p = f->path;

    if (table_used == 0) {
        return;
    }
    if (!exact && p[1]) {
        fire_at(hash_byte(hash, '/'), "/", 1, f);
    }
    for (; *p; p++) {
        if (*p == '/' && p != f->path && !exact) {
            fire_at(hash, f->path, (size_t)(p - f->path), f);
        }
        hash = hash_byte(hash, *p);
    }
    fire_at(hash, f->path, (size_t)(p - f->path), f);
}

static const struct perms *perms_at(const struct node *root, const char *path)
{
    const struct node *n = tree_find(root, path);

    return n ? n->perms : NULL;
}

static void fire_below(const struct effect *effect, struct domain *origin)
{
    struct walk *walk = alloc_zero(sizeof(*walk));
    const struct node *n;

    walk_begin(walk, effect->removed, effect->path, true);
    while ((n = walk_next(walk)) != NULL) {
        struct firing f = {.path = walk->path,
                           .old = n->perms,
                           .removed = effect->removed,
                           .below = walk->path + strlen(effect->path),
                           .origin = origin};

        fire(&f, true);
    }
    walk_end(walk);
    free(walk);
}

void watch_fire_effect(const struct node *root, const struct effect *effect, struct domain *origin)
{
    struct firing f = {.path = effect->path, .old = effect->old, .origin = origin};
    size_t used;

    if (!effect->path || table_used == 0) {
        return;
    }
    f.now = perms_at(root, effect->path);
    if (strcmp(effect->path, "/") != 0) {
        char *folder = alloc_copy(effect->path, strlen(effect->path));

        *strrchr(folder, '/') = '\0';
        f.folder = tree_nearest(root, *folder ? folder : "/", &used)->perms;
        free(folder);
    }
    fire(&f, false);
    if (effect->removed && effect->removed->children) {
        fire_below(effect, origin);
    }
}

void watch_fire_special(const char *name)
{
    struct firing f = {.path = name, .now = watch_special_perms(name)};

    fire(&f, true);
}

void watch_first_event(struct watch *watch)
{
    conn_event(watch, watch->path + watch->strip, NULL);
}

struct perms *watch_special_perms(const char *name)
{
    static const struct store_perm none = {0, STORE_NONE};

    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (strcmp(special[i].name, name) == 0) {
            if (!special[i].perms) {
                special[i].perms = perms_new(&none, 1);
            }
            return special[i].perms;
        }
    }
    return NULL;
}

bool watch_set_special_perms(const char *name, struct perms *perms)
{
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (strcmp(special[i].name, name) == 0) {
            perms_unref(special[i].perms);
            special[i].perms = perms_ref(perms);
            return true;
        }
    }
    return false;
}
