/* SPDX-License-Identifier: MIT */
/*
 * absent-calls: calls that do not exist on purpose.
 *
 * Why: stock software takes exactly one error as "not there" and stops at any other.
 * Right outcome: -ENOSYS for xsm, kexec, tmem, argo, hypfs, xenoprof and the old compat calls;
 * -EOPNOTSUPP for get_vnumainfo; grant table version 2 is refused so that kernels take 1.
 * Environments: pv
 * Xen: differs it has argo, hypfs, kexec and grant table version 2
 */
#include <public/grant_table.h>
#include <public/memory.h>
#include "mm.h"

enum verdict guest_main(void)
{
    static const unsigned absent[] = {
        __HYPERVISOR_sched_op_compat,
        __HYPERVISOR_event_channel_op_compat,
        __HYPERVISOR_physdev_op_compat,
        __HYPERVISOR_xsm_op,
        __HYPERVISOR_xenoprof_op,
        __HYPERVISOR_kexec_op,
        __HYPERVISOR_tmem_op,
        __HYPERVISOR_argo_op,
        __HYPERVISOR_hypfs_op,
        __HYPERVISOR_dm_op,
        __HYPERVISOR_hvm_op,
    };
    struct gnttab_set_version v = {.version = 2};
    uint64_t *vnuma = alloc_page(), b[2];

    for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
        if (hypercall(absent[i], 0, 0, 0, 0, 0) != E_NOSYS) {
            print("call %u answers\n", absent[i]);
            failures++;
        }
    }
    *(domid_t *)vnuma = DOMID_SELF;
    EXPECT_EQ(HCALL2(memory_op, XENMEM_get_vnumainfo, vnuma), E_OPNOTSUPP);
    EXPECT(HCALL3(grant_table_op, GNTTABOP_set_version, &v, 1) < 0);
    EXPECT(HCALL3(xenpmu_op, 0, b, 0) < 0);
    return SUCCESS;
}
