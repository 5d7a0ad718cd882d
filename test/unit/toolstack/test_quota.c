/* SPDX-License-Identifier: MIT */
/* The limits, each exactly; dom0 has none. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"

static struct peer *root, *guest;

static int setup(void **state)
{
    store_setup(state);
    root = peer_new(0);
    guest = peer_new(1);
    put(root, 0, "/g", "");
    return chmod_node(root, "/g", "n1", NULL);
}

static int make(uint32_t txn, int i)
{
    char path[32];

    snprintf(path, sizeof(path), "/g/n%d", i);
    return put(guest, txn, path, "");
}

static void nodes(void **state)
{
    (void)state;
    quota_set_limit(QUOTA_NODES, 10);
    for (int i = 1; i < 10; i++) { /* /g is the first */
        assert_int_equal(make(0, i), 0);
    }
    assert_int_equal(make(0, 10), ENOSPC);
    assert_int_equal(put(guest, 0, "/g/n1", "more"), 0);
    assert_int_equal(ask(guest, XS_RM, 0, 1, "/g/n1"), 0);
    assert_int_equal(put(guest, 0, "/g/a/b", ""), ENOSPC); /* two at once */
    assert_int_equal(make(0, 11), 0);
    assert_int_equal(domain_get(1)->usage.nodes, 10);
    assert_int_equal(put(root, 0, "/g/root", ""), 0); /* dom0 is not held up by it */
}

static void nodes_in_a_transaction(void **state)
{
    uint32_t t = begin(guest);

    (void)state;
    quota_set_limit(QUOTA_NODES, 10);
    for (int i = 1; i < 10; i++) {
        assert_int_equal(make(t, i), 0);
    }
    assert_int_equal(make(t, 10), ENOSPC);
    assert_int_equal(domain_get(1)->usage.nodes, 1);
    assert_int_equal(commit(guest, t), 0);
    assert_int_equal(domain_get(1)->usage.nodes, 10);
    t = begin(guest);
    assert_int_equal(ask(guest, XS_RM, t, 1, "/g/n1"), 0);
    assert_int_equal(make(t, 20), 0);
    assert_int_equal(make(t, 21), ENOSPC);
    assert_int_equal(commit(guest, t), 0);
}

/* Two transactions that fit alone, but not together. */
static void transactions_that_do_not_fit_together(void **state)
{
    uint32_t t = begin(guest), u = begin(guest);

    (void)state;
    quota_set_limit(QUOTA_NODES, 4);
    assert_int_equal(make(t, 1), 0);
    assert_int_equal(make(t, 2), 0);
    assert_int_equal(make(u, 3), 0);
    assert_int_equal(make(u, 4), 0);
    assert_int_equal(commit(guest, t), 0);
    assert_int_equal(commit(guest, u), EAGAIN);
    assert_int_equal(domain_get(1)->usage.nodes, 3);
}

static void watches(void **state)
{
    char token[16];

    (void)state;
    for (int i = 0; i < 128; i++) {
        snprintf(token, sizeof(token), "%d", i);
        assert_int_equal(ask(guest, XS_WATCH, 0, 2, "/g", token), 0);
        event(guest);
    }
    assert_int_equal(ask(guest, XS_WATCH, 0, 2, "/g", "one more"), E2BIG);
    assert_int_equal(ask(guest, XS_UNWATCH, 0, 2, "/g", "5"), 0);
    assert_int_equal(ask(guest, XS_WATCH, 0, 2, "/g", "one more"), 0);
}

static void transactions(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++) {
        assert_int_not_equal(begin(guest), 0);
    }
    assert_int_equal(begin(guest), 0);
    assert_int_equal(wire_error_number(guest->reply, guest->length), ENOSPC);
    for (int i = 0; i < 100; i++) {
        assert_int_not_equal(begin(root), 0);
    }
}

static void size_of_a_node(void **state)
{
    char value[2100];
    size_t most = 2048 - sizeof(struct store_perm);

    (void)state;
    memset(value, 'v', sizeof(value));
    value[most] = '\0';
    assert_int_equal(put(guest, 0, "/g/v", value), 0);
    value[most] = 'v';
    value[most + 1] = '\0';
    assert_int_equal(put(guest, 0, "/g/v", value), ENOSPC);
    assert_int_equal(put(root, 0, "/g/v", value), 0);
}

static void length_of_a_path(void **state)
{
    char path[1100];

    (void)state;
    memset(path, 'p', sizeof(path));
    memcpy(path, "/g/", 3);
    path[1024] = '\0';
    assert_int_equal(put(guest, 0, path, ""), 0);
    path[1024] = 'p';
    path[1025] = '\0';
    assert_int_equal(put(guest, 0, path, ""), EINVAL);
    assert_int_equal(put(root, 0, path, ""), 0);
    put(root, 0, "/local/domain/1", "");
    chmod_node(root, "/local/domain/1", "n1", NULL);
    path[1024] = '\0'; /* the domain's own folder does not count */
    assert_int_equal(put(guest, 0, path + 3, ""), 0);
}

