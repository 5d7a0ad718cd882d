/* SPDX-License-Identifier: MIT */
/* The memory map and range lists: hostile firmware maps, holes, a machine of 1 TiB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "x86/boot/e820.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)

static struct e820_entry map[BOOT_MAX_E820];
static unsigned nr;

static void start(void)
{
    nr = 0;
}

static void add(uint64_t from, uint64_t to, uint32_t type)
{
    map[nr++] = (struct e820_entry){from, to - from, type};
}

static void expect(unsigned i, uint64_t from, uint64_t to, uint32_t type)
{
    assert_true(i < nr);
    assert_int_equal(map[i].addr, from);
    assert_int_equal(map[i].addr + map[i].size, to);
    assert_int_equal(map[i].type, type);
}

static void unsorted_entries_are_sorted_and_neighbours_joined(void **state)
{
    (void)state;
    start();
    add(2 * GIB, 3 * GIB, E820_RAM);
    add(0, 0x9f000, E820_RAM);
    add(MIB, GIB, E820_RAM);
    add(GIB, 2 * GIB, E820_RAM);
    e820_sanitise(map, &nr, BOOT_MAX_E820);
    assert_int_equal(nr, 2);
    expect(0, 0, 0x9f000, E820_RAM);
    expect(1, MIB, 3 * GIB, E820_RAM);
}

static void reserved_wins_over_ram(void **state)
{
    (void)state;
    start();
    add(0, 4 * GIB, E820_RAM);
    add(GIB, GIB + 4096, E820_RESERVED);
    add(GIB + 2048, GIB + 8192, E820_ACPI);
    e820_sanitise(map, &nr, BOOT_MAX_E820);
    assert_int_equal(nr, 4);
    expect(0, 0, GIB, E820_RAM);
    expect(1, GIB, GIB + 2048, E820_RESERVED);
    expect(2, GIB + 2048, GIB + 8192, E820_ACPI);
    expect(3, GIB + 8192, 4 * GIB, E820_RAM);
}

static void empty_and_wrapping_entries_do_no_harm(void **state)
{
    (void)state;
    start();
    map[nr++] = (struct e820_entry){GIB, 0, E820_RAM};
    map[nr++] = (struct e820_entry){~0ULL - 5, 100, E820_RAM};
    map[nr++] = (struct e820_entry){2 * GIB, ~0ULL, 77};
    add(0, GIB, E820_RAM);
    e820_sanitise(map, &nr, BOOT_MAX_E820);
    assert_int_equal(nr, 2);
    expect(0, 0, GIB, E820_RAM);
    expect(1, 2 * GIB, 1ULL << 52, E820_RESERVED);
    assert_int_equal(e820_ram_end(map, nr), GIB);
    assert_int_equal(e820_type_at(map, nr, GIB), 0);
    assert_int_equal(e820_type_at(map, nr, 3 * GIB), E820_RESERVED);
}

static void a_full_map_stays_within_its_array(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < BOOT_MAX_E820; i++) {
        add(i * GIB + i, (i + 2) * GIB, 1 + i % 5);
    }
    e820_sanitise(map, &nr, BOOT_MAX_E820);
    assert_true(nr <= BOOT_MAX_E820);
    for (unsigned i = 1; i < nr; i++) {
        assert_true(map[i - 1].addr + map[i - 1].size <= map[i].addr);
    }
}

static void ranges_are_cut_and_split(void **state)
{
    static struct ranges rs;

    (void)state;
    start();
    add(100, 10 * MIB + 100, E820_RAM);
    ranges_from_e820(&rs, map, nr, E820_RAM, ~0ULL);
    assert_int_equal(rs.nr, 1);
    assert_int_equal(rs.r[0].start, 4096);
    assert_int_equal(rs.r[0].end, 10 * MIB);
    assert_true(ranges_subtract(&rs, 2 * MIB, 3 * MIB));
    assert_true(ranges_subtract(&rs, 0, MIB));
    assert_true(ranges_subtract(&rs, 9 * MIB, 20 * MIB));
    assert_int_equal(rs.nr, 2);
    assert_int_equal(ranges_total(&rs), 7 * MIB);
    assert_true(ranges_subtract(&rs, 0, TIB));
    assert_int_equal(rs.nr, 0);
}

static void a_full_list_refuses_to_split(void **state)
{
    static struct ranges rs;

    (void)state;
    rs.nr = 1;
    rs.r[0] = (struct range){0, TIB};
    for (unsigned i = 1; i < RANGES_MAX; i++) {
        assert_true(ranges_subtract(&rs, i * MIB, i * MIB + 4096));
    }
    assert_int_equal(rs.nr, RANGES_MAX);
    assert_false(ranges_subtract(&rs, TIB / 2, TIB / 2 + 4096));
    assert_int_equal(rs.nr, RANGES_MAX);
}

static void taking_prefers_high_addresses_below_the_limit(void **state)
{
    static struct ranges rs;
    uint64_t at;

    (void)state;
    rs.nr = 2;
    rs.r[0] = (struct range){MIB, 3 * GIB};
    rs.r[1] = (struct range){4 * GIB, 6 * GIB + 4096};
    assert_true(ranges_take(&rs, 2 * MIB, 2 * MIB, ~0ULL, &at));
    assert_int_equal(at, 6 * GIB - 2 * MIB);
    assert_true(ranges_take(&rs, 4096, 4096, 4 * GIB, &at));
    assert_int_equal(at, 3 * GIB - 4096);
    assert_true(ranges_take(&rs, 4096, 4096, ~0ULL, &at));
    assert_int_equal(at, 6 * GIB);
    assert_false(ranges_take(&rs, 3 * GIB, 4096, ~0ULL, &at));
}

/* 1 TiB of RAM in pieces of 1 GiB with a hole of 1 GiB after each: as sparse as tables can get. */
static void a_terabyte_with_holes_costs_tables_only_for_ram(void **state)
{
    static uint64_t chunks[5 * 8192 / 64];
    static struct ranges rs;

    (void)state;
    start();
    add(0, 0xa0000, E820_RAM);
    add(MIB, GIB, E820_RAM);
    for (unsigned i = 1; i < 128; i++) {
        add(i * 16 * GIB, i * 16 * GIB + 8 * GIB, E820_RAM);
    }
    e820_sanitise(map, &nr, BOOT_MAX_E820);
    assert_int_equal(nr, 129);
    assert_int_equal(e820_ram_end(map, nr), 127 * 16 * GIB + 8 * GIB);
    ranges_from_e820(&rs, map, nr, E820_RAM, 5 * TIB);
    assert_int_equal(ranges_total(&rs), GIB - MIB + 0xa0000 + 127 * 8 * GIB);
    /* 128 MiB a chunk: 8 in the first gibibyte, 64 in each piece of 8 GiB */
    assert_int_equal(ranges_mark(&rs, 27, chunks, 5 * 8192), 8 + 127 * 64);
    assert_int_equal(ranges_mark(&rs, 27, chunks, 5 * 8192), 0);
    assert_true(chunks[16 * 8 / 64] & 1);
    assert_int_equal(chunks[(16 * 8 + 64) / 64], 0);
}

static void memory_beyond_the_map_gets_no_table(void **state)
{
    uint64_t bits[1] = {0};
    static struct ranges rs;

    (void)state;
    rs.nr = 1;
    rs.r[0] = (struct range){0, TIB};
    assert_int_equal(ranges_mark(&rs, 30, bits, 64), 64);
    rs.r[0] = (struct range){TIB, 2 * TIB};
    assert_int_equal(ranges_mark(&rs, 30, bits, 64), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsorted_entries_are_sorted_and_neighbours_joined),
        cmocka_unit_test(reserved_wins_over_ram),
        cmocka_unit_test(empty_and_wrapping_entries_do_no_harm),
        cmocka_unit_test(a_full_map_stays_within_its_array),
        cmocka_unit_test(ranges_are_cut_and_split),
        cmocka_unit_test(a_full_list_refuses_to_split),
        cmocka_unit_test(taking_prefers_high_addresses_below_the_limit),
        cmocka_unit_test(a_terabyte_with_holes_costs_tables_only_for_ram),
        cmocka_unit_test(memory_beyond_the_map_gets_no_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
