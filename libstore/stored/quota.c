/* SPDX-License-Identifier: MIT */
/* Accounts of domains. Limits bind the unprivileged; refusals are logged, at most one a second. */
#include "quota.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "domain.h"
#include "log.h"
#include "tree.h"

static struct {
    const char *name;
    uint32_t limit;
} limits[QUOTA_KINDS] = {
    [QUOTA_NODES] = {"nodes", 1000},
    [QUOTA_WATCHES] = {"watches", 128},
    [QUOTA_REQUESTS] = {"outstanding", 20},
    [QUOTA_TRANSACTIONS] = {"transactions", 64},
    [QUOTA_NODE_SIZE] = {"node-size", 2048},
    [QUOTA_PATH] = {"path-max", 1024},
    [QUOTA_PERMS] = {"permissions", 5},
    [QUOTA_BYTES] = {"bytes", 2U << 20},
};

const char *quota_name(enum quota_kind kind)
{
    return limits[kind].name;
}

uint32_t quota_limit(enum quota_kind kind)
{
    return limits[kind].limit;
}

void quota_set_limit(enum quota_kind kind, uint32_t value)
{
    limits[kind].limit = value;
}

bool quota_parse(const char *name, const char *value)
{
    size_t length = strcspn(name, "=");
    unsigned long number;
    char *end;

    if (!value) {
        if (name[length] != '=') {
            return false;
        }
        value = name + length + 1;
    }
    number = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > UINT32_MAX) {
        return false;
    }
    for (int i = 0; i < QUOTA_KINDS; i++) {
        if (strlen(limits[i].name) == length && memcmp(limits[i].name, name, length) == 0) {
            limits[i].limit = (uint32_t)number;
            return true;
        }
    }
    return false;
}

static struct charge *find(const struct charges *pending, uint32_t domid)
{
    for (size_t i = 0; pending && i < pending->count; i++) {
        if (pending->list[i].domid == domid) {
            return &pending->list[i];
        }
    }
    return NULL;
}

static int64_t node_bytes(const struct node *node)
{
    return (int64_t)(sizeof(*node) + 2 * sizeof(struct blob) + node->name->length +
                     (node->value ? node->value->length : 0) +
                     node->perms->count * sizeof(struct store_perm));
}

static void charge(uint32_t domid, int32_t nodes, int64_t bytes)
{
    struct domain *d = domain_get(domid);

    d->usage.nodes += (uint32_t)nodes;
    d->usage.bytes += bytes;
}

void quota_charge_node(struct charges *pending, const struct node *node, int sign)
{
    uint32_t domid = node->perms->list[0].domid;
    struct charge *c;

    if (!pending) {
        charge(domid, sign, sign * node_bytes(node));
        return;
    }
    c = find(pending, domid);
    if (!c) {
        pending->list =
            alloc_resize(pending->list, (pending->count + 1) * sizeof(*pending->list));
        c = &pending->list[pending->count++];
        *c = (struct charge){.domid = domid};
    }
    c->nodes += sign;
    c->bytes += sign * node_bytes(node);
}

void quota_apply(struct charges *pending)
{
    for (size_t i = 0; i < pending->count; i++) {
        charge(pending->list[i].domid, pending->list[i].nodes, pending->list[i].bytes);
    }
    quota_drop(pending);
}

void quota_drop(struct charges *pending)
{
    free(pending->list);
    pending->list = NULL;
    pending->count = 0;
}

static void refused(const struct party *party, enum quota_kind kind)
{
    struct domain *d = domain_get(party->domid);
    time_t now = time(NULL);

    if (d->last_refusal != now) {
        d->last_refusal = now;
        log_write(LOG_WARN, "domain %u: limit '%s' (%u) reached, request refused", party->domid,
                  limits[kind].name, limits[kind].limit);
    }
}

bool quota_allows(const struct party *party, enum quota_kind kind, uint64_t value)
{
    if (party->privileged || value <= limits[kind].limit) {
        return true;
    }
    refused(party, kind);
    return false;
}

bool quota_fits(const struct charges *pending, const struct party *party, uint32_t owner)
{
    const struct charge *c = find(pending, owner);
    const struct domain *d = domain_get(owner);
    int64_t nodes = (int64_t)d->usage.nodes + (c ? c->nodes : 0);
    int64_t bytes = d->usage.bytes + (c ? c->bytes : 0);

    if (party->privileged) {
        return true;
    }
    return quota_allows(party, QUOTA_NODES, nodes > 0 ? (uint64_t)nodes : 0) &&
           quota_allows(party, QUOTA_BYTES, bytes > 0 ? (uint64_t)bytes : 0);
}
