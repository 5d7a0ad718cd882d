/* SPDX-License-Identifier: MIT */
/*
 * dom-life: a second domain is made, run, paused, ended and taken away.
 *
 * Why: everything a toolstack does rests on these calls, and what one life leaves behind is lost
 * for ever on a host that starts thousands.
 * Right outcome: the child runs and sees itself unprivileged; a paused child stands still; each
 * reason of its shutdown is the one that dom0 reads; after 200 lives the machine's free memory is
 * what it was after the first few.
 * Environments: pv
 */
#include "child.h"
#include <public/sched.h>

static struct child child;

static enum verdict says_hello(void)
{
    print("hello from domain with %lu pages, arg %lu\n", start_info->nr_pages,
          (unsigned long)comm->arg[0]);
    CHECK_EQ(start_info->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN), 0);
    CHECK_EQ(mfn_to_pfn(virt_to_mfn(start_info)), virt_to_pfn(start_info));
    CHECK_EQ(comm->arg[0], 4711);
    comm->out[0] = 1147;
    return SUCCESS;
}

static enum verdict counts(void)
{
    for (;;) {
        comm->out[0]++;
    }
    return FAILURE;
}

static enum verdict ends(void)
{
    struct sched_shutdown s = {.reason = (unsigned)comm->arg[0]};

    HCALL2(sched_op, SCHEDOP_shutdown, &s);
    return FAILURE;
}

static void test_hello(void)
{
    child_build(&child, says_hello, 0, 1);
    child.comm->arg[0] = 4711;
    child_run(&child);
    child_expect_success(&child, 5000);
    CHECK_EQ(child.comm->out[0], 1147);
    CHECK_EQ(child_destroy(&child), 0);
}

static void test_pause(void)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t seen;

    child_build(&child, counts, 0, 1);
    CHECK_EQ(domain_info(child.id, &info), 0);
    CHECK(info.flags & XEN_DOMINF_paused);
    CHECK_EQ(info.tot_pages, CHILD_PAGES);
    sleep_ms(5);
    CHECK_EQ(child.comm->out[0], 0);
    child_run(&child);
    CHECK(child.comm->out[0] != 0 || (sleep_ms(50), child.comm->out[0] != 0));
    CHECK_EQ(domain_simple(XEN_DOMCTL_pausedomain, child.id), 0);
    seen = child.comm->out[0];
    sleep_ms(20);
    CHECK_EQ(child.comm->out[0], seen);
    CHECK_EQ(domain_simple(XEN_DOMCTL_pausedomain, child.id), 0); /* they count */
    child_run(&child);
    sleep_ms(20);
    child_run(&child);
    sleep_ms(50);
    CHECK(child.comm->out[0] > seen || (sleep_ms(500), child.comm->out[0] > seen));
    CHECK_EQ(child_destroy(&child), 0);
    CHECK_EQ(domain_info(child.id, &info), E_SRCH);
    CHECK_EQ(domain_simple(XEN_DOMCTL_pausedomain, child.id), E_SRCH);
}

static void test_reasons(void)
{
    static const unsigned reasons[] = {SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_suspend,
                                       SHUTDOWN_crash, SHUTDOWN_watchdog};
    unsigned reason;

    for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++) {
        child_build(&child, ends, 0, 1);
        child.comm->arg[0] = reasons[i];
        child_run(&child);
        CHECK(child_wait(&child, 5000));
        CHECK(child_is_shut(&child, &reason));
        CHECK_EQ(reason, reasons[i]);
        CHECK_EQ(child_destroy(&child), 0);
    }
}

enum verdict guest_main(void)
{
    uint64_t before = 0, start = now();

    test_hello();
    test_pause();
    test_reasons();
    for (unsigned i = 0; i < 200; i++) {
        child_build(&child, says_hello, 0, 1);
        CHECK_EQ(child_destroy(&child), 0);
        if (i == 3) {
            before = free_pages();
        }
    }
    CHECK(free_pages_reach(before - HEAP_SLACK));
    print("200 lives, %lu ms; free memory %lu pages, then %lu\n",
          (unsigned long)((now() - start) / 1000000), before, free_pages());
    CHECK_EQ(domain_count(), 1);
    return SUCCESS;
}
