/* SPDX-License-Identifier: MIT */
/*
 * memory-op: giving frames back, getting frames, exchanging them.
 *
 * Why: the balloon and the DMA pool live by it; orders, counts and frame numbers are the guest's.
 * Right outcome: decrease and populate answer how many extents they did and keep the accounts; a
 * frame in use as a page table cannot be given back; exchange gives contiguous frames below the
 * asked width, or changes nothing; bad orders, domains and frames do nothing.
 * Environments: pv
 */
#include <public/memory.h>
#include "mm.h"

static long op(unsigned cmd, void *arg)
{
    return HCALL2(memory_op, cmd, arg);
}

static long pages(void)
{
    domid_t self = DOMID_SELF;

    return op(XENMEM_current_reservation, &self);
}

static long reserve(unsigned cmd, xen_pfn_t *list, unsigned long n, unsigned order, domid_t dom)
{
    struct xen_memory_reservation r = {
        .extent_start = {P(list)},
        .nr_extents = n,
        .extent_order = order,
        .domid = dom,
    };

    return op(cmd, &r);
}

static void balloon(void)
{
    xen_pfn_t list[8], pfns[8];
    long before = pages();

    for (unsigned i = 0; i < 8; i++) {
        pfns[i] = alloc_pfn();
        list[i] = pfn_to_mfn(pfns[i]);
    }
    EXPECT_EQ(reserve(XENMEM_decrease_reservation, list, 8, 0, DOMID_SELF), 8);
    EXPECT_EQ(pages(), before - 8);
    EXPECT_EQ(reserve(XENMEM_decrease_reservation, list, 8, 0, DOMID_SELF), 0); /* twice */
    EXPECT(map_at(window(0), list[0], PTE_KRW) < 0);
    memcpy(list, pfns, sizeof(list));
    EXPECT_EQ(reserve(XENMEM_populate_physmap, list, 8, 0, DOMID_SELF), 8);
    EXPECT_EQ(pages(), before);
    for (unsigned i = 0; i < 8; i++) {
        EXPECT_EQ(mfn_to_pfn(list[i]), pfns[i]);
        EXPECT_EQ(map_at(window(0), list[i], PTE_KRW), 0);
        EXPECT_EQ(*(volatile uint64_t *)window(0), 0); /* scrubbed */
        EXPECT_EQ(map_at(window(0), 0, 0), 0);
    }
}

/* The hardware domain may ask for 16 MiB in one piece: its DMA pool is made of such. */
static void orders(void)
{
    xen_pfn_t list[2], mfn, lowest = 0;
    long before = pages();

    for (unsigned i = 0; i < 2u << 12; i++) {
        lowest = alloc_pfn();
        mfn = pfn_to_mfn(lowest);
        EXPECT_EQ(reserve(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1);
    }
    list[0] = lowest;
    list[1] = lowest + (1u << 12);
    EXPECT_EQ(reserve(XENMEM_populate_physmap, list, 2, 12, DOMID_SELF), 2);
    EXPECT_EQ(pages(), before);
}

static void lies(void)
{
    xen_pfn_t list[4] = {root_mfn(), 0xfffffff, ~0UL, 0};
    long before = pages();
    domid_t none = 77;

    EXPECT(reserve(XENMEM_decrease_reservation, list + 1, 1, 0, DOMID_SELF) <= 0);
    EXPECT(reserve(XENMEM_decrease_reservation, list + 2, 1, 0, DOMID_SELF) <= 0);
    list[0] = alloc_pfn();
    EXPECT(reserve(XENMEM_populate_physmap, list, 1, 40, DOMID_SELF) <= 0);
    EXPECT(reserve(XENMEM_populate_physmap, list, 1, 0xffffffff, DOMID_SELF) <= 0);
    EXPECT(reserve(XENMEM_populate_physmap, list, 1, 0, 77) <= 0);
    EXPECT(reserve(XENMEM_populate_physmap, (void *)0x1000, 1, 0, DOMID_SELF) <= 0);
    EXPECT(reserve(XENMEM_populate_physmap, list, ~0UL, 0, DOMID_SELF) <= 0);
    EXPECT(reserve(XENMEM_increase_reservation, (void *)0xffff830000000000, 1, 0, DOMID_SELF) <= 0);
    EXPECT_EQ(pages(), before);
    EXPECT_EQ(op(XENMEM_current_reservation, &none), E_SRCH);
    EXPECT_EQ(op(63, list), E_NOSYS);
    EXPECT_EQ(op(XENMEM_get_vnumainfo, list) == E_NOSYS, 0);
}

static void exchange(void)
{
    xen_pfn_t in[4], out[1], pfns[4];
    struct xen_memory_exchange x = {
        .in = {.extent_start = {P(in)}, .nr_extents = 4, .domid = DOMID_SELF},
        .out = {.extent_start = {P(out)},
                .nr_extents = 1,
                .extent_order = 2,
                .mem_flags = XENMEMF_address_bits(32),
                .domid = DOMID_SELF},
    };
    long before = pages();

    for (unsigned i = 0; i < 4; i++) {
        pfns[i] = alloc_pfn();
        in[i] = pfn_to_mfn(pfns[i]);
    }
    out[0] = pfns[3]; /* the lowest: four in a row from here */
    EXPECT_EQ(op(XENMEM_exchange, &x), 0);
    EXPECT_EQ(x.nr_exchanged, 4);
    EXPECT(out[0] % 4 == 0 && out[0] < 1UL << 20);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(mfn_to_pfn(out[0] + i), pfns[3] + i);
    }
    EXPECT_EQ(pages(), before);

    x.nr_exchanged = 0;
    in[0] = 0xfffffff;
    EXPECT(op(XENMEM_exchange, &x) < 0);
    x.nr_exchanged = 0;
    x.out.nr_extents = 2; /* more than comes in */
    EXPECT(op(XENMEM_exchange, &x) < 0);
    x.nr_exchanged = 99;
    EXPECT(op(XENMEM_exchange, &x) < 0);
    EXPECT_EQ(pages(), before);
}

static void maps(void)
{
    char buffer[32 * 20];
    struct {
        unsigned int nr;
        guest_ptr_t buffer;
    } map = {.nr = 32, .buffer = {P(buffer)}};
    domid_t self = DOMID_SELF;

    EXPECT_EQ(op(XENMEM_machine_memory_map, &map), 0);
    EXPECT(map.nr >= 2 && map.nr <= 32);
    EXPECT(op(XENMEM_maximum_ram_page, NULL) > 0x1000);
    EXPECT(op(XENMEM_maximum_reservation, &self) >= pages());
    EXPECT(op(XENMEM_maximum_gpfn, &self) >= 0);
}

enum verdict guest_main(void)
{
    EXPECT_EQ(pages(), (long)start_info->nr_pages);
    balloon();
    orders();
    lies();
    exchange();
    maps();
    return SUCCESS;
}
