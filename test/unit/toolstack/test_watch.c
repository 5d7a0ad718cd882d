/* SPDX-License-Identifier: MIT */
/* Watches: what is told, to whom, and what not. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int watch(struct peer *peer, const char *path, const char *token)
{
    int error = ask(peer, XS_WATCH, 0, 2, path, token);

    return error;
}

static void a_watch_speaks_at_once(void **state)
{
    struct peer *p = peer_new(0);

    (void)state;
    assert_int_equal(watch(p, "/nothing/there", "tok"), 0);
    assert_string_equal(event(p), "/nothing/there|tok");
    assert_null(event(p));
    assert_int_equal(watch(p, "/nothing/there", "tok"), EEXIST);
    assert_int_equal(watch(p, "/nothing/there", "other"), 0);
    assert_int_equal(ask(p, XS_UNWATCH, 0, 2, "/nothing/there", "none"), ENOENT);
    assert_int_equal(ask(p, XS_UNWATCH, 0, 2, "/nothing/there", "tok"), 0);
}

static void changes_below_are_told(void **state)
{
    struct peer *p = peer_new(0), *w = peer_new(0);

    (void)state;
    watch(w, "/a", "t");
    event(w);
    put(p, 0, "/a", "1");
    assert_string_equal(event(w), "/a|t");
    put(p, 0, "/a/b/c", "1");
    assert_string_equal(event(w), "/a/b/c|t");
    put(p, 0, "/ab", "1");
    assert_null(event(w));
    chmod_node(p, "/a/b", "r0", NULL);
    assert_string_equal(event(w), "/a/b|t");
    ask(p, XS_MKDIR, 0, 1, "/a/b");
    assert_null(event(w));
    ask(p, XS_MKDIR, 0, 1, "/a/d");
    assert_string_equal(event(w), "/a/d|t");
    ask(p, XS_RM, 0, 1, "/a/none");
    assert_null(event(w));
    get(p, 0, "/a");
    assert_null(event(w));
}

static void a_removal_is_told_above_once_and_to_each_below(void **state)
{
    struct peer *p = peer_new(0), *above = peer_new(0), *below = peer_new(0);

    (void)state;
    put(p, 0, "/a/b/c/d", "1");
    watch(above, "/", "up");
    watch(below, "/a/b/c", "down");
    event(above);
    event(below);
    ask(p, XS_RM, 0, 1, "/a");
    assert_string_equal(event(above), "/a|up");
    assert_null(event(above));
    assert_string_equal(event(below), "/a/b/c|down");
    assert_null(event(below));
}

static void relative_watches_get_relative_names(void **state)
{
    struct peer *p = peer_new(0), *guest = peer_new(3);

    (void)state;
    put(p, 0, "/local/domain/3/x", "1");
    chmod_node(p, "/local/domain/3/x", "r0", NULL);
    assert_int_equal(watch(guest, "x", "t"), 0);
    assert_string_equal(event(guest), "x|t");
    put(p, 0, "/local/domain/3/x", "2");
    assert_string_equal(event(guest), "x|t");
    put(p, 0, "/local/domain/3/x/y", "2");
    assert_string_equal(event(guest), "x/y|t");
}

static void nothing_is_told_of_what_may_not_be_read(void **state)
{
    struct peer *p = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(p, 0, "/secret/a", "1");
    watch(guest, "/secret", "t");
    event(guest);
    put(p, 0, "/secret/a", "2");
    put(p, 0, "/secret/b", "2");
    ask(p, XS_RM, 0, 1, "/secret/a");
    assert_null(event(guest));
    chmod_node(p, "/secret/b", "r0", NULL);
    assert_string_equal(event(guest), "/secret/b|t");
    put(p, 0, "/secret/b", "3");
    assert_string_equal(event(guest), "/secret/b|t");
    chmod_node(p, "/secret/b", "n0", NULL); /* who could read learns that he cannot any more */
    assert_string_equal(event(guest), "/secret/b|t");
    put(p, 0, "/secret/b", "4");
    assert_null(event(guest));
    ask(p, XS_RM, 0, 1, "/secret");
    assert_null(event(guest));
}

