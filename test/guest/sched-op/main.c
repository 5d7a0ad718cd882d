/* SPDX-License-Identifier: MIT */
/*
 * sched-op: yield, block, poll.
 *
 * Why: a kernel's idle loop and its locks.
 * Right outcome: yield comes back; block sleeps until an event and unmasks; poll ends at its
 * time-out, at once when a port is pending even if masked, and when another vcpu raises it; bad
 * lists are refused; unknown operations are -ENOSYS.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include "smp.h"
#include "time.h"
#include "traps.h"

static unsigned timer_port, ipi_port;

static long op(unsigned cmd, void *arg)
{
    return HCALL2(sched_op, cmd, arg);
}

static void arm(unsigned ms)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = now() + MS(ms)};

    NEED(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t) == 0);
}

static void block(void)
{
    unsigned before = event_count[timer_port];
    uint64_t t = now();

    events_mask();
    arm(20);
    EXPECT_EQ(op(SCHEDOP_block, NULL), 0);
    EXPECT(now() - t >= MS(19));
    EXPECT_EQ(event_count[timer_port], before + 1);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_mask, 0);
    events_mask();
}

static void poll(void)
{
    evtchn_port_t ports[2] = {timer_port, ipi_port};
    struct sched_poll p = {.ports = {P(ports)}, .nr_ports = 2};
    struct evtchn_send s = {.port = ipi_port};
    uint64_t t = now();

    p.timeout = t + MS(20);
    EXPECT_EQ(op(SCHEDOP_poll, &p), 0);
    EXPECT(now() - t >= MS(19));
    NEED(HCALL2(event_channel_op, EVTCHNOP_send, &s) == 0);
    t = now();
    p.timeout = t + MS(3000);
    EXPECT_EQ(op(SCHEDOP_poll, &p), 0);
    EXPECT(now() - t < MS(1500));
    __atomic_and_fetch(&shared_info->evtchn_pending[ipi_port / 64], ~(1UL << (ipi_port % 64)),
                       __ATOMIC_SEQ_CST);
    vcpu_info()->evtchn_pending_sel = 0;
    vcpu_info()->evtchn_upcall_pending = 0;
    p.timeout = now() - 1; /* gone by */
    EXPECT_EQ(op(SCHEDOP_poll, &p), 0);
    arm(10);
    p.nr_ports = 1;
    p.timeout = now() + MS(3000);
    t = now();
    EXPECT_EQ(op(SCHEDOP_poll, &p), 0);
    EXPECT(now() - t >= MS(9) && now() - t < MS(1500));
    p.nr_ports = 129;
    EXPECT_EQ(op(SCHEDOP_poll, &p), E_INVAL);
    p.nr_ports = 0xffffffff;
    EXPECT_EQ(op(SCHEDOP_poll, &p), E_INVAL);
    p = (struct sched_poll){.ports = {0x1000}, .nr_ports = 1, .timeout = now() + MS(1)};
    EXPECT_EQ(op(SCHEDOP_poll, &p), E_FAULT);
}

static void other(void)
{
    struct evtchn_send s = {.port = ipi_port};

    spin_ns(MS(30));
    HCALL2(event_channel_op, EVTCHNOP_send, &s);
    for (;;) {
        HCALL3(vcpu_op, VCPUOP_down, 1, NULL);
    }
}

static void poll_for_another(void)
{
    evtchn_port_t port = ipi_port;
    struct sched_poll p = {.ports = {P(&port)}, .nr_ports = 1};
    uint64_t t = now();

    NEED(vcpu_start(1, other) == 0);
    p.timeout = t + MS(5000);
    EXPECT_EQ(op(SCHEDOP_poll, &p), 0);
    EXPECT(now() - t < MS(3000));
    EXPECT(port_pending(port));
}

enum verdict guest_main(void)
{
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct evtchn_bind_ipi i = {.vcpu = 0};
    struct sched_watchdog w = {.id = 9, .timeout = 1};

    NEED(HCALL3(vcpu_op, VCPUOP_stop_periodic_timer, 0, NULL) == 0); /* it may run from the start */
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_virq, &v) == 0);
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &i) == 0);
    timer_port = v.port;
    ipi_port = i.port;
    port_unmask(timer_port);
    EXPECT_EQ(op(SCHEDOP_yield, NULL), 0);
    block();
    poll();
    poll_for_another();
    EXPECT_EQ(op(99, NULL), E_NOSYS);
    EXPECT_EQ(op(SCHEDOP_shutdown, (void *)0x1000), E_FAULT);
    EXPECT_EQ(op(SCHEDOP_watchdog, &w), E_INVAL);
    return SUCCESS;
}
