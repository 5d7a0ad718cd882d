/* SPDX-License-Identifier: MIT */
/*
 * The tree: immutable once shared. Who holds a reference to a root holds the whole tree as it was;
 * a change copies the nodes on its path that somebody else holds too and changes the rest in
 * place. The children of a node form a treap by name, whose links (left, right) stand in the
 * children themselves, so that a change in a folder of n costs O(log n).
 */
#ifndef STORED_TREE_H
#define STORED_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perm.h"

struct blob {
    uint32_t refs;
    uint32_t length;
    char data[]; /* a NUL behind the last byte */
};

struct node {
    uint32_t refs;
    uint32_t priority; /* heap order of the treap */
    uint64_t changed;  /* serial of the last change of value or permissions, or of creation */
    uint64_t listed;   /* serial of the last change of the set of children */
    struct node *left, *right;
    struct node *children;
    struct perms *perms;
    struct blob *name;
    struct blob *value;
};

struct blob *blob_new(const void *data, size_t length);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob);

/* A number that was never given before; two equal ones mean that nothing changed between. */
uint64_t tree_serial(void);
void tree_serial_advance(uint64_t at_least);

/* Takes over the references to perms and value. */
struct node *node_new(const char *name, size_t length, struct perms *perms, struct blob *value);
struct node *node_ref(struct node *node);
void node_unref(struct node *node);

/* Paths are absolute and checked: "/", "/a", "/a/b". NULL: not there. */
const struct node *tree_find(const struct node *root, const char *path);
/* The deepest node on the way; *used is the length of its path (1 for the root). */
const struct node *tree_nearest(const struct node *root, const char *path, size_t *used);

/* As tree_find, but the node, and all above it, belong to this root alone afterwards. */
struct node *tree_edit(struct node **root, const char *path);
/* parent: from tree_edit. The name must not be there yet. */
void tree_insert(struct node *parent, struct node *child);
/* The child with all that is below it, out of the tree; the caller holds the reference. */
struct node *tree_remove(struct node *parent, const char *name, size_t length);

/* Takes over the reference; the node must come from tree_edit or node_new. */
void node_set_value(struct node *node, struct blob *value);
void node_set_perms(struct node *node, struct perms *perms);

/*
 * A walk in order of names, a folder before what it contains. It holds no reference: the tree must
 * not change meanwhile, unless the caller holds its root.
 */
struct walk_item {
    const struct node *node;
    uint32_t above; /* length of the path of its folder; 0 for the root's children */
    uint32_t stage;
};

struct walk {
    struct walk_item *items;
    size_t count, room;
    bool deep;
    char path[4096]; /* of the node that walk_next returned */
    size_t length;
};

/* Children of a node (deep: all below it). base is the path that goes in front, "" for the root. */
void walk_begin(struct walk *walk, const struct node *node, const char *base, bool deep);
const struct node *walk_next(struct walk *walk);
void walk_end(struct walk *walk);

#endif
