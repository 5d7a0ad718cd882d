/* SPDX-License-Identifier: MIT */
/*
 * nmi: NMIs that a guest sends to its own vcpus.
 *
 * Why: they reach a kernel with events masked, and until its iret no second one may.
 * Right outcome: send_nmi enters the registered callback, masked or not, once each; one sent
 * inside the handler comes after its iret; without a callback nothing happens.
 * Environments: pv
 */
#include <public/callback.h>
#include <public/nmi.h>
#include <public/vcpu.h>
#include "traps.h"

static unsigned count, nested, depth;

static long send(void)
{
    return HCALL3(vcpu_op, VCPUOP_send_nmi, 0, NULL);
}

static bool take(struct trap_frame *f)
{
    if (f->entry != ENTRY_NMI) {
        return false;
    }
    count++;
    if (depth++ != 0) {
        nested++;
    }
    if (count == 2) {
        EXPECT_EQ(send(), 0); /* waits for our iret */
    }
    depth--;
    return true;
}

enum verdict guest_main(void)
{
    struct xennmi_callback cb = {.handler_address = P(entry_address(ENTRY_NMI))};

    trap_hook = take;
    EXPECT_EQ(callback_set(CALLBACKTYPE_nmi, ENTRY_NMI, 0), 0);
    EXPECT_EQ(send(), 0);
    HCALL2(xen_version, 0, NULL);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(send(), 0);
    HCALL2(xen_version, 0, NULL);
    EXPECT_EQ(count, 3);
    EXPECT_EQ(nested, 0);
    EXPECT_EQ(HCALL2(nmi_op, XENNMI_unregister_callback, NULL), 0);
    EXPECT_EQ(HCALL2(nmi_op, XENNMI_register_callback, &cb), 0);
    EXPECT_EQ(send(), 0);
    HCALL2(xen_version, 0, NULL);
    EXPECT_EQ(count, 4);
    EXPECT_EQ(HCALL2(nmi_op, XENNMI_register_callback, 0x1000), E_FAULT);
    EXPECT_EQ(HCALL2(nmi_op, 7, NULL), E_NOSYS);
    return SUCCESS;
}
