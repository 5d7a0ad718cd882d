/* SPDX-License-Identifier: MIT */
/* ACPI tables laid out in a small memory of the test's own; good ones, and each kind of bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "x86/boot/acpi.h"

#define BASE     0x100000u
#define RSDP_AT  (BASE + 0x000)
#define ROOT_AT  (BASE + 0x100)
#define MADT_AT  (BASE + 0x400)
#define FADT_AT  (BASE + 0x800)
#define HPET_AT  (BASE + 0xc00)
#define MCFG_AT  (BASE + 0xd00)

static uint8_t memory[0x1000];
static unsigned mapped;

static const void *map(paddr_t p, size_t len)
{
    if (p < BASE || p > BASE + sizeof(memory) || len > BASE + sizeof(memory) - p) {
        return NULL;
    }
    mapped++;
    return memory + (p - BASE);
}

static void unmap(const void *va)
{
    (void)va;
    mapped--;
}

static const struct acpi_memory mem = {map, unmap};
static struct acpi_info info;

static uint8_t *at(uint32_t p)
{
    return memory + (p - BASE);
}

static void put(uint32_t p, uint64_t v, unsigned bytes)
{
    memcpy(at(p), &v, bytes);
}

static void fix_sum(uint32_t p, uint32_t len, unsigned sum_at)
{
    uint8_t sum = 0;

    *at(p + sum_at) = 0;
    for (uint32_t i = 0; i < len; i++) {
        sum += *at(p + i);
    }
    *at(p + sum_at) = -sum;
}

static void table(uint32_t p, const char *signature, uint32_t len)
{
    memcpy(at(p), signature, 4);
    put(p + 4, len, 4);
    fix_sum(p, len, 9);
}

static void make_madt(void)
{
    static const uint8_t entries[] = {
        0, 8, 0, 0, 1, 0, 0, 0, /* processor 0 */
        0, 8, 1, 4, 1, 0, 0, 0, /* processor 1, APIC 4 */
        0, 8, 2, 6, 0, 0, 0, 0, /* can never be used */
        0, 8, 3, 4, 1, 0, 0, 0, /* APIC 4 again */
        1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,          /* IO-APIC */
        2, 10, 0, 0, 2, 0, 0, 0, 0, 0,                      /* IRQ 0 at 2 */
        2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0,                   /* SCI */
        9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, /* x2APIC 300 */
    };

    put(MADT_AT + 36, 0xfee00000, 4);
    put(MADT_AT + 40, 1, 4);
    memcpy(at(MADT_AT + 44), entries, sizeof(entries));
    table(MADT_AT, "APIC", 44 + sizeof(entries));
}

static int make_tables(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    mapped = 0;
    memcpy(at(RSDP_AT), "RSD PTR ", 8);
    *at(RSDP_AT + 15) = 2;
    put(RSDP_AT + 20, 36, 4);
    put(RSDP_AT + 24, ROOT_AT, 8);
    fix_sum(RSDP_AT, 20, 8);
    fix_sum(RSDP_AT, 36, 32);
    put(ROOT_AT + 36, MADT_AT, 8);
    put(ROOT_AT + 44, FADT_AT, 8);
    put(ROOT_AT + 52, HPET_AT, 8);
    put(ROOT_AT + 60, MCFG_AT, 8);
    table(ROOT_AT, "XSDT", 68);
    make_madt();
    put(FADT_AT + 46, 9, 2);
    put(FADT_AT + 64, 0xb004, 4); /* PM1a control */
    put(FADT_AT + 76, 0xb008, 4); /* timer */
    *at(FADT_AT + 89) = 2;
    *at(FADT_AT + 91) = 4;
    put(FADT_AT + 112, 1u << 10 | 1u << 8, 4);
    *at(FADT_AT + 116) = ACPI_SPACE_IO;
    put(FADT_AT + 120, 0xcf9, 8);
    *at(FADT_AT + 128) = 6;
    table(FADT_AT, "FACP", 244);
    put(HPET_AT + 44, 0xfed00000, 8);
    table(HPET_AT, "HPET", 56);
    put(MCFG_AT + 44, 0xb0000000, 8);
    *at(MCFG_AT + 55) = 255;
    table(MCFG_AT, "MCFG", 60);
    return 0;
}

static bool parse(void)
{
    bool ok = acpi_parse(&info, RSDP_AT, &mem);

    assert_int_equal(mapped, 0);
    return ok;
}

