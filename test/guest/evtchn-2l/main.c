/* SPDX-License-Identifier: MIT */
/*
 * evtchn-2l: event channels in their first form, bits in shared_info.
 *
 * Why: the path of every interrupt, and the fall-back when FIFO queues are not used.
 * Right outcome: an event sets its bit and its selector bit, is delivered once, waits while masked
 * (by port or by vcpu), comes back on unmask; both ends of a channel to oneself work; close and
 * status tell the truth; a port above 64 uses its own word.
 * Environments: pv
 */
#include <public/event_channel.h>
#include "traps.h"

static long op(unsigned cmd, void *arg)
{
    return HCALL2(event_channel_op, cmd, arg);
}

static long send(unsigned port)
{
    struct evtchn_send s = {.port = port};

    return op(EVTCHNOP_send, &s);
}

static unsigned status(unsigned port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};

    EXPECT_EQ(op(EVTCHNOP_status, &s), 0);
    return s.status;
}

static void port_mask(unsigned port)
{
    __atomic_or_fetch(&shared_info->evtchn_mask[port / 64], 1UL << (port % 64), __ATOMIC_SEQ_CST);
}

static void ipi(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_close c;
    unsigned port;

    NEED(op(EVTCHNOP_bind_ipi, &b) == 0);
    port = b.port;
    EXPECT_EQ(status(port), EVTCHNSTAT_ipi);
    port_unmask(port);
    events_mask();
    EXPECT_EQ(send(port), 0);
    EXPECT(port_pending(port));
    EXPECT((vcpu_info()->evtchn_pending_sel & (1UL << (port / 64))) != 0);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_pending, 1);
    EXPECT_EQ(event_count[port], 0);
    EXPECT_EQ(send(port), 0); /* one bit, one event */
    events_unmask();
    EXPECT_EQ(event_count[port], 1);
    EXPECT(!port_pending(port));
    EXPECT_EQ(send(port), 0);
    EXPECT_EQ(event_count[port], 2);

    port_mask(port);
    EXPECT_EQ(send(port), 0);
    EXPECT_EQ(event_count[port], 2);
    EXPECT(port_pending(port));
    port_unmask(port);
    EXPECT_EQ(event_count[port], 3);
    c.port = port;
    EXPECT_EQ(op(EVTCHNOP_close, &c), 0);
    EXPECT_EQ(op(EVTCHNOP_close, &c), E_INVAL);
    EXPECT_EQ(status(port), EVTCHNSTAT_closed);
    EXPECT_EQ(send(port), E_INVAL);
}

static void with_oneself(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};
    struct evtchn_status s = {.dom = DOMID_SELF};
    struct evtchn_close c;

    NEED(op(EVTCHNOP_alloc_unbound, &a) == 0);
    EXPECT_EQ(status(a.port), EVTCHNSTAT_unbound);
    b.remote_port = a.port;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &b), 0);
    s.port = b.local_port;
    EXPECT_EQ(op(EVTCHNOP_status, &s), 0);
    EXPECT_EQ(s.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(s.u.interdomain.port, a.port);
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &b), E_INVAL); /* it has a peer now */
    port_unmask(a.port);
    port_unmask(b.local_port);
    event_count[a.port] = event_count[b.local_port] = 0;
    EXPECT_EQ(send(a.port), 0);
    EXPECT_EQ(event_count[b.local_port], 1);
    EXPECT_EQ(send(b.local_port), 0);
    EXPECT_EQ(event_count[a.port], 1);
    c.port = b.local_port;
    EXPECT_EQ(op(EVTCHNOP_close, &c), 0);
    EXPECT_EQ(status(a.port), EVTCHNSTAT_unbound);
    c.port = a.port;
    EXPECT_EQ(op(EVTCHNOP_close, &c), 0);
}

static void higher_word(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    unsigned last = 0;

    for (unsigned i = 0; i < 150; i++) {
        NEED(op(EVTCHNOP_bind_ipi, &b) == 0);
        last = b.port;
    }
    EXPECT(last >= 128);
    port_unmask(last);
    event_count[last] = 0;
    EXPECT_EQ(send(last), 0);
    EXPECT_EQ(event_count[last], 1);
}

static void virqs(void)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_DEBUG, .vcpu = 0};

    EXPECT_EQ(op(EVTCHNOP_bind_virq, &b), 0);
    EXPECT_EQ(status(b.port), EVTCHNSTAT_virq);
    EXPECT_EQ(send(b.port), E_INVAL); /* only the hypervisor raises it */
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &b), E_EXIST);
    b.virq = NR_VIRQS;
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &b), E_INVAL);
    b = (struct evtchn_bind_virq){.virq = VIRQ_CONSOLE, .vcpu = 1};
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &b), E_INVAL); /* a global one starts at vcpu 0 */
}

enum verdict guest_main(void)
{
    ipi();
    with_oneself();
    higher_word();
    virqs();
    return SUCCESS;
}
