/* SPDX-License-Identifier: MIT */
/*
 * hello: the smallest PV kernel.
 *
 * Why: it is the first thing that runs on a new hypervisor, and it needs the builder, the entry
 * and exit path, start_info, shared_info, console_io and sched_op.
 * Right outcome: start_info has its magic, the hypervisor reports a version 4.x, success.
 * Environments: pv
 */
#include "guest.h"
#include <public/version.h>

enum verdict guest_main(void)
{
    long version = HCALL2(xen_version, XENVER_version, NULL);

    print("hello from a PV kernel: %s, %lu pages, version %ld.%ld\n", start_info->magic,
          start_info->nr_pages, version >> 16, version & 0xffff);
    CHECK(strncmp(start_info->magic, "xen-3.0-x86_64", 14) == 0);
    CHECK_EQ(version >> 16, 4);
    CHECK_EQ(mfn_to_pfn(virt_to_mfn(start_info)), virt_to_pfn(start_info));
    return SUCCESS;
}
