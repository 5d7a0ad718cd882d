/* SPDX-License-Identifier: MIT */
/*
 * xen-caps: what the hypervisor says it can run.
 *
 * Why: tools choose the kind of a guest by it, and 32-bit PV guests are not offered.
 * Right outcome: xen-3.0-x86_64 is there, the 32-bit PV kind is not.
 * Environments: pv
 * Xen: differs Debian's build lists xen-3.0-x86_32p though it is built without it
 */
#include <public/version.h>
#include "guest.h"

enum verdict guest_main(void)
{
    xen_capabilities_info_t caps = {0};

    EXPECT(HCALL2(xen_version, XENVER_capabilities, caps) >= 0);
    EXPECT(strstr(caps, "xen-3.0-x86_64") != NULL);
    EXPECT(strstr(caps, "x86_32p") == NULL);
    return SUCCESS;
}
