/* SPDX-License-Identifier: MIT */
/* sched=null: a processor each, who comes too late waits until one is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/sched.h"
#include "fake.h"

static int setup(void **state)
{
    (void)state;
    fake_start(2, 0x1000, 0x4000, "sched=null");
    return 0;
}

static void each_vcpu_has_its_processor_and_others_wait(void **state)
{
    struct domain *a = fake_domain(1, 1, 100), *b = fake_domain(2, 1, 100);
    struct domain *c = fake_domain(3, 1, 100);

    (void)state;
    assert_string_equal(sched_policy->name, "null");
    fake_run(SECONDS(1));
    assert_int_not_equal(a->vcpu[0]->cpu, b->vcpu[0]->cpu);
    assert_int_equal(vcpu_cpu_time(a->vcpu[0]), (uint64_t)SECONDS(1));
    assert_int_equal(vcpu_cpu_time(b->vcpu[0]), (uint64_t)SECONDS(1));
    assert_int_equal(vcpu_cpu_time(c->vcpu[0]), 0);

    /* blocking keeps the processor */
    domain_pause(a);
    fake_run(SECONDS(1));
    assert_int_equal(vcpu_cpu_time(c->vcpu[0]), 0);
    domain_unpause(a);
    fake_settle();
    assert_true(a->vcpu[0]->running);

    /* dying gives it up */
    fake_kill(a);
    fake_run(SECONDS(1));
    assert_int_equal(vcpu_cpu_time(c->vcpu[0]), (uint64_t)SECONDS(1));
    fake_kill(b);
    fake_kill(c);
}

static void going_down_gives_the_processor_up(void **state)
{
    struct domain *a = fake_domain(1, 2, 100), *b = fake_domain(2, 1, 100);

    (void)state;
    fake_run(SECONDS(1));
    assert_false(b->vcpu[0]->running);
    vcpu_down(a->vcpu[1]);
    fake_settle();
    assert_true(b->vcpu[0]->running);
    vcpu_up(a->vcpu[1]);
    fake_settle();
    assert_false(a->vcpu[1]->running);
    fake_kill(b);
    fake_settle();
    assert_true(a->vcpu[1]->running);
    fake_kill(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vcpu_has_its_processor_and_others_wait),
        cmocka_unit_test(going_down_gives_the_processor_up),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
