/* SPDX-License-Identifier: MIT */
/* Changes of a tree: first all checks, then the change, which cannot fail any more. */
#include "nodeop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

void effect_clear(struct effect *effect)
{
    free(effect->path);
    perms_unref(effect->old);
    node_unref(effect->removed);
    *effect = (struct effect){0};
}

const struct node *node_get(const struct node *root, const struct party *party, const char *path,
                            unsigned need, int *error)
{
    size_t used;
    const struct node *n = tree_nearest(root, path, &used);
    bool there = path[used] == '\0';
    unsigned have = perms_access(n->perms, party) & need;

    /* that nothing is there, whoever has some of the rights may know */
    if (there ? have != need : !have) {
        *error = EACCES;
        return NULL;
    }
    *error = there ? 0 : ENOENT;
    return there ? n : NULL;
}

/* The node and the folders that are missing on its way; the first one made is *top. */
static struct node *create(const struct view *view, const struct party *party, const char *path)
{
    size_t used;
    char *at = alloc_copy(path, strlen(path));
    struct node *n;

    tree_nearest(*view->root, path, &used);
    at[used] = '\0';
    n = tree_edit(view->root, used > 1 ? at : "/");
    free(at);
    for (const char *p = path + (used > 1 ? used : 0); *p;) {
        size_t length = strcspn(++p, "/");
        struct node *child = node_new(p, length, perms_inherit(n->perms, party), NULL);

        tree_insert(n, child);
        quota_charge_node(view->charges, child, 1);
        n = child;
        p += length;
    }
    return n;
}

/* What the change adds (missing folders, growth bytes), against what the party may still hold. */
static bool growth_fits(const struct view *view, const struct party *party, const char *path,
                        int64_t growth)
{
    size_t used, missing = 0;
    struct charge extra = {.domid = party->domid};
    struct charges all = {0};
    const struct node *n;

    if (party->privileged) {
        return true;
    }
    n = tree_nearest(*view->root, path, &used);
    for (const char *p = path + (used > 1 ? used : 0); *p; p++) {
        missing += *p == '/';
    }
    extra.nodes = (int32_t)missing;
    extra.bytes = (int64_t)(missing * (sizeof(*n) + 2 * sizeof(struct blob) +
                                       n->perms->count * sizeof(struct store_perm)) +
                            strlen(path + used)) +
                  growth;
    for (size_t i = 0; view->charges && i < view->charges->count; i++) {
        if (view->charges->list[i].domid == party->domid) {
            extra.nodes += view->charges->list[i].nodes;
            extra.bytes += view->charges->list[i].bytes;
        }
    }
    all.list = &extra;
    all.count = 1;
    return quota_fits(&all, party, party->domid);
}

static size_t perms_size(const struct perms *perms)
{
    return perms->count * sizeof(struct store_perm);
}

static int write_or_mkdir(const struct view *view, const struct party *party,
                          const struct change *change, struct effect *effect)
{
    size_t used, size = change->value ? change->value->length : 0;
    const struct node *near = tree_nearest(*view->root, change->path, &used);
    int error;
    const struct node *old = node_get(*view->root, party, change->path, PERM_WRITE, &error);
    int64_t growth = (int64_t)size - (old && old->value ? old->value->length : 0);
    struct node *n;

    if (error != 0 && error != ENOENT) {
        return error;
    }
    if (old && change->kind == CHANGE_MKDIR) {
        return 0;
    }
    if (!quota_allows(party, QUOTA_NODE_SIZE, size + perms_size(near->perms)) ||
        !growth_fits(view, party, change->path, growth)) {
        return ENOSPC;
    }
    if (old) {
        effect->old = perms_ref(old->perms);
        n = tree_edit(view->root, change->path);
    } else {
        n = create(view, party, change->path);
    }
    if (change->kind == CHANGE_WRITE) {
        quota_charge_node(view->charges, n, -1);
        node_set_value(n, blob_ref(change->value));
        quota_charge_node(view->charges, n, 1);
    }
    effect->path = alloc_copy(change->path, strlen(change->path));
    return 0;
}

/* The folder of a path, in a block for free(). */
static char *folder_of(const char *path)
{
    size_t length = (size_t)(strrchr(path, '/') - path);

    return alloc_copy(path, length ? length : 1);
}

static void discharge(struct charges *charges, const struct node *removed)
{
    struct walk *walk = alloc_zero(sizeof(*walk));
    const struct node *n;

    quota_charge_node(charges, removed, -1);
    walk_begin(walk, removed, "", true);
    while ((n = walk_next(walk)) != NULL) {
        quota_charge_node(charges, n, -1);
    }
    walk_end(walk);
    free(walk);
}

static int remove_node(const struct view *view, const struct party *party,
                       const struct change *change, struct effect *effect)
{
    int error;
    const struct node *old = node_get(*view->root, party, change->path, PERM_WRITE, &error);
    char *folder;
    struct node *parent;

    if (!old && error != ENOENT) {
        return error;
    }
    if (strcmp(change->path, "/") == 0) {
        return EINVAL;
    }
    folder = folder_of(change->path);
    if (!old) {
        /* what is not there needs no removing, as long as its folder is */
        error = tree_find(*view->root, folder) ? 0 : ENOENT;
        free(folder);
        return error;
    }
    parent = tree_edit(view->root, folder);
    free(folder);
    effect->old = perms_ref(old->perms);
    effect->path = alloc_copy(change->path, strlen(change->path));
    effect->removed =
        tree_remove(parent, strrchr(change->path, '/') + 1, strlen(strrchr(change->path, '/') + 1));
    discharge(view->charges, effect->removed);
    return 0;
}

static int set_perms(const struct view *view, const struct party *party,
                     const struct change *change, struct effect *effect)
{
    int error;
    const struct node *old =
        node_get(*view->root, party, change->path, PERM_WRITE | PERM_OWNER, &error);
    struct node *n;

    if (!old) {
        return error;
    }
    if (!party->privileged && change->perms->list[0].domid != old->perms->list[0].domid) {
        return EPERM;
    }
    if (!quota_allows(party, QUOTA_NODE_SIZE,
                      perms_size(change->perms) + (old->value ? old->value->length : 0))) {
        return ENOSPC;
    }
    effect->old = perms_ref(old->perms);
    effect->path = alloc_copy(change->path, strlen(change->path));
    n = tree_edit(view->root, change->path);
    quota_charge_node(view->charges, n, -1);
    node_set_perms(n, perms_ref(change->perms));
    quota_charge_node(view->charges, n, 1);
    return 0;
}

int node_change(const struct view *view, const struct party *party, const struct change *change,
                struct effect *effect)
{
    *effect = (struct effect){0};
    switch (change->kind) {
    case CHANGE_WRITE:
    case CHANGE_MKDIR:
        return write_or_mkdir(view, party, change, effect);
    case CHANGE_RM:
        return remove_node(view, party, change, effect);
    default:
        return set_perms(view, party, change, effect);
    }
}
