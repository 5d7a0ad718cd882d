/* SPDX-License-Identifier: MIT */
/*
 * The persistent tree. A slot is the place that points to a node; own() makes sure that the node
 * in a slot is held by nobody else, by copying it when it is. Going down from the root, each step
 * owns its slot first, so that what lies behind a foreign reference is never touched.
 */
#include "tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

static uint64_t serial;

uint64_t tree_serial(void)
{
    return ++serial;
}

void tree_serial_advance(uint64_t at_least)
{
    if (serial < at_least) {
        serial = at_least;
    }
}

/* Priorities are secret, so that no choice of names makes a folder lopsided. */
static uint32_t next_priority(void)
{
    static uint64_t state;

    while (state == 0) {
        if (getrandom(&state, sizeof(state), 0) != (ssize_t)sizeof(state)) {
            state = (uintptr_t)&state ^ 0x9e3779b97f4a7c15ULL;
        }
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 24);
}

struct blob *blob_new(const void *data, size_t length)
{
    struct blob *b = alloc_zero(sizeof(*b) + length + 1);

    b->refs = 1;
    b->length = (uint32_t)length;
    if (length > 0) {
        memcpy(b->data, data, length);
    }
    return b;
}

struct blob *blob_ref(struct blob *blob)
{
    if (blob) {
        blob->refs++;
    }
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob && --blob->refs == 0) {
        free(blob);
    }
}

struct node *node_new(const char *name, size_t length, struct perms *perms, struct blob *value)
{
    struct node *n = alloc_zero(sizeof(*n));

    n->refs = 1;
    n->priority = next_priority();
    n->changed = n->listed = tree_serial();
    n->name = blob_new(name, length);
    n->perms = perms;
    n->value = value;
    return n;
}

struct node *node_ref(struct node *node)
{
    if (node) {
        node->refs++;
    }
    return node;
}

/*
 * Dead nodes wait in a chain, no recursion however deep the tree. The link stands in `changed`,
 * which a dead node needs no more.
 */
static void drop(struct node *node, struct node **chain)
{
    if (node && --node->refs == 0) {
        node->changed = (uintptr_t)*chain;
        *chain = node;
    }
}

void node_unref(struct node *node)
{
    struct node *chain = NULL;

    drop(node, &chain);
    while (chain) {
        struct node *n = chain;

        chain = (struct node *)(uintptr_t)n->changed;
        drop(n->left, &chain);
        drop(n->right, &chain);
        drop(n->children, &chain);
        perms_unref(n->perms);
        blob_unref(n->name);
        blob_unref(n->value);
        free(n);
    }
}

static struct node *own(struct node **slot)
{
    struct node *n = *slot, *copy;

    if (n->refs == 1) {
        return n;
    }
    copy = alloc_zero(sizeof(*copy));
    *copy = *n;
    copy->refs = 1;
    node_ref(copy->left);
    node_ref(copy->right);
    node_ref(copy->children);
    perms_ref(copy->perms);
    blob_ref(copy->name);
    blob_ref(copy->value);
    n->refs--;
    *slot = copy;
    return copy;
}

static int compare(const char *name, size_t length, const struct node *node)
{
    size_t other = node->name->length;
    int order = memcmp(name, node->name->data, length < other ? length : other);

    return order ? order : (length > other) - (length < other);
}

static const struct node *child_find(const struct node *parent, const char *name, size_t length)
{
    const struct node *n = parent->children;

    while (n) {
        int order = compare(name, length, n);

        if (order == 0) {
            return n;
        }
        n = order < 0 ? n->left : n->right;
    }
    return NULL;
}

/* The next name of a path: its start, its length in *length; 0 at the end. */
static const char *component(const char *path, size_t *length)
{
    while (*path == '/') {
        path++;
    }
    *length = strcspn(path, "/");
    return path;
}

const struct node *tree_nearest(const struct node *root, const char *path, size_t *used)
{
    const struct node *n = root;
    const char *at = path;
    size_t length;

    *used = 1;
    for (;;) {
        const struct node *child;

        at = component(at, &length);
        child = length ? child_find(n, at, length) : NULL;
        if (!child) {
            return n;
        }
        at += length;
        *used = (size_t)(at - path);
        n = child;
    }
}

const struct node *tree_find(const struct node *root, const char *path)
{
    const struct node *n = root;
    size_t length;

    while (n) {
        path = component(path, &length);
        if (length == 0) {
            break;
        }
        n = child_find(n, path, length);
        path += length;
    }
    return n;
}

struct node *tree_edit(struct node **root, const char *path)
{
    struct node **slot = root, *n;
    size_t length;

