/* SPDX-License-Identifier: MIT */
/*
 * Intrusive priority queue, smallest key first: a leftist tree. Each node's right path is its
 * shortest way to an empty place, so joining two trees, and with it insertion and removal of any
 * node, takes O(log n) steps; nothing is allocated, so nothing can fail.
 */
#ifndef CORE_PQUEUE_H
#define CORE_PQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pq_node {
    int64_t key;
    struct pq_node *left, *right, *parent;
    uint32_t dist; /* nodes on the way to the nearest empty place; 0: not in a queue */
};

struct pqueue {
    struct pq_node *root;
};

void pq_insert(struct pqueue *q, struct pq_node *n, int64_t key);
void pq_remove(struct pqueue *q, struct pq_node *n);
/* Some order that visits each node once, for looking; the queue must not change meanwhile. */
struct pq_node *pq_next(struct pq_node *n);

static inline bool pq_queued(const struct pq_node *n)
{
    return n->dist != 0;
}

static inline struct pq_node *pq_min(const struct pqueue *q)
{
    return q->root;
}

#endif
