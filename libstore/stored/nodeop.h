/* SPDX-License-Identifier: MIT */
/*
 * The four changes of a tree, with all checks of rights and limits. They work on a view: the live
 * tree, or a transaction's own. A change reports its effect, from which watches are fired once it
 * is visible.
 */
#ifndef STORED_NODEOP_H
#define STORED_NODEOP_H

#include "quota.h"
#include "tree.h"

struct view {
    struct node **root;
    struct charges *charges; /* NULL: the live tree */
};

struct effect {
    char *path;           /* NULL: nothing changed */
    struct perms *old;    /* before the change; NULL: the node is new */
    struct node *removed; /* what was there, with all below */
};

enum change_kind {
    CHANGE_WRITE,
    CHANGE_MKDIR,
    CHANGE_RM,
    CHANGE_PERMS,
};

/* A change as a request asked for it. Reference and path are the holder's. */
struct change {
    enum change_kind kind;
    char *path;
    struct blob *value;  /* CHANGE_WRITE */
    struct perms *perms; /* CHANGE_PERMS */
};

/* 0 or a positive errno; on an error nothing changed. */
int node_change(const struct view *view, const struct party *party, const struct change *change,
                struct effect *effect);
/* The node, or NULL and *error: ENOENT, or EACCES for those who may not know. need: PERM_* bits */
const struct node *node_get(const struct node *root, const struct party *party, const char *path,
                            unsigned need, int *error);
void effect_clear(struct effect *effect);

#endif