static void entries_of_permissions(void **state)
{
    (void)state;
    assert_int_equal(ask(guest, XS_SET_PERMS, 0, 6, "/g", "n1", "r2", "r3", "r4", "r5"), 0);
    assert_int_equal(ask(guest, XS_SET_PERMS, 0, 7, "/g", "n1", "r2", "r3", "r4", "r5", "r6"),
                     ENOSPC);
    assert_int_equal(ask(guest, XS_SET_PERMS, 0, 7, "/?", "n1", "r2", "r3", "r4", "r5", "r6"),
                     ENOSPC);
    assert_int_equal(ask(root, XS_SET_PERMS, 0, 7, "/g", "n1", "r2", "r3", "r4", "r5", "r6"), 0);
}

static void bytes(void **state)
{
    char value[1025], path[32];
    int i = 0, error = 0;

    (void)state;
    quota_set_limit(QUOTA_BYTES, 100000);
    memset(value, 'v', sizeof(value));
    value[1024] = '\0';
    for (; i < 200 && !error; i++) {
        snprintf(path, sizeof(path), "/g/%d", i);
        error = put(guest, 0, path, value);
    }
    assert_int_equal(error, ENOSPC);
    assert_true(i > 60 && i < 100);
    assert_true(domain_get(1)->usage.bytes <= 100000);
}

/* Changes in a transaction, even of one node again and again, are paid for until its end. */
static void bytes_of_a_transaction(void **state)
{
    uint32_t t = begin(guest);
    int64_t before = domain_get(1)->usage.bytes;
    int error = 0;

    (void)state;
    quota_set_limit(QUOTA_BYTES, 100000);
    for (int i = 0; i < 2000 && !error; i++) {
        error = put(guest, t, "/g", "some value or other");
    }
    assert_int_equal(error, ENOSPC);
    assert_int_equal(ask(guest, XS_TRANSACTION_END, t, 1, "F"), 0);
    assert_int_equal(domain_get(1)->usage.bytes, before);
}

static void requests_under_way(void **state)
{
    (void)state;
    guest->room = 0; /* takes nothing */
    for (int i = 0; i < 50; i++) {
        peer_request(guest, XS_READ, 0, "/g", 3);
        run();
    }
    assert_int_equal(domain_get(1)->usage.requests, 20);
    assert_true(conn_blocked());
    guest->room = SIZE_MAX;
    conn_schedule(guest->conn);
    run();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(answer(guest), 0);
    }
    assert_int_equal(answer(guest), -1);
    assert_int_equal(domain_get(1)->usage.requests, 0);
    assert_false(conn_blocked());
}

/* Who floods a watcher that does not listen is not listened to either. */
static void events_count_for_their_cause(void **state)
{
    struct peer *w = peer_new(0);
    char path[32];

    (void)state;
    ask(w, XS_WATCH, 0, 2, "/g", "t");
    event(w);
    w->room = 0;
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof(path), "/g/%d", i);
        peer_request(guest, XS_WRITE, 0, path, strlen(path) + 1);
        run();
    }
    assert_int_equal(domain_get(1)->usage.requests, 20);
    assert_int_equal(put(root, 0, "/still", "served"), 0);
    w->room = SIZE_MAX;
    conn_schedule(w->conn);
    run();
    for (int i = 0; i < 50; i++) {
        assert_non_null(event(w));
        assert_int_equal(answer(guest), 0);
    }
}

static void limits_can_be_set(void **state)
{
    (void)state;
    assert_int_equal(ask(root, XS_CONTROL, 0, 4, "quota", "set", "nodes", "3"), 0);
    assert_int_equal(quota_limit(QUOTA_NODES), 3);
    assert_int_equal(ask(root, XS_CONTROL, 0, 4, "quota", "set", "nodes", "x"), EINVAL);
    assert_int_equal(ask(root, XS_CONTROL, 0, 4, "quota", "set", "other", "3"), EINVAL);
    assert_true(quota_parse("watches=7", NULL));
    assert_false(quota_parse("watches", NULL));
    assert_false(quota_parse("watches=", NULL));
    assert_int_equal(quota_limit(QUOTA_WATCHES), 7);
    assert_int_equal(ask(root, XS_CONTROL, 0, 1, "check"), 0);
    assert_string_equal(root->reply, "OK");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nodes),
        T(nodes_in_a_transaction),
        T(transactions_that_do_not_fit_together),
        T(watches),
        T(transactions),
        T(size_of_a_node),
        T(length_of_a_path),
        T(entries_of_permissions),
        T(bytes),
        T(bytes_of_a_transaction),
        T(requests_under_way),
        T(events_count_for_their_cause),
        T(limits_can_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
