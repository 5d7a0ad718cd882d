/* SPDX-License-Identifier: MIT */
/*
 * Intrusive red-black tree. Elements carry a struct rb_node; order is told by a callback, so the
 * tree knows nothing of them. Equal elements are allowed; they stand in order of insertion.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include <stdbool.h>
#include <stddef.h>

struct rb_node {
    struct rb_node *parent, *child[2]; /* 0: smaller side, 1: larger side */
    bool red;
};

struct rb_tree {
    struct rb_node *root;
};

#define rb_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

void rb_insert(struct rb_tree *t, struct rb_node *n,
               bool (*less)(const struct rb_node *a, const struct rb_node *b));
void rb_remove(struct rb_tree *t, struct rb_node *n);

/* cmp: negative when the key is before the node, 0 when found. NULL: there is none. */
struct rb_node *rb_find(const struct rb_tree *t, const void *key,
                        int (*cmp)(const void *key, const struct rb_node *n));

struct rb_node *rb_first(const struct rb_tree *t);
struct rb_node *rb_last(const struct rb_tree *t);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#endif
