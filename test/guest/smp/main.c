/* SPDX-License-Identifier: MIT */
/*
 * smp: a second vcpu, and events between the two.
 *
 * Why: the context that a kernel hands over holds frames and selectors, each of which could lie.
 * Right outcome: is_up answers 0, then 1; bad contexts are refused and leave the vcpu as it was; a
 * second initialise is -EEXIST; IPIs arrive on the other side, both ways; vcpu_down ends it and up
 * brings it back; numbers beyond the domain's vcpus are -ENOENT.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/vcpu.h>
#include "mm.h"
#include "smp.h"
#include "time.h"
#include "traps.h"

static volatile unsigned running, rounds, ask_down, came_back;
static unsigned ping, pong;

static void send(unsigned port)
{
    struct evtchn_send s = {.port = port};

    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
}

static void second(void)
{
    unsigned seen = 0;

    running = 1;
    events_unmask();
    while (!ask_down) {
        if (event_count[ping] != seen) {
            seen = event_count[ping];
            rounds++;
            send(pong);
        }
    }
    HCALL3(vcpu_op, VCPUOP_down, 1, NULL);
    came_back = 1;
    for (;;) {
        HCALL3(vcpu_op, VCPUOP_down, 1, NULL);
    }
}

static void bad_contexts(void)
{
    static struct vcpu_guest_context c;

    vcpu_context(&c, 1, second);
    c.ctrlreg[3] = xen_pfn_to_cr3(0xfffffff);
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(&c)); /* writable: no root */
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.ctrlreg[3] = 1; /* frame 0, by a word that is not zero */
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.flags &= ~(uint64_t)VGCF_in_kernel; /* user space, with the same for a root */
    c.ctrlreg[1] = 1;
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.gdt_ents = 512;
    c.gdt_frames[0] = root_mfn();
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.gdt_ents = 100000;
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    vcpu_context(&c, 1, second);
    c.event_callback_eip = 0x800000000000;
    EXPECT(HCALL3(vcpu_op, VCPUOP_initialise, 1, &c) < 0);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_initialise, 1, 0x1000), E_FAULT);
    EXPECT(HCALL3(vcpu_op, VCPUOP_up, 1, NULL) < 0);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 1, NULL), 0);
}

enum verdict guest_main(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 1};

    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 0, NULL), 1);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 1, NULL), 0);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 2, NULL), E_NOENT);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 0xffffffff, NULL), E_NOENT);
    bad_contexts();
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &b) == 0);
    ping = b.port;
    b.vcpu = 0;
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &b) == 0);
    pong = b.port;
    b.vcpu = 9;
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &b), E_NOENT);
    port_unmask(ping);
    port_unmask(pong);
    events_unmask();

    CHECK_EQ(vcpu_start(1, second), 0);
    EXPECT(WAIT(running, MS(3000)));
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 1, NULL), 1);
    EXPECT_EQ(vcpu_start(1, second), E_EXIST);
    for (unsigned i = 1; i <= 100; i++) {
        send(ping);
        if (!WAIT(event_count[pong] == i, MS(2000))) {
            print("round %u: no answer\n", i);
            return FAILURE;
        }
    }
    EXPECT_EQ(rounds, 100);
    EXPECT(event_upcalls[1] >= 100);
    ask_down = 1;
    EXPECT(WAIT(HCALL3(vcpu_op, VCPUOP_is_up, 1, NULL) == 0, MS(2000)));
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_up, 1, NULL), 0);
    EXPECT(WAIT(came_back, MS(2000)));
    return SUCCESS;
}
