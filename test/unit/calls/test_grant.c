/* SPDX-License-Identifier: MIT */
/* Grants: marks, handles, copies, death, and a random walk: pins equal live handles. */
#include "world.h"

static struct domain *granter, *user;
static struct grant_entry_v1 *table;

static long op(unsigned cmd, void *arg, unsigned count)
{
    return world_call(do_grant_table_op, cmd, P(arg), count);
}

static int setup(void **state)
{
    struct gnttab_setup_table st = {.dom = DOMID_SELF, .nr_frames = 1};
    xen_pfn_t mfn;

    (void)state;
    world_reset();
    granter = world_domain(1, 0, 1);
    user = world_domain(2, 0, 1);
    world_run_as(granter, 0);
    st.frame_list.va = P(&mfn);
    assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
    assert_int_equal(st.status, GNTST_okay);
    table = map_frame(MFN(mfn));
    world_run_as(user, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_reset();
    return 0;
}

static struct page *grant(unsigned ref, uint16_t flags)
{
    struct page *pg = world_page(granter);

    table[ref].frame = (uint32_t)arch_page_to_mfn(pg).v;
    table[ref].domid = user->id;
    table[ref].flags = (uint16_t)(GTF_permit_access | flags);
    return pg;
}

static struct gnttab_map_grant_ref map(unsigned ref, uint32_t flags, uint64_t addr)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = addr, .flags = flags, .ref = ref, .dom = granter->id,
    };

    assert_int_equal(op(GNTTABOP_map_grant_ref, &m, 1), 0);
    return m;
}

static int unmap(uint64_t addr, uint64_t bus, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref u = {
        .host_addr = addr, .dev_bus_addr = bus, .handle = handle,
    };

    assert_int_equal(op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
    return u.status;
}

static void map_marks_the_entry_and_unmap_clears_it(void **state)
{
    struct page *pg = grant(9, 0);
    struct gnttab_map_grant_ref m = map(9, GNTMAP_host_map, 0x1000);

    (void)state;
    assert_int_equal(m.status, GNTST_okay);
    assert_int_equal(m.dev_bus_addr, mfn_to_paddr(arch_page_to_mfn(pg)));
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, 2);
    assert_int_equal(pg->type, 1);
    assert_int_equal(unmap(0x2000, 0, m.handle), GNTST_general_error);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_okay);
    assert_int_equal(table[9].flags, GTF_permit_access);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, 1);
    assert_int_equal(pg->type, 0);
    assert_int_equal(world_nr_mapped, 0);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_bad_handle);
}

static void a_handle_of_an_older_mapping_is_refused(void **state)
{
    struct gnttab_map_grant_ref m, again;

    (void)state;
    grant(9, 0);
    m = map(9, GNTMAP_host_map, 0x1000);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_okay);
    again = map(9, GNTMAP_host_map, 0x1000);
    assert_int_not_equal(again.handle, m.handle);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_bad_handle);
    assert_int_equal(unmap(0x1000, 0, again.handle), GNTST_okay);
}

static void wrong_requests_get_their_status(void **state)
{
    struct gnttab_map_grant_ref m = {.flags = GNTMAP_host_map, .dom = 55, .host_addr = 0x1000};

    (void)state;
    grant(9, GTF_readonly);
    assert_int_equal(map(9, GNTMAP_host_map, 0x1000).status, GNTST_general_error);
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(map(9, 0, 0x1000).status, GNTST_bad_gntref);
    assert_int_equal(map(512, GNTMAP_host_map, 0x1000).status, GNTST_bad_gntref);
    assert_int_equal(map(~0U, GNTMAP_host_map, 0x1000).status, GNTST_bad_gntref);
    assert_int_equal(map(10, GNTMAP_host_map, 0x1000).status, GNTST_general_error);
    assert_int_equal(op(GNTTABOP_map_grant_ref, &m, 1), 0);
    assert_int_equal(m.status, GNTST_bad_domain);
    table[9].frame = 3; /* nobody's */
    assert_int_equal(map(9, GNTMAP_host_map | GNTMAP_readonly, 0x1000).status, GNTST_bad_page);
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(op(GNTTABOP_transfer, &m, 1), -ENOSYS);
    assert_int_equal(op(GNTTABOP_get_status_frames, &m, 1), -ENOSYS);
    assert_int_equal(op(77, &m, 1), -ENOSYS);
    assert_int_equal(op(GNTTABOP_copy, &m, 0x80000000u), -EINVAL);
    assert_int_equal(world_call(do_grant_table_op, GNTTABOP_map_grant_ref, 16, 1), -EFAULT);
}

