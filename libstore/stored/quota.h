/* SPDX-License-Identifier: MIT */
/*
 * What a domain may hold, and what it holds. Privileged domains are counted too, but not limited.
 * A transaction keeps its charges to itself until it is committed.
 */
#ifndef STORED_QUOTA_H
#define STORED_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perm.h"

struct node;
struct domain;

enum quota_kind {
    QUOTA_NODES,        /* owned by the domain */
    QUOTA_WATCHES,
    QUOTA_REQUESTS,     /* under way: replies not taken, events that it caused and not taken */
    QUOTA_TRANSACTIONS, /* open at once */
    QUOTA_NODE_SIZE,    /* bytes of a value and its permissions */
    QUOTA_PATH,         /* bytes of a path */
    QUOTA_PERMS,        /* entries in a list of permissions */
    QUOTA_BYTES,        /* memory of its nodes, watches, open transactions */
    QUOTA_KINDS,
};

struct usage {
    uint32_t nodes;
    uint32_t watches;
    uint32_t requests;
    uint32_t transactions;
    int64_t bytes;
};

struct charge {
    uint32_t domid;
    int32_t nodes;
    int64_t bytes;
};

/* Charges of a transaction. */
struct charges {
    struct charge *list;
    size_t count;
};

const char *quota_name(enum quota_kind kind);
uint32_t quota_limit(enum quota_kind kind);
void quota_set_limit(enum quota_kind kind, uint32_t value);
/* "name=value" or a name and a value */
bool quota_parse(const char *name, const char *value);

/* A node comes (sign 1) or goes (-1); pending NULL: at once. */
void quota_charge_node(struct charges *pending, const struct node *node, int sign);
void quota_apply(struct charges *pending);
void quota_drop(struct charges *pending);

/* May the owner hold what it holds by now? Says so in the log when not. */
bool quota_fits(const struct charges *pending, const struct party *party, uint32_t owner);
/* value against a limit, for this party */
bool quota_allows(const struct party *party, enum quota_kind kind, uint64_t value);

#endif
