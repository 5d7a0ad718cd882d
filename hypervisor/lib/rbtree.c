/* SPDX-License-Identifier: MIT */
/*
 * A red node has no red child, and all paths down from a node pass equally many black ones. Both
 * sides are handled by one code path: child[side] and child[!side].
 */
#include "rbtree.h"

static bool is_red(const struct rb_node *n)
{
    return n && n->red;
}

static void replace_child(struct rb_tree *t, struct rb_node *old, struct rb_node *new)
{
    struct rb_node *p = old->parent;

    if (!p) {
        t->root = new;
    } else {
        p->child[p->child[1] == old] = new;
    }
    if (new) {
        new->parent = p;
    }
}

/* n goes down on `side`; its child on the other side takes its place. */
static void rotate(struct rb_tree *t, struct rb_node *n, unsigned side)
{
    struct rb_node *up = n->child[!side], *inner = up->child[side];

    replace_child(t, n, up);
    n->child[!side] = inner;
    if (inner) {
        inner->parent = n;
    }
    up->child[side] = n;
    n->parent = up;
}

void rb_insert(struct rb_tree *t, struct rb_node *n,
               bool (*less)(const struct rb_node *a, const struct rb_node *b))
{
    struct rb_node *p = NULL, **link = &t->root;

    while (*link) {
        p = *link;
        link = &p->child[!less(n, p)];
    }
    *n = (struct rb_node){.parent = p, .red = true};
    *link = n;
    while (is_red(n->parent)) {
        struct rb_node *g = n->parent->parent, *uncle;
        unsigned side = g->child[1] == n->parent;

        uncle = g->child[!side];
        if (is_red(uncle)) {
            n->parent->red = uncle->red = false;
            g->red = true;
            n = g;
            continue;
        }
        if (n == n->parent->child[!side]) {
            n = n->parent;
            rotate(t, n, side);
        }
        n->parent->red = false;
        g->red = true;
        rotate(t, g, !side);
    }
    t->root->red = false;
}

/* One black node is missing on the path to n, which is child `side` of p and may be NULL. */
static void repair(struct rb_tree *t, struct rb_node *n, struct rb_node *p)
{
    while (p && !is_red(n)) {
        unsigned side = p->child[1] == n;
        struct rb_node *s = p->child[!side];

        if (s->red) {
            s->red = false;
            p->red = true;
            rotate(t, p, side);
            s = p->child[!side];
        }
        if (!is_red(s->child[0]) && !is_red(s->child[1])) {
            s->red = true;
            n = p;
            p = n->parent;
            continue;
        }
        if (!is_red(s->child[!side])) {
            s->child[side]->red = false;
            s->red = true;
            rotate(t, s, !side);
            s = p->child[!side];
        }
        s->red = p->red;
        p->red = false;
        s->child[!side]->red = false;
        rotate(t, p, side);
        return;
    }
    if (n) {
        n->red = false;
    }
}

void rb_remove(struct rb_tree *t, struct rb_node *n)
{
    struct rb_node *heir, *child, *p;
    bool black;

    if (!n->child[0] || !n->child[1]) {
        child = n->child[0] ? n->child[0] : n->child[1];
        p = n->parent;
        black = !n->red;
        replace_child(t, n, child);
    } else { /* the next one takes its place and colour */
        heir = n->child[1];
        while (heir->child[0]) {
            heir = heir->child[0];
        }
        child = heir->child[1];
        black = !heir->red;
        p = heir->parent == n ? heir : heir->parent;
        replace_child(t, heir, child);
        replace_child(t, n, heir);
        heir->red = n->red;
        for (unsigned i = 0; i < 2; i++) {
            heir->child[i] = n->child[i];
            if (heir->child[i]) {
                heir->child[i]->parent = heir;
            }
        }
    }
    if (black) {
        repair(t, child, p);
    }
}

struct rb_node *rb_find(const struct rb_tree *t, const void *key,
                        int (*cmp)(const void *key, const struct rb_node *n))
{
    struct rb_node *n = t->root;

    while (n) {
        int c = cmp(key, n);

        if (c == 0) {
            return n;
        }
        n = n->child[c > 0];
    }
    return NULL;
}

static struct rb_node *extreme(struct rb_node *n, unsigned side)
{
    while (n && n->child[side]) {
        n = n->child[side];
    }
    return n;
}

static struct rb_node *step(const struct rb_node *n, unsigned side)
{
    if (n->child[side]) {
        return extreme(n->child[side], !side);
    }
    while (n->parent && n == n->parent->child[side]) {
        n = n->parent;
    }
    return n->parent;
}

struct rb_node *rb_first(const struct rb_tree *t)
{
    return extreme(t->root, 0);
}

struct rb_node *rb_last(const struct rb_tree *t)
{
    return extreme(t->root, 1);
}

struct rb_node *rb_next(const struct rb_node *n)
{
    return step(n, 1);
}

struct rb_node *rb_prev(const struct rb_node *n)
{
    return step(n, 0);
}