static void a_failed_page_table_write_leaves_nothing(void **state)
{
    struct page *pg = grant(9, 0);

    (void)state;
    world_map_fails = true;
    assert_int_equal(map(9, GNTMAP_host_map, 0x1000).status, GNTST_general_error);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, 1);
    assert_int_equal(table[9].flags, GTF_permit_access);
    assert_int_equal(granter->refs, 2); /* the world's and its page's */
}

static void an_answer_that_cannot_be_written_maps_nothing(void **state)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = 0x1000, .flags = GNTMAP_host_map, .ref = 9, .dom = 1,
    };

    (void)state;
    grant(9, 0);
    world_fault_at = P(&m.handle);
    assert_int_equal(op(GNTTABOP_map_grant_ref, &m, 1), -EFAULT);
    assert_int_equal(world_nr_mapped, 0);
    assert_int_equal(table[9].flags, GTF_permit_access);
}

static void device_and_host_part_go_one_by_one(void **state)
{
    struct gnttab_map_grant_ref m;

    (void)state;
    grant(9, 0);
    m = map(9, GNTMAP_host_map | GNTMAP_device_map, 0x1000);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_okay);
    assert_int_not_equal(table[9].flags, GTF_permit_access);
    assert_int_equal(unmap(0, m.dev_bus_addr + PAGE_SIZE, m.handle), GNTST_general_error);
    assert_int_equal(unmap(0, m.dev_bus_addr, m.handle), GNTST_okay);
    assert_int_equal(table[9].flags, GTF_permit_access);
}

static void readers_and_writers_are_marked_apart(void **state)
{
    struct gnttab_map_grant_ref r, w;

    (void)state;
    grant(9, 0);
    r = map(9, GNTMAP_host_map | GNTMAP_readonly, 0x1000);
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_reading);
    w = map(9, GNTMAP_host_map, 0x2000);
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(unmap(0x2000, 0, w.handle), GNTST_okay);
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_reading);
    assert_int_equal(unmap(0x1000, 0, r.handle), GNTST_okay);
    assert_int_equal(table[9].flags, GTF_permit_access);
}

static void handles_run_out_and_death_frees_them(void **state)
{
    struct gnttab_map_grant_ref m;
    struct page *pg = grant(9, 0);
    unsigned n = 0;

    (void)state;
    for (;; n++) {
        m = map(9, GNTMAP_device_map, 0);
        if (m.status != GNTST_okay) {
            break;
        }
    }
    assert_int_equal(m.status, GNTST_no_space);
    assert_int_equal(n, 2 * MAPTRACK_PER_FRAME);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, n + 1);
    softirq_pending[0] = 1;
    assert_int_equal(grant_relinquish(user), -ERESTART);
    softirq_pending[0] = 0;
    assert_int_equal(grant_relinquish(user), 0);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, 1);
    assert_int_equal(table[9].flags, GTF_permit_access);
}

static void a_dead_granters_page_lives_until_the_unmap(void **state)
{
    struct page *pg = grant(9, 0);
    struct gnttab_map_grant_ref m = map(9, GNTMAP_host_map, 0x1000);

    (void)state;
    granter->dying = DOMAIN_DYING;
    page_release_alloc(pg);
    assert_ptr_equal(pg->owner, granter);
    assert_int_equal(map(9, GNTMAP_host_map, 0x3000).status, GNTST_bad_gntref);
    assert_int_equal(unmap(0x1000, 0, m.handle), GNTST_okay);
    assert_null(pg->owner);
    granter->dying = DOMAIN_ALIVE;
}

/* --- copy ------------------------------------------------------------------------------------- */