static void who_can_read_the_folder_hears_of_its_end(void **state)
{
    struct peer *p = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(p, 0, "/a/open/node", "1");
    put(p, 0, "/a/shut/node", "1");
    chmod_node(p, "/a/open", "r0", NULL);
    chmod_node(p, "/a/open/node", "n0", NULL);
    watch(guest, "/a/open/node", "t");
    watch(guest, "/a/shut/node", "t");
    event(guest);
    event(guest);
    ask(p, XS_RM, 0, 1, "/a");
    assert_string_equal(event(guest), "/a/open/node|t");
    assert_null(event(guest));
}

static void special_events_are_for_the_privileged_and_the_named(void **state)
{
    struct peer *p = peer_new(0), *guest = peer_new(1), *other = peer_new(0);

    (void)state;
    fake_xen = true;
    assert_int_equal(watch(p, "@releaseDomain", "r"), 0);
    assert_int_equal(watch(guest, "@releaseDomain", "r"), 0);
    event(p);
    assert_int_equal(watch(p, "@other", "r"), 0); /* a name that no event has is no error */
    event(p);
    event(guest);
    watch(other, "/", "r"); /* hears of all nodes, and a special name is none */
    event(other);
    watch_fire_special(EVENT_RELEASE);
    assert_null(event(other));
    assert_string_equal(event(p), "@releaseDomain|r");
    assert_null(event(guest));
    assert_int_equal(chmod_node(p, "@releaseDomain", "n0", "r1"), 0);
    watch_fire_special(EVENT_RELEASE);
    assert_string_equal(event(p), "@releaseDomain|r");
    assert_string_equal(event(guest), "@releaseDomain|r");
    assert_int_equal(chmod_node(p, "@releaseDomain", "n0", NULL), 0);
}

static void the_same_event_waits_only_once(void **state)
{
    struct peer *p = peer_new(0), *w = peer_new(0);

    (void)state;
    watch(w, "/a", "t");
    event(w);
    w->room = 0;
    for (int i = 0; i < 1000; i++) {
        put(p, 0, "/a", "1");
    }
    w->room = SIZE_MAX;
    conn_schedule(w->conn);
    assert_string_equal(event(w), "/a|t");
    assert_null(event(w));
    put(p, 0, "/a", "2");
    assert_string_equal(event(w), "/a|t");
}

static void a_reset_takes_all_watches(void **state)
{
    struct peer *p = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(p, 0, "/a", "");
    chmod_node(p, "/a", "r0", NULL);
    watch(guest, "/a", "1");
    watch(guest, "/a", "2");
    event(guest);
    event(guest);
    assert_int_equal(ask(guest, XS_RESET_WATCHES, 0, 1, ""), 0);
    assert_int_equal(guest->conn->domain->usage.watches, 0);
    put(p, 0, "/a", "1");
    assert_null(event(guest));
}

static void many_watches_are_found(void **state)
{
    struct peer *p = peer_new(0), *w = peer_new(0);
    char path[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/w/%d", i);
        assert_int_equal(watch(w, path, "t"), 0);
        assert_non_null(event(w));
    }
    put(p, 0, "/w/1234", "1");
    assert_string_equal(event(w), "/w/1234|t");
    assert_null(event(w));
}

#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_watch_speaks_at_once),
        T(changes_below_are_told),
        T(a_removal_is_told_above_once_and_to_each_below),
        T(relative_watches_get_relative_names),
        T(nothing_is_told_of_what_may_not_be_read),
        T(who_can_read_the_folder_hears_of_its_end),
        T(special_events_are_for_the_privileged_and_the_named),
        T(the_same_event_waits_only_once),
        T(a_reset_takes_all_watches),
        T(many_watches_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
