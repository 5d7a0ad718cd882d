/* SPDX-License-Identifier: MIT */
/* The table of hypercalls and multicall: results, refusals, continuation. */
#include "world.h"

static struct domain *d;
static unsigned calls, continue_left;

#define CALL(name)                                                                                 \
    long name(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)

/* What the table names and this test does not link. */
#define ABSENT(name)                                                                               \
    CALL(name)                                                                                     \
    {                                                                                              \
        (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;                                \
        return -ENOSYS;                                                                            \
    }
ABSENT(do_set_timer_op)
ABSENT(do_vcpu_op)
ABSENT(do_console_io)
ABSENT(do_vm_assist)
ABSENT(do_domctl)
ABSENT(do_sysctl)

CALL(do_xen_version)
{
    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    calls++;
    return (long)a1 * 2;
}

/* Adds up its first argument, one step a call, until continue_left steps are done. */
CALL(do_sched_op)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    calls++;
    if (continue_left > 0) {
        continue_left--;
        return hypercall_continue(__HYPERVISOR_sched_op, a1 + 1, a2, 0, 0, 0, 0);
    }
    return (long)a1;
}

static int setup(void **state)
{
    (void)state;
    world_reset();
    hypercall_subsys_init();
    d = world_domain(1, 0, 1);
    world_run_as(d, 0);
    calls = continue_left = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_reset();
    return 0;
}

static void entries_run_in_order_with_their_results(void **state)
{
    struct multicall_entry e[20] = {0};

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        e[i].op = __HYPERVISOR_xen_version;
        e[i].args[0] = i;
    }
    assert_int_equal(world_call(do_multicall, P(e), 20, 0), 0);
    assert_int_equal(calls, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(e[i].result, 2 * i);
    }
}

static void unknown_nested_and_privileged_entries_are_refused(void **state)
{
    struct multicall_entry e[6] = {0};

    (void)state;
    e[0].op = __HYPERVISOR_multicall;
    e[1].op = __HYPERVISOR_iret;
    e[2].op = 63;
    e[3].op = ~0UL;
    e[4].op = __HYPERVISOR_domctl;
    e[5].op = __HYPERVISOR_xenpmu_op;
    assert_int_equal(world_call(do_multicall, P(e), 6, 0), 0);
    assert_int_equal((long)e[0].result, -EINVAL);
    assert_int_equal((long)e[1].result, -EINVAL);
    assert_int_equal((long)e[2].result, -ENOSYS);
    assert_int_equal((long)e[3].result, -ENOSYS);
    assert_int_equal((long)e[4].result, -EPERM);
    assert_int_equal((long)e[5].result, -EOPNOTSUPP);
}

static void an_inner_call_is_continued_at_once_when_nothing_waits(void **state)
{
    struct multicall_entry e = {.op = __HYPERVISOR_sched_op, .args = {100}};

    (void)state;
    continue_left = 5;
    assert_int_equal(do_multicall(P(&e), 1, 0, 0, 0, 0), 0);
    assert_false(world_current->cont.pending);
    assert_int_equal(e.result, 105);
    assert_int_equal(calls, 6);
}

static void a_preempted_inner_call_goes_on_where_it_was(void **state)
{
    struct multicall_entry e[3] = {
        {.op = __HYPERVISOR_xen_version, .args = {1}},
        {.op = __HYPERVISOR_sched_op, .args = {100}},
        {.op = __HYPERVISOR_xen_version, .args = {3}},
    };
    const struct continuation *c = &world_current->cont;

    (void)state;
    continue_left = 3;
    softirq_pending[0] = 1; /* before the second entry already */
    assert_int_equal(do_multicall(P(e), 3, 0, 0, 0, 0), 0);
    assert_true(c->pending);
    assert_int_equal(c->args[0], P(&e[1]));
    assert_int_equal(c->args[1], 2);
    assert_false(world_current->in_multicall);
    world_current->cont.pending = false;
    assert_int_equal(do_multicall(P(&e[1]), 2, 0, 0, 0, 0), 0);
    assert_true(c->pending); /* one step, then preempted inside */
    assert_int_equal(c->nr, __HYPERVISOR_multicall);
    assert_int_equal(e[1].args[0], 101);
    world_current->cont.pending = false;
    assert_int_equal(world_call(do_multicall, c->args[0], c->args[1], 0), 0);
    assert_int_equal(e[1].result, 103);
    assert_int_equal(e[2].result, 6);
}

static void bad_lists_fault(void **state)
{
    struct multicall_entry e[2] = {{.op = __HYPERVISOR_xen_version}};

    (void)state;
    assert_int_equal(world_call(do_multicall, 64, 1, 0), -EFAULT);
    assert_int_equal(world_call(do_multicall, ~0UL, 1, 0), -EFAULT);
    assert_int_equal(world_call(do_multicall, P(e), ~0U, 0), -EFAULT);
    world_fault_at = P(&e[0].result);
    assert_int_equal(world_call(do_multicall, P(e), 1, 0), -EFAULT);
    assert_false(world_current->in_multicall);
}

static void the_direct_table_has_no_holes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HYPERCALL_MAX; i++) {
        assert_non_null(hypercall_table[i]);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entries_run_in_order_with_their_results),
        T(unknown_nested_and_privileged_entries_are_refused),
        T(an_inner_call_is_continued_at_once_when_nothing_waits),
        T(a_preempted_inner_call_goes_on_where_it_was),
        T(bad_lists_fault),
        T(the_direct_table_has_no_holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
