/* SPDX-License-Identifier: MIT */
/*
 * bad-pointers: each call that takes a pointer, with pointers that no guest may give.
 *
 * Why: a pointer of a guest is followed by the hypervisor, which can read and write everything.
 * Right outcome: each answers an error (zero where nothing is to be read), writes nothing, and the
 * machine goes on; the hypervisor's memory is never read into the guest nor written from it.
 * Environments: pv
 */
#include <public/callback.h>
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/nmi.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "mm.h"

static uint64_t bad[10];

/* where: which argument is the pointer (1 to 3); count: which is a number of things (0: none) */
struct call {
    const char *name;
    unsigned nr, where, count;
    uint64_t args[4];
};

/* clang-format off */
#define SUB(call, sub) {#call " " #sub, __HYPERVISOR_##call, 2, 0, {sub}}
#define VCPU(sub)      {"vcpu_op " #sub, __HYPERVISOR_vcpu_op, 3, 0, {sub, 1}}
#define GRANT(sub)     {"grant_table_op " #sub, __HYPERVISOR_grant_table_op, 2, 3, {sub, 0, 1}}
/* clang-format on */

static const struct call calls[] = {
    {"set_trap_table", __HYPERVISOR_set_trap_table, 1, 0, {0}},
    {"mmu_update", __HYPERVISOR_mmu_update, 1, 2, {0, 1, 0, DOMID_SELF}},
    {"set_gdt", __HYPERVISOR_set_gdt, 1, 2, {0, 512}},
    {"mmuext_op", __HYPERVISOR_mmuext_op, 1, 2, {0, 1, 0, DOMID_SELF}},
    {"multicall", __HYPERVISOR_multicall, 1, 2, {0, 1}},
    {"platform_op", __HYPERVISOR_platform_op, 1, 0, {0}},
    {"domctl", __HYPERVISOR_domctl, 1, 0, {0}},
    {"sysctl", __HYPERVISOR_sysctl, 1, 0, {0}},
    {"console_io write", __HYPERVISOR_console_io, 3, 2, {CONSOLEIO_write, 16}},
    SUB(xen_version, XENVER_extraversion),
    SUB(xen_version, XENVER_compile_info),
    SUB(xen_version, XENVER_capabilities),
    SUB(xen_version, XENVER_changeset),
    SUB(xen_version, XENVER_platform_parameters),
    SUB(xen_version, XENVER_get_features),
    SUB(xen_version, XENVER_guest_handle),
    SUB(xen_version, XENVER_commandline),
    SUB(memory_op, XENMEM_increase_reservation),
    SUB(memory_op, XENMEM_decrease_reservation),
    SUB(memory_op, XENMEM_populate_physmap),
    SUB(memory_op, XENMEM_exchange),
    SUB(memory_op, XENMEM_current_reservation),
    SUB(memory_op, XENMEM_maximum_reservation),
    SUB(memory_op, XENMEM_maximum_gpfn),
    SUB(memory_op, XENMEM_machphys_mfn_list),
    SUB(memory_op, XENMEM_machphys_mapping),
    SUB(memory_op, XENMEM_add_to_physmap),
    SUB(memory_op, XENMEM_add_to_physmap_batch),
    SUB(memory_op, XENMEM_remove_from_physmap),
    SUB(memory_op, XENMEM_memory_map),
    SUB(memory_op, XENMEM_machine_memory_map),
    SUB(memory_op, XENMEM_set_memory_map),
    SUB(memory_op, XENMEM_claim_pages),
    SUB(memory_op, XENMEM_acquire_resource),
    SUB(event_channel_op, EVTCHNOP_alloc_unbound),
    SUB(event_channel_op, EVTCHNOP_bind_interdomain),
    SUB(event_channel_op, EVTCHNOP_bind_virq),
    SUB(event_channel_op, EVTCHNOP_bind_pirq),
    SUB(event_channel_op, EVTCHNOP_bind_ipi),
    SUB(event_channel_op, EVTCHNOP_bind_vcpu),
    SUB(event_channel_op, EVTCHNOP_close),
    SUB(event_channel_op, EVTCHNOP_send),
    SUB(event_channel_op, EVTCHNOP_status),
    SUB(event_channel_op, EVTCHNOP_unmask),
    SUB(event_channel_op, EVTCHNOP_reset),
    SUB(event_channel_op, EVTCHNOP_init_control),
    SUB(event_channel_op, EVTCHNOP_expand_array),
    SUB(event_channel_op, EVTCHNOP_set_priority),
    SUB(sched_op, SCHEDOP_shutdown),
    SUB(sched_op, SCHEDOP_poll),
    SUB(sched_op, SCHEDOP_remote_shutdown),
    SUB(sched_op, SCHEDOP_shutdown_code),
    SUB(sched_op, SCHEDOP_watchdog),
    SUB(sched_op, SCHEDOP_pin_override),
    SUB(callback_op, CALLBACKOP_register),
    SUB(callback_op, CALLBACKOP_unregister),
    SUB(nmi_op, XENNMI_register_callback),
    SUB(physdev_op, PHYSDEVOP_irq_status_query),
    SUB(physdev_op, PHYSDEVOP_set_iopl),
    SUB(physdev_op, PHYSDEVOP_set_iobitmap),
    SUB(physdev_op, PHYSDEVOP_apic_read),
    SUB(physdev_op, PHYSDEVOP_apic_write),
    SUB(physdev_op, PHYSDEVOP_eoi),
    SUB(physdev_op, PHYSDEVOP_map_pirq),
    SUB(physdev_op, PHYSDEVOP_unmap_pirq),
    SUB(physdev_op, PHYSDEVOP_manage_pci_add),
    SUB(physdev_op, PHYSDEVOP_setup_gsi),
    SUB(physdev_op, PHYSDEVOP_pci_mmcfg_reserved),
    SUB(physdev_op, PHYSDEVOP_pci_device_add),
    SUB(physdev_op, PHYSDEVOP_pci_device_remove),
    SUB(physdev_op, PHYSDEVOP_restore_msi),
    SUB(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2),
    GRANT(GNTTABOP_map_grant_ref),
    GRANT(GNTTABOP_unmap_grant_ref),
    GRANT(GNTTABOP_setup_table),
    GRANT(GNTTABOP_copy),
    GRANT(GNTTABOP_query_size),
    GRANT(GNTTABOP_unmap_and_replace),
    GRANT(GNTTABOP_set_version),
    GRANT(GNTTABOP_get_version),
    VCPU(VCPUOP_initialise),
    VCPU(VCPUOP_get_runstate_info),
    VCPU(VCPUOP_register_runstate_memory_area),
    VCPU(VCPUOP_register_vcpu_info),
    VCPU(VCPUOP_set_periodic_timer),
    VCPU(VCPUOP_register_vcpu_time_memory_area),
};

