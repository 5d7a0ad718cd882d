/* SPDX-License-Identifier: MIT */
/*
 * dom-privilege: what a guest may not do, call by call.
 *
 * Why: every call of the toolstack and of the hardware domain is one wrong row away from the
 * guests. Here an unprivileged domain issues each of them, with arguments that would be good in
 * dom0, about dom0 and about itself.
 * Right outcome: -EPERM from each, or the answer of the call's own list (a grant status, a count
 * of zero extents); dom0 lives on and nothing of it has changed.
 * Environments: pv
 * Xen: differs some calls are refused for their arguments first; guests may read its command line
 */
#include <public/nmi.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/version.h>
#include "child.h"

static struct child child;
static unsigned bad;

static void expect(const char *what, unsigned nr, long got, long want)
{
    if (got != want) {
        print("%s %u: %ld, expected %ld\n", what, nr, got, want);
        bad++;
    }
}

/* --- the tables of the toolstack -------------------------------------------------------------- */

static void try_domctl(void)
{
    const domid_t whom[] = {0, (domid_t)comm->arg[0]};
    struct xen_domctl op;

    for (unsigned w = 0; w < ARRAY_SIZE(whom); w++) {
        for (unsigned cmd = 1; cmd <= XEN_DOMCTL_gdbsx_domstatus; cmd++) {
            if (cmd == 100) {
                cmd = XEN_DOMCTL_gdbsx_guestmemio;
            }
            memset(&op, 0, sizeof(op));
            expect(w == 0 ? "domctl on dom0" : "domctl on itself", cmd, domctl(cmd, whom[w], &op),
                   E_PERM);
        }
    }
}

static void try_sysctl(void)
{
    struct xen_sysctl op;

    for (unsigned cmd = 1; cmd <= 32; cmd++) {
        memset(&op, 0, sizeof(op));
        expect("sysctl", cmd, sysctl(cmd, &op), E_PERM);
    }
}

static void try_platform(void)
{
    struct xen_platform_op op;

    for (unsigned cmd = 1; cmd <= 68; cmd++) {
        memset(&op, 0, sizeof(op));
        op.cmd = cmd;
        op.interface_version = XENPF_INTERFACE_VERSION;
        expect("platform_op", cmd, HCALL1(platform_op, &op), E_PERM);
    }
    memset(&op, 0, sizeof(op));
    expect("mca", 0, HCALL1(arch_0, &op), E_PERM);
}

/* --- devices ---------------------------------------------------------------------------------- */

