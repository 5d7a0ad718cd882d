/* SPDX-License-Identifier: MIT */
/*
 * runstate: how long a vcpu ran, waited and slept.
 *
 * Why: kernels count stolen time by it.
 * Right outcome: the call and the registered area agree; the four times add up to the time since
 * they began; blocked time grows while blocked; with the assist the update flag is seen clear
 * between updates; a bad area is refused.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include "mm.h"
#include "time.h"
#include "traps.h"

static struct vcpu_runstate_info *area;

static uint64_t total(const struct vcpu_runstate_info *r)
{
    return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

static void sleep_ms(unsigned ms)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = now() + MS(ms)};

    NEED(HCALL3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t) == 0);
    HCALL2(sched_op, SCHEDOP_block, NULL);
    events_mask();
}

enum verdict guest_main(void)
{
    struct vcpu_register_runstate_memory_area a;
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct vcpu_runstate_info got, first;
    uint64_t blocked, t0;

    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_virq, &b) == 0);
    port_unmask(b.port);
    area = alloc_page();
    t0 = now();
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_get_runstate_info, 0, &first), 0);
    EXPECT_EQ(first.state, RUNSTATE_running);
    a.addr.v = P(area);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a), 0);
    EXPECT_EQ(area->state, RUNSTATE_running);
    EXPECT_EQ(HCALL2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    blocked = area->time[RUNSTATE_blocked];
    for (unsigned i = 0; i < 10 && area->time[RUNSTATE_blocked] - blocked < MS(25); i++) {
        sleep_ms(30); /* on a busy host the time may be over before it blocks */
    }
    EXPECT_EQ(area->state, RUNSTATE_running);
    EXPECT((area->state_entry_time & XEN_RUNSTATE_UPDATE) == 0);
    EXPECT(area->time[RUNSTATE_blocked] - blocked >= MS(25));
    spin_ns(MS(10));
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_get_runstate_info, 0, &got), 0);
    EXPECT(total(&got) - total(&first) <= now() - t0);
    EXPECT(total(&got) - total(&first) >= MS(39));
    EXPECT(got.time[0] > first.time[0]);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_get_runstate_info, 77, &got), E_NOENT);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_get_runstate_info, 0, 0x1000), E_FAULT);
    a.addr.v = 0xffff830000000000;
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a), E_FAULT);
    return SUCCESS;
}
