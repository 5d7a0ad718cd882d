/* SPDX-License-Identifier: MIT */
/*
 * dom-affinity: where a vcpu may run.
 *
 * Why: vcpu-pin is how a host keeps guests apart, and a vcpu on the wrong processor shows nowhere
 * else.
 * Right outcome: a busy vcpu is on the processor that it is pinned to, soon and for as long as
 * it is pinned; masks without a processor and unknown vcpus are refused and change nothing; hard
 * and soft masks are read as they were set.
 * Boot: --cpus 4
 * Environments: pv
 */
#include "child.h"

static struct child child;

static enum verdict busy(void)
{
    for (;;) {
        comm->out[0]++;
    }
    return FAILURE;
}

static unsigned cpu_of(domid_t id)
{
    struct xen_domctl op = {0};

    CHECK_EQ(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    return op.u.getvcpuinfo.cpu;
}

static long affinity(uint32_t cmd, unsigned vcpu, uint32_t flags, uint64_t *hard, uint64_t *soft)
{
    struct xen_domctl op = {0};

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = flags;
    op.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){GP(hard), 64};
    op.u.vcpuaffinity.cpumap_soft = (struct xenctl_bitmap){GP(soft), 64};
    return domctl(cmd, child.id, &op);
}

/* It moves when it is next looked at: two seconds are enough on the busiest host. */
static void settle(uint64_t mask)
{
    for (unsigned i = 0; i < 200 && !(mask >> cpu_of(child.id) & 1); i++) {
        sleep_ms(10);
    }
}

enum verdict guest_main(void)
{
    uint64_t hard = 0, soft = 0, seen;

    child_build(&child, busy, 0, 1);
    child_run(&child);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned cpu = 0; cpu < 4; cpu++) {
            CHECK_EQ(domain_pin_cpu(child.id, 0, 1UL << cpu), 0);
            settle(1UL << cpu);
            seen = child.comm->out[0];
            for (unsigned i = 0; i < 5; i++) {
                CHECK_EQ(cpu_of(child.id), cpu);
                sleep_ms(2);
            }
            for (unsigned i = 0; i < 100 && child.comm->out[0] == seen; i++) {
                sleep_ms(10);
            }
            CHECK(child.comm->out[0] != seen);
        }
    }
    CHECK_EQ(domain_pin_cpu(child.id, 0, 0), E_INVAL);
    CHECK_EQ(domain_pin_cpu(child.id, 0, 1UL << 40), E_INVAL);
    CHECK_EQ(domain_pin_cpu(child.id, 1, 1), E_INVAL);
    CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, 0, XEN_VCPUAFFINITY_HARD, &hard, &soft), 0);
    CHECK_EQ(hard, 8);
    hard = 6;
    soft = 4;
    CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, 0, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
                      &hard, &soft),
             0);
    hard = soft = 0;
    CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, 0, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
                      &hard, &soft),
             0);
    CHECK_EQ(hard, 6);
    CHECK_EQ(soft & 15, 4);
    CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, 0, 0, &hard, &soft), E_INVAL);
    settle(6);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(cpu_of(child.id) == 1 || cpu_of(child.id) == 2);
        sleep_ms(5);
    }
    CHECK_EQ(child_destroy(&child), 0);
    return SUCCESS;
}
