/* SPDX-License-Identifier: MIT */
/*
 * dom-grant: frames that one domain lets another map or copy.
 *
 * Why: all data of a guest's devices goes through grants, in both directions, and either side may
 * lie or die in the middle.
 * Right outcome: what is granted can be mapped and copied as it was granted, and nothing else; the
 * entry shows the use; what is revoked cannot be used again; a granter that dies stays until its
 * frames are unmapped; a mapper that dies lets go of all; nothing is left of either.
 * Environments: pv
 */
#include <public/grant_table.h>
#include "child.h"
#include "mm.h"

enum { REF_RW = 8, REF_RO, REF_OTHER, REF_EMPTY, REF_TABLE, REF_FOREIGN };

static struct child child;
static grant_entry_v1_t *table;
static char page[PAGE_SIZE] __attribute__((aligned(4096)));
static char page_ro[PAGE_SIZE] __attribute__((aligned(4096)));
static char own[PAGE_SIZE] __attribute__((aligned(4096)));

static void table_init(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = GP(frames)};

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_okay);
    table = window(8);
    CHECK_EQ(map_at(table, frames[0], PTE_KRW), 0);
}

static void grant(unsigned ref, domid_t to, uint64_t mfn, unsigned flags)
{
    table[ref].domid = to;
    table[ref].frame = (uint32_t)mfn;
    __atomic_store_n(&table[ref].flags, (uint16_t)(GTF_permit_access | flags), __ATOMIC_SEQ_CST);
}

static bool in_use(unsigned ref)
{
    return (__atomic_load_n(&table[ref].flags, __ATOMIC_SEQ_CST) & (GTF_reading | GTF_writing)) !=
           0;
}

static int map(unsigned at, domid_t dom, unsigned ref, unsigned flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = P(window(at)), .flags = GNTMAP_host_map | flags, .ref = ref, .dom = dom};

    /* nobody flushes what was mapped there before */
    CHECK_EQ(HCALL3(update_va_mapping, window(at), 0, UVMF_INVLPG), 0);
    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1), 0);
    *handle = m.handle;
    return m.status;
}

static int unmap(unsigned at, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = P(window(at)), .handle = handle};

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1), 0);
    return u.status;
}

/* From the child's grant to own[], or the other way. */
static int copy(unsigned ref, unsigned offset, unsigned len, bool to_child)
{
    struct gnttab_copy c = {.len = (uint16_t)len};
    struct gnttab_copy_ptr theirs = {.u.ref = ref, .domid = child.id, .offset = (uint16_t)offset};
    struct gnttab_copy_ptr ours = {.u.gmfn = virt_to_mfn(own), .domid = DOMID_SELF};

    c.flags = to_child ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    c.source = to_child ? ours : theirs;
    c.dest = to_child ? theirs : ours;
    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_copy, &c, 1), 0);
    return c.status;
}

/* --- the child -------------------------------------------------------------------------------- */

static enum verdict grants(void)
{
    grant_handle_t handle;

    table_init();
    memcpy(page, "from the child", 15);
    memcpy(page_ro, "read only", 10);
    grant(REF_RW, 0, virt_to_mfn(page), 0);
    grant(REF_RO, 0, virt_to_mfn(page_ro), GTF_readonly);
    grant(REF_OTHER, 77, virt_to_mfn(page), 0);
    grant(REF_TABLE, 0, root_mfn(), 0);
    grant(REF_FOREIGN, 0, comm->arg[1], 0);
    comm->step = 1;
    child_wait_order(1);
    CHECK(in_use(REF_RW));
    CHECK(strcmp(page, "from dom0") == 0);
    comm->step = 2;
    child_wait_order(2);
    CHECK(!in_use(REF_RW));
    CHECK(strcmp(page + 100, "copied") == 0);
    table[REF_RW].flags = 0;
    comm->step = 3;
    child_wait_order(3);
    /* the other way round: what dom0 granted stays mapped until we die */
    CHECK_EQ(map(0, 0, (unsigned)comm->arg[0], 0, &handle), GNTST_okay);
    CHECK_EQ(map(1, 0, (unsigned)comm->arg[0], 0, &handle), GNTST_okay);
    CHECK(strcmp(window(0), "for the child") == 0);
    memcpy(page, "last words", 11);
    grant(REF_RW, 0, virt_to_mfn(page), 0);
    comm->step = 4;
    child_wait_order(100);
    return SUCCESS;
}

