/* SPDX-License-Identifier: MIT */
/* Domains: introduction, rings that lie, death, and a restart in the middle of it. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state.h"

static struct peer *root;

static int setup(void **state)
{
    store_setup(state);
    fake_xen = true;
    root = peer_new(0);
    return !domain_watch_exceptions(1);
}

static void ring_put(int domid, const void *data, size_t length)
{
    struct xenstore_domain_interface *page = &fake_pages[domid];

    for (size_t i = 0; i < length; i++) {
        page->req[MASK_XENSTORE_IDX(page->req_prod++)] = ((const char *)data)[i];
    }
    domain_event((uint32_t)(100 + domid));
    run();
}

static size_t ring_get(int domid, void *data, size_t size)
{
    struct xenstore_domain_interface *page = &fake_pages[domid];
    size_t n = 0;

    while (n < size && page->rsp_cons != page->rsp_prod) {
        ((char *)data)[n++] = page->rsp[MASK_XENSTORE_IDX(page->rsp_cons++)];
    }
    return n;
}

static void ring_ask(int domid, uint32_t type, const char *path)
{
    struct xsd_sockmsg header = {type, 9, 0, (uint32_t)strlen(path) + 1};
    char data[1024];

    memcpy(data, &header, sizeof(header));
    memcpy(data + sizeof(header), path, header.len);
    ring_put(domid, data, sizeof(header) + header.len);
}

static int introduce(const char *domid)
{
    return ask(root, XS_INTRODUCE, 0, 3, domid, "1234", "5");
}

static void a_guest_speaks_over_its_ring(void **state)
{
    char data[1024];
    struct xsd_sockmsg *header = (struct xsd_sockmsg *)data;
    size_t n;

    (void)state;
    put(root, 0, "/local/domain/3/name", "it");
    chmod_node(root, "/local/domain/3/name", "r0", NULL);
    assert_int_equal(ask(root, XS_WATCH, 0, 2, "@introduceDomain", "t"), 0);
    event(root);
    assert_int_equal(ask(root, XS_IS_DOMAIN_INTRODUCED, 0, 1, "3"), 0);
    assert_string_equal(root->reply, "F");
    assert_int_equal(introduce("3"), 0);
    assert_string_equal(event(root), "@introduceDomain|t");
    assert_int_equal(introduce("3"), 0); /* once more: it begins anew, nobody is told */
    assert_null(event(root));
    assert_int_equal(ask(root, XS_IS_DOMAIN_INTRODUCED, 0, 1, "3"), 0);
    assert_string_equal(root->reply, "T");
    assert_true(fake_pages[3].server_features & XENSTORE_SERVER_FEATURE_RECONNECTION);
    fake_notified = 0;
    ring_ask(3, XS_READ, "name");
    n = ring_get(3, data, sizeof(data));
    assert_int_equal(n, sizeof(*header) + 2);
    assert_int_equal(header->type, XS_READ);
    assert_int_equal(header->req_id, 9);
    assert_memory_equal(data + sizeof(*header), "it", 2);
    assert_int_equal(fake_notified, 1);
    assert_int_equal(ask(root, XS_RELEASE, 0, 1, "3"), 0);
    assert_int_equal(ask(root, XS_RELEASE, 0, 1, "3"), ENOENT);
    assert_int_equal(ask(root, XS_RELEASE, 0, 1, "0"), EINVAL);
}

static void bad_introductions_are_refused(void **state)
{
    (void)state;
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 2, "3", "1"), EINVAL);
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 3, "x", "1", "1"), EINVAL);
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 3, "40000", "1", "1"), EINVAL);
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 3, "3", "1", "0"), EINVAL);
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 3, "3", "0", "1"), EINVAL);
    assert_int_equal(introduce("0"), EINVAL);
    fake_states[3] = XENDEV_GONE;
    assert_int_equal(introduce("3"), EINVAL);
    assert_int_equal(ask(root, XS_RESUME, 0, 1, "0"), EINVAL);
    assert_int_equal(ask(root, XS_RESUME, 0, 1, "40000"), ENOENT);
}

static void a_bad_port_leaves_the_guest_as_it_was(void **state)
{
    char data[64];

    (void)state;
    introduce("3");
    assert_int_equal(ask(root, XS_INTRODUCE, 0, 3, "3", "1234", "0"), EINVAL);
    ring_ask(3, XS_READ, "/");
    assert_true(ring_get(3, data, sizeof(data)) > 0);
}

