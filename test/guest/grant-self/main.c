/* SPDX-License-Identifier: MIT */
/*
 * grant-self: the grant table of a domain that grants to itself.
 *
 * Why: grants are the one way by which a frame may be seen outside its owner's own tables, and
 * handles, references and lengths all come from the guest.
 * Right outcome: set up, map, use, unmap; copy with its bounds; bad references, handles, flags,
 * addresses, domains and double unmaps each have their status; entries in use say so; the table
 * grows to its limit and no further.
 * Environments: pv
 */
#include <public/grant_table.h>
#include "mm.h"
#include "traps.h"

static struct grant_entry_v1 *table;

static long op(unsigned cmd, void *arg)
{
    return HCALL3(grant_table_op, cmd, arg, 1);
}

static void set_up(void)
{
    struct gnttab_set_version v = {.version = 1};
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    xen_pfn_t frames[4];
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = {P(frames)}};

    EXPECT_EQ(op(GNTTABOP_set_version, &v), 0);
    EXPECT_EQ(op(GNTTABOP_query_size, &q), 0);
    EXPECT_EQ(q.status, GNTST_okay);
    EXPECT(q.nr_frames <= q.max_nr_frames && q.max_nr_frames >= 4);
    CHECK_EQ(op(GNTTABOP_setup_table, &s), 0);
    CHECK_EQ(s.status, GNTST_okay);
    table = window(0);
    CHECK_EQ(map_at(table, frames[0], PTE_KRW), 0);
    s.nr_frames = q.max_nr_frames + 1;
    EXPECT_EQ(op(GNTTABOP_setup_table, &s), 0);
    EXPECT(s.status != GNTST_okay);
    s = (struct gnttab_setup_table){.dom = 77, .nr_frames = 1, .frame_list = {P(frames)}};
    EXPECT_EQ(op(GNTTABOP_setup_table, &s), 0);
    EXPECT_EQ(s.status, GNTST_bad_domain);
}

static void grant(unsigned ref, void *page, unsigned flags)
{
    table[ref].frame = (uint32_t)virt_to_mfn(page);
    table[ref].domid = 0;
    __atomic_store_n(&table[ref].flags, (uint16_t)(GTF_permit_access | flags), __ATOMIC_SEQ_CST);
}

static struct gnttab_map_grant_ref map(unsigned ref, void *at, unsigned flags)
{
    struct gnttab_map_grant_ref m = {.host_addr = P(at), .flags = flags, .ref = ref, .dom = 0};

    EXPECT_EQ(op(GNTTABOP_map_grant_ref, &m), 0);
    return m;
}

static int unmap(uint32_t handle, void *at)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = P(at), .handle = handle};

    EXPECT_EQ(op(GNTTABOP_unmap_grant_ref, &u), 0);
    return u.status;
}

static void map_and_unmap(void)
{
    uint64_t *page = alloc_page(), v;
    volatile uint64_t *w = window(1);
    struct gnttab_map_grant_ref m, ro;

    page[0] = 0x7a7a;
    NEED(map_at(window(1), 0, 0) == 0);
    NEED(map_at(window(2), 0, 0) == 0);
    grant(8, page, 0);
    m = map(8, window(1), GNTMAP_host_map);
    CHECK_EQ(m.status, GNTST_okay);
    EXPECT_EQ(w[0], 0x7a7a);
    EXPECT(try_write(w, 0x7b7b));
    EXPECT_EQ(page[0], 0x7b7b);
    EXPECT((table[8].flags & (GTF_reading | GTF_writing)) == (GTF_reading | GTF_writing));
    ro = map(8, window(2), GNTMAP_host_map | GNTMAP_readonly);
    EXPECT_EQ(ro.status, GNTST_okay);
    EXPECT(!try_write(window(2), 1));
    EXPECT_EQ(unmap(m.handle, window(2)) == GNTST_okay, 0); /* not where it was mapped */
    EXPECT_EQ(unmap(m.handle, window(1)), GNTST_okay);
    EXPECT_EQ(unmap(m.handle, window(1)), GNTST_bad_handle);
    EXPECT(!try_read(w, &v));
    EXPECT((table[8].flags & GTF_writing) == 0);
    EXPECT((table[8].flags & GTF_reading) != 0);
    EXPECT_EQ(unmap(ro.handle, window(2)), GNTST_okay);
    EXPECT((table[8].flags & (GTF_reading | GTF_writing)) == 0);
    table[8].flags = 0;
    EXPECT(map(8, window(1), GNTMAP_host_map).status != GNTST_okay);
}