/* Those whose empty pointer means "none", which is no error. */
static bool null_is_fine(const struct call *c)
{
    return c->nr == __HYPERVISOR_set_trap_table;
}

static long make(const struct call *c, uint64_t pointer, uint64_t count)
{
    uint64_t a[4] = {c->args[0], c->args[1], c->args[2], c->args[3]};

    a[c->where - 1] = pointer;
    if (count != 0 && c->count != 0) {
        a[c->count - 1] = count;
    }
    return hypercall(c->nr, a[0], a[1], a[2], a[3], 0);
}

static bool reservation(const struct call *c)
{
    return c->nr == __HYPERVISOR_memory_op && (c->args[0] <= 1 || c->args[0] == 6);
}

static void try_all(const struct call *c)
{
    static const uint64_t counts[] = {0, 0x10000000, 0x7fffffff};

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        for (unsigned k = 0; k < (c->count ? ARRAY_SIZE(counts) : 1); k++) {
            long rc;

            if (bad[i] == 0 && null_is_fine(c)) {
                continue;
            }
            rc = make(c, bad[i], counts[k]);
            if (rc > 0 || (rc == 0 && !reservation(c))) {
                print("%s with %#lx, count %#lx: %ld\n", c->name, bad[i], counts[k], rc);
                failures++;
            }
        }
    }
}

/* Pointers inside of arguments that are themselves good. */
static void inner(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct xen_memory_reservation r = {
            .extent_start = {bad[i]}, .nr_extents = 2, .domid = DOMID_SELF};
        struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = {bad[i]}};
        struct sched_poll p = {.ports = {bad[i]}, .nr_ports = 2, .timeout = 1};
        struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_MULTI, .arg2.vcpumask = {bad[i]}};
        struct {
            unsigned nr;
            guest_ptr_t buffer;
        } map = {4, {bad[i]}};

        EXPECT(HCALL2(memory_op, XENMEM_decrease_reservation, &r) <= 0);
        EXPECT(HCALL2(memory_op, XENMEM_populate_physmap, &r) <= 0);
        EXPECT(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1) < 0 || s.status != 0);
        EXPECT(HCALL2(sched_op, SCHEDOP_poll, &p) < 0);
        /* one byte is all that a mask of two vcpus needs */
        EXPECT(HCALL4(mmuext_op, &flush, 1, NULL, DOMID_SELF) < 0 || bad[i] == P(window(1)) - 1);
        EXPECT(HCALL2(memory_op, XENMEM_machine_memory_map, &map) < 0 || bad[i] == 0);
    }
}

enum verdict guest_main(void)
{
    domid_t self = DOMID_SELF;
    long before = HCALL2(memory_op, XENMEM_current_reservation, &self);
    unsigned n = 0;

    NEED(map_at(window(1), 0, 0) == 0);
    bad[n++] = 0;
    bad[n++] = 0x1000;
    bad[n++] = P(window(1));     /* not present */
    bad[n++] = P(window(1)) - 1; /* begins well */
    bad[n++] = 0x7ffffffff000;
    bad[n++] = 0x800000000000;     /* non-canonical */
    bad[n++] = 0xffff830000000000; /* the hypervisor's memory */
    bad[n++] = 0xffff807ffffffff0;
    bad[n++] = 0xffff8280000000ff;
    bad[n++] = 0xfffffffffffffffe; /* wraps */
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        try_all(&calls[i]);
    }
    inner();
    EXPECT_EQ(HCALL2(memory_op, XENMEM_current_reservation, &self), before);
    EXPECT_EQ(HCALL3(vcpu_op, VCPUOP_is_up, 1, NULL), 0);
    return SUCCESS;
}
