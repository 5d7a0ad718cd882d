/* SPDX-License-Identifier: MIT */
/*
 * vcpu-info: moving a vcpu's record out of shared_info.
 *
 * Why: kernels move all of them; the hypervisor writes there for ever, so the frame must be the
 * guest's own and stay so.
 * Right outcome: a bad offset, a foreign frame and a second time are refused; the time and the
 * event bytes move; events that were pending are seen at the new place; the page cannot be made a
 * page table.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/vcpu.h>
#include "mm.h"
#include "time.h"
#include "traps.h"

static long reg(uint64_t mfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info r = {.mfn = mfn, .offset = offset};

    return HCALL3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r);
}

enum verdict guest_main(void)
{
    char *page = alloc_page();
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_send s;
    uint64_t mfn = virt_to_mfn(page), t;

    EXPECT_EQ(reg(mfn, PAGE_SIZE - 32), E_NXIO);
    EXPECT_EQ(reg(mfn, 0xffffffff), E_NXIO);
    EXPECT(reg(0xfffffff, 0) < 0);
    EXPECT(reg(root_mfn(), 0) < 0);
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_ipi, &b) == 0);
    s.port = b.port;
    port_unmask(b.port);
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
    EXPECT_EQ(event_count[b.port], 0);

    EXPECT_EQ(reg(mfn, 256), 0);
    vcpu_info_at[0] = (struct vcpu_info *)(page + 256);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_mask, 1);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_pending, 1);
    t = now();
    spin_ns(MS(2));
    EXPECT(now() > t);
    events_unmask();
    EXPECT_EQ(event_count[b.port], 1);
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
    EXPECT_EQ(event_count[b.port], 2);
    EXPECT(reg(mfn, 512) < 0);
    events_mask();
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0) < 0);
    return SUCCESS;
}
