/* SPDX-License-Identifier: MIT */
/* Who may read, write and own. */
#include "store/fake.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void the_owner_may_everything(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(root, 0, "/a", "1");
    assert_int_equal(chmod_node(root, "/a", "n1", NULL), 0);
    assert_string_equal(get(guest, 0, "/a"), "1");
    assert_int_equal(put(guest, 0, "/a/b", "2"), 0);
    assert_int_equal(chmod_node(guest, "/a", "r1", "w2"), 0);
}

static void others_get_what_the_list_says(void **state)
{
    static const struct {
        const char *entry;
        bool read, write;
    } rows[] = {{"n2", false, false}, {"r2", true, false}, {"w2", false, true}, {"b2", true, true}};
    struct peer *root = peer_new(0), *guest = peer_new(2), *third = peer_new(3);

    (void)state;
    put(root, 0, "/a", "1");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod_node(root, "/a", "r1", rows[i].entry), 0);
        assert_string_equal(get(guest, 0, "/a"), rows[i].read ? "1" : "EACCES");
        assert_int_equal(put(guest, 0, "/a", "1"), rows[i].write ? 0 : EACCES);
        assert_int_equal(chmod_node(guest, "/a", "n2", NULL), EACCES);
        assert_string_equal(get(third, 0, "/a"), "1"); /* the owner's letter is for the rest */
        assert_int_equal(put(third, 0, "/a", "1"), EACCES);
    }
}

static void absence_is_told_to_those_who_may_see_the_folder(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(root, 0, "/open", "");
    put(root, 0, "/shut", "");
    chmod_node(root, "/open", "r0", NULL);
    assert_string_equal(get(guest, 0, "/open/x"), "ENOENT");
    assert_string_equal(get(guest, 0, "/open/x/y"), "ENOENT");
    put(root, 0, "/all", "");
    chmod_node(root, "/all", "b0", NULL);
    assert_int_equal(chmod_node(guest, "/all", "b1", NULL), EACCES);
    assert_int_equal(chmod_node(guest, "/all/x", "b1", NULL), ENOENT);
    assert_int_equal(chmod_node(guest, "/open/x", "b1", NULL), EACCES);
    assert_string_equal(get(guest, 0, "/shut/x"), "EACCES");
    assert_int_equal(put(guest, 0, "/open/x", ""), EACCES);
    assert_int_equal(ask(guest, XS_RM, 0, 1, "/open/x"), EACCES);
}

static void children_inherit_and_the_creator_owns(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(root, 0, "/a", "");
    chmod_node(root, "/a", "n5", "b1");
    assert_int_equal(put(guest, 0, "/a/b/c", ""), 0);
    assert_int_equal(ask(guest, XS_GET_PERMS, 0, 1, "/a/b/c"), 0);
    assert_memory_equal(guest->reply, "n1\0b1", 6);
    assert_int_equal(put(root, 0, "/a/d", ""), 0);
    assert_int_equal(ask(root, XS_GET_PERMS, 0, 1, "/a/d"), 0);
    assert_memory_equal(root->reply, "n5\0b1", 6);
}

static void an_owner_cannot_give_away(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(root, 0, "/a", "");
    chmod_node(root, "/a", "n1", NULL);
    assert_int_equal(chmod_node(guest, "/a", "n2", NULL), EPERM);
    assert_int_equal(chmod_node(guest, "/a", "x1", NULL), EINVAL);
    assert_int_equal(ask(guest, XS_SET_PERMS, 0, 1, "/a"), EINVAL);
    assert_int_equal(chmod_node(root, "/a", "n32767", NULL), EINVAL);
}

static void a_target_lends_its_rights(void **state)
{
    struct peer *root = peer_new(0), *model = peer_new(4), *guest = peer_new(5);

    (void)state;
    (void)guest;
    put(root, 0, "/a", "v");
    chmod_node(root, "/a", "n5", NULL);
    assert_string_equal(get(model, 0, "/a"), "EACCES");
    assert_int_equal(ask(root, XS_SET_TARGET, 0, 2, "4", "5"), 0);
    assert_string_equal(get(model, 0, "/a"), "v");
    assert_int_equal(ask(root, XS_SET_TARGET, 0, 2, "4", "60"), ENOENT);
}

static void the_privileged_calls_need_privilege(void **state)
{
    static const uint32_t types[] = {XS_CONTROL, XS_INTRODUCE, XS_RELEASE, XS_RESUME,
                                     XS_SET_TARGET, XS_IS_DOMAIN_INTRODUCED};
    struct peer *guest = peer_new(1);

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(ask(guest, types[i], 0, 3, "1", "1", "1"), EACCES);
    }
    assert_int_equal(chmod_node(guest, "@releaseDomain", "n1", NULL), EACCES);
    assert_int_equal(chmod_node(guest, "@nothing", "n1", NULL), ENOENT);
}

static void removal_needs_the_right_to_write(void **state)
{
    struct peer *root = peer_new(0), *guest = peer_new(1);

    (void)state;
    put(root, 0, "/a/b", "");
    chmod_node(root, "/a", "r0", NULL);
    chmod_node(root, "/a/b", "r0", NULL);
    assert_int_equal(ask(guest, XS_RM, 0, 1, "/a/b"), EACCES);
    assert_int_equal(ask(root, XS_RM, 0, 1, "/"), EINVAL);
    assert_int_equal(ask(guest, XS_RM, 0, 1, "/"), EACCES);
    assert_int_equal(ask(root, XS_RM, 0, 1, "/a/none"), 0);
    assert_int_equal(ask(root, XS_RM, 0, 1, "/none/none"), ENOENT);
    assert_int_equal(ask(root, XS_RM, 0, 1, "/a"), 0);
    assert_string_equal(get(root, 0, "/a/b"), "ENOENT");
}

#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_owner_may_everything),
        T(others_get_what_the_list_says),
        T(absence_is_told_to_those_who_may_see_the_folder),
        T(children_inherit_and_the_creator_owns),
        T(an_owner_cannot_give_away),
        T(a_target_lends_its_rights),
        T(the_privileged_calls_need_privilege),
        T(removal_needs_the_right_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