/* --- dom0 ------------------------------------------------------------------------------------- */

static void test_map(void)
{
    grant_handle_t h, second;

    CHECK_EQ(map(0, child.id, 1 << 20, 0, &h), GNTST_bad_gntref);
    CHECK(map(0, child.id, REF_EMPTY, 0, &h) < 0);
    CHECK(map(0, child.id, REF_OTHER, 0, &h) < 0);
    CHECK(map(0, child.id, REF_RO, 0, &h) < 0);
    CHECK(map(0, child.id, REF_TABLE, 0, &h) < 0);
    CHECK(map(0, child.id, REF_FOREIGN, 0, &h) < 0);
    CHECK_EQ(map(0, 999, REF_RW, 0, &h), GNTST_bad_domain);
    CHECK_EQ(map(0, child.id, REF_RW, 0, &h), GNTST_okay);
    CHECK_EQ(map(1, child.id, REF_RO, GNTMAP_readonly, &second), GNTST_okay);
    CHECK(strcmp(window(0), "from the child") == 0);
    CHECK(strcmp(window(1), "read only") == 0);
    memcpy(window(0), "from dom0", 10);
    child.comm->order = 1;
    CHECK(child_wait_step(&child, 2, 5000));
    CHECK_EQ(unmap(0, 0x7fffff), GNTST_bad_handle);
    CHECK(unmap(5, h) < 0);
    CHECK_EQ(unmap(0, h), GNTST_okay);
    CHECK_EQ(unmap(0, h), GNTST_bad_handle);
    CHECK_EQ(unmap(1, second), GNTST_okay);
}

static void test_copy(void)
{
    memset(own, 0, sizeof(own));
    CHECK_EQ(copy(REF_RO, 0, 10, false), GNTST_okay);
    CHECK(strcmp(own, "read only") == 0);
    CHECK(copy(REF_RO, 0, 10, true) < 0);
    CHECK(copy(REF_EMPTY, 0, 10, false) < 0);
    CHECK(copy(REF_OTHER, 0, 10, false) < 0);
    CHECK(copy(REF_TABLE, 0, 10, true) < 0);
    CHECK_EQ(copy(REF_RW, 4090, 10, false), GNTST_bad_copy_arg);
    memcpy(own, "copied", 7);
    CHECK_EQ(copy(REF_RW, 100, 7, true), GNTST_okay);
    child.comm->order = 2;
    CHECK(child_wait_step(&child, 3, 5000));
}

static void test_death(uint64_t before)
{
    struct xen_domctl_getdomaininfo info;
    grant_handle_t h;

    memcpy(page, "for the child", 14);
    table_init();
    grant(REF_RW, child.id, virt_to_mfn(page), 0);
    child.comm->arg[0] = REF_RW;
    child.comm->order = 3;
    CHECK(child_wait_step(&child, 4, 5000));
    CHECK(in_use(REF_RW));
    CHECK_EQ(map(0, child.id, REF_RW, 0, &h), GNTST_okay);
    CHECK_EQ(child_destroy(&child), E_BUSY); /* a frame of it is mapped */
    CHECK(!in_use(REF_RW));
    CHECK_EQ(domain_info(child.id, &info), 0);
    CHECK(info.flags & XEN_DOMINF_dying);
    CHECK(info.tot_pages <= 1);
    CHECK(strcmp(window(0), "last words") == 0);
    CHECK_EQ(unmap(0, h), GNTST_okay);
    for (unsigned i = 0; i < 500 && domain_info(child.id, &info) == 0; i++) {
        sleep_ms(2);
    }
    CHECK_EQ(domain_info(child.id, &info), E_SRCH);
    CHECK(map(0, child.id, REF_RW, 0, &h) < 0);
    CHECK(free_pages_reach(before - HEAP_SLACK));
}

enum verdict guest_main(void)
{
    uint64_t before = free_pages();
    grant_handle_t h;

    child_build(&child, grants, 0, 1);
    child.comm->arg[1] = virt_to_mfn(own);
    child_run(&child);
    CHECK(child_wait_step(&child, 1, 5000));
    test_map();
    test_copy();
    CHECK(map(0, child.id, REF_RW, 0, &h) < 0); /* revoked */
    CHECK(copy(REF_RW, 0, 10, false) < 0);
    test_death(before);
    return SUCCESS;
}
