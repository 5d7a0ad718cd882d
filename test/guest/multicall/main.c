/* SPDX-License-Identifier: MIT */
/*
 * multicall: lists of calls.
 *
 * Why: kernels batch by it, and libraries wrap long memory calls in it, so calls that are
 * continued must go on inside.
 * Right outcome: each entry has its own result; a bad number is that entry's error only; a
 * multicall inside is refused; a list of a thousand entries and one with a call that is preempted
 * complete while a timer fires; bad lists are -EFAULT.
 * Environments: pv
 */
#include <public/memory.h>
#include <public/version.h>
#include "mm.h"
#include "time.h"

static void results(void)
{
    struct multicall_entry m[5] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = 63},
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}},
        {.op = ~0UL},
        {.op = __HYPERVISOR_console_io, .args = {99}},
    };

    EXPECT_EQ(HCALL2(multicall, m, 5), 0);
    EXPECT_EQ(m[0].result >> 16, 4);
    EXPECT_EQ(m[1].result, E_NOSYS);
    EXPECT_EQ(m[2].result, PAGE_SIZE);
    EXPECT_EQ(m[3].result, E_NOSYS);
    EXPECT_EQ(m[4].result, E_NOSYS);
    m[0].op = __HYPERVISOR_multicall;
    m[0].result = 1;
    HCALL2(multicall, m, 1);
    EXPECT((long)m[0].result < 0);
}

static void long_list(void)
{
    struct multicall_entry *m = alloc_page();
    unsigned n = PAGE_SIZE / sizeof(*m);

    for (unsigned i = 0; i < n; i++) {
        m[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .result = 7};
    }
    for (unsigned round = 0; round < 200; round++) {
        EXPECT_EQ(HCALL2(multicall, m, n), 0);
        EXPECT_EQ(m[n - 1].result >> 16, 4);
        m[n - 1].result = 7;
    }
}

/* 4096 frames out and in again: both are continued on the way. */
static void continued(void)
{
    enum { N = 4096 };
    static xen_pfn_t list[N];
    struct xen_memory_reservation r = {
        .extent_start = {P(list)}, .nr_extents = N, .domid = DOMID_SELF};
    struct multicall_entry m[2] = {
        {.op = __HYPERVISOR_memory_op, .args = {XENMEM_decrease_reservation, P(&r)}},
        {.op = __HYPERVISOR_xen_version},
    };
    xen_pfn_t top = start_info->nr_pages - N;

    for (unsigned i = 0; i < N; i++) {
        list[i] = pfn_to_mfn(top + i);
    }
    EXPECT_EQ(HCALL2(multicall, m, 2), 0);
    EXPECT_EQ(m[0].result, N);
    EXPECT_EQ(m[1].result >> 16, 4);
    for (unsigned i = 0; i < N; i++) {
        list[i] = top + i;
    }
    m[0].args[0] = XENMEM_populate_physmap;
    m[0].args[1] = P(&r);
    EXPECT_EQ(HCALL2(multicall, m, 2), 0);
    EXPECT_EQ(m[0].result, N);
    for (unsigned i = 0; i < N; i += 511) {
        EXPECT_EQ(mfn_to_pfn(list[i]), top + i);
    }
}

static void bad_lists(void)
{
    struct multicall_entry *m = (void *)((char *)window(1) - sizeof(*m));

    EXPECT_EQ(HCALL2(multicall, 0x1000, 1), E_FAULT);
    EXPECT_EQ(HCALL2(multicall, 0xffff830000000000, 1), E_FAULT);
    EXPECT_EQ(HCALL2(multicall, NULL, 0), 0);
    NEED(map_at(window(1), 0, 0) == 0);
    *m = (struct multicall_entry){.op = __HYPERVISOR_xen_version};
    EXPECT_EQ(HCALL2(multicall, m, 2), E_FAULT);
    EXPECT_EQ(HCALL2(multicall, m, 0xffffffff), E_FAULT);
}

enum verdict guest_main(void)
{
    results();
    long_list();
    continued();
    bad_lists();
    return SUCCESS;
}