    if (!tree_find(*root, path)) {
        return NULL;
    }
    n = own(slot);
    for (;;) {
        int order = 1;

        path = component(path, &length);
        if (length == 0) {
            return n;
        }
        slot = &n->children;
        while (order != 0) {
            n = own(slot);
            order = compare(path, length, n);
            slot = order < 0 ? &n->left : &n->right;
        }
        path += length;
    }
}

/* Cuts a treap into what is before the name and what is behind it. */
static void split(struct node *n, const struct blob *name, struct node **before,
                  struct node **behind)
{
    while (n) {
        if (compare(name->data, name->length, n) < 0) {
            *behind = n;
            behind = &own(behind)->left;
            n = *behind;
        } else {
            *before = n;
            before = &own(before)->right;
            n = *before;
        }
    }
    *before = *behind = NULL;
}

void tree_insert(struct node *parent, struct node *child)
{
    struct node **slot = &parent->children;

    assert(parent->refs == 1 && child->refs == 1);
    while (*slot && (*slot)->priority >= child->priority) {
        struct node *n = own(slot);

        slot = compare(child->name->data, child->name->length, n) < 0 ? &n->left : &n->right;
    }
    split(*slot, child->name, &child->left, &child->right);
    *slot = child;
    parent->listed = tree_serial();
}

/* Joins two treaps of which the first is all before the second, into the slot. */
static void merge(struct node *before, struct node *behind, struct node **slot)
{
    while (before && behind) {
        if (before->priority >= behind->priority) {
            *slot = before;
            before = own(slot);
            slot = &before->right;
            before = before->right;
        } else {
            *slot = behind;
            behind = own(slot);
            slot = &behind->left;
            behind = behind->left;
        }
    }
    *slot = before ? before : behind;
}

struct node *tree_remove(struct node *parent, const char *name, size_t length)
{
    struct node **slot = &parent->children;

    assert(parent->refs == 1);
    if (!child_find(parent, name, length)) {
        return NULL;
    }
    for (;;) {
        struct node *n = own(slot);
        int order = compare(name, length, n);

        if (order == 0) {
            merge(n->left, n->right, slot);
            n->left = n->right = NULL;
            parent->listed = tree_serial();
            return n;
        }
        slot = order < 0 ? &n->left : &n->right;
    }
}

void node_set_value(struct node *node, struct blob *value)
{
    assert(node->refs == 1);
    blob_unref(node->value);
    node->value = value;
    node->changed = tree_serial();
}

void node_set_perms(struct node *node, struct perms *perms)
{
    assert(node->refs == 1);
    perms_unref(node->perms);
    node->perms = perms;
    node->changed = tree_serial();
}

/* --- walks ------------------------------------------------------------------------------------ */

enum { STAGE_TREAP, STAGE_NODE };

static void push(struct walk *walk, const struct node *node, uint32_t above, uint32_t stage)
{
    if (!node) {
        return;
    }
    if (walk->count == walk->room) {
        walk->room = walk->room ? walk->room * 2 : 64;
        walk->items = alloc_resize(walk->items, walk->room * sizeof(*walk->items));
    }
    walk->items[walk->count++] = (struct walk_item){node, above, stage};
}

void walk_begin(struct walk *walk, const struct node *node, const char *base, bool deep)
{
    size_t length = strcmp(base, "/") == 0 ? 0 : strlen(base);

    walk->items = NULL;
    walk->count = walk->room = 0;
    walk->deep = deep;
    assert(length < sizeof(walk->path));
    memcpy(walk->path, base, length);
    walk->path[length] = '\0';
    walk->length = length;
    push(walk, node->children, (uint32_t)length, STAGE_TREAP);
}

const struct node *walk_next(struct walk *walk)
{
    while (walk->count > 0) {
        struct walk_item item = walk->items[--walk->count];
        const struct node *n = item.node;
        size_t length = item.above + 1 + n->name->length;

        if (item.stage == STAGE_TREAP) {
            push(walk, n->right, item.above, STAGE_TREAP);
            if (n->left) {
                push(walk, n, item.above, STAGE_NODE);
                push(walk, n->left, item.above, STAGE_TREAP);
                continue;
            }
        }
        assert(length < sizeof(walk->path));
        walk->path[item.above] = '/';
        memcpy(walk->path + item.above + 1, n->name->data, n->name->length + 1);
        walk->length = length;
        if (walk->deep) {
            push(walk, n->children, (uint32_t)length, STAGE_TREAP);
        }
        return n;
    }
    return NULL;
}

void walk_end(struct walk *walk)
{
    free(walk->items);
    walk->items = NULL;
    walk->count = walk->room = 0;
}