static void who_is_introduced_again_begins_anew(void **state)
{
    (void)state;
    introduce("3");
    ring_ask(3, XS_TRANSACTION_START, "");
    assert_int_equal(domain_get(3)->usage.transactions, 1);
    introduce("3");
    assert_int_equal(domain_get(3)->usage.transactions, 0);
    assert_int_equal(fake_pages[3].req_prod, 0);
    assert_int_equal(fake_pages[3].rsp_prod, 0);
}

static void the_root_outlives_its_owner(void **state)
{
    (void)state;
    put(root, 0, "/a", "v");
    introduce("3");
    ask(root, XS_SET_PERMS, 0, 3, "/", "n3", "r4");
    assert_int_equal(ask(root, XS_RELEASE, 0, 1, "3"), 0);
    assert_string_equal(get(root, 0, "/a"), "v");
    ask(root, XS_GET_PERMS, 0, 1, "/");
    assert_memory_equal(root->reply, "n0\0r4", 6);
    ask(root, XS_CONTROL, 0, 1, "check");
    assert_string_equal(root->reply, "OK");
}

static void a_reply_longer_than_the_ring_comes_in_pieces(void **state)
{
    char *value = calloc(1, 3001), data[4096];
    size_t n = 0;

    (void)state;
    memset(value, 'v', 3000);
    put(root, 0, "/big", value);
    chmod_node(root, "/big", "r0", NULL);
    introduce("3");
    ring_ask(3, XS_READ, "/big");
    for (int i = 0; i < 4; i++) {
        n += ring_get(3, data + n, sizeof(data) - n);
        domain_event(103);
        run();
    }
    assert_int_equal(n, sizeof(struct xsd_sockmsg) + 3000);
    assert_memory_equal(data + sizeof(struct xsd_sockmsg), value, 3000);
    ask(root, XS_RELEASE, 0, 1, "3");
    free(value);
}

static void a_ring_that_lies_is_not_served(void **state)
{
    struct xsd_sockmsg huge = {XS_READ, 1, 0, 5000};

    (void)state;
    introduce("3");
    introduce("4");
    introduce("5");
    fake_pages[3].req_prod = fake_pages[3].req_cons + 1025;
    domain_event(103);
    run();
    assert_int_equal(fake_pages[3].error, XENSTORE_ERROR_RINGIDX);
    fake_pages[4].rsp_cons = 7; /* ahead of what was written */
    ring_ask(4, XS_READ, "/");
    assert_int_equal(fake_pages[4].error, XENSTORE_ERROR_RINGIDX);
    ring_put(5, &huge, sizeof(huge));
    assert_int_equal(fake_pages[5].error, XENSTORE_ERROR_PROTO);
    assert_int_equal(put(root, 0, "/still", "served"), 0);

    /* a reconnection heals it */
    fake_pages[5].connection = XENSTORE_RECONNECT;
    domain_event(105);
    run();
    assert_int_equal(fake_pages[5].connection, XENSTORE_CONNECTED);
    assert_int_equal(fake_pages[5].error, XENSTORE_ERROR_NONE);
    ring_ask(5, XS_GET_DOMAIN_PATH, "5");
    assert_int_not_equal(fake_pages[5].rsp_prod, 0);
    ask(root, XS_RELEASE, 0, 1, "3");
    ask(root, XS_RELEASE, 0, 1, "4");
    ask(root, XS_RELEASE, 0, 1, "5");
}

static void death_is_told_and_cleans_up(void **state)
{
    (void)state;
    put(root, 0, "/own/deep", "");
    put(root, 0, "/lent", "");
    introduce("3");
    chmod_node(root, "/own", "n3", NULL);
    chmod_node(root, "/own/deep", "n3", NULL);
    ask(root, XS_SET_PERMS, 0, 4, "/lent", "n0", "r3", "w4");
    ask(root, XS_WATCH, 0, 2, "@releaseDomain", "t");
    event(root);
    ask(root, XS_WATCH, 0, 2, "/lent", "t"); /* what goes from its permissions is no news */
    event(root);
    fake_states[3] = XENDEV_SHUT_DOWN;
    domain_event(1);
    assert_string_equal(event(root), "@releaseDomain|t");
    domain_event(1);
    assert_null(event(root));
    assert_string_equal(get(root, 0, "/own"), "");
    fake_states[3] = XENDEV_GONE;
    domain_event(1);
    assert_string_equal(event(root), "@releaseDomain|t");
    assert_string_equal(get(root, 0, "/own"), "ENOENT");
    ask(root, XS_GET_PERMS, 0, 1, "/lent");
    assert_memory_equal(root->reply, "n0\0w4", 6);
    assert_int_equal(domain_get(3)->usage.nodes, 0);
    assert_int_equal(ask(root, XS_CONTROL, 0, 1, "check"), 0);
    assert_string_equal(root->reply, "OK");
}

