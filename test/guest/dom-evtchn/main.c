/* SPDX-License-Identifier: MIT */
/*
 * dom-evtchn: event channels between two domains.
 *
 * Why: all devices of a guest ring by them, and either end can go at any time.
 * Right outcome: a port for the child is bound by the child alone; a send at either end is pending
 * at the other; bad ports, a port for somebody else and a second bind are refused; a close, and
 * the peer's death, leave the other end unbound, and sending there does no harm.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/sched.h>
#include "child.h"

static struct child child, other;

static bool pending(unsigned port)
{
    uint64_t bit = 1UL << (port & 63);

    return __atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST) &
           bit;
}

static bool pending_soon(unsigned port)
{
    for (unsigned i = 0; i < 2000; i++) {
        if (pending(port)) {
            return true;
        }
        sleep_ms(1);
    }
    return false;
}

static long send(unsigned port)
{
    struct evtchn_send s = {.port = port};

    return HCALL2(event_channel_op, EVTCHNOP_send, &s);
}

static long close_port(unsigned port)
{
    struct evtchn_close c = {.port = port};

    return HCALL2(event_channel_op, EVTCHNOP_close, &c);
}

static long bind(domid_t dom, unsigned port, unsigned *local)
{
    struct evtchn_bind_interdomain b = {.remote_dom = dom, .remote_port = port};
    long rc = HCALL2(event_channel_op, EVTCHNOP_bind_interdomain, &b);

    *local = b.local_port;
    return rc;
}

static struct evtchn_status status_of(unsigned port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_status, &s), 0);
    return s;
}

/* The parent's port is arg[0]; the one for another domain arg[1]. */
static enum verdict rings(void)
{
    unsigned local, second;

    CHECK_EQ(bind(0, 4095, &local), E_INVAL);
    CHECK_EQ(bind(0, 1 << 20, &local), E_INVAL);
    CHECK_EQ(bind(999, 1, &local), E_SRCH);
    CHECK_EQ(bind(0, (unsigned)comm->arg[1], &local), E_INVAL);
    CHECK_EQ(bind(0, (unsigned)comm->arg[0], &local), 0);
    CHECK_EQ(bind(0, (unsigned)comm->arg[0], &second), E_INVAL);
    pending(local);
    comm->step = 1;
    CHECK(pending_soon(local));
    CHECK_EQ(send(local), 0);
    comm->step = 2;
    child_wait_order(1); /* the parent has closed its end */
    CHECK_EQ(status_of(local).status, EVTCHNSTAT_unbound);
    CHECK_EQ(close_port(local), 0);
    CHECK_EQ(close_port(local), E_INVAL);
    CHECK_EQ(send(local), E_INVAL);
    CHECK_EQ(bind(0, (unsigned)comm->arg[2], &local), 0);
    comm->step = 3;
    child_wait_order(99);
    return SUCCESS;
}

static unsigned port_for(domid_t id)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = id};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a), 0);
    CHECK_EQ(status_of(a.port).status, EVTCHNSTAT_unbound);
    CHECK_EQ(status_of(a.port).u.unbound.dom, id);
    return a.port;
}

enum verdict guest_main(void)
{
    struct evtchn_alloc_unbound of_child = {.remote_dom = DOMID_SELF};
    unsigned port, foreign, third, local;

    child_build(&child, rings, 0, 1);
    child_build(&other, rings, 0, 1);
    port = port_for(child.id);
    foreign = port_for(other.id);
    third = port_for(child.id);
    child.comm->arg[0] = port;
    child.comm->arg[1] = foreign;
    child.comm->arg[2] = third;
    child_run(&child);
    CHECK(child_wait_step(&child, 1, 5000));
    CHECK_EQ(status_of(port).status, EVTCHNSTAT_interdomain);
    CHECK_EQ(status_of(port).u.interdomain.dom, child.id);
    pending(port);
    CHECK_EQ(send(port), 0);
    CHECK(child_wait_step(&child, 2, 5000));
    CHECK(pending_soon(port));
    CHECK_EQ(close_port(port), 0);
    child.comm->order = 1;
    CHECK(child_wait_step(&child, 3, 5000));
    CHECK_EQ(status_of(third).status, EVTCHNSTAT_interdomain);

    /* a tool makes ports for a guest, and they die with it */
    of_child.dom = child.id;
    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &of_child), 0);
    CHECK_EQ(bind(child.id, of_child.port, &local), 0);
    CHECK_EQ(send(local), 0);
    CHECK_EQ(child_destroy(&child), 0);
    CHECK_EQ(status_of(third).status, EVTCHNSTAT_unbound);
    CHECK_EQ(status_of(local).status, EVTCHNSTAT_unbound);
    send(third);
    send(local);
    CHECK_EQ(close_port(third), 0);
    CHECK_EQ(close_port(local), 0);
    CHECK_EQ(close_port(foreign), 0);
    CHECK_EQ(child_destroy(&other), 0);
    return SUCCESS;
}
