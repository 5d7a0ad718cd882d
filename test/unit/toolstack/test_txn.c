/* SPDX-License-Identifier: MIT */
/* Transactions: isolation, conflicts, and that they serialise against a sequential model. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void changes_are_seen_inside_only_until_the_commit(void **state)
{
    struct peer *a = peer_new(0), *b = peer_new(0);
    uint32_t t;

    (void)state;
    put(a, 0, "/k", "old");
    t = begin(a);
    assert_int_equal(put(a, t, "/k", "new"), 0);
    assert_string_equal(get(a, t, "/k"), "new");
    assert_string_equal(get(b, 0, "/k"), "old");
    assert_int_equal(commit(a, t), 0);
    assert_string_equal(get(b, 0, "/k"), "new");
    assert_int_equal(commit(a, t), ENOENT);
}

static void an_abort_leaves_nothing(void **state)
{
    struct peer *a = peer_new(0);
    uint32_t t = begin(a);

    (void)state;
    put(a, t, "/k", "new");
    assert_int_equal(ask(a, XS_TRANSACTION_END, t, 1, "F"), 0);
    assert_string_equal(get(a, 0, "/k"), "ENOENT");
    t = begin(a);
    assert_int_equal(ask(a, XS_TRANSACTION_END, t, 1, "maybe"), EINVAL);
    assert_int_equal(ask(a, XS_TRANSACTION_START, t, 1, ""), EBUSY);
}

static void only_what_was_looked_at_conflicts(void **state)
{
    struct peer *a = peer_new(0), *b = peer_new(0);
    uint32_t t;

    (void)state;
    put(a, 0, "/k", "1");
    put(a, 0, "/other", "1");
    t = begin(a);
    get(a, t, "/k");
    put(a, t, "/mine", "1");
    put(b, 0, "/other", "2");
    assert_int_equal(commit(a, t), 0);
    assert_string_equal(get(b, 0, "/mine"), "1");
    assert_string_equal(get(b, 0, "/other"), "2");

    t = begin(a);
    get(a, t, "/k");
    put(a, t, "/mine", "2");
    put(b, 0, "/k", "3");
    assert_int_equal(commit(a, t), EAGAIN);
    assert_string_equal(get(b, 0, "/mine"), "1");
}

static void neighbours_in_one_folder_do_not_conflict(void **state)
{
    struct peer *a = peer_new(0), *b = peer_new(0);
    uint32_t ta = begin(a), tb = begin(b);

    (void)state;
    put(a, ta, "/local/domain/1/name", "a");
    put(b, tb, "/local/domain/2/name", "b");
    assert_int_equal(commit(a, ta), 0);
    assert_int_equal(commit(b, tb), 0);
    assert_string_equal(get(a, 0, "/local/domain/2/name"), "b");
}

static void a_listing_conflicts_with_a_new_child(void **state)
{
    struct peer *a = peer_new(0), *b = peer_new(0);
    uint32_t t;

    (void)state;
    put(a, 0, "/d/x", "");
    t = begin(a);
    ask(a, XS_DIRECTORY, t, 1, "/d");
    put(a, t, "/count", "1");
    put(b, 0, "/d/y", "");
    assert_int_equal(commit(a, t), EAGAIN);
    t = begin(a);
    assert_string_equal(get(a, t, "/d/z"), "ENOENT");
    put(a, t, "/count", "1");
    put(b, 0, "/d/z", "");
    assert_int_equal(commit(a, t), EAGAIN);
}

static void watches_fire_at_the_commit_once(void **state)
{
    struct peer *a = peer_new(0), *w = peer_new(0);
    uint32_t t;

    (void)state;
    ask(w, XS_WATCH, 0, 2, "/k", "t");
    event(w);
    t = begin(a);
    put(a, t, "/k/x", "1");
    put(a, t, "/k/x", "2");
    assert_null(event(w));
    assert_int_equal(commit(a, t), 0);
    assert_string_equal(event(w), "/k/x|t");
    assert_null(event(w));
    t = begin(a);
    ask(a, XS_RM, t, 1, "/k");
    assert_int_equal(ask(a, XS_TRANSACTION_END, t, 1, "F"), 0);
    assert_null(event(w));
}

static void what_the_owner_lost_meanwhile_fails_the_commit(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);
    uint32_t t;

    (void)state;
    put(root, 0, "/g", "");
    chmod_node(root, "/g", "n1", NULL);
    t = begin(guest);
    assert_int_equal(put(guest, t, "/g/new/deep", "1"), 0);
    chmod_node(root, "/g", "n0", NULL);
    assert_int_equal(commit(guest, t), EAGAIN);
    assert_string_equal(get(root, 0, "/g/new"), "ENOENT");
}

static void a_connection_takes_its_transactions_along(void **state)
{
    struct peer *guest = peer_new(1);

    (void)state;
    assert_int_not_equal(begin(guest), 0);
    assert_int_not_equal(begin(guest), 0);
    assert_int_equal(domain_get(1)->usage.transactions, 2);
    peer_free(guest);
    assert_int_equal(domain_get(1)->usage.transactions, 0);
}

/* --- the sequential model --------------------------------------------------------------------- */

