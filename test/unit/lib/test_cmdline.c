/* SPDX-License-Identifier: MIT */
/* Look-ups in a boot command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/cmdline.h"

#include <cmocka.h>

static const char line[] = "dom0_mem=1024M,max:2G com1=115200,8n1  console=com1,vga noreboot "
                           "no-smt loglvl=all a=1 a=0x20 flag=off dom0-max-vcpus=4 x=12junk";

static void the_last_word_wins(void **state)
{
    char v[32];

    (void)state;
    assert_true(cmdline_get(line, "a", v, sizeof(v)));
    assert_string_equal(v, "0x20");
    assert_int_equal(cmdline_u64(line, "a", 7), 32);
    assert_int_equal(cmdline_u64(line, "b", 7), 7);
    assert_int_equal(cmdline_u64(line, "x", 7), 7);
}

static void values_are_cut_at_the_buffer(void **state)
{
    char v[5];

    (void)state;
    assert_true(cmdline_get(line, "console", v, sizeof(v)));
    assert_string_equal(v, "com1");
    assert_true(cmdline_get(line, "noreboot", v, sizeof(v)));
    assert_string_equal(v, "");
    assert_false(cmdline_get(line, "reboo", v, sizeof(v)));
    assert_false(cmdline_get(line, "com", v, sizeof(v)));
}

static void dashes_and_underscores_are_one(void **state)
{
    (void)state;
    assert_int_equal(cmdline_u64(line, "dom0_max_vcpus", 0), 4);
}

static void booleans_have_three_forms(void **state)
{
    (void)state;
    assert_true(cmdline_bool(line, "noreboot", false));
    assert_false(cmdline_bool(line, "smt", true));
    assert_false(cmdline_bool(line, "flag", true));
    assert_true(cmdline_bool(line, "absent", true));
    assert_true(cmdline_bool("smt no-smt smt=on", "smt", false));
    assert_true(cmdline_bool(line, "loglvl", true));
}

static void sizes_take_suffixes(void **state)
{
    const char *end;

    (void)state;
    assert_int_equal(cmdline_size(line, "dom0_mem", 1024, 0), 1024u << 20);
    assert_int_equal(cmdline_parse_size("512", &end, 1024), 512u << 10);
    assert_int_equal(cmdline_parse_size("2g,", &end, 1), 2ull << 30);
    assert_int_equal(*end, ',');
    assert_true(cmdline_parse_size("99999999999999999999T", &end, 1) == UINT64_MAX);
    assert_int_equal(cmdline_size(line, "flag", 1, 5), 5);
}

static void lists_are_walked(void **state)
{
    char value[64], item[16];
    const char *c = value;

    (void)state;
    assert_true(cmdline_get(line, "dom0_mem", value, sizeof(value)));
    assert_true(cmdline_next_item(&c, item, sizeof(item)));
    assert_string_equal(item, "1024M");
    assert_true(cmdline_next_item(&c, item, sizeof(item)));
    assert_string_equal(cmdline_item_value(item, "max"), "2G");
    assert_null(cmdline_item_value(item, "ma"));
    assert_false(cmdline_next_item(&c, item, sizeof(item)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_word_wins),
        cmocka_unit_test(values_are_cut_at_the_buffer),
        cmocka_unit_test(dashes_and_underscores_are_one),
        cmocka_unit_test(booleans_have_three_forms),
        cmocka_unit_test(sizes_take_suffixes),
        cmocka_unit_test(lists_are_walked),
    };

    return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
