/* SPDX-License-Identifier: MIT */
/* The persistent tree against a plain list of paths, with old roots held on the way. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

#define NAMES 60
#define HELD  8

/* The model: which of NAMES nodes of the folder /f are there, with which value (0: none). */
struct model {
    int value[NAMES];
};

static struct perms *nobody(void)
{
    static const struct store_perm none = {0, STORE_NONE};

    return perms_new(&none, 1);
}

static struct node *new_root(void)
{
    struct node *root = node_new("", 0, nobody(), NULL);

    tree_insert(root, node_new("f", 1, nobody(), NULL));
    return root;
}

static void path_of(int i, char *path)
{
    sprintf(path, "/f/n%d", i);
}

static void change(struct node **root, struct model *m)
{
    int i = rand() % NAMES, value = rand() % 1000 + 1;
    char path[32], text[16];
    struct node *n;

    path_of(i, path);
    sprintf(text, "%d", value);
    if (m->value[i] && rand() % 3 == 0) {
        node_unref(tree_remove(tree_edit(root, "/f"), path + 3, strlen(path + 3)));
        m->value[i] = 0;
        return;
    }
    if (m->value[i]) {
        n = tree_edit(root, path);
        node_set_value(n, blob_new(text, strlen(text)));
    } else {
        tree_insert(tree_edit(root, "/f"), node_new(path + 3, strlen(path + 3), nobody(),
                                                    blob_new(text, strlen(text))));
    }
    m->value[i] = value;
}

static void check_heap(const struct node *n)
{
    if (!n) {
        return;
    }
    assert_true(!n->left || n->left->priority <= n->priority);
    assert_true(!n->right || n->right->priority <= n->priority);
    check_heap(n->left);
    check_heap(n->right);
}

static void check(const struct node *root, const struct model *m)
{
    char path[32], last[256] = "";
    struct walk walk;
    const struct node *n;
    size_t there = 0, walked = 0;

    for (int i = 0; i < NAMES; i++) {
        path_of(i, path);
        n = tree_find(root, path);
        assert_int_equal(n != NULL, m->value[i] != 0);
        if (n) {
            assert_int_equal(atoi(n->value->data), m->value[i]);
            there++;
        }
    }
    walk_begin(&walk, tree_find(root, "/f"), "/f", false);
    while ((n = walk_next(&walk)) != NULL) {
        assert_true(strcmp(last, walk.path) < 0);
        strcpy(last, walk.path);
        walked++;
    }
    walk_end(&walk);
    assert_int_equal(there, walked);
    check_heap(tree_find(root, "/f")->children);
}

static void old_roots_never_change(void **state)
{
    struct node *root = new_root(), *held[HELD] = {0};
    struct model now = {0}, then[HELD];

    (void)state;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        int k = rand() % HELD;

        change(&root, &now);
        if (step % 7 == 0) {
            node_unref(held[k]);
            held[k] = node_ref(root);
            then[k] = now;
        }
        if (step % 50 == 0) {
            check(root, &now);
            for (k = 0; k < HELD; k++) {
                if (held[k]) {
                    check(held[k], &then[k]);
                }
            }
        }
    }
    for (int k = 0; k < HELD; k++) {
        node_unref(held[k]);
    }
    node_unref(root);
}

/* Both hold and both change: a fork of the tree. */
static void two_holders_go_their_own_ways(void **state)
{
    struct node *a = new_root(), *b = node_ref(a);
    struct model ma = {0}, mb = {0};

    (void)state;
    srand(2);
    for (int step = 0; step < 2000; step++) {
        change(&a, &ma);
        change(&b, &mb);
        if (step % 100 == 99) {
            check(a, &ma);
            check(b, &mb);
            node_unref(b);
            b = node_ref(a);
            mb = ma;
        }
    }
    node_unref(a);
    node_unref(b);
}

static void serials_tell_value_from_listing(void **state)
{
    struct node *root = new_root();
    const struct node *f = tree_find(root, "/f");
    uint64_t changed = f->changed, listed = f->listed;

    (void)state;
    tree_insert(tree_edit(&root, "/f"), node_new("x", 1, nobody(), NULL));
    f = tree_find(root, "/f");
    assert_int_equal(f->changed, changed);
    assert_true(f->listed > listed);
    listed = f->listed;
    node_set_value(tree_edit(&root, "/f"), blob_new("v", 1));
    f = tree_find(root, "/f");
    assert_true(f->changed > changed);
    assert_int_equal(f->listed, listed);
    node_unref(root);
}

static void a_deep_tree_goes_without_recursion(void **state)
{
    struct node *root = node_new("", 0, nobody(), NULL), *n = root;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct node *child = node_new("a", 1, nobody(), NULL);

        tree_insert(n, child);
        n = child;
    }
    node_unref(root);
}

static void a_wide_folder_stays_flat(void **state)
{
    struct node *root = new_root();
    const struct node *n;
    char name[16];
    int depth = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        sprintf(name, "%06d", i);
        tree_insert(tree_edit(&root, "/f"), node_new(name, 6, nobody(), NULL));
    }
    for (n = tree_find(root, "/f")->children; n; n = n->left) {
        depth++;
    }
    assert_true(depth < 80);
    assert_non_null(tree_find(root, "/f/054321"));
    node_unref(root);
}

static void the_nearest_node_is_found(void **state)
{
    struct node *root = new_root();
    size_t used;

    (void)state;
    assert_ptr_equal(tree_nearest(root, "/x/y", &used), root);
    assert_int_equal(used, 1);
    assert_ptr_equal(tree_nearest(root, "/f/y/z", &used), tree_find(root, "/f"));
    assert_int_equal(used, 2);
    assert_null(tree_find(root, "/ff"));
    assert_null(tree_edit(&root, "/f/y"));
    node_unref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_roots_never_change),
        cmocka_unit_test(two_holders_go_their_own_ways),
        cmocka_unit_test(serials_tell_value_from_listing),
        cmocka_unit_test(a_deep_tree_goes_without_recursion),
        cmocka_unit_test(a_wide_folder_stays_flat),
        cmocka_unit_test(the_nearest_node_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
