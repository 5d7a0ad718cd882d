/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: shares by weight, caps, affinity, blocking, and the invariants (a vcpu on at
 * most one processor, times that add up) over a random run. `test_core_sched null` makes the
 * random run with the other policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "core/errno.h"
#include "core/sched.h"
#include "fake.h"

#define CPUS 4

static const char *cmdline = "";

static int setup(void **state)
{
    (void)state;
    fake_start(CPUS, 0x1000, 0x8000, cmdline);
    return 0;
}

static struct domain *busy(domid_t id, unsigned vcpus, cpumask_t where)
{
    struct domain *d = fake_domain(id, vcpus, 100);

    for (unsigned i = 0; i < vcpus; i++) {
        assert_int_equal(sched_set_affinity(d->vcpu[i], &where, NULL), 0);
    }
    fake_settle();
    return d;
}

static void set_params(struct domain *d, uint16_t weight, uint16_t cap)
{
    struct xen_domctl_scheduler_op op = {
        .sched_id = XEN_SCHEDULER_CREDIT2,
        .cmd = XEN_DOMCTL_SCHEDOP_putinfo,
        .u.credit2 = {.weight = weight, .cap = cap},
    };

    assert_int_equal(sched_adjust_domain(d, &op), 0);
}

/* Percent of one processor that d had over the next ten seconds. */
static double share(struct domain *d, struct domain *other, double *other_share)
{
    uint64_t before[2] = {0}, after[2] = {0};
    struct domain *all[2] = {d, other};
    struct vcpu *v;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < 2; i++) {
            if (all[i] == NULL) {
                continue;
            }
            for_each_vcpu(all[i], v) {
                *(pass == 0 ? &before[i] : &after[i]) += vcpu_cpu_time(v);
            }
        }
        if (pass == 0) {
            fake_run(SECONDS(10));
        }
    }
    if (other_share != NULL) {
        *other_share = (double)(after[1] - before[1]) / 1e8;
    }
    return (double)(after[0] - before[0]) / 1e8;
}

static void assert_near(double value, double want, double tolerance)
{
    if (value < want - tolerance || value > want + tolerance) {
        fail_msg("%.2f is not %.2f within %.2f", value, want, tolerance);
    }
}

static void weights_share_one_processor(void **state)
{
    struct domain *a = busy(1, 1, 1), *b = busy(2, 1, 1);
    double sb, sa;

    (void)state;
    set_params(a, 256, 0);
    set_params(b, 512, 0);
    sa = share(a, b, &sb);
    assert_near(sa, 100.0 / 3, 1);
    assert_near(sb, 200.0 / 3, 1);
    fake_kill(a);
    fake_kill(b);
}

static void a_cap_holds_on_an_idle_machine(void **state)
{
    struct domain *a = busy(1, 1, 1);

    (void)state;
    set_params(a, 256, 25);
    assert_near(share(a, NULL, NULL), 25, 0.5);
    set_params(a, 256, 0);
    assert_near(share(a, NULL, NULL), 100, 0.5);
    fake_kill(a);
}

static void a_cap_counts_all_vcpus_together(void **state)
{
    struct domain *a = busy(1, 4, 0xf);

    (void)state;
    set_params(a, 256, 150);
    assert_near(share(a, NULL, NULL), 150, 3);
    fake_kill(a);
}

static void three_on_two_take_turns(void **state)
{
    struct domain *a = busy(1, 1, 3), *b = busy(2, 1, 3), *c = busy(3, 1, 3);
    double sb, sa;

    (void)state;
    fake_run(SECONDS(1));
    sa = share(a, b, &sb);
    assert_near(sa, 200.0 / 3, 5);
    assert_near(sb, 200.0 / 3, 5);
    fake_kill(a);
    fake_kill(b);
    fake_kill(c);
}

static void work_spreads_over_idle_processors(void **state)
{
    struct domain *a = busy(1, 4, 0xf);

    (void)state;
    assert_near(share(a, NULL, NULL), 400, 1);
    fake_kill(a);
}

static void soft_affinity_is_liked_and_hard_is_law(void **state)
{
    struct domain *a = fake_domain(1, 1, 100), *b = NULL;
    cpumask_t hard = 6, soft = 4, none = 1ULL << 40;

    (void)state;
    assert_int_equal(sched_set_affinity(a->vcpu[0], &hard, &soft), 0);
    domain_pause(a);
    domain_unpause(a);
    fake_settle();
    assert_int_equal(a->vcpu[0]->cpu, 2);
    b = busy(2, 1, 4);
    fake_run(SECONDS(1)); /* the other one moves over rather than wait */
    assert_int_not_equal(a->vcpu[0]->cpu, b->vcpu[0]->cpu);
    assert_true(hard & (1ULL << a->vcpu[0]->cpu));
    assert_int_equal(sched_set_affinity(a->vcpu[0], &none, NULL), -EINVAL);
    assert_int_equal(sched_override_affinity(a->vcpu[0], 0), 0);
    fake_settle();
    assert_int_equal(a->vcpu[0]->cpu, 0);
    assert_int_equal(sched_override_affinity(a->vcpu[0], 1), -EBUSY);
    assert_int_equal(sched_override_affinity(a->vcpu[0], -1), 0);
    assert_int_equal(a->vcpu[0]->hard_affinity, hard);
    fake_kill(a);
    fake_kill(b);
}

