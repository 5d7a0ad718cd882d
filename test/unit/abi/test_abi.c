/* SPDX-License-Identifier: MIT */
/*
 * Every size, offset and constant of our public headers equals that of Debian's libxen-dev, and
 * the few things that only our headers define hold by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

#include <cmocka.h>

static void our_interface_equals_the_reference(void **state)
{
    (void)state;
    unsigned int bad = 0;

    if (abi_reference_count == 0) {
        print_message("skipped: set -Dxen_headers to the include directory of libxen-dev\n");
        skip();
    }
    assert_int_equal(abi_ours_count, abi_reference_count);
    for (size_t i = 0; i < abi_ours_count; i++) {
        const struct abi_row *a = &abi_ours[i], *b = &abi_reference[i];

        if (a->value != b->value || a->size != b->size ||
            (a->text && strcmp(a->text, b->text) != 0)) {
            print_error("%s: ours %#lx/%lu, reference %#lx/%lu\n", a->name, a->value, a->size,
                        b->value, b->size);
            bad++;
        }
    }
    print_message("%zu rows compared\n", abi_ours_count);
    assert_int_equal(bad, 0);
}

static uint64_t our_value(const char *name)
{
    for (size_t i = 0; i < abi_ours_count; i++) {
        if (strcmp(abi_ours[i].name, name) == 0) {
            return abi_ours[i].value;
        }
    }
    fail_msg("no row %s", name);
    return 0;
}

/* Sizes that stock kernels and tools have compiled in; they hold without the reference, too. */
static void well_known_sizes_hold(void **state)
{
    (void)state;
    assert_int_equal(our_value("struct vcpu_guest_context"), 5168);
    assert_int_equal(our_value("struct vcpu_info"), 64);
    assert_int_equal(our_value("struct vcpu_time_info"), 32);
    assert_int_equal(our_value("struct trap_info"), 16);
    assert_int_equal(our_value("struct cpu_user_regs"), 200);
    assert_int_equal(our_value("struct start_info"), 1168);
    assert_int_equal(our_value("struct multicall_entry"), 64);
    assert_int_equal(our_value("struct gnttab_map_grant_ref"), 32);
    assert_int_equal(our_value("struct xen_domctl"), 144);
    assert_int_equal(our_value("struct xen_sysctl"), 136);
    assert_int_equal(our_value("struct xsd_sockmsg"), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_interface_equals_the_reference),
        cmocka_unit_test(well_known_sizes_hold),
    };

    return cmocka_run_group_tests_name("abi", tests, NULL, NULL);
}
