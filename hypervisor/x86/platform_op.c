/* SPDX-License-Identifier: MIT */
/*
 * platform_op: what dom0's kernel does to the machine. One row for each command: name, handler,
 * who may call, and whether the argument goes back. The argument is copied in once.
 */
#include <public/platform.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "core/printk.h"
#include "core/sched.h"
#include "lib/lib.h"
#include "x86/boot/bootinfo.h"
#include "x86/boot/efi.h"
#include "x86/boot/smpboot.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/symbols.h"
#include "x86/mm/layout.h"
#include "x86/pv/pv.h"
#include "x86/shutdown.h"

#define WALL_SECONDS_MAX (1ULL << 33) /* the year 2242 */
#define NS_PER_SECOND    1000000000u
#define BDA_SHIFT_FLAGS  0x417
#define ACPI_S5          5
#define PDC_REVISION     1
#define SYMBOL_NAME_MAX  128

struct platform_row {
    uint32_t cmd;
    const char *name;
    long (*fn)(struct xen_platform_op *op);
    access_fn access;
    bool copy_back;
};

/* --- time ------------------------------------------------------------------------------------- */

static long settime(uint64_t secs, uint32_t nsecs, uint64_t system_time)
{
    if (secs > WALL_SECONDS_MAX || nsecs >= NS_PER_SECOND || system_time > INT64_MAX) {
        return -EINVAL;
    }
    arch_set_wallclock(secs, nsecs, (stime_t)system_time);
    return 0;
}

static long op_settime32(struct xen_platform_op *op)
{
    return settime(op->u.settime32.secs, op->u.settime32.nsecs, op->u.settime32.system_time);
}

static long op_settime64(struct xen_platform_op *op)
{
    if (op->u.settime64.mbz != 0) {
        return -EINVAL;
    }
    return settime(op->u.settime64.secs, op->u.settime64.nsecs, op->u.settime64.system_time);
}

/* Bits of processors that do not exist are cleared; the idle times are in order of the bits. */
static long op_getidletime(struct xen_platform_op *op)
{
    struct xenpf_getidletime *a = &op->u.getidletime;
    cpumask_t wanted = 0, online = arch_online_cpus();
    unsigned bits = a->cpumap_nr_cpus < MAX_CPUS ? a->cpumap_nr_cpus : MAX_CPUS;
    size_t bytes = (bits + 7) / 8;

    if (guest_read(&wanted, a->cpumap_bitmap, bytes) != 0) {
        return -EFAULT;
    }
    if (bits < MAX_CPUS) {
        wanted &= (1ULL << bits) - 1;
    }
    wanted &= online;
    for (unsigned cpu = 0; cpu < bits; cpu++) {
        uint64_t idle = (wanted >> cpu & 1) != 0 ? sched_idle_time(cpu) : 0;

        if ((wanted >> cpu & 1) != 0 && guest_put_at(a->idletime, cpu, &idle) != 0) {
            return -EFAULT;
        }
    }
    a->now = (uint64_t)arch_now();
    return guest_write(a->cpumap_bitmap, &wanted, bytes);
}

/* --- firmware --------------------------------------------------------------------------------- */

/* Disks and displays were asked by nobody before the hypervisor started: there is no record. */
static long op_firmware_info(struct xen_platform_op *op)
{
    struct xenpf_firmware_info *a = &op->u.firmware_info;

    switch (a->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
        return -ESRCH;
    case XEN_FW_EFI_INFO:
        return efi_firmware_info(a->index, &a->u.efi_info);
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (a->index != 0 || bootinfo.efi) {
            return -ESRCH;
        }
        a->u.kbd_shift_flags = *(const uint8_t *)paddr_to_virt(BDA_SHIFT_FLAGS);
        return 0;
    default:
        return -EINVAL;
    }
}

static long op_enter_acpi_sleep(struct xen_platform_op *op)
{
    const struct xenpf_enter_acpi_sleep *a = &op->u.enter_acpi_sleep;

    if ((a->flags & ~(uint32_t)XENPF_ACPI_SLEEP_EXTENDED) != 0 || a->sleep_state < 1 ||
        a->sleep_state > ACPI_S5) {
        return -EINVAL;
    }
    if (a->sleep_state != ACPI_S5) {
        return -EOPNOTSUPP; /* suspend to memory is not built */
    }
    printk(LOG_INFO, "Domain 0 powers the machine off\n");
    return shutdown_enter_s5(a->val_a, a->val_b, (a->flags & XENPF_ACPI_SLEEP_EXTENDED) != 0);
}

/* --- processors ------------------------------------------------------------------------------- */

/*
 * _PDC: dom0 asks which power features of the processors it may tell the firmware that the system
 * uses. The hypervisor halts and does no more, so none; idle and performance states are refused.
 */
