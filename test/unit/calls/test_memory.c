/* SPDX-License-Identifier: MIT */
/* memory_op: reservations, exchange that is all or nothing, resources, privileges. */
#include "world.h"

static struct domain *d, *control;
static uint64_t free_at_start;

static int setup(void **state)
{
    (void)state;
    world_reset();
    d = world_domain(1, 0, 1);
    control = world_domain(0, RIGHT_CONTROL | RIGHT_HARDWARE, 1);
    domain_hardware = control;
    world_run_as(d, 0);
    free_at_start = page_alloc_free_count();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_reset();
    return 0;
}

static long op(uint64_t cmd, void *arg)
{
    return world_call(do_memory_op, cmd, P(arg), 0);
}

static struct xen_memory_reservation reservation(xen_pfn_t *list, unsigned n, unsigned order)
{
    return (struct xen_memory_reservation){
        .extent_start = {P(list)}, .nr_extents = n, .extent_order = order, .domid = DOMID_SELF,
    };
}

static void populated_pages_are_named_and_given_back(void **state)
{
    xen_pfn_t list[16];
    struct xen_memory_reservation r = reservation(list, 16, 1);

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        list[i] = 1000 + 2 * i;
    }
    world_preempt_after = 5;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 16);
    assert_int_equal(d->tot_pages, 32);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(arch_m2p_get(MFN(list[i] + 1)), 1001 + 2 * i);
    }
    assert_int_equal(op(XENMEM_decrease_reservation, &r), 16);
    assert_int_equal(d->tot_pages, 0);
    assert_int_equal(page_alloc_free_count(), free_at_start);
    assert_int_equal(op(XENMEM_decrease_reservation, &r), 0); /* not its pages any more */
}

static void a_reservation_stops_at_the_limit(void **state)
{
    xen_pfn_t list[8] = {0};
    struct xen_memory_reservation r = reservation(list, 8, 0);

    (void)state;
    d->max_pages = 5;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 5);
    r.extent_order = MEM_ORDER_GUEST + 1;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
    r.extent_order = 0;
    r.domid = control->id;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
    assert_int_equal(control->tot_pages, 0);
    r.domid = 99;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
    assert_int_equal(world_call(do_memory_op, XENMEM_populate_physmap, 8, 0), 0);
    world_run_as(control, 0);
    r.domid = d->id;
    d->max_pages = 100;
    assert_int_equal(op(XENMEM_populate_physmap, &r), 8);
    assert_int_equal(d->tot_pages, 13);
}

static void populate(xen_pfn_t *list, unsigned n, unsigned order)
{
    struct xen_memory_reservation r = reservation(list, n, order);

    assert_int_equal(op(XENMEM_populate_physmap, &r), n);
}

static void exchange_makes_single_pages_contiguous_and_back(void **state)
{
    xen_pfn_t in[8], out = 500;
    struct xen_memory_exchange x = {
        .in = reservation(in, 8, 0), .out = reservation(&out, 1, 3),
    };

    (void)state;
    populate(in, 8, 0);
    x.out.mem_flags = XENMEMF_address_bits(32);
    d->max_pages = 8; /* not one page to spare */
    assert_int_equal(op(XENMEM_exchange, &x), 0);
    assert_int_equal(x.nr_exchanged, 8);
    assert_int_equal(d->tot_pages, 8);
    assert_int_equal(out % 8, 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(arch_m2p_get(MFN(out + i)), 500 + i);
    }
    x = (struct xen_memory_exchange){.in = reservation(&out, 1, 3), .out = reservation(in, 8, 0)};
    assert_int_equal(op(XENMEM_exchange, &x), 0);
    assert_int_equal(x.nr_exchanged, 1);
    assert_int_equal(d->tot_pages, 8);
    assert_int_equal(page_alloc_free_count(), free_at_start - 8);
}