#define KEYS  5
#define PEERS 3
#define OPS   6

struct op {
    enum { OP_READ, OP_WRITE, OP_RM, OP_LIST } kind;
    int key, value;
    char answer[64];
};

struct running {
    uint32_t id;
    struct op ops[OPS];
    int count;
};

/* 0: not there. One transaction at a time, nothing else. */
static int model[KEYS];

static void model_do(const struct op *op, int *keys, char *answer)
{
    strcpy(answer, "ok");
    if (op->kind == OP_WRITE) {
        keys[op->key] = op->value;
    } else if (op->kind == OP_RM) {
        keys[op->key] = 0;
    } else if (op->kind == OP_READ && keys[op->key] == 0) {
        strcpy(answer, "ENOENT");
    } else if (op->kind == OP_READ) {
        sprintf(answer, "%d", keys[op->key]);
    } else {
        *answer = '\0';
        for (int i = 0; i < KEYS; i++) {
            if (keys[i]) {
                sprintf(answer + strlen(answer), "k%d ", i);
            }
        }
    }
}

static void store_do(struct peer *p, uint32_t txn, struct op *op)
{
    char path[16], value[16];

    sprintf(path, "/t/k%d", op->key);
    sprintf(value, "%d", op->value);
    strcpy(op->answer, "ok");
    if (op->kind == OP_WRITE) {
        assert_int_equal(put(p, txn, path, value), 0);
    } else if (op->kind == OP_RM) {
        assert_int_equal(ask(p, XS_RM, txn, 1, path), 0);
    } else if (op->kind == OP_READ) {
        strcpy(op->answer, get(p, txn, path));
    } else {
        assert_int_equal(ask(p, XS_DIRECTORY, txn, 1, "/t"), 0);
        for (size_t i = 0; i < p->length; i++) {
            p->reply[i] = p->reply[i] ? p->reply[i] : ' ';
        }
        strcpy(op->answer, p->reply);
    }
}

static int finish(struct peer *p, struct running *r)
{
    int error = commit(p, r->id), copy[KEYS];

    memcpy(copy, model, sizeof(copy));
    for (int i = 0; i < r->count && error == 0; i++) {
        char answer[64];

        model_do(&r->ops[i], copy, answer);
        assert_string_equal(r->ops[i].answer, answer);
    }
    if (error == 0) {
        memcpy(model, copy, sizeof(copy));
    } else {
        assert_int_equal(error, EAGAIN);
    }
    r->id = 0;
    return error;
}

static void they_serialise(void **state)
{
    struct peer *peers[PEERS];
    struct running running[PEERS] = {0};
    int good = 0, bad = 0;

    (void)state;
    srand(3);
    memset(model, 0, sizeof(model));
    for (int i = 0; i < PEERS; i++) {
        peers[i] = peer_new(0);
    }
    ask(peers[0], XS_MKDIR, 0, 1, "/t");
    for (int step = 0; step < 40000; step++) {
        int who = rand() % PEERS;
        struct running *r = &running[who];

        if (!r->id) {
            *r = (struct running){.id = begin(peers[who])};
        } else if (r->count < OPS && rand() % 5) {
            struct op *op = &r->ops[r->count++];

            op->kind = (unsigned)rand() % 4;
            op->key = rand() % KEYS;
            op->value = rand() % 9 + 1;
            store_do(peers[who], r->id, op);
        } else if (finish(peers[who], r) == 0) {
            good++;
        } else {
            bad++;
        }
    }
    assert_true(good > 1000 && bad > 100);
    for (int i = 0; i < KEYS; i++) {
        struct op op = {OP_READ, i, 0, ""};
        char answer[64];

        store_do(peers[0], 0, &op);
        model_do(&op, model, answer);
        assert_string_equal(op.answer, answer);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(changes_are_seen_inside_only_until_the_commit),
        T(an_abort_leaves_nothing),
        T(only_what_was_looked_at_conflicts),
        T(neighbours_in_one_folder_do_not_conflict),
        T(a_listing_conflicts_with_a_new_child),
        T(watches_fire_at_the_commit_once),
        T(what_the_owner_lost_meanwhile_fails_the_commit),
        T(a_connection_takes_its_transactions_along),
        T(they_serialise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
