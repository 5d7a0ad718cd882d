/* SPDX-License-Identifier: MIT */
/*
 * dom-exhaust: a guest that takes all it can get.
 *
 * Why: whatever a guest can make the hypervisor allocate needs a limit, and running into it must
 * hurt that guest alone.
 * Right outcome: ports, grant frames, map handles and memory end with the call's own error at the
 * limit that the domain was made with; dom0 still gets its own; after the guest's death the
 * machine's free memory is what it was.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/grant_table.h>
#include "child.h"
#include "mm.h"

#define MAPTRACK_FRAMES 2
#define REF             8
#define REFS            400 /* each is mapped some times only */

static struct child child;
static char page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t frames[128];

static long new_port(domid_t remote)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = remote};

    return HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a);
}

static int setup(unsigned n)
{
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = n, .frame_list = GP(frames)};

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1), 0);
    return s.status;
}

static int map(unsigned n)
{
    struct gnttab_map_grant_ref m = {.flags = GNTMAP_device_map, .ref = REF + n % REFS, .dom = 0};

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1), 0);
    return m.status;
}

static long populate(domid_t id)
{
    uint64_t frame = start_info->nr_pages;
    struct xen_memory_reservation r = {.extent_start = GP(&frame), .nr_extents = 1, .domid = id};

    return HCALL2(memory_op, XENMEM_populate_physmap, &r);
}

static enum verdict takes_all(void)
{
    unsigned n = 0;
    long rc = 0;
    int status = 0;

    while (rc == 0 && n < 100000) {
        rc = new_port(0);
        n += rc == 0;
    }
    print("%u ports, then %ld\n", n, rc);
    CHECK_EQ(rc, E_NOSPC);
    CHECK(n >= 1000 && n <= 4096);

    CHECK_EQ(setup(64), GNTST_okay);
    CHECK(setup(65) < 0);
    CHECK(setup(0x10000000) < 0);
    CHECK_EQ(setup(64), GNTST_okay);

    for (n = 0; status == 0 && n < 100000; n++) {
        status = map(n);
    }
    print("%u handles, then %d\n", n - 1, status);
    CHECK_EQ(status, GNTST_no_space);
    CHECK(n <= MAPTRACK_FRAMES * 1024);

    for (n = 0; n < 100000 && populate(DOMID_SELF) == 1; n++) {
    }
    print("%u pages more\n", n);
    CHECK(n <= 256);
    CHECK_EQ(populate(DOMID_SELF), 0);
    comm->step = 1;
    child_wait_order(1);
    return SUCCESS;
}

enum verdict guest_main(void)
{
    uint64_t before = free_pages();
    grant_entry_v1_t *table;

    CHECK_EQ(setup(1), GNTST_okay);
    table = window(8);
    CHECK_EQ(map_at(table, frames[0], PTE_KRW), 0);
    domain_config.max_maptrack_frames = MAPTRACK_FRAMES;
    child_build(&child, takes_all, 0, 1);
    for (unsigned i = REF; i < REF + REFS; i++) {
        table[i].domid = child.id;
        table[i].frame = (uint32_t)virt_to_mfn(page);
        __atomic_store_n(&table[i].flags, GTF_permit_access, __ATOMIC_SEQ_CST);
    }
    child_run(&child);
    CHECK(child_wait_step(&child, 1, 20000));
    CHECK_EQ(new_port(child.id), 0);
    CHECK_EQ(setup(2), GNTST_okay);
    child.comm->order = 1;
    child_expect_success(&child, 5000);
    CHECK_EQ(child_destroy(&child), 0);
    CHECK_EQ(table[REF].flags, GTF_permit_access); /* all handles are gone */
    CHECK(free_pages_reach(before - HEAP_SLACK));
    return SUCCESS;
}
