/* SPDX-License-Identifier: MIT */
/* The wire form: errors, permissions, strings, names of nodes. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "path.h"
#include "wire.h"

static void errors_travel_by_name(void **state)
{
    (void)state;
    assert_string_equal(wire_error_name(ENOENT), "ENOENT");
    assert_string_equal(wire_error_name(9999), "EINVAL");
    assert_int_equal(wire_error_number("EAGAIN", 6), EAGAIN);
    assert_int_equal(wire_error_number("EAGAIN", 7), EAGAIN);
    assert_int_equal(wire_error_number("EAGAI", 5), EINVAL);
    assert_int_equal(wire_error_number("", 0), EINVAL);
}

static void permissions_are_a_letter_and_a_number(void **state)
{
    static const char *const bad[] = {"", "r", "x1", "r-1", "r1x", "1r", "r65536", "r 1"};
    struct store_perm perm;
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(wire_parse_perm(bad[i], &perm));
    }
    assert_true(wire_parse_perm("b17", &perm));
    assert_int_equal(perm.domid, 17);
    assert_int_equal(perm.access, STORE_BOTH);
    assert_int_equal(wire_format_perm(&perm, text, sizeof(text)), 3);
    assert_string_equal(text, "b17");
}

static void a_tail_without_nul_is_no_string(void **state)
{
    (void)state;
    assert_int_equal(wire_count_strings("a\0b\0c", 5), 2);
    assert_int_equal(wire_count_strings("", 0), 0);
}

static void names_of_nodes_are_checked(void **state)
{
    static const char *const bad[] = {"",     "//",   "/a//b", "/a/", "a/",
                                      "/a b", "/a\n", "/\xe4", "@x"};
    char out[XENSTORE_ABS_PATH_MAX + 1], line[XENSTORE_ABS_PATH_MAX + 2];
    size_t strip;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(path_resolve(bad[i], "/local/domain/5", false, out, &strip), EINVAL);
    }
    assert_int_equal(path_resolve("a/b", "/local/domain/5", false, out, &strip), 0);
    assert_string_equal(out, "/local/domain/5/a/b");
    assert_int_equal(strip, 16);
    assert_int_equal(path_resolve("@releaseDomain", "/x", true, out, &strip), 0);
    assert_string_equal(out, "@releaseDomain");
    assert_int_equal(path_resolve("@any/thing", "/x", true, out, &strip), 0);
    memset(line, 'a', sizeof(line));
    line[0] = '/';
    line[XENSTORE_ABS_PATH_MAX] = '\0';
    assert_int_equal(path_resolve(line, "", false, out, &strip), 0);
    line[XENSTORE_ABS_PATH_MAX] = 'a';
    line[XENSTORE_ABS_PATH_MAX + 1] = '\0';
    assert_int_equal(path_resolve(line, "", false, out, &strip), EINVAL);
}

static void unknown_types_and_transactions_are_refused(void **state)
{
    struct peer *p = peer_new(0);

    (void)state;
    assert_int_equal(ask(p, 20, 0, 1, "/"), ENOSYS);
    assert_int_equal(ask(p, 999, 0, 0), ENOSYS);
    assert_int_equal(ask(p, XS_READ, 77, 1, "/"), ENOENT);
    assert_int_equal(ask(p, XS_RESET_WATCHES, 77, 1, ""), ENOENT);
    assert_int_equal(ask(p, XS_WATCH, 77, 2, "/", "t"), 0);
    assert_int_equal(ask(p, XS_WATCH_EVENT, 0, 0), ENOSYS);
    assert_int_equal(ask(p, XS_READ, 0, 0), EINVAL);
    peer_request(p, XS_READ, 0, "/", 1); /* no NUL */
    run();
    assert_int_equal(answer(p), EINVAL);
}

static void where_one_string_is_due_there_is_one(void **state)
{
    static const uint32_t types[] = {XS_READ,  XS_DIRECTORY, XS_GET_PERMS, XS_MKDIR, XS_RM,
                                     XS_RELEASE, XS_RESUME, XS_TRANSACTION_END};
    struct peer *p = peer_new(0);

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        peer_request(p, types[i], 0, "/", 1);
        run();
        assert_int_equal(answer(p), EINVAL);
        peer_request(p, types[i], 0, "/\0x", 4);
        run();
        assert_int_equal(answer(p), EINVAL);
        peer_request(p, types[i], 0, "", 0);
        run();
        assert_int_equal(answer(p), EINVAL);
    }
    assert_int_equal(ask(p, XS_WATCH, 0, 1, "/w"), EINVAL);
    assert_int_equal(ask(p, XS_WATCH, 0, 3, "/w", "t", "more"), EINVAL);
    assert_int_equal(ask(p, XS_UNWATCH, 0, 3, "/w", "t", "more"), EINVAL);
    assert_int_equal(ask(p, XS_UNWATCH, 0, 2, "no such name", "t"), ENOENT);
    assert_int_equal(ask(p, XS_GET_DOMAIN_PATH, 0, 1, "40000"), 0);
    assert_string_equal(p->reply, "/local/domain/40000");
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct peer *p = peer_new(0);
    const struct {
        struct xsd_sockmsg header;
        char payload[2];
    } request = {{XS_DIRECTORY, 5, 0, 2}, "/"};

    (void)state;
    for (size_t i = 0; i < sizeof(request.header) + 2; i++) {
        assert_int_equal(answer(p), -1);
        peer_send(p, (const char *)&request + i, 1);
        run();
    }
    assert_int_equal(answer(p), 0);
}

static void a_length_beyond_the_limit_ends_the_connection(void **state)
{
    struct peer *p = peer_new(0);
    struct xsd_sockmsg header = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    peer_send(p, &header, sizeof(header));
    run();
    assert_true(p->closed);
    assert_int_equal(p->failure, XENSTORE_ERROR_PROTO);
}

static void listings_come_in_parts(void **state)
{
    struct peer *p = peer_new(0);
    char name[64], offset[16];
    size_t at = 0, seen = 0;
    bool end = false;

    (void)state;
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "/wide/a-rather-long-name-%d", i);
        assert_int_equal(put(p, 0, name, ""), 0);
    }
    assert_int_equal(ask(p, XS_DIRECTORY, 0, 1, "/wide"), E2BIG);
    while (!end) {
        size_t head;

        snprintf(offset, sizeof(offset), "%zu", at);
        assert_int_equal(ask(p, XS_DIRECTORY_PART, 0, 2, "/wide", offset), 0);
        head = strlen(p->reply) + 1;
        end = p->reply[p->length - 1] == '\0' && p->reply[p->length - 2] == '\0';
        seen += wire_count_strings(p->reply + head, p->length - head - (end ? 1 : 0));
        at += p->length - head - (end ? 1 : 0);
    }
    assert_int_equal(seen, 400);
    assert_int_equal(ask(p, XS_DIRECTORY_PART, 0, 2, "/wide", "x"), EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_travel_by_name),
        cmocka_unit_test(permissions_are_a_letter_and_a_number),
        cmocka_unit_test(a_tail_without_nul_is_no_string),
        cmocka_unit_test(names_of_nodes_are_checked),
        T(unknown_types_and_transactions_are_refused),
        T(where_one_string_is_due_there_is_one),
        T(a_request_may_come_byte_by_byte),
        T(a_length_beyond_the_limit_ends_the_connection),
        T(listings_come_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
