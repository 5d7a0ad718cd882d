/* SPDX-License-Identifier: MIT */
/*
 * dom-rings: the two rings that every guest is born with, for its console and for the store.
 *
 * Why: all that a guest and dom0 say to each other begins here, before the guest has granted
 * anything: the builder puts entries 0 and 1 into its grant table, and makes the event channels.
 * Right outcome: start_info names both pages and ports; dom0 maps the pages by these references,
 * and by frame number too; a word goes through each ring and its answer comes back, with an event
 * each way; the guest finds its table seeded, and a seeded page is in use while dom0 maps it.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include "child.h"
#include "mm.h"
#include "traps.h"

#define RESOURCE_GRANT_TABLE 1

/* What both rings have in common here: bytes one way, bytes back, four indices. */
struct store_ring {
    char req[1024], rsp[1024];
    volatile uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
};
struct console_ring {
    char in[1024], out[2048];
    volatile uint32_t in_cons, in_prod, out_cons, out_prod;
};

static struct child child;

static void notify(evtchn_port_t port)
{
    struct evtchn_send s = {.port = port};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_send, &s), 0);
}

static void wait_event(evtchn_port_t port)
{
    CHECK(WAIT(event_count[port] != 0, MS(5000)));
    event_count[port] = 0;
}

/* --- the child -------------------------------------------------------------------------------- */

static void talk(void)
{
    struct store_ring *store = pfn_to_virt(mfn_to_pfn(start_info->store_mfn));
    struct console_ring *console = pfn_to_virt(mfn_to_pfn(start_info->console.domU.mfn));

    memcpy(store->req, "read", 4);
    store->req_prod = 4;
    notify(start_info->store_evtchn);
    wait_event(start_info->store_evtchn);
    CHECK_EQ(store->rsp_prod, 5);
    CHECK(memcmp(store->rsp, "value", 5) == 0);
    CHECK_EQ(store->req_cons, 4);
    memcpy(console->out, "login:", 6);
    console->out_prod = 6;
    notify(start_info->console.domU.evtchn);
    wait_event(start_info->console.domU.evtchn);
    CHECK_EQ(console->in_prod, 4);
    CHECK(memcmp(console->in, "root", 4) == 0);
}

static enum verdict guest(void)
{
    static uint64_t frame;
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = GP(&frame)};
    grant_entry_v1_t *table = window(0);

    traps_init();
    vcpu_info_at[0] = &shared_info->vcpu_info[0];
    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_okay);
    CHECK_EQ(map_at(table, frame, PTE_KRW), 0);
    CHECK_EQ(table[0].frame, start_info->console.domU.mfn);
    CHECK_EQ(table[1].frame, start_info->store_mfn);
    CHECK((table[1].flags & GTF_reading) != 0); /* dom0 has it mapped */
    port_unmask(start_info->store_evtchn);
    port_unmask(start_info->console.domU.evtchn);
    events_unmask();
    talk();
    return SUCCESS;
}

/* --- dom0 ------------------------------------------------------------------------------------- */

static evtchn_port_t port_for_child(void)
{
    struct evtchn_alloc_unbound a = {.dom = child.id, .remote_dom = 0};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a), 0);
    return a.port;
}

static evtchn_port_t bind(evtchn_port_t remote)
{
    struct evtchn_bind_interdomain b = {.remote_dom = child.id, .remote_port = remote};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_bind_interdomain, &b), 0);
    port_unmask(b.local_port);
    event_count[b.local_port] = 0; /* binding may have sent one */
    return b.local_port;
}

/* The builder's part: pages behind the tables, entries 0 and 1 of the grant table. */
static void build(void)
{
    static uint64_t frame;
    struct xen_mem_acquire_resource r = {
        .domid = child.id,
        .type = RESOURCE_GRANT_TABLE,
        .nr_frames = 1,
        .frame_list = GP(&frame),
    };
    grant_entry_v1_t *table = window(0);
    start_info_t *si;

    for (unsigned i = 0; i < 2; i++) {
        memset(child_map(&child, child.free_pfn + i), 0, PAGE_SIZE);
    }
    si = child_map(&child, child.start_info);
    si->console.domU.mfn = child.mfns[child.free_pfn];
    si->store_mfn = child.mfns[child.free_pfn + 1];
    si->console.domU.evtchn = port_for_child();
    si->store_evtchn = port_for_child();
    child.comm->arg[0] = si->console.domU.evtchn;
    child.comm->arg[1] = si->store_evtchn;
    child_unmap();
    CHECK_EQ(HCALL2(memory_op, XENMEM_acquire_resource, &r), 0);
    CHECK_EQ(HCALL4(update_va_mapping_otherdomain, table, frame << PAGE_SHIFT | PTE_KRW,
                    UVMF_INVLPG | UVMF_ALL, child.id),
             0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(table[i].flags, 0);
        table[i].frame = (uint32_t)child.mfns[child.free_pfn + i];
        table[i].domid = 0;
        table[i].flags = GTF_permit_access;
    }
}

static void *map_ring(unsigned win, grant_ref_t ref, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = P(window(win)), .flags = GNTMAP_host_map, .ref = ref, .dom = child.id};

    CHECK_EQ(map_at(window(win), 0, 0), 0);
    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1), 0);
    CHECK_EQ(m.status, GNTST_okay);
    *handle = m.handle;
    return window(win);
}

static void unmap_ring(unsigned win, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = P(window(win)), .handle = handle};

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1), 0);
    CHECK_EQ(u.status, GNTST_okay);
}

enum verdict guest_main(void)
{
    struct console_ring *console;
    evtchn_port_t cport, sport;
    struct store_ring *store;
    grant_handle_t h[2];

    CHECK_EQ(start_info->store_mfn, 0); /* dom0 makes its own ring */
    events_unmask();
    child_build(&child, guest, 0, 1);
    build();
    console = map_ring(1, 0, &h[0]);
    store = map_ring(2, 1, &h[1]);
    cport = bind((evtchn_port_t)child.comm->arg[0]);
    sport = bind((evtchn_port_t)child.comm->arg[1]);
    child_run(&child);
    CHECK(WAIT(event_count[sport] != 0, MS(5000)));
    CHECK_EQ(store->req_prod, 4);
    CHECK(memcmp(store->req, "read", 4) == 0);
    memcpy(store->rsp, "value", 5);
    store->req_cons = 4;
    store->rsp_prod = 5;
    notify(sport);
    CHECK(WAIT(event_count[cport] != 0, MS(5000)));
    CHECK_EQ(console->out_prod, 6);
    CHECK(memcmp(console->out, "login:", 6) == 0);
    memcpy(console->in, "root", 4);
    console->in_prod = 4;
    notify(cport);
    child_expect_success(&child, 5000);
    unmap_ring(1, h[0]);
    unmap_ring(2, h[1]);
    CHECK_EQ(map_at(window(0), 0, 0), 0); /* the grant table */
    CHECK_EQ(child_destroy(&child), 0);
    return SUCCESS;
}
