/* SPDX-License-Identifier: MIT */
/* Leftist tree; see pqueue.h. merge() walks down the two right paths, then fixes on the way up. */
#include "core/pqueue.h"

static uint32_t dist(const struct pq_node *n)
{
    return n == NULL ? 0 : n->dist;
}

/* Restore "left is at least as far as right" and the distance at n; true if dist changed. */
static bool fix(struct pq_node *n)
{
    uint32_t old = n->dist;

    if (dist(n->left) < dist(n->right)) {
        struct pq_node *t = n->left;

        n->left = n->right;
        n->right = t;
    }
    n->dist = dist(n->right) + 1;
    return n->dist != old;
}

/* Join b into the tree a; returns the root. Both may be NULL; roots have no parent. */
static struct pq_node *merge(struct pq_node *a, struct pq_node *b)
{
    struct pq_node *root = NULL, *last = NULL, **link = &root;

    while (a != NULL && b != NULL) {
        if (b->key < a->key) {
            struct pq_node *t = a;

            a = b;
            b = t;
        }
        a->parent = last;
        *link = a;
        last = a;
        link = &a->right;
        a = a->right;
    }
    if (a == NULL) {
        a = b;
    }
    *link = a;
    if (a != NULL) {
        a->parent = last;
    }
    for (; last != NULL; last = last->parent) {
        fix(last);
    }
    return root;
}

void pq_insert(struct pqueue *q, struct pq_node *n, int64_t key)
{
    n->key = key;
    n->left = n->right = n->parent = NULL;
    n->dist = 1;
    q->root = merge(q->root, n);
}

void pq_remove(struct pqueue *q, struct pq_node *n)
{
    struct pq_node *parent = n->parent, *rest;

    if (n->left != NULL) {
        n->left->parent = NULL;
    }
    if (n->right != NULL) {
        n->right->parent = NULL;
    }
    rest = merge(n->left, n->right);
    n->left = n->right = n->parent = NULL;
    n->dist = 0;
    if (rest != NULL) {
        rest->parent = parent;
    }
    if (parent == NULL) {
        q->root = rest;
        return;
    }
    if (parent->left == n) {
        parent->left = rest;
    } else {
        parent->right = rest;
    }
    while (parent != NULL && fix(parent)) {
        parent = parent->parent;
    }
}

struct pq_node *pq_next(struct pq_node *n)
{
    if (n->left != NULL) {
        return n->left;
    }
    while (n != NULL) {
        struct pq_node *up = n->parent;

        if (up != NULL && up->left == n && up->right != NULL) {
            return up->right;
        }
        n = up;
    }
    return NULL;
}
