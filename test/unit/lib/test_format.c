/* SPDX-License-Identifier: MIT */
/* Formatted text. The build renames our vsnprintf so that it does not replace the host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/lib.h"

#include <cmocka.h>

#define SHOWS(text, ...)                                                                           \
    do {                                                                                           \
        char b_[128];                                                                              \
        assert_int_equal(snprintf(b_, sizeof(b_), __VA_ARGS__), (int)strlen(text));                \
        assert_string_equal(b_, text);                                                             \
    } while (0)

static void numbers_have_width_sign_and_base(void **state)
{
    (void)state;
    SHOWS("-5 +5  5", "%d %+d % d", -5, 5, 5);
    SHOWS("00042|42   |   42", "%05d|%-5d|%5d", 42, 42, 42);
    SHOWS("-0042", "%05d", -42);
    SHOWS("0x1f 1F 17 0x0000001f", "%#x %X %o %#010x", 31, 31, 15, 31);
    SHOWS("18446744073709551615", "%lu", UINT64_MAX);
    SHOWS("-9223372036854775808", "%ld", INT64_MIN);
    SHOWS("ffffffffffffffff", "%llx", ~0ULL);
    SHOWS("  007", "%5.3d", 7);
    SHOWS("12 255 -1", "%zu %hhu %hhd", (size_t)12, (unsigned char)255, (signed char)-1);
    SHOWS("   9|9   ", "%*d|%*d", 4, 9, -4, 9);
    SHOWS("0", "%d", 0);
}

static void texts_are_padded_and_cut(void **state)
{
    const char *volatile none = NULL; /* volatile: the compiler would warn of it */

    (void)state;
    SHOWS("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
    SHOWS("x% (null)", "%c%% %s", 'x', none);
    SHOWS("00000000deadbeef", "%p", (void *)0xdeadbeef);
}

static const char *name_of(uint64_t addr, uint64_t *offset)
{
    *offset = addr - 0x1000;
    return "start";
}

static void pointers_show_symbols(void **state)
{
    char b[64];
    void *p = (void *)0x1010;

    (void)state;
    snprintf(b, sizeof(b), "[%pS]", p);
    assert_string_equal(b, "[0000000000001010]");
    format_symbol_hook = name_of;
    snprintf(b, sizeof(b), "[%pS]", p);
    assert_string_equal(b, "[0000000000001010 start+0x10]");
}

static void output_never_passes_the_buffer(void **state)
{
    char b[8] = "zzzzzzz";

    (void)state;
    assert_int_equal(snprintf(b, 4, "%d", 123456), 6);
    assert_string_equal(b, "123");
    assert_int_equal(b[4], 'z');
    assert_int_equal(scnprintf(b, 4, "%d", 123456), 3);
    assert_int_equal(snprintf(NULL, 0, "%s", "hello"), 5);
    assert_int_equal(str_copy(b, "123456789", sizeof(b)), 9);
    assert_string_equal(b, "1234567");
}

static void numbers_are_read(void **state)
{
    const char *end;

    (void)state;
    assert_int_equal(str_to_u64("0x1Fg", &end, 0), 31);
    assert_int_equal(*end, 'g');
    assert_int_equal(str_to_u64("017", NULL, 0), 15);
    assert_int_equal(str_to_u64("0x", &end, 0), 0);
    assert_int_equal(*end, 'x');
    assert_int_equal(str_to_u64("ff", NULL, 16), 255);
    assert_true(str_to_u64("18446744073709551616", NULL, 10) == UINT64_MAX);
    assert_int_equal(str_to_u64("none", &end, 10), 0);
    assert_int_equal(*end, 'n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_width_sign_and_base),
        cmocka_unit_test(texts_are_padded_and_cut),
        cmocka_unit_test(pointers_show_symbols),
        cmocka_unit_test(output_never_passes_the_buffer),
        cmocka_unit_test(numbers_are_read),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
