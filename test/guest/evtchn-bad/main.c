/* SPDX-License-Identifier: MIT */
/*
 * evtchn-bad: garbage ports, domains and vcpus, and all ports used up.
 *
 * Why: a port number is an index that the guest chooses.
 * Right outcome: the ABI's errors; when the ports are used up -ENOSPC, and after a close there is
 * one again; nothing else changes.
 * Environments: pv
 */
#include <public/event_channel.h>
#include "guest.h"

static const uint32_t bad_ports[] = {4096, 0x1ffff, 0x20000, 0x7fffffff, 0x80000000, 0xffffffff};

static long op(unsigned cmd, void *arg)
{
    return HCALL2(event_channel_op, cmd, arg);
}

static void ports(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(bad_ports); i++) {
        struct evtchn_send s = {.port = bad_ports[i]};
        struct evtchn_bind_vcpu v = {.port = bad_ports[i], .vcpu = 0};
        struct evtchn_status st = {.dom = DOMID_SELF, .port = bad_ports[i]};
        struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF, .remote_port = bad_ports[i]};
        struct evtchn_set_priority p = {.port = bad_ports[i], .priority = 1};

        EXPECT_EQ(op(EVTCHNOP_send, &s), E_INVAL);
        EXPECT_EQ(op(EVTCHNOP_close, &s), E_INVAL);
        EXPECT_EQ(op(EVTCHNOP_unmask, &s), E_INVAL);
        EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &v), E_INVAL);
        EXPECT_EQ(op(EVTCHNOP_status, &st), E_INVAL);
        EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &b), E_INVAL);
        EXPECT(op(EVTCHNOP_set_priority, &p) < 0);
    }
}

static void port_zero(void)
{
    struct evtchn_send s = {.port = 0};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF, .remote_port = 0};

    EXPECT_EQ(op(EVTCHNOP_send, &s), E_INVAL);
    EXPECT_EQ(op(EVTCHNOP_close, &s), E_INVAL);
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &b), E_INVAL);
}

static void domains(void)
{
    struct evtchn_alloc_unbound a = {.dom = 77, .remote_dom = 0};
    struct evtchn_bind_interdomain b = {.remote_dom = 77, .remote_port = 1};
    struct evtchn_status s = {.dom = 0x7ffe, .port = 1};
    struct evtchn_reset r = {.dom = 77};

    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &a), E_SRCH);
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &b), E_SRCH);
    EXPECT_EQ(op(EVTCHNOP_status, &s), E_SRCH);
    EXPECT_EQ(op(EVTCHNOP_reset, &r), E_SRCH);
    EXPECT_EQ(op(15, &r), E_NOSYS);
    EXPECT_EQ(op(0xffffffff, &r), E_NOSYS);
}

static void vcpus(void)
{
    struct evtchn_bind_ipi i = {.vcpu = 0xffffffff};
    struct evtchn_bind_virq v = {.virq = 0, .vcpu = 2};
    struct evtchn_bind_virq big = {.virq = 0xffffffff, .vcpu = 0};

    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &i), E_NOENT);
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &v), E_NOENT);
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &big), E_INVAL);
}

static void pirqs(void)
{
    static const uint32_t bad[] = {0x10000, 0x7fffffff, 0xffffffff};

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct evtchn_bind_pirq b = {.pirq = bad[i]};

        EXPECT(op(EVTCHNOP_bind_pirq, &b) < 0);
    }
}

static void exhaust(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_close c;
    unsigned n = 0, last = 0;
    long rc;

    while ((rc = op(EVTCHNOP_bind_ipi, &b)) == 0) {
        last = b.port;
        if (++n > EVTCHN_2L_NR_CHANNELS) {
            break;
        }
    }
    EXPECT_EQ(rc, E_NOSPC);
    EXPECT(n > 1000 && n < EVTCHN_2L_NR_CHANNELS);
    c.port = last;
    EXPECT_EQ(op(EVTCHNOP_close, &c), 0);
    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &b), 0);
    EXPECT_EQ(b.port, last);
    EXPECT_EQ(op(EVTCHNOP_close, &c), 0);
}

enum verdict guest_main(void)
{
    ports();
    port_zero();
    domains();
    vcpus();
    pirqs();
    exhaust();
    ports(); /* now that there are some */
    port_zero();
    return SUCCESS;
}
