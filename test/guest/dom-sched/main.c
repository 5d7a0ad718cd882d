/* SPDX-License-Identifier: MIT */
/*
 * dom-sched: weights and caps on one processor.
 *
 * Why: what a host sells is shares of processors.
 * Right outcome: over 10 seconds two busy guests with weights 256 and 512 get 1/3 and 2/3 of the
 * processor within 5 points, and dom0, which sleeps, wakes on time; a guest alone with a cap of 25
 * gets a quarter within 3 points. Time is counted in instructions, so that each run is the same.
 * Boot: --deterministic --cpus 1 --timeout 240
 * Environments: pv
 */
#include "child.h"

#define SECONDS 10

static struct child light, heavy;

static enum verdict busy(void)
{
    for (;;) {
        comm->out[0]++;
    }
    return FAILURE;
}

/* Share of the time, in tenths of a percent. */
static unsigned share(uint64_t used, uint64_t all)
{
    return (unsigned)(used * 1000 / all);
}

static void test_weights(void)
{
    uint64_t start, spent, a, b;
    unsigned sa, sb;

    child_build(&light, busy, 0, 1);
    child_build(&heavy, busy, 0, 1);
    CHECK_EQ(domain_weight(light.id, 256, 0), 0);
    CHECK_EQ(domain_weight(heavy.id, 512, 0), 0);
    child_run(&light);
    child_run(&heavy);
    start = now();
    a = domain_cpu_ns(light.id);
    b = domain_cpu_ns(heavy.id);
    sleep_ms(SECONDS * 1000);
    spent = now() - start;
    sa = share(domain_cpu_ns(light.id) - a, spent);
    sb = share(domain_cpu_ns(heavy.id) - b, spent);
    print("weight 256: %u.%u %%, weight 512: %u.%u %%, slept %lu ms\n", sa / 10, sa % 10, sb / 10,
          sb % 10, spent / 1000000);
    CHECK(sa >= 283 && sa <= 383);
    CHECK(sb >= 617 && sb <= 717);
    CHECK(spent < (SECONDS * 1000 + 100) * 1000000UL);
    CHECK_EQ(child_destroy(&heavy), 0);
}

static void test_cap(void)
{
    uint64_t start, spent, a;
    unsigned s;

    CHECK_EQ(domain_weight(light.id, 256, 25), 0);
    sleep_ms(100);
    start = now();
    a = domain_cpu_ns(light.id);
    sleep_ms(SECONDS * 1000);
    spent = now() - start;
    s = share(domain_cpu_ns(light.id) - a, spent);
    print("cap 25: %u.%u %%\n", s / 10, s % 10);
    CHECK(s >= 220 && s <= 280);
    CHECK_EQ(child_destroy(&light), 0);
}

enum verdict guest_main(void)
{
    test_weights();
    test_cap();
    return SUCCESS;
}