static void good_tables_are_read(void **state)
{
    (void)state;
    assert_true(parse());
    assert_int_equal(info.nr_cpus, 3);
    assert_int_equal(info.cpu[1].apic_id, 4);
    assert_int_equal(info.cpu[2].apic_id, 300);
    assert_int_equal(info.cpu[2].acpi_id, 7);
    assert_int_equal(info.nr_ioapics, 1);
    assert_int_equal(info.ioapic[0].base, 0xfec00000);
    assert_int_equal(info.nr_overrides, 2);
    assert_int_equal(info.override[0].gsi, 2);
    assert_int_equal(info.override[1].flags, 0x0d);
    assert_true(info.have_8259);
    assert_int_equal(info.lapic_base, 0xfee00000);
    assert_int_equal(info.sci_irq, 9);
    assert_int_equal(info.pm1a_cnt.address, 0xb004);
    assert_int_equal(info.pm_timer_port, 0xb008);
    assert_true(info.pm_timer_32bit);
    assert_true(info.have_reset);
    assert_int_equal(info.reset.address, 0xcf9);
    assert_int_equal(info.reset_value, 6);
    assert_int_equal(info.hpet_base, 0xfed00000);
    assert_int_equal(info.nr_mcfg, 1);
    assert_int_equal(info.mcfg[0].bus_end, 255);
}

static void a_wrong_sum_makes_a_table_absent(void **state)
{
    (void)state;
    *at(HPET_AT + 20) ^= 1;
    *at(MADT_AT + 50) ^= 1;
    assert_true(parse());
    assert_int_equal(info.hpet_base, 0);
    assert_false(info.have_madt);
    assert_true(info.have_fadt);
}

static void lengths_that_lie_are_refused(void **state)
{
    (void)state;
    put(HPET_AT + 4, 8, 4);          /* shorter than a header */
    put(MCFG_AT + 4, 0x7fffffff, 4); /* beyond everything */
    put(FADT_AT + 4, 60, 4);         /* ends before what we need */
    fix_sum(FADT_AT, 60, 9);
    assert_true(parse());
    assert_int_equal(info.hpet_base, 0);
    assert_int_equal(info.nr_mcfg, 0);
    assert_false(info.have_fadt);
}

static void a_madt_entry_of_length_zero_ends_the_walk(void **state)
{
    (void)state;
    *at(MADT_AT + 44 + 9) = 0;
    fix_sum(MADT_AT, *at(MADT_AT + 4), 9);
    assert_true(parse());
    assert_int_equal(info.nr_cpus, 1);
    assert_int_equal(info.nr_ioapics, 0);
}

static void a_madt_entry_that_leaves_the_table_is_ignored(void **state)
{
    uint32_t len = 44 + 8 + 4;

    (void)state;
    put(MADT_AT + 4, len, 4);
    fix_sum(MADT_AT, len, 9);
    assert_true(parse());
    assert_int_equal(info.nr_cpus, 1);
}

static void bad_roots_are_refused(void **state)
{
    (void)state;
    *at(ROOT_AT + 1) = 'x';
    fix_sum(ROOT_AT, 68, 9);
    assert_false(parse());
    assert_int_equal(info.rsdp, 0);
    make_tables(NULL);
    *at(RSDP_AT + 3) = 'x';
    assert_false(parse());
    make_tables(NULL);
    *at(RSDP_AT + 33) = 1; /* extended sum */
    assert_false(parse());
    assert_false(acpi_parse(&info, 0, &mem));
    assert_false(acpi_parse(&info, 0x5000, &mem));
}

static void without_an_xsdt_the_rsdt_is_used(void **state)
{
    (void)state;
    *at(RSDP_AT + 15) = 0;
    put(RSDP_AT + 16, ROOT_AT, 4);
    fix_sum(RSDP_AT, 20, 8);
    put(ROOT_AT + 36, HPET_AT, 4);
    put(ROOT_AT + 40, 0xdead0000, 4); /* cannot be reached */
    table(ROOT_AT, "RSDT", 44);
    assert_true(parse());
    assert_int_equal(info.hpet_base, 0xfed00000);
    assert_false(info.have_madt);
}

static void isa_interrupts_follow_their_overrides(void **state)
{
    uint16_t flags;

    (void)state;
    assert_true(acpi_parse(&acpi_info, RSDP_AT, &mem));
    assert_int_equal(acpi_isa_to_gsi(0, &flags), 2);
    assert_int_equal(acpi_isa_to_gsi(9, &flags), 9);
    assert_int_equal(flags, 0x0d);
    assert_int_equal(acpi_isa_to_gsi(4, &flags), 4);
    assert_int_equal(flags, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_tables_are_read, make_tables),
        cmocka_unit_test_setup(a_wrong_sum_makes_a_table_absent, make_tables),
        cmocka_unit_test_setup(lengths_that_lie_are_refused, make_tables),
        cmocka_unit_test_setup(a_madt_entry_of_length_zero_ends_the_walk, make_tables),
        cmocka_unit_test_setup(a_madt_entry_that_leaves_the_table_is_ignored, make_tables),
        cmocka_unit_test_setup(bad_roots_are_refused, make_tables),
        cmocka_unit_test_setup(without_an_xsdt_the_rsdt_is_used, make_tables),
        cmocka_unit_test_setup(isa_interrupts_follow_their_overrides, make_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
