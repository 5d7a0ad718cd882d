/* SPDX-License-Identifier: MIT */
/* Transactions and the live tree. */
#include "txn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "watch.h"

struct node *txn_live;

void change_clear(struct change *change)
{
    free(change->path);
    blob_unref(change->value);
    perms_unref(change->perms);
    *change = (struct change){0};
}

static uint32_t next_id(const struct conn *conn)
{
    static uint32_t last;

    do {
        last++;
    } while (last == 0 || txn_find(conn, last));
    return last;
}

int txn_start(struct conn *conn, uint32_t *id)
{
    struct usage *usage = &conn->domain->usage;
    struct txn *t;

    if (!quota_allows(&conn->domain->party, QUOTA_TRANSACTIONS, usage->transactions + 1ULL)) {
        return ENOSPC;
    }
    t = alloc_zero(sizeof(*t));
    t->id = *id = next_id(conn);
    t->domain = conn->domain;
    t->base = node_ref(txn_live);
    t->work = node_ref(txn_live);
    t->next = conn->txns;
    conn->txns = t;
    usage->transactions++;
    return 0;
}

struct txn *txn_find(const struct conn *conn, uint32_t id)
{
    for (struct txn *t = conn->txns; t; t = t->next) {
        if (t->id == id) {
            return t;
        }
    }
    return NULL;
}

/* --- what it looked at ------------------------------------------------------------------------ */

static uint32_t hash_seen(const char *path, bool listing)
{
    uint32_t hash = listing ? 0x9dc5811c : 0x811c9dc5;

    while (*path) {
        hash = (hash ^ (unsigned char)*path++) * 0x01000193;
    }
    return hash;
}

static struct seen *slot_of(struct seen *table, size_t room, const char *path, bool listing,
                            uint32_t hash)
{
    size_t i = hash & (room - 1);

    while (table[i].path && (table[i].hash != hash || table[i].listing != listing ||
                             strcmp(table[i].path, path) != 0)) {
        i = (i + 1) & (room - 1);
    }
    return &table[i];
}

static void grow_seen(struct txn *txn)
{
    size_t room = txn->room_seen ? txn->room_seen * 2 : 16;
    struct seen *bigger;

    if (txn->nr_seen * 2 < txn->room_seen) {
        return;
    }
    bigger = alloc_zero(room * sizeof(*bigger));
    for (size_t i = 0; i < txn->room_seen; i++) {
        struct seen *s = &txn->seen[i];

        if (s->path) {
            *slot_of(bigger, room, s->path, s->listing, s->hash) = *s;
        }
    }
    free(txn->seen);
    txn->seen = bigger;
    txn->room_seen = room;
}

static int charge_txn(struct txn *txn, size_t bytes)
{
    if (!quota_allows(&txn->domain->party, QUOTA_BYTES,
                      (uint64_t)txn->domain->usage.bytes + bytes)) {
        return ENOSPC;
    }
    txn->domain->usage.bytes += (int64_t)bytes;
    txn->bytes += (int64_t)bytes;
    return 0;
}

static uint64_t serial_of(const struct node *node, bool listing)
{
    return !node ? 0 : listing ? node->listed : node->changed;
}

int txn_look(struct txn *txn, const char *path, bool listing)
{
    uint32_t hash = hash_seen(path, listing);
    const struct node *n;
    struct seen *s;
    int error;

    grow_seen(txn);
    s = slot_of(txn->seen, txn->room_seen, path, listing, hash);
    if (s->path) {
        return 0;
    }
    error = charge_txn(txn, sizeof(*s) * 2 + strlen(path));
    if (error) {
        return error;
    }
    n = tree_find(txn->base, path);
    *s = (struct seen){.path = alloc_copy(path, strlen(path)),
                       .hash = hash,
                       .there = n != NULL,
                       .listing = listing,
                       .serial = serial_of(n, listing)};
    txn->nr_seen++;
    return 0;
}

static bool still_so(const struct txn *txn)
{
    for (size_t i = 0; i < txn->room_seen; i++) {
        const struct seen *s = &txn->seen[i];
        const struct node *n = s->path ? tree_find(txn_live, s->path) : NULL;

        if (s->path && (s->there != (n != NULL) || s->serial != serial_of(n, s->listing))) {
            return false;
        }
    }
    return true;
}

/* --- changes ---------------------------------------------------------------------------------- */

