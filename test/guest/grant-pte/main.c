/* SPDX-License-Identifier: MIT */
/*
 * grant-pte: grants mapped by the machine address of an entry.
 *
 * Why: dom0's grant device maps into programs this way, with bits of its own in the entry.
 * Right outcome: the entry gets the frame and the kernel's bits, unmap clears it; an entry that is
 * not of an L1, or not ours, or not aligned is refused; so is an unmap of another entry; a mapping
 * that the guest has overwritten itself cannot be unmapped there, and nothing leaks.
 * Environments: pv
 */
#include <public/grant_table.h>
#include "mm.h"
#include "traps.h"

#define FLAGS                                                                                      \
    (GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte | (1u << _GNTMAP_guest_avail0))

static struct grant_entry_v1 *table;

static struct gnttab_map_grant_ref map(uint64_t entry, unsigned flags)
{
    struct gnttab_map_grant_ref m = {.host_addr = entry, .flags = flags, .ref = 8, .dom = 0};

    EXPECT_EQ(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1), 0);
    return m;
}

static int unmap(uint32_t handle, uint64_t entry)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = entry, .handle = handle};

    EXPECT_EQ(HCALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1), 0);
    return u.status;
}

enum verdict guest_main(void)
{
    xen_pfn_t frame;
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = {P(&frame)}};
    uint64_t *page = alloc_page(), entry = pte_machine(P(window(1)), 1), v;
    struct gnttab_map_grant_ref m;

    CHECK_EQ(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1), 0);
    table = window(0);
    CHECK_EQ(map_at(table, frame, PTE_KRW), 0);
    NEED(map_at(window(1), 0, 0) == 0);
    page[0] = 0x1234;
    table[8] = (struct grant_entry_v1){
        .flags = GTF_permit_access, .domid = 0, .frame = (uint32_t)virt_to_mfn(page)};

    m = map(entry, FLAGS);
    CHECK_EQ(m.status, GNTST_okay);
    EXPECT(try_read(window(1), &v));
    EXPECT_EQ(v, 0x1234);
    EXPECT_EQ(pte_read(P(window(1)), 1) & (7UL << 9), 1UL << 9);
    EXPECT((pte_read(P(window(1)), 1) & PTE_US) != 0);
    EXPECT(unmap(m.handle, entry + 8) != GNTST_okay);
    EXPECT_EQ(unmap(m.handle, entry), GNTST_okay);
    EXPECT(!try_read(window(1), &v));

    EXPECT(map(entry + 4, FLAGS).status < 0);
    EXPECT(map(pte_machine(P(window(1)), 2), FLAGS).status < 0);    /* an L2 */
    EXPECT(map(virt_to_mfn(page) << PAGE_SHIFT, FLAGS).status < 0); /* no table */
    EXPECT(map(0xfffffff000, FLAGS).status < 0);
    EXPECT_EQ(table[8].flags & (GTF_reading | GTF_writing), 0);

    m = map(entry, FLAGS);
    CHECK_EQ(m.status, GNTST_okay);
    EXPECT_EQ(mmu_update_one(entry, 0), 0); /* overwritten behind its back */
    EXPECT(unmap(m.handle, entry) != GNTST_okay);
    return SUCCESS;
}
