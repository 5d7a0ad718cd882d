/* SPDX-License-Identifier: MIT */
/*
 * Transactions. Each is a root of its own that starts as the live one, the list of its changes, and
 * what it looked at. A commit takes the root over when nobody else changed the tree meanwhile; else
 * it conflicts only if something that it looked at or changed is different now, and otherwise
 * repeats its changes on the live tree.
 */
#ifndef STORED_TXN_H
#define STORED_TXN_H

#include "nodeop.h"

struct conn;
struct domain;

struct seen {
    char *path;
    uint32_t hash;
    bool there;
    bool listing; /* the set of children, else value and permissions */
    uint64_t serial;
};

struct txn {
    struct txn *next; /* of its connection */
    uint32_t id;
    bool doomed; /* came over a restart: can only fail */
    struct domain *domain;
    struct node *base, *work;
    struct charges charges;
    struct change *changes;
    struct effect *effects;
    size_t nr_changes;
    struct seen *seen; /* hash table by path and facet */
    size_t nr_seen, room_seen;
    int64_t bytes; /* charged to the domain */
};

/* The live tree. */
extern struct node *txn_live;

/* 0 or a positive errno */
int txn_start(struct conn *conn, uint32_t *id);
struct txn *txn_find(const struct conn *conn, uint32_t id);
/* Ends and frees it. EAGAIN: a conflict, nothing changed. */
int txn_end(struct conn *conn, struct txn *txn, bool commit);
void txn_end_all(struct conn *conn);

/* The request's answer depends on this node as it was in the beginning. 0 or ENOSPC */
int txn_look(struct txn *txn, const char *path, bool listing);
/* Takes over what `change` holds. txn NULL: on the live tree, with its watches fired. */
int txn_change(struct txn *txn, struct domain *domain, struct change *change);

void change_clear(struct change *change);

#endif