static void a_failed_exchange_changes_nothing(void **state)
{
    xen_pfn_t in[8], out = 500;
    struct xen_memory_exchange x = {
        .in = reservation(in, 8, 0), .out = reservation(&out, 1, 3),
    };

    (void)state;
    populate(in, 8, 0);
    x.out.mem_flags = XENMEMF_address_bits(13); /* nothing that low */
    assert_int_equal(op(XENMEM_exchange, &x), -ENOMEM);
    x.out.mem_flags = 0;
    assert_true(page_get(arch_mfn_to_page(MFN(in[7])), d)); /* in use elsewhere */
    assert_int_equal(op(XENMEM_exchange, &x), -EINVAL);
    page_put(arch_mfn_to_page(MFN(in[7])));
    x.in.nr_extents = 7;
    assert_int_equal(op(XENMEM_exchange, &x), -EINVAL);
    x.in.nr_extents = 8;
    x.out.extent_start.va = 8;
    assert_int_equal(op(XENMEM_exchange, &x), -EFAULT);
    assert_int_equal(x.nr_exchanged, 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(arch_mfn_to_page(MFN(in[i]))->refs, PAGE_ALLOCATED | 1);
        assert_ptr_equal(arch_mfn_to_page(MFN(in[i]))->owner, d);
    }
    assert_int_equal(d->tot_pages, 8);
    assert_int_equal(page_alloc_free_count(), free_at_start - 8);
    x.in.domid = control->id;
    assert_int_equal(op(XENMEM_exchange, &x), -EPERM);
    x.in.extent_order = x.out.extent_order = MEM_ORDER_GUEST + 1;
    assert_int_equal(op(XENMEM_exchange, &x), -EPERM);
}

static void a_long_exchange_is_continued(void **state)
{
    xen_pfn_t in[64], out[16];
    struct xen_memory_exchange x = {
        .in = reservation(in, 64, 0), .out = reservation(out, 16, 2),
    };

    (void)state;
    populate(in, 64, 0);
    world_preempt_after = 9;
    assert_int_equal(op(XENMEM_exchange, &x), 0);
    assert_int_equal(x.nr_exchanged, 64);
    assert_int_equal(d->tot_pages, 64);
}

static void questions_and_refusals(void **state)
{
    struct xen_memory_domain self = {.domid = DOMID_SELF}, other = {.domid = 0};
    struct xen_memory_reservation claim = {.nr_extents = 10, .domid = 1};
    struct xen_add_to_physmap add = {.domid = DOMID_SELF};

    (void)state;
    assert_int_equal(op(XENMEM_maximum_reservation, &self), 1024);
    assert_int_equal(op(XENMEM_current_reservation, &other), -EPERM);
    other.domid = 99;
    assert_int_equal(op(XENMEM_current_reservation, &other), -ESRCH);
    assert_int_equal(op(XENMEM_maximum_gpfn, &self), 4711);
    assert_int_equal(op(XENMEM_maximum_ram_page, NULL), WORLD_FRAMES);
    assert_int_equal(op(XENMEM_get_vnumainfo, NULL), -EOPNOTSUPP);
    assert_int_equal(op(XENMEM_get_sharing_freed_pages, NULL), 0);
    assert_int_equal(op(XENMEM_claim_pages, &claim), -EPERM);
    assert_int_equal(op(XENMEM_acquire_resource, NULL), -EPERM);
    assert_int_equal(op(XENMEM_machine_memory_map, NULL), -EPERM);
    assert_int_equal(op(XENMEM_add_to_physmap, &add), -EACCES);
    assert_int_equal(op(XENMEM_paging_op, NULL), -ENOSYS);
    assert_int_equal(op(63, NULL), -ENOSYS);
    world_run_as(control, 0);
    assert_int_equal(op(XENMEM_claim_pages, &claim), 0);
    assert_int_equal(page_alloc_outstanding_claims(), 10);
    claim.nr_extents = 0;
    assert_int_equal(op(XENMEM_claim_pages, &claim), 0);
    assert_int_equal(page_alloc_outstanding_claims(), 0);
}

static void the_builder_gets_grant_frames(void **state)
{
    xen_pfn_t frame[2] = {0, 0};
    struct xen_mem_acquire_resource a = {
        .domid = 1, .type = XENMEM_resource_grant_table, .frame = 0, .nr_frames = 2,
        .frame_list = {P(frame)},
    };

    (void)state;
    world_run_as(control, 0);
    assert_int_equal(op(XENMEM_acquire_resource, &a), 0);
    assert_ptr_equal(arch_mfn_to_page(MFN(frame[1]))->owner, d);
    a.frame = 3;
    assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
    a.frame = ~0ULL;
    assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
    a.frame_list.va = 0;
    a.nr_frames = 0;
    assert_int_equal(op(XENMEM_acquire_resource, &a), 0);
    assert_int_equal(a.nr_frames, 4);
    a.type = XENMEM_resource_ioreq_server;
    assert_int_equal(op(XENMEM_acquire_resource, &a), -EOPNOTSUPP);
    a.domid = 0;
    assert_int_equal(op(XENMEM_acquire_resource, &a), -EPERM);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(populated_pages_are_named_and_given_back),
        T(a_reservation_stops_at_the_limit),
        T(exchange_makes_single_pages_contiguous_and_back),
        T(a_failed_exchange_changes_nothing),
        T(a_long_exchange_is_continued),
        T(questions_and_refusals),
        T(the_builder_gets_grant_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