static long op_set_processor_pminfo(struct xen_platform_op *op)
{
    struct xenpf_set_processor_pminfo *a = &op->u.set_pminfo;
    uint32_t pdc[3];

    switch (a->type) {
    case XEN_PM_PDC:
        if (guest_read(pdc, a->u.pdc, sizeof(pdc)) != 0) {
            return -EFAULT;
        }
        if (pdc[0] != PDC_REVISION || pdc[1] == 0) {
            return -EINVAL;
        }
        pdc[2] = 0;
        return guest_put_at(a->u.pdc, 2, &pdc[2]);
    case XEN_PM_CX:
    case XEN_PM_PX:
    case XEN_PM_TX:
        return -ENOSYS;
    default:
        return -EINVAL;
    }
}

static long op_get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *a = &op->u.pcpu_info;
    unsigned cpu = a->xen_cpuid;

    a->max_present = nr_present_cpus() - 1;
    if (cpu >= nr_present_cpus()) {
        a->flags = XEN_PCPU_FLAGS_INVALID;
        a->apic_id = a->acpi_id = 0;
        return 0;
    }
    a->flags = (arch_online_cpus() >> cpu & 1) != 0 ? XEN_PCPU_FLAGS_ONLINE : 0;
    a->apic_id = cpu_to_apic_id(cpu);
    a->acpi_id = cpu_to_acpi_id(cpu);
    return 0;
}

static long op_get_cpu_version(struct xen_platform_op *op)
{
    struct xenpf_pcpu_version *a = &op->u.pcpu_version;
    uint32_t r[4];

    a->max_present = nr_present_cpus() - 1;
    if (a->xen_cpuid >= nr_present_cpus() || (arch_online_cpus() >> a->xen_cpuid & 1) == 0) {
        memset(a->vendor_id, 0, sizeof(a->vendor_id));
        a->family = a->model = a->stepping = 0;
        return 0;
    }
    cpuid_raw(0, 0, r);
    memcpy(a->vendor_id, &r[1], 4);
    memcpy(a->vendor_id + 4, &r[3], 4);
    memcpy(a->vendor_id + 8, &r[2], 4);
    a->family = cpu_features.family;
    a->model = cpu_features.model;
    a->stepping = cpu_features.stepping;
    return 0;
}

static long op_cpu_online(struct xen_platform_op *op)
{
    return op->u.cpu_ol.cpuid < nr_present_cpus() ? arch_cpu_up(op->u.cpu_ol.cpuid) : -EINVAL;
}

static long op_cpu_offline(struct xen_platform_op *op)
{
    unsigned cpu = op->u.cpu_ol.cpuid;

    if (cpu == 0) {
        return -EOPNOTSUPP;
    }
    return cpu < nr_present_cpus() ? arch_cpu_down(cpu) : -EINVAL;
}

/* One name a call; symnum says which, and becomes the next one's. Past the end: 0 and no name. */
static long op_get_symbol(struct xen_platform_op *op)
{
    struct xenpf_symdata *a = &op->u.symdata;
    const char *name = "";
    uint32_t len, room = a->namelen;

    if (a->symnum >= hv_symbol_count) {
        a->address = 0;
        a->type = '?';
    } else {
        name = &hv_symbol_names[hv_symbol_name_offsets[a->symnum]];
        a->address = IMAGE_START + hv_symbol_offsets[a->symnum];
        a->type = 't';
        a->symnum++;
    }
    len = (uint32_t)strnlen(name, SYMBOL_NAME_MAX);
    a->namelen = len + 1;
    return guest_write(a->name, name, MIN(room, len + 1));
}

#define ROW(n, back)                                                                               \
    {                                                                                              \
        XENPF_##n, #n, op_##n, access_hardware, back                                               \
    }

/* What has no row (microcode, memory types, hot-add, core parking, ...) answers -ENOSYS. */
static const struct platform_row rows[] = {
    ROW(settime32, false),        ROW(settime64, false),      ROW(firmware_info, true),
    ROW(enter_acpi_sleep, false), ROW(getidletime, true),     ROW(set_processor_pminfo, true),
    ROW(get_cpuinfo, true),       ROW(get_cpu_version, true), ROW(cpu_online, false),
    ROW(cpu_offline, false),      ROW(get_symbol, true),
};

/* (argument) */
long do_platform_op(uint64_t arg, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
{
    const struct platform_row *row = NULL;
    struct xen_platform_op op;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (guest_get(&op, GUEST_PTR(arg)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XENPF_INTERFACE_VERSION) {
        return -EACCES;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == op.cmd) {
            row = &rows[i];
        }
    }
    if (row == NULL) {
        return -ENOSYS;
    }
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    rc = row->fn(&op);
    if (rc == 0 && row->copy_back) {
        rc = guest_put(GUEST_PTR(arg), &op);
    }
    return rc;
}
