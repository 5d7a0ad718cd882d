/* SPDX-License-Identifier: MIT */
/*
 * dom-sched-null: the small policy, which gives each vcpu a processor of its own.
 *
 * Why: a second policy proves that the first is not wired into the rest.
 * Right outcome: it says which one it is; two busy guests beside dom0 get nearly all of the time of
 * two processors; weights are not its business; a guest for which no processor is left waits until
 * another one dies, and then runs.
 * Boot: --cpus 3 --cmdline sched=null
 * Xen: skip Debian builds it without this policy
 * Environments: pv
 */
#include "child.h"

static struct child first, second, third;

static enum verdict busy(void)
{
    for (;;) {
        comm->out[0]++;
    }
    return FAILURE;
}

static bool moves(struct child *c, unsigned ms)
{
    uint64_t seen = c->comm->out[0];

    for (unsigned i = 0; i < ms && c->comm->out[0] == seen; i += 5) {
        sleep_ms(5);
    }
    return c->comm->out[0] != seen;
}

enum verdict guest_main(void)
{
    struct xen_sysctl op = {0};
    uint64_t start, a, b, spent;

    CHECK_EQ(sysctl(XEN_SYSCTL_sched_id, &op), 0);
    CHECK_EQ(op.u.sched_id.sched_id, XEN_SCHEDULER_NULL);
    child_build(&first, busy, 0, 1);
    child_build(&second, busy, 0, 1);
    child_build(&third, busy, 0, 1);
    CHECK(domain_weight(first.id, 512, 0) < 0);
    child_run(&first);
    child_run(&second);
    CHECK(moves(&first, 2000));
    CHECK(moves(&second, 2000));
    start = now();
    a = domain_cpu_ns(first.id);
    b = domain_cpu_ns(second.id);
    sleep_ms(500);
    spent = now() - start;
    a = domain_cpu_ns(first.id) - a;
    b = domain_cpu_ns(second.id) - b;
    print("%lu and %lu of %lu ms\n", a / 1000000, b / 1000000, spent / 1000000);
    CHECK(a * 100 > spent * 90);
    CHECK(b * 100 > spent * 90);
    child_run(&third);
    CHECK(!moves(&third, 100));
    CHECK_EQ(child_destroy(&first), 0);
    CHECK(moves(&third, 2000));
    CHECK(moves(&second, 2000));
    CHECK_EQ(child_destroy(&second), 0);
    CHECK_EQ(child_destroy(&third), 0);
    return SUCCESS;
}
