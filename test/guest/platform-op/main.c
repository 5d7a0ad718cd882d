/* SPDX-License-Identifier: MIT */
/*
 * platform-op: firmware, clock and processors for dom0.
 *
 * Why: dom0's drivers ask at every boot; indices and times come from it.
 * Right outcome: setting the clock shows in shared_info; processors are described and one past the
 * last is not; firmware records that do not exist are errors; sleep states that do not exist are
 * refused; a wrong interface version is -EACCES; unknown operations are -ENOSYS.
 * Environments: pv
 */
#include <public/platform.h>
#include "time.h"

static long op(struct xen_platform_op *o, unsigned cmd)
{
    o->cmd = cmd;
    o->interface_version = XENPF_INTERFACE_VERSION;
    return HCALL1(platform_op, o);
}

static void clock(void)
{
    struct xen_platform_op o = {0};
    uint64_t t = now();

    o.u.settime64.secs = 2000000000;
    o.u.settime64.nsecs = 5;
    o.u.settime64.system_time = t;
    EXPECT_EQ(op(&o, XENPF_settime64), 0);
    EXPECT(shared_info->wc_sec <= 2000000000 &&
           shared_info->wc_sec >= 2000000000 - t / 1000000000 - 1);
    o.u.settime64.mbz = 1;
    EXPECT_EQ(op(&o, XENPF_settime64), E_INVAL);
}

static void processors(void)
{
    struct xen_platform_op o = {0};

    EXPECT_EQ(op(&o, XENPF_get_cpuinfo), 0);
    EXPECT((o.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE) != 0);
    EXPECT(o.u.pcpu_info.max_present >= 1);
    memset(&o, 0, sizeof(o));
    o.u.pcpu_info.xen_cpuid = 5000;
    EXPECT(op(&o, XENPF_get_cpuinfo) != 0 ||
           (o.u.pcpu_info.flags & (XEN_PCPU_FLAGS_INVALID | XEN_PCPU_FLAGS_ONLINE)) ==
               XEN_PCPU_FLAGS_INVALID);
    memset(&o, 0, sizeof(o));
    o.u.cpu_ol.cpuid = 5000;
    EXPECT(op(&o, XENPF_cpu_offline) < 0);
    o.u.cpu_ol.cpuid = 0;
    EXPECT(op(&o, XENPF_cpu_offline) < 0);
    o.u.cpu_ol.cpuid = 5000;
    EXPECT(op(&o, XENPF_cpu_online) < 0);
}

static void firmware(void)
{
    struct xen_platform_op o = {0};

    o.u.firmware_info.type = XEN_FW_DISK_INFO;
    o.u.firmware_info.index = 1000;
    EXPECT(op(&o, XENPF_firmware_info) < 0);
    memset(&o, 0, sizeof(o));
    o.u.firmware_info.type = 99;
    EXPECT_EQ(op(&o, XENPF_firmware_info), E_INVAL);
    memset(&o, 0, sizeof(o));
    o.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
    EXPECT_EQ(op(&o, XENPF_firmware_info), 0);
    memset(&o, 0, sizeof(o));
    o.u.firmware_info.type = XEN_FW_EFI_INFO;
    EXPECT(op(&o, XENPF_firmware_info) < 0); /* started by a BIOS */
}

enum verdict guest_main(void)
{
    struct xen_platform_op o = {0};

    clock();
    processors();
    firmware();
    o.u.enter_acpi_sleep.sleep_state = 9;
    EXPECT(op(&o, XENPF_enter_acpi_sleep) < 0);
    memset(&o, 0, sizeof(o));
    EXPECT_EQ(op(&o, 99), E_NOSYS);
    o.interface_version = 1;
    EXPECT_EQ(HCALL1(platform_op, &o), -13);
    EXPECT_EQ(HCALL1(platform_op, 0x1000), E_FAULT);
    return SUCCESS;
}