static void try_physdev(void)
{
    static const unsigned denied[] = {
        PHYSDEVOP_apic_read,       PHYSDEVOP_apic_write,
        PHYSDEVOP_map_pirq,        PHYSDEVOP_unmap_pirq,
        PHYSDEVOP_manage_pci_add,  PHYSDEVOP_manage_pci_remove,
        PHYSDEVOP_restore_msi,     PHYSDEVOP_manage_pci_add_ext,
        PHYSDEVOP_setup_gsi,       PHYSDEVOP_pci_mmcfg_reserved,
        PHYSDEVOP_pci_device_add,  PHYSDEVOP_pci_device_remove,
        PHYSDEVOP_restore_msi_ext, PHYSDEVOP_dbgp_op,
    };
    uint64_t arg[16];

    for (unsigned i = 0; i < ARRAY_SIZE(denied); i++) {
        memset(arg, 0, sizeof(arg));
        if (denied[i] == PHYSDEVOP_map_pirq || denied[i] == PHYSDEVOP_unmap_pirq) {
            arg[0] = DOMID_SELF;
            ((struct physdev_map_pirq *)arg)->type = MAP_PIRQ_TYPE_GSI;
            ((struct physdev_map_pirq *)arg)->index = 1;
            ((struct physdev_map_pirq *)arg)->pirq = 1;
        }
        expect("physdev_op", denied[i], HCALL2(physdev_op, denied[i], arg), E_PERM);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static void try_memory(void)
{
    static uint64_t frames[2];
    struct xen_memory_reservation r = {.extent_start = GP(frames), .nr_extents = 1, .domid = 0};
    static const unsigned counted[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation,
                                       XENMEM_populate_physmap};
    static const unsigned asked[] = {XENMEM_current_reservation, XENMEM_maximum_reservation,
                                     XENMEM_maximum_gpfn};
    struct xen_memory_domain who = {.domid = 0};
    struct xen_memory_map map = {.nr_entries = 2, .buffer = GP(frames)};
    struct xen_foreign_memory_map foreign = {.domid = 0, .map = map};
    struct xen_mem_acquire_resource res = {
        .domid = 0, .type = XENMEM_resource_grant_table, .nr_frames = 1, .frame_list = GP(frames)};
    struct xen_add_to_physmap add = {.domid = 0, .space = XENMAPSPACE_shared_info, .gpfn = 1};
    struct xen_remove_from_physmap remove = {.domid = 0, .gpfn = 1};
    struct xen_memory_exchange x = {.in = r, .out = r};

    for (unsigned i = 0; i < ARRAY_SIZE(counted); i++) {
        expect("reservation of dom0", counted[i], HCALL2(memory_op, counted[i], &r), 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
        expect("size of dom0", asked[i], HCALL2(memory_op, asked[i], &who), E_PERM);
    }
    expect("exchange for dom0", 0, HCALL2(memory_op, XENMEM_exchange, &x), E_PERM);
    expect("machine_memory_map", 0, HCALL2(memory_op, XENMEM_machine_memory_map, &map), E_PERM);
    expect("set_memory_map", 0, HCALL2(memory_op, XENMEM_set_memory_map, &foreign), E_PERM);
    expect("claim_pages", 0, HCALL2(memory_op, XENMEM_claim_pages, &r), E_PERM);
    expect("acquire_resource", 0, HCALL2(memory_op, XENMEM_acquire_resource, &res), E_PERM);
    expect("add_to_physmap", 0, HCALL2(memory_op, XENMEM_add_to_physmap, &add), E_PERM);
    expect("remove_from_physmap", 0, HCALL2(memory_op, XENMEM_remove_from_physmap, &remove),
           E_PERM);
}

static void try_tables(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = virt_to_mfn(&bad)};
    struct mmu_update u = {.ptr = 0, .val = 0};

    expect("mmuext_op for dom0", 0, HCALL4(mmuext_op, &op, 1, NULL, 0), E_PERM);
    expect("mmu_update with frames of dom0", 0, HCALL4(mmu_update, &u, 1, NULL, 0), E_PERM);
    expect("mmu_update of tables of dom0", 0,
           HCALL4(mmu_update, &u, 1, NULL, (0 + 1) << 16 | DOMID_SELF), E_PERM);
    expect("update_va_mapping_otherdomain", 0, HCALL4(update_va_mapping_otherdomain, &bad, 0, 0, 0),
           E_PERM);
}

/* --- grants, events, the rest ----------------------------------------------------------------- */

static void try_grants(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table setup = {.dom = 0, .nr_frames = 1, .frame_list = GP(frames)};
    struct gnttab_query_size query = {.dom = 0};
    struct gnttab_get_version version = {.dom = 0};

    expect("setup_table", 0, HCALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0);
    expect("setup_table's status", 0, setup.status, GNTST_permission_denied);
    expect("query_size", 0, HCALL3(grant_table_op, GNTTABOP_query_size, &query, 1), 0);
    expect("query_size's status", 0, query.status, GNTST_permission_denied);
    expect("get_version", 0, HCALL3(grant_table_op, GNTTABOP_get_version, &version, 1), E_PERM);
}

static void try_events(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = 0, .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = 0, .port = 1};
    struct evtchn_reset reset = {.dom = 0};

    expect("alloc_unbound in dom0", 0, HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &alloc),
           E_PERM);
    expect("status of dom0", 0, HCALL2(event_channel_op, EVTCHNOP_status, &status), E_PERM);
    expect("reset of dom0", 0, HCALL2(event_channel_op, EVTCHNOP_reset, &reset), E_PERM);
}

static void try_rest(void)
{
    static char buffer[1024];
    struct sched_remote_shutdown s = {.domain_id = 0, .reason = SHUTDOWN_poweroff};
    struct sched_pin_override pin = {.pcpu = 0};
    struct xen_domctl op = {.cmd = XEN_DOMCTL_destroydomain,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION};
    struct multicall_entry call = {.op = __HYPERVISOR_domctl, .args = {P(&op)}};

    expect("console read", 0, HCALL3(console_io, CONSOLEIO_read, sizeof(buffer), buffer), E_PERM);
    expect("remote_shutdown", 0, HCALL2(sched_op, SCHEDOP_remote_shutdown, &s), E_PERM);
    expect("pin_override", 0, HCALL2(sched_op, SCHEDOP_pin_override, &pin), E_PERM);
    expect("command line", 0, HCALL2(xen_version, XENVER_commandline, buffer), E_PERM);
    op.domain = (domid_t)comm->arg[0];
    expect("multicall", 0, HCALL2(multicall, &call, 1), 0);
    expect("domctl in a multicall", 0, (long)call.result, E_PERM);
}

static enum verdict tries_everything(void)
{
    try_domctl();
    try_sysctl();
    try_platform();
    try_physdev();
    try_memory();
    try_tables();
    try_grants();
    try_events();
    try_rest();
    return bad == 0 ? SUCCESS : FAILURE;
}

enum verdict guest_main(void)
{
    struct xen_memory_domain self = {.domid = DOMID_SELF};
    long pages = HCALL2(memory_op, XENMEM_current_reservation, &self);

    child_build(&child, tries_everything, 0, 1);
    child.comm->arg[0] = child.id;
    child_run(&child);
    child_expect_success(&child, 10000);
    CHECK_EQ(HCALL2(memory_op, XENMEM_current_reservation, &self), pages);
    CHECK_EQ(child_destroy(&child), 0);
    return SUCCESS;
}
