/* SPDX-License-Identifier: MIT */
/* Clock arithmetic and the form of the CMOS clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "x86/cpu/time.h"
#include "x86/dev/cmos.h"

static const uint64_t rates[] = {1000000,    3579545,    14318180,   999999999,
                                 1000000000, 1000000001, 1999999999, 2000000000,
                                 2000000001, 2596140000, 5000000000};
#define NR_RATES (sizeof(rates) / sizeof(rates[0]))

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void a_second_of_ticks_is_a_second_within_two_ns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NR_RATES; i++) {
        struct time_scale s = time_scale_from_hz(rates[i]);

        assert_true((s.mul & 0x80000000u) != 0);
        assert_in_range(distance(time_scale_apply(s, rates[i]), 1000000000), 0, 2);
    }
}

static void a_day_of_ticks_is_off_by_less_than_a_microsecond_per_ten_minutes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NR_RATES; i++) {
        uint64_t day = 86400 * rates[i];

        assert_in_range(
            distance(time_scale_apply(time_scale_from_hz(rates[i]), day), 86400 * 1000000000ULL), 0,
            144 * 1000);
    }
}

static void a_second_gives_the_ticks_of_the_counter(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NR_RATES; i++) {
        uint64_t ticks = time_scale_apply(time_scale_to_hz(rates[i]), 1000000000);

        assert_in_range(distance(ticks, rates[i]), 0, 4);
    }
}

static void later_ticks_are_never_earlier_times(void **state)
{
    struct time_scale s = time_scale_from_hz(2596140000);
    uint64_t last = 0;

    (void)state;
    for (uint64_t t = 1ULL << 50; t < (1ULL << 50) + 5000; t++) {
        uint64_t ns = time_scale_apply(s, t);

        assert_true(ns >= last);
        last = ns;
    }
}

static void dates_become_seconds(void **state)
{
    (void)state;
    assert_int_equal(time_from_date(1970, 1, 1, 0, 0, 0), 0);
    assert_int_equal(time_from_date(1970, 3, 1, 0, 0, 0), 59 * 86400);
    assert_int_equal(time_from_date(2000, 2, 29, 12, 0, 0), 951825600);
    assert_int_equal(time_from_date(2024, 1, 1, 0, 0, 0), 1704067200);
    assert_int_equal(time_from_date(2038, 1, 19, 3, 14, 8), 2147483648);
}

static void the_cmos_clock_is_read_in_all_its_forms(void **state)
{
    struct cmos_time bcd24 = {.sec = 0x58,
                              .min = 0x59,
                              .hour = 0x23,
                              .day = 0x31,
                              .month = 0x12,
                              .year = 0x23,
                              .status_b = 0x02};
    struct cmos_time bin24 = {
        .sec = 58, .min = 59, .hour = 23, .day = 31, .month = 12, .year = 23, .status_b = 0x06};
    struct cmos_time bcd12 = bcd24, midnight = bcd24;

    (void)state;
    bcd12.status_b = 0;
    bcd12.hour = 0x91; /* 11 in the evening */
    midnight.status_b = 0;
    midnight.hour = 0x12; /* 12 at night is hour 0 */
    assert_int_equal(cmos_decode(&bcd24), 1704067198);
    assert_int_equal(cmos_decode(&bin24), 1704067198);
    assert_int_equal(cmos_decode(&bcd12), 1704067198);
    assert_int_equal(cmos_decode(&midnight), 1704067198 - 23 * 3600);
}

static void a_cmos_clock_with_garbage_gives_no_time(void **state)
{
    struct cmos_time t = {.day = 0x32, .month = 1, .status_b = 0x02};

    (void)state;
    assert_int_equal(cmos_decode(&t), 0);
    t = (struct cmos_time){.day = 1, .month = 0, .status_b = 0x02};
    assert_int_equal(cmos_decode(&t), 0);
    t = (struct cmos_time){.sec = 0xff, .day = 1, .month = 1, .status_b = 0x02};
    assert_int_equal(cmos_decode(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_of_ticks_is_a_second_within_two_ns),
        cmocka_unit_test(a_day_of_ticks_is_off_by_less_than_a_microsecond_per_ten_minutes),
        cmocka_unit_test(a_second_gives_the_ticks_of_the_counter),
        cmocka_unit_test(later_ticks_are_never_earlier_times),
        cmocka_unit_test(dates_become_seconds),
        cmocka_unit_test(the_cmos_clock_is_read_in_all_its_forms),
        cmocka_unit_test(a_cmos_clock_with_garbage_gives_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
