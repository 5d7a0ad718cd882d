/* SPDX-License-Identifier: MIT */
/*
 * time: the clock that needs no call, and the timers.
 *
 * Why: a kernel's scheduler and all of its time-outs stand on them.
 * Right outcome: system time never goes back and agrees with the TSC's rate; a copy registered by
 * VCPUOP_register_vcpu_time_memory_area says the same; the wall clock is of this century; a
 * single-shot timer fires after its time and not long after; a time in the past fires at once,
 * whatever the flag says; the periodic timer keeps its number.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/vcpu.h>
#include "mm.h"
#include "time.h"
#include "traps.h"

static unsigned timer_port;

static void monotonic(void)
{
    uint64_t last = now(), t0 = last, c0 = rdtsc(), khz;

    while (now() - t0 < MS(50)) {
        uint64_t t = now();

        if (t < last) {
            print("time went from %lu to %lu\n", last, t);
            failures++;
            return;
        }
        last = t;
    }
    khz = (rdtsc() - c0) * 1000000 / (now() - t0);
    EXPECT(khz > 100000 && khz < 10000000);
    EXPECT((vcpu_info()->time.version & 1) == 0);
}

static void area(void)
{
    struct vcpu_time_info *copy = alloc_page();
    struct vcpu_register_time_memory_area a = {.addr.v = P(copy)};
    int64_t off;

    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &a), 0);
    off = (int64_t)(time_of(copy) - now());
    EXPECT(off > -1000000 && off < 1000000);
    a.addr.v = 0x1000;
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, 0x1000), E_FAULT);
}

static void wall_clock(void)
{
    EXPECT((shared_info->wc_version & 1) == 0);
    EXPECT(shared_info->wc_sec > 1500000000);
    EXPECT(shared_info->wc_nsec < 1000000000);
    EXPECT_EQ(shared_info->wc_sec_hi, 0);
}

static void single_shot(void)
{
    struct vcpu_set_singleshot_timer t;
    uint64_t at = 0;

    for (unsigned i = 0; i < 5; i++) {
        unsigned before = event_count[timer_port];

        t = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = now() + MS(5)};
        EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t), 0);
        EXPECT(WAIT(event_count[timer_port] != before, MS(2000)));
        at = now();
        EXPECT(at >= t.timeout_abs_ns);
        EXPECT(at < t.timeout_abs_ns + MS(500));
    }
    t = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future};
    at = event_count[timer_port];
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t), 0);
    EXPECT(WAIT(event_count[timer_port] != at, MS(1000)));
    t.flags = 0;
    at = event_count[timer_port];
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t), 0);
    EXPECT(WAIT(event_count[timer_port] != at, MS(1000)));
    t.timeout_abs_ns = now() + MS(20);
    at = event_count[timer_port];
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t), 0);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    spin_ns(MS(40));
    EXPECT_EQ(event_count[timer_port], at);
    at = event_count[timer_port];
    EXPECT_EQ(HCALL1(set_timer_op, now() + MS(5)), 0);
    EXPECT(WAIT(event_count[timer_port] != at, MS(1000)));
}

static void periodic(void)
{
    struct vcpu_set_periodic_timer p = {.period_ns = MS(10)};
    unsigned before, seen;

    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_periodic_timer, 0, &p), 0);
    before = event_count[timer_port];
    spin_ns(MS(300));
    seen = event_count[timer_port] - before;
    if (seen < 3 || seen > 33) {
        print("%u ticks of 10 ms in 300 ms\n", seen);
        failures++;
    }
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_stop_periodic_timer, 0, NULL), 0);
    spin_ns(MS(12));
    before = event_count[timer_port];
    spin_ns(MS(50));
    EXPECT_EQ(event_count[timer_port], before);
    p.period_ns = 1;
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_set_periodic_timer, 0, &p), E_INVAL);
}

enum verdict guest_main(void)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = 0};

    NEED(HCALL3(vcpu_op, VCPUOP_stop_periodic_timer, 0, NULL) == 0);
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_virq, &b) == 0);
    timer_port = b.port;
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_bind_virq, &b), E_EXIST);
    port_unmask(timer_port);
    events_unmask();
    monotonic();
    area();
    wall_clock();
    single_shot();
    periodic();
    return SUCCESS;
}
