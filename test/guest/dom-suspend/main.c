/* SPDX-License-Identifier: MIT */
/*
 * dom-suspend: a guest suspends, and is resumed where it stood.
 *
 * Why: saving, migrating and snapshots all begin with it, and end with it when they fail.
 * Right outcome: SCHEDOP_shutdown with reason suspend stops the guest without ending it, and says
 * so on the port that dom0 subscribed; dom0 sees its registers; resumedomain lets the call return,
 * with 0 or with what dom0 put into rax; ports, frames and time are as they were, and an event
 * that was sent meanwhile is there; a domain that does not stand still is resumed to no effect,
 * and nobody resumes himself.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/sched.h>
#include "child.h"
#include "mm.h"
#include "traps.h"

#define ROUNDS 3

static struct child child;
static vcpu_guest_context_t context;

/* --- the child -------------------------------------------------------------------------------- */

static enum verdict suspends(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};
    struct sched_shutdown s = {.reason = SHUTDOWN_suspend};
    uint64_t before;

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a), 0);
    comm->out[0] = a.port;
    comm->step = 1;
    child_wait_order(1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(!port_pending(a.port));
        before = now();
        comm->out[1] = (uint64_t)HCALL3(sched_op, SCHEDOP_shutdown, &s, virt_to_mfn(start_info));
        CHECK(now() > before + MS(10));
        CHECK(port_pending(a.port));
        __atomic_and_fetch(&shared_info->evtchn_pending[a.port / 64], ~(1UL << (a.port % 64)),
                           __ATOMIC_SEQ_CST);
        comm->step = 2 + i;
        child_wait_order(2 + i);
    }
    return SUCCESS;
}

/* --- dom0 ------------------------------------------------------------------------------------- */

static evtchn_port_t bind(evtchn_port_t remote)
{
    struct evtchn_bind_interdomain b = {.remote_dom = child.id, .remote_port = remote};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_bind_interdomain, &b), 0);
    return b.local_port;
}

static void take_pending(void)
{
    evtchn_port_t p = (evtchn_port_t)child.comm->out[0];

    /* binding itself may have sent one */
    struct shared_info *s = window(0);
    struct xen_domctl_getdomaininfo info;

    CHECK_EQ(domain_info(child.id, &info), 0);
    CHECK_EQ(HCALL4(update_va_mapping_otherdomain, s,
                    info.shared_info_frame << PAGE_SHIFT | PTE_KRW, UVMF_INVLPG | UVMF_ALL,
                    child.id),
             0);
    __atomic_and_fetch(&s->evtchn_pending[p / 64], ~(1UL << (p % 64)), __ATOMIC_SEQ_CST);
    CHECK_EQ(map_at(s, 0, 0), 0);
}

static bool suspended(void)
{
    unsigned reason = 99;

    return child_is_shut(&child, &reason) && reason == SHUTDOWN_suspend;
}

/* What the toolstack does to a guest that can cancel its suspension: the call returns 1. */
static void say_cancelled(void)
{
    struct xen_domctl op = {0};

    op.u.vcpucontext.ctxt = GP(&context);
    CHECK_EQ(domctl(XEN_DOMCTL_getvcpucontext, child.id, &op), 0);
    CHECK_EQ(context.user_regs.rdx, child.mfns[child.start_info]);
    CHECK_EQ(context.user_regs.rip >> 32, 0xffffffff);
    context.user_regs.rax = 1;
    CHECK_EQ(child_set_context(&child, 0, &context), 0);
}

static void round(unsigned i, evtchn_port_t port)
{
    struct evtchn_send s = {.port = port};

    CHECK(WAIT(suspended(), MS(5000)));
    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
    sleep_ms(20);
    CHECK_EQ(child.comm->step, 1 + i);
    if (i == 1) {
        say_cancelled();
    }
    CHECK_EQ(domain_simple(XEN_DOMCTL_resumedomain, child.id), 0);
    CHECK(child_wait_step(&child, 2 + i, 5000));
    CHECK_EQ(child.comm->out[1], i == 1);
    CHECK(!suspended());
    child.comm->order = 2 + i;
}

enum verdict guest_main(void)
{
    struct xen_domctl op = {0};
    evtchn_port_t port;

    child_build(&child, suspends, 0, 1);
    child_run(&child);
    CHECK(child_wait_step(&child, 1, 5000));
    port = bind((evtchn_port_t)child.comm->out[0]);
    take_pending();
    CHECK_EQ(domain_simple(XEN_DOMCTL_resumedomain, child.id), 0); /* nothing to do */
    CHECK(domain_simple(XEN_DOMCTL_resumedomain, 0) < 0);
    CHECK_EQ(domain_simple(XEN_DOMCTL_resumedomain, 999), E_SRCH);
    op.u.subscribe.port = (uint32_t)child.comm->out[0];
    CHECK_EQ(domctl(XEN_DOMCTL_subscribe, child.id, &op), 0);
    child.comm->order = 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(WAIT(port_pending(port), MS(5000))); /* the domain says that it stands */
        __atomic_and_fetch(&shared_info->evtchn_pending[port / 64], ~(1UL << (port % 64)),
                           __ATOMIC_SEQ_CST);
        round(i, port);
    }
    child_expect_success(&child, 5000);
    CHECK_EQ(child_destroy(&child), 0);
    return SUCCESS;
}