static void refusals(void)
{
    void *page = alloc_page();
    static const uint32_t handles[] = {0, 1000, 0x7fffffff, 0xffffffff};
    static const uint32_t refs[] = {512, 100000, 0x7fffffff, 0xffffffff};
    struct gnttab_map_grant_ref m = {.flags = GNTMAP_host_map, .ref = 9, .dom = 77};

    grant(9, page, GTF_readonly);
    EXPECT(map(9, window(1), GNTMAP_host_map).status != GNTST_okay); /* wants to write */
    for (unsigned i = 0; i < ARRAY_SIZE(refs); i++) {
        EXPECT(map(refs[i], window(1), GNTMAP_host_map).status < 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(handles); i++) {
        EXPECT(unmap(handles[i], window(1)) < 0);
    }
    EXPECT(map(9, (void *)0xffff830000000000, GNTMAP_host_map | GNTMAP_readonly).status < 0);
    EXPECT(map(9, (void *)0x10000000000, GNTMAP_host_map | GNTMAP_readonly).status < 0);
    EXPECT(map(9, window(1), 0).status < 0); /* neither host nor device */
    EXPECT_EQ(op(GNTTABOP_map_grant_ref, &m), 0);
    EXPECT_EQ(m.status, GNTST_bad_domain);
    table[9].frame = 0xfffffff; /* nobody's */
    EXPECT(map(9, window(1), GNTMAP_host_map | GNTMAP_readonly).status < 0);
    table[9].frame = (uint32_t)root_mfn(); /* a page table, to write */
    table[9].flags = GTF_permit_access;
    EXPECT(map(9, window(1), GNTMAP_host_map).status < 0);
    table[9].flags = 0;
}

static int copy(uint16_t from, uint16_t to, uint16_t len, unsigned ref, uint64_t mfn)
{
    struct gnttab_copy c = {
        .source = {.u.ref = ref, .domid = DOMID_SELF, .offset = from},
        .dest = {.u.gmfn = mfn, .domid = DOMID_SELF, .offset = to},
        .len = len,
        .flags = GNTCOPY_source_gref,
    };

    EXPECT_EQ(op(GNTTABOP_copy, &c), 0);
    return c.status;
}

static void copies(void)
{
    char *from = alloc_page(), *to = alloc_page();

    memset(from, 'x', PAGE_SIZE);
    grant(10, from, GTF_readonly);
    EXPECT_EQ(copy(16, 100, 200, 10, virt_to_mfn(to)), GNTST_okay);
    EXPECT(to[99] == 0 && to[100] == 'x' && to[299] == 'x' && to[300] == 0);
    EXPECT_EQ(table[10].flags & (GTF_reading | GTF_writing), 0);
    EXPECT_EQ(copy(0, 0, PAGE_SIZE, 10, virt_to_mfn(to)), GNTST_okay);
    EXPECT(copy(1, 0, PAGE_SIZE, 10, virt_to_mfn(to)) < 0);
    EXPECT(copy(0, 4000, 97, 10, virt_to_mfn(to)) < 0);
    EXPECT(copy(0xffff, 0, 2, 10, virt_to_mfn(to)) < 0);
    EXPECT(copy(0, 0, 0xffff, 10, virt_to_mfn(to)) < 0);
    EXPECT(copy(0, 0, 8, 11, virt_to_mfn(to)) < 0);
    EXPECT(copy(0, 0, 8, 0xffffffff, virt_to_mfn(to)) < 0);
    EXPECT(copy(0, 0, 8, 10, 0xfffffff) < 0);
    EXPECT(copy(0, 0, 8, 10, root_mfn()) < 0);
    table[10].flags = 0;
}

/* Map one grant until the handles run out; nothing is lost when they are given back. */
static void exhaust(void)
{
    static uint32_t handles[2048];
    void *page = alloc_page();
    uint64_t at = pte_machine(P(window(1)), 1);
    struct gnttab_map_grant_ref m;
    unsigned n;

    (void)at;
    grant(12, page, 0);
    for (n = 0; n < 2000; n++) {
        m = (struct gnttab_map_grant_ref){.host_addr = 0, .flags = GNTMAP_device_map, .ref = 12};
        EXPECT_EQ(op(GNTTABOP_map_grant_ref, &m), 0);
        if (m.status != GNTST_okay) {
            break;
        }
        handles[n] = m.handle;
    }
    EXPECT(n > 100);
    while (n-- > 0) {
        struct gnttab_unmap_grant_ref u = {.handle = handles[n]};

        u.dev_bus_addr = m.dev_bus_addr * 0;
        if (op(GNTTABOP_unmap_grant_ref, &u) != 0 || u.status != GNTST_okay) {
            print("handle %u of entry %u: %d\n", handles[n], n, u.status);
            failures++;
            break;
        }
    }
}

enum verdict guest_main(void)
{
    set_up();
    map_and_unmap();
    refusals();
    copies();
    exhaust();
    EXPECT_EQ(HCALL3(grant_table_op, 99, table, 1), E_NOSYS);
    EXPECT(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, 0x1000, 1) == E_FAULT);
    return SUCCESS;
}