static void copy_moves_bytes_within_bounds(void **state)
{
    struct page *src = grant(9, GTF_readonly), *dst = world_page(user);
    struct gnttab_copy c[4] = {0};

    (void)state;
    memcpy((char *)world_va(src) + 100, "hello", 5);
    for (unsigned i = 0; i < 4; i++) {
        c[i] = (struct gnttab_copy){
            .source = {.u.ref = 9, .domid = granter->id, .offset = 100},
            .dest = {.u.gmfn = arch_page_to_mfn(dst).v, .domid = DOMID_SELF, .offset = 7},
            .len = 5,
            .flags = GNTCOPY_source_gref,
        };
    }
    c[1].source.offset = 4092;
    c[2].dest.domid = granter->id;
    c[3].flags = GNTCOPY_dest_gref;
    c[3].source = c[0].dest;
    c[3].dest = c[0].source;
    assert_int_equal(op(GNTTABOP_copy, c, 4), 0);
    assert_int_equal(c[0].status, GNTST_okay);
    assert_memory_equal((char *)world_va(dst) + 7, "hello", 5);
    assert_int_equal(c[1].status, GNTST_bad_copy_arg);
    assert_int_equal(c[2].status, GNTST_permission_denied);
    assert_int_equal(c[3].status, GNTST_general_error); /* the grant is for reading */
    assert_int_equal(table[9].flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(src->refs & PAGE_REFS_MASK, 1);
    assert_int_equal(dst->refs & PAGE_REFS_MASK, 1);
}

static void a_long_batch_is_continued_where_it_was(void **state)
{
    struct gnttab_copy c[64];
    struct page *dst = world_page(user);
    struct page *src = grant(9, 0);

    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        ((char *)world_va(src))[i] = (char)i;
        c[i] = (struct gnttab_copy){
            .source = {.u.ref = 9, .domid = granter->id, .offset = (uint16_t)i},
            .dest = {.u.gmfn = arch_page_to_mfn(dst).v, .domid = DOMID_SELF,
                     .offset = (uint16_t)i},
            .len = 1,
            .flags = GNTCOPY_source_gref,
            .status = 99,
        };
    }
    world_preempt_after = 10;
    assert_int_equal(op(GNTTABOP_copy, c, 64), 0);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(c[i].status, GNTST_okay);
    }
    assert_memory_equal(world_va(dst), world_va(src), 64);
}

/* --- table ------------------------------------------------------------------------------------ */

static void sizes_and_versions(void **state)
{
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    struct gnttab_set_version v = {.version = 2};
    struct gnttab_setup_table st = {.dom = granter->id, .nr_frames = 1};

    (void)state;
    assert_int_equal(op(GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.max_nr_frames, 4);
    assert_int_equal(op(GNTTABOP_query_size, &q, 2), -EINVAL);
    assert_int_equal(op(GNTTABOP_set_version, &v, 1), -ENOSYS);
    v.version = 1;
    assert_int_equal(op(GNTTABOP_set_version, &v, 1), 0);
    v.version = 3;
    assert_int_equal(op(GNTTABOP_set_version, &v, 1), -EINVAL);
    assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
    assert_int_equal(st.status, GNTST_permission_denied);
    st.dom = DOMID_SELF;
    st.nr_frames = 5;
    assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
    assert_int_equal(st.status, GNTST_general_error);
}

static void pins_equal_live_handles(void **state)
{
    struct gnttab_map_grant_ref live[32] = {0};
    unsigned uses[16];

    (void)state;
    for (unsigned r = 0; r < 16; r++) {
        grant(r, r % 3 == 0 ? GTF_readonly : 0);
    }
    for (unsigned n = 0; n < 20000; n++) {
        struct gnttab_map_grant_ref *m = &live[world_random() % 32];
        unsigned ref = world_random() % 16;

        if (m->host_addr != 0) {
            assert_int_equal(unmap(m->host_addr, 0, m->handle), GNTST_okay);
            m->host_addr = 0;
        } else {
            *m = map(ref, GNTMAP_host_map | (world_random() & 1 ? GNTMAP_readonly : 0),
                     0x1000 * (uint64_t)(m - live + 1));
            if (m->status != GNTST_okay) {
                m->host_addr = 0;
            }
        }
        unmap(0x1000, 0, (grant_handle_t)world_random());
        memset(uses, 0, sizeof(uses));
        for (unsigned i = 0; i < 32; i++) {
            uses[live[i].ref % 16] += live[i].host_addr != 0;
        }
        for (unsigned r = 0; r < 16; r++) {
            const struct grant_active *act = &granter->grants->active[0][r];

            assert_int_equal(act->readers + act->writers, uses[r]);
            assert_int_equal((table[r].flags & GTF_reading) != 0, uses[r] != 0);
            assert_int_equal((table[r].flags & GTF_writing) != 0, act->writers != 0);
        }
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(map_marks_the_entry_and_unmap_clears_it),
        T(a_handle_of_an_older_mapping_is_refused),
        T(wrong_requests_get_their_status),
        T(a_failed_page_table_write_leaves_nothing),
        T(an_answer_that_cannot_be_written_maps_nothing),
        T(device_and_host_part_go_one_by_one),
        T(readers_and_writers_are_marked_apart),
        T(handles_run_out_and_death_frees_them),
        T(a_dead_granters_page_lives_until_the_unmap),
        T(copy_moves_bytes_within_bounds),
        T(a_long_batch_is_continued_where_it_was),
        T(sizes_and_versions),
        T(pins_equal_live_handles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
