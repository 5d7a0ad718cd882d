/* SPDX-License-Identifier: MIT */
/*
 * callback-op: where the hypervisor enters a kernel.
 *
 * Why: an address is taken now and jumped to later.
 * Right outcome: all types register; non-canonical addresses are refused; unknown types and
 * commands are -ENOSYS; the NMI callback can be taken away and the event callback not; the flag
 * that masks events is kept; the old call set_callbacks works too.
 * Environments: pv
 */
#include <public/callback.h>
#include <public/event_channel.h>
#include "traps.h"

static long reg(unsigned type, uint64_t address)
{
    struct callback_register r = {.type = (uint16_t)type, .address = address};

    return HCALL2(callback_op, CALLBACKOP_register, &r);
}

static long unreg(unsigned type)
{
    struct callback_unregister u = {.type = (uint16_t)type};

    return HCALL2(callback_op, CALLBACKOP_unregister, &u);
}

enum verdict guest_main(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_send s;

    EXPECT_EQ(reg(CALLBACKTYPE_event, 0x800000000000), E_INVAL);
    EXPECT_EQ(reg(99, 0), E_NOSYS);
    EXPECT_EQ(HCALL2(callback_op, 2, NULL), E_NOSYS);
    EXPECT_EQ(HCALL2(callback_op, CALLBACKOP_register, 0x1000), E_FAULT);
    EXPECT_EQ(callback_set(CALLBACKTYPE_syscall32, ENTRY_SYSCALL32, CALLBACKF_mask_events), 0);
    EXPECT_EQ(callback_set(CALLBACKTYPE_sysenter, ENTRY_SYSCALL32, CALLBACKF_mask_events), 0);
    EXPECT_EQ(callback_set(CALLBACKTYPE_nmi, ENTRY_NMI, 0), 0);
    EXPECT_EQ(unreg(CALLBACKTYPE_nmi), 0);
    EXPECT_EQ(unreg(CALLBACKTYPE_event), E_INVAL);
    EXPECT_EQ(unreg(99), E_NOSYS);
    EXPECT_EQ(HCALL3(set_callbacks, entry_address(ENTRY_EVENT), entry_address(ENTRY_FAILSAFE),
                     entry_address(ENTRY_SYSCALL)),
              0);
    EXPECT_EQ(HCALL3(set_callbacks, 0x800000000000, entry_address(ENTRY_FAILSAFE),
                     entry_address(ENTRY_SYSCALL)) == 0 &&
                  reg(CALLBACKTYPE_event, P(entry_address(ENTRY_EVENT))) != 0,
              0);

    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &b) == 0);
    port_unmask(b.port);
    events_unmask();
    s.port = b.port;
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
    EXPECT_EQ(event_count[b.port], 1);
    return SUCCESS;
}