static void keep(struct txn *txn, struct change *change, struct effect *effect)
{
    size_t n = txn->nr_changes;

    if ((n & (n - 1)) == 0) {
        size_t room = n ? n * 2 : 1;

        txn->changes = alloc_resize(txn->changes, room * sizeof(*txn->changes));
        txn->effects = alloc_resize(txn->effects, room * sizeof(*txn->effects));
    }
    txn->changes[n] = *change;
    txn->effects[n] = *effect;
    txn->nr_changes++;
    *change = (struct change){0};
}

static int change_in_txn(struct txn *txn, struct change *change)
{
    struct view view = {&txn->work, &txn->charges};
    size_t size = sizeof(*change) + sizeof(struct effect) + 2 * strlen(change->path) +
                  (change->value ? change->value->length : 0);
    struct effect effect;
    int error = txn_look(txn, change->path, false);

    if (!error) {
        error = charge_txn(txn, size);
    }
    if (!error) {
        error = node_change(&view, &txn->domain->party, change, &effect);
    }
    if (!error) {
        keep(txn, change, &effect);
    }
    return error;
}

static int change_live(struct domain *domain, const struct change *change)
{
    struct view view = {&txn_live, NULL};
    struct effect effect;
    int error = node_change(&view, &domain->party, change, &effect);

    if (!error) {
        watch_fire_effect(txn_live, &effect, domain);
        effect_clear(&effect);
    }
    return error;
}

int txn_change(struct txn *txn, struct domain *domain, struct change *change)
{
    int error = txn ? change_in_txn(txn, change) : change_live(domain, change);

    change_clear(change);
    return error;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* All changes once more, on a copy of the live tree, which becomes the transaction's own. */
static int repeat(struct txn *txn)
{
    struct view view = {&txn->work, &txn->charges};
    int error = 0;

    node_unref(txn->work);
    txn->work = node_ref(txn_live);
    quota_drop(&txn->charges);
    for (size_t i = 0; i < txn->nr_changes; i++) {
        effect_clear(&txn->effects[i]);
    }
    for (size_t i = 0; i < txn->nr_changes && !error; i++) {
        error = node_change(&view, &txn->domain->party, &txn->changes[i], &txn->effects[i]);
    }
    return error ? EAGAIN : 0;
}

/* Of several changes of one node only the last is told, unless something was removed. */
static bool told_later(const struct txn *txn, size_t i)
{
    const struct effect *e = &txn->effects[i];
    size_t end = txn->nr_changes < i + 64 ? txn->nr_changes : i + 64;

    for (size_t k = i + 1; e->path && !e->removed && k < end; k++) {
        const struct effect *later = &txn->effects[k];

        if (later->path && !later->removed && strcmp(e->path, later->path) == 0 &&
            txn->changes[i].kind != CHANGE_PERMS) {
            return true;
        }
    }
    return false;
}

static int commit_txn(struct txn *txn)
{
    int error = 0;

    if (txn->doomed) {
        return EAGAIN;
    }
    if (txn_live != txn->base) {
        error = !still_so(txn) ? EAGAIN : txn->nr_changes > 0 ? repeat(txn) : 0;
    }
    if (error || txn->nr_changes == 0) {
        return error;
    }
    node_unref(txn_live);
    txn_live = node_ref(txn->work);
    quota_apply(&txn->charges);
    for (size_t i = 0; i < txn->nr_changes; i++) {
        if (!told_later(txn, i)) {
            watch_fire_effect(txn_live, &txn->effects[i], txn->domain);
        }
    }
    return 0;
}

static void destroy(struct txn *txn)
{
    txn->domain->usage.transactions--;
    txn->domain->usage.bytes -= txn->bytes;
    for (size_t i = 0; i < txn->nr_changes; i++) {
        change_clear(&txn->changes[i]);
        effect_clear(&txn->effects[i]);
    }
    for (size_t i = 0; i < txn->room_seen; i++) {
        free(txn->seen[i].path);
    }
    free(txn->changes);
    free(txn->effects);
    free(txn->seen);
    quota_drop(&txn->charges);
    node_unref(txn->base);
    node_unref(txn->work);
    free(txn);
}

int txn_end(struct conn *conn, struct txn *txn, bool commit)
{
    int error = commit ? commit_txn(txn) : 0;

    for (struct txn **slot = &conn->txns; *slot; slot = &(*slot)->next) {
        if (*slot == txn) {
            *slot = txn->next;
            break;
        }
    }
    destroy(txn);
    return error;
}

void txn_end_all(struct conn *conn)
{
    while (conn->txns) {
        txn_end(conn, conn->txns, false);
    }
}