static void a_resumed_domain_can_shut_down_again(void **state)
{
    (void)state;
    introduce("3");
    ask(root, XS_WATCH, 0, 2, "@releaseDomain", "t");
    event(root);
    fake_states[3] = XENDEV_SHUT_DOWN;
    domain_event(1);
    assert_string_equal(event(root), "@releaseDomain|t");
    fake_states[3] = XENDEV_UP;
    assert_int_equal(ask(root, XS_RESUME, 0, 1, "3"), 0);
    assert_int_equal(ask(root, XS_RESUME, 0, 1, "33"), ENOENT);
    domain_event(1);
    assert_null(event(root));
    fake_states[3] = XENDEV_SHUT_DOWN;
    domain_event(1);
    assert_string_equal(event(root), "@releaseDomain|t");
    ask(root, XS_RELEASE, 0, 1, "3");
}

/* Saved, all taken down, loaded: what a guest sees is as before. */
static void a_restart_keeps_everything(void **state)
{
    char data[1024];
    int fd = memfd_create("state", 0), evtchn, listener;
    uint64_t serial;
    struct change c = {.kind = CHANGE_RM, .path = strdup("/a")};

    (void)state;
    introduce("3");
    put(root, 0, "/a/b", "value");
    chmod_node(root, "/a/b", "b3", "r4");
    ring_put(3, (struct xsd_sockmsg[]){{XS_WATCH, 1, 0, 7}}, sizeof(struct xsd_sockmsg));
    ring_put(3, "/a/b\0t", 7);
    ring_get(3, data, sizeof(data));
    /* half of a request */
    ring_put(3, (struct xsd_sockmsg[]){{XS_READ, 8, 0, 5}}, sizeof(struct xsd_sockmsg));
    assert_true(state_save(fd, false));
    serial = tree_serial();

    ask(root, XS_RELEASE, 0, 1, "3");
    txn_change(NULL, domain_local(), &c);
    quota_charge_node(NULL, txn_live, -1);
    node_unref(txn_live);
    txn_live = NULL;
    assert_true(state_load(fd, &evtchn, &listener));
    assert_true(tree_serial() >= serial);
    state_connect();
    run();
    assert_string_equal(get(root, 0, "/a/b"), "value");
    ask(root, XS_GET_PERMS, 0, 1, "/a/b");
    assert_memory_equal(root->reply, "b3\0r4", 6);
    ring_put(3, "/a/b", 5);
    assert_int_equal(ring_get(3, data, sizeof(data)), 16 + 5);
    put(root, 0, "/a/b", "new");
    assert_int_equal(ring_get(3, data, sizeof(data)), 16 + 7);
    assert_memory_equal(data + 16, "/a/b\0t", 7);
    ask(root, XS_RELEASE, 0, 1, "3");
    close(fd);
}

static void a_damaged_state_is_refused(void **state)
{
    int fd = memfd_create("state", 0), evtchn, listener;

    (void)state;
    assert_false(state_load(fd, &evtchn, &listener));
    assert_int_equal(write(fd, "Hgarbage", 8), 8);
    assert_false(state_load(fd, &evtchn, &listener));
    state_connect();
    close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_guest_speaks_over_its_ring),
        T(bad_introductions_are_refused),
        T(a_bad_port_leaves_the_guest_as_it_was),
        T(who_is_introduced_again_begins_anew),
        T(the_root_outlives_its_owner),
        T(a_reply_longer_than_the_ring_comes_in_pieces),
        T(a_ring_that_lies_is_not_served),
        T(death_is_told_and_cleans_up),
        T(a_resumed_domain_can_shut_down_again),
        T(a_restart_keeps_everything),
        T(a_damaged_state_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
