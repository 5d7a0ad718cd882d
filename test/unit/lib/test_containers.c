/* SPDX-License-Identifier: MIT */
/* List, bit map, range set and tree, the latter two against plain models with random steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/rangeset.h"
#include "lib/rbtree.h"
#include <public/errno.h>

#include <cmocka.h>

struct item {
    int key;
    struct list_node node;
    struct rb_node rb;
    bool in;
};

static void a_list_keeps_order(void **state)
{
    LIST_HEAD(l);
    LIST_HEAD(m);
    struct item a = {.key = 1}, b = {.key = 2}, c = {.key = 3}, *i, *t;
    int sum = 0;

    (void)state;
    assert_true(list_empty(&l));
    list_add_tail(&l, &b.node);
    list_add_tail(&l, &c.node);
    list_add(&l, &a.node);
    list_for_each_entry(i, &l, node) {
        sum = sum * 10 + i->key;
    }
    assert_int_equal(sum, 123);
    list_del(&b.node);
    list_del(&b.node);
    assert_ptr_equal(list_last_entry(&l, struct item, node), &c);
    list_splice_tail(&m, &l);
    assert_null(list_first(&l));
    list_for_each_entry_safe(i, t, &m, node) {
        list_del(&i->node);
    }
    assert_true(list_empty(&m));
}

static void a_bitmap_is_searched(void **state)
{
    BITMAP_DECLARE(map, 130);

    (void)state;
    bitmap_zero(map, 130);
    assert_int_equal(bitmap_first(map, 130), 130);
    bitmap_set(map, 129);
    bitmap_set(map, 3);
    assert_int_equal(bitmap_next(map, 130, 4), 129);
    assert_int_equal(bitmap_next(map, 129, 4), 129);
    assert_int_equal(bitmap_weight(map, 130), 2);
    bitmap_set_range(map, 0, 130);
    assert_true(bitmap_full(map, 130));
    bitmap_clear(map, 64);
    assert_int_equal(bitmap_first_zero(map, 130), 64);
    assert_false(bitmap_test_and_set_atomic(map, 64));
    assert_true(bitmap_test_and_clear_atomic(map, 64));
}

static unsigned allocated;
static bool fail_alloc;

static void *count_alloc(size_t size)
{
    if (fail_alloc) {
        return NULL;
    }
    allocated++;
    return malloc(size);
}

static void count_free(void *p)
{
    allocated--;
    free(p);
}

static const struct rangeset_alloc counting = {count_alloc, count_free};

static int check_range(uint64_t start, uint64_t end, void *arg)
{
    bool *model = arg;

    for (uint64_t i = start; i <= end; i++) {
        assert_true(model[i]);
        model[i] = false;
    }
    return 0;
}

static void a_rangeset_equals_a_set_of_numbers(void **state)
{
    struct rangeset *r = rangeset_create(&counting, 100);
    bool model[64] = {false}, copy[64];

    (void)state;
    for (int step = 0; step < 20000; step++) {
        unsigned a = (unsigned)rand() % 64, b = a + (unsigned)rand() % (64 - a);
        bool add = rand() & 1, all = true, any = false;

        assert_int_equal(add ? rangeset_add(r, a, b) : rangeset_remove(r, a, b), 0);
        for (unsigned i = a; i <= b; i++) {
            model[i] = add;
        }
        a = (unsigned)rand() % 64;
        b = a + (unsigned)rand() % (64 - a);
        for (unsigned i = a; i <= b; i++) {
            all &= model[i];
            any |= model[i];
        }
        assert_int_equal(rangeset_contains(r, a, b), all);
        assert_int_equal(rangeset_overlaps(r, a, b), any);
        for (unsigned i = 0; i < 64; i++) {
            copy[i] = model[i];
        }
        rangeset_for_each(r, 0, UINT64_MAX, check_range, copy);
        for (unsigned i = 0; i < 64; i++) {
            assert_false(copy[i]);
        }
    }
    rangeset_destroy(r);
    assert_int_equal(allocated, 0);
}

static void a_rangeset_that_is_full_does_not_change(void **state)
{
    struct rangeset *r = rangeset_create(&counting, 1);

    (void)state;
    assert_int_equal(rangeset_add(r, 10, 20), 0);
    assert_int_equal(rangeset_add(r, 30, 40), -XEN_ENOMEM);
    assert_int_equal(rangeset_remove(r, 12, 14), -XEN_ENOMEM);
    assert_true(rangeset_contains(r, 10, 20));
    assert_int_equal(rangeset_add(r, 21, 30), 0);
    assert_true(rangeset_contains(r, 10, 30));
    assert_int_equal(rangeset_add(r, 5, 4), -XEN_EINVAL);
    assert_int_equal(rangeset_add(r, 0, UINT64_MAX), 0);
    assert_int_equal(rangeset_remove(r, 0, UINT64_MAX), 0);
    assert_true(rangeset_empty(r));
    fail_alloc = true;
    assert_int_equal(rangeset_add(r, 1, 2), -XEN_ENOMEM);
    fail_alloc = false;
    rangeset_destroy(r);
    assert_int_equal(allocated, 0);
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
    return rb_entry(a, struct item, rb)->key < rb_entry(b, struct item, rb)->key;
}

static int item_cmp(const void *key, const struct rb_node *n)
{
    return *(const int *)key - rb_entry(n, struct item, rb)->key;
}

/* Number of black nodes down to the leaves. */
static int black_height(const struct rb_node *n)
{
    int l, r;

    if (!n) {
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        assert_true(!n->child[i] || n->child[i]->parent == n);
        assert_false(n->red && n->child[i] && n->child[i]->red);
    }
    l = black_height(n->child[0]);
    r = black_height(n->child[1]);
    assert_int_equal(l, r);
    return l + !n->red;
}

static void a_tree_stays_balanced_and_ordered(void **state)
{
    static struct item items[200];
    struct rb_tree t = {NULL};
    unsigned in = 0, seen;

    (void)state;
    for (int step = 0; step < 20000; step++) {
        struct item *i = &items[rand() % 200];
        struct rb_node *n;
        int last = -1;

        if (i->in) {
            rb_remove(&t, &i->rb);
            in--;
        } else {
            i->key = rand() % 300;
            rb_insert(&t, &i->rb, item_less);
            in++;
        }
        i->in = !i->in;
        if (step % 50 == 0) {
            black_height(t.root);
            seen = 0;
            for (n = rb_first(&t); n; n = rb_next(n)) {
                assert_true(rb_entry(n, struct item, rb)->key >= last);
                last = rb_entry(n, struct item, rb)->key;
                assert_non_null(rb_find(&t, &last, item_cmp));
                seen++;
            }
            assert_int_equal(seen, in);
            seen = 0;
            for (n = rb_last(&t); n; n = rb_prev(n)) {
                seen++;
            }
            assert_int_equal(seen, in);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_order),
        cmocka_unit_test(a_bitmap_is_searched),
        cmocka_unit_test(a_rangeset_equals_a_set_of_numbers),
        cmocka_unit_test(a_rangeset_that_is_full_does_not_change),
        cmocka_unit_test(a_tree_stays_balanced_and_ordered),
    };

    return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