static void a_waking_vcpu_runs_soon_and_cannot_hoard(void **state)
{
    struct domain *hog = busy(1, 1, 1), *io = busy(2, 1, 1);
    struct vcpu *v = io->vcpu[0];
    struct vcpu_runstate_info r;
    uint64_t waited;

    (void)state;
    __atomic_or_fetch(&v->pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
    vcpu_sleep_nosync(v);
    fake_run(SECONDS(5));
    vcpu_get_runstate(v, &r);
    waited = r.time[RUNSTATE_runnable];
    for (unsigned i = 0; i < 100; i++) { /* works half a millisecond each ten */
        vcpu_unblock(v);
        fake_run(MICROSECS(500));
        __atomic_or_fetch(&v->pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
        vcpu_sleep_nosync(v);
        fake_run(MICROSECS(9500));
    }
    vcpu_get_runstate(v, &r);
    assert_true(r.time[RUNSTATE_runnable] - waited < (uint64_t)MILLISECS(100));
    vcpu_unblock(v);
    assert_near(share(io, hog, NULL), 50, 1);
    fake_kill(hog);
    fake_kill(io);
}

static void yield_gives_way_to_who_waits(void **state)
{
    struct domain *a = busy(1, 1, 1), *b = busy(2, 1, 1);
    struct vcpu *before;

    (void)state;
    fake_run(MILLISECS(5));
    before = fake_current[0];
    assert_false(vcpu_is_idle(before));
    fake_cpu = 0;
    sched_yield();
    fake_cpu = FAKE_OUTSIDE;
    fake_settle();
    assert_ptr_not_equal(fake_current[0], before);
    fake_kill(a);
    fake_kill(b);
    assert_true(vcpu_is_idle(fake_current[0]));
}

/* Whatever happens: nobody runs twice, nobody runs who may not, states add up to the time. */
static void check_invariants(struct domain **d, unsigned n, const stime_t *born)
{
    for (unsigned i = 0; i < n; i++) {
        struct vcpu *v;

        for_each_vcpu(d[i], v) {
            struct vcpu_runstate_info r;
            unsigned on = 0;

            for (unsigned cpu = 0; cpu < CPUS; cpu++) {
                on += fake_current[cpu] == v;
                assert_true(fake_current[cpu] != v || v->cpu == cpu);
            }
            assert_int_equal(on, v->running);
            assert_true(!v->running || vcpu_runnable(v));
            assert_true(!v->running || ((v->hard_affinity >> v->cpu) & 1));
            vcpu_get_runstate(v, &r);
            assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3],
                             (uint64_t)(fake_now - born[i]));
        }
    }
}

static void a_random_run_keeps_the_invariants(void **state)
{
    enum { DOMS = 5 };
    struct domain *d[DOMS];
    stime_t born[DOMS];

    (void)state;
    srand(5);
    for (unsigned i = 0; i < DOMS; i++) {
        born[i] = fake_now;
        d[i] = fake_domain((domid_t)(i + 1), 3, 100);
    }
    for (unsigned step = 0; step < 20000; step++) {
        struct vcpu *v = d[rand() % DOMS]->vcpu[rand() % 3];
        cpumask_t mask = (cpumask_t)(rand() % 15) + 1;

        switch (rand() % 8) {
        case 0:
            __atomic_or_fetch(&v->pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
            vcpu_sleep_nosync(v);
            break;
        case 1:
        case 2:
            vcpu_unblock(v);
            break;
        case 3:
            sched_set_affinity(v, &mask, NULL);
            break;
        case 4:
            vcpu_pause_nosync(v);
            fake_settle();
            assert_false(v->running);
            vcpu_unpause(v);
            break;
        case 5:
            if (sched_policy == &sched_credit2) {
                set_params(v->domain, (uint16_t)(rand() % 1000 + 1),
                           (uint16_t)(rand() % 3 == 0 ? rand() % 200 : 0));
            }
            break;
        default:
            fake_run(MICROSECS(rand() % 5000));
            break;
        }
        fake_settle();
        check_invariants(d, DOMS, born);
    }
    for (unsigned i = 0; i < DOMS; i++) {
        fake_kill(d[i]);
    }
}

static void tools_get_what_they_set(void **state)
{
    struct domain *a = fake_domain(1, 1, 100);
    struct xen_domctl_scheduler_op op = {.sched_id = XEN_SCHEDULER_CREDIT2,
                                         .cmd = XEN_DOMCTL_SCHEDOP_getinfo};

    (void)state;
    assert_int_equal(sched_adjust_domain(a, &op), 0);
    assert_int_equal(op.u.credit2.weight, 256);
    assert_int_equal(op.u.credit2.cap, 0);
    set_params(a, 77, 33);
    assert_int_equal(sched_adjust_domain(a, &op), 0);
    assert_int_equal(op.u.credit2.weight, 77);
    assert_int_equal(op.u.credit2.cap, 33);
    op.sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(sched_adjust_domain(a, &op), -EINVAL);
    fake_kill(a);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest random_run[] = {
        cmocka_unit_test(a_random_run_keeps_the_invariants),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_share_one_processor),
        cmocka_unit_test(a_cap_holds_on_an_idle_machine),
        cmocka_unit_test(a_cap_counts_all_vcpus_together),
        cmocka_unit_test(three_on_two_take_turns),
        cmocka_unit_test(work_spreads_over_idle_processors),
        cmocka_unit_test(soft_affinity_is_liked_and_hard_is_law),
        cmocka_unit_test(a_waking_vcpu_runs_soon_and_cannot_hoard),
        cmocka_unit_test(yield_gives_way_to_who_waits),
        cmocka_unit_test(tools_get_what_they_set),
        cmocka_unit_test(a_random_run_keeps_the_invariants),
    };

    if (argc > 1 && strcmp(argv[1], "null") == 0) {
        cmdline = "sched=null";
        return cmocka_run_group_tests(random_run, setup, NULL);
    }
    return cmocka_run_group_tests(tests, setup, NULL);
}
