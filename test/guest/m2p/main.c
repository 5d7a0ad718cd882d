/* SPDX-License-Identifier: MIT */
/*
 * m2p: the machine-to-physical table that all PV guests read.
 *
 * Why: kernels translate each page-table entry they read by it; it is one table for all guests.
 * Right outcome: readable from its fixed place, never writable or executable, its size as
 * XENMEM_machphys_mapping says, entries changed only by mmu_update and only for own frames.
 * Environments: pv
 */
#include <public/memory.h>
#include "mm.h"
#include "traps.h"

/* A guest's saver maps the table's own frames, 2 MiB each, as those of DOMID_XEN: to read alone. */
static void own_frames(uint64_t mfn, uint64_t pfn)
{
    xen_pfn_t frames[4];
    struct xen_machphys_mfn_list list = {.max_extents = 4, .extent_start = {P(frames)}};
    uint64_t piece = mfn >> 18, in = mfn & ((1UL << 18) - 1), frame;
    struct mmu_update u;

    EXPECT_EQ(HCALL2(memory_op, XENMEM_machphys_mfn_list, &list), 0);
    EXPECT(list.nr_extents > piece && piece < 4);
    frame = frames[piece] + in / 512;
    EXPECT_EQ(map_at(window(0), 0, 0), 0);
    u.ptr = pte_machine((uint64_t)window(0), 1);
    u.val = frame << PAGE_SHIFT | PTE_KRW;
    EXPECT(HCALL4(mmu_update, &u, 1, NULL, DOMID_XEN) < 0);
    u.val = frame << PAGE_SHIFT | PTE_KRO;
    EXPECT_EQ(HCALL4(mmu_update, &u, 1, NULL, DOMID_XEN), 0);
    EXPECT_EQ(((volatile uint64_t *)window(0))[in % 512], pfn);
    EXPECT_EQ(map_at(window(0), 0, 0), 0);
}

enum verdict guest_main(void)
{
    struct xen_machphys_mapping m;
    uint64_t *p = alloc_page(), mfn = virt_to_mfn(p), v, pfn = virt_to_pfn(p);
    uint64_t *at = (uint64_t *)MACH2PHYS_VIRT_START + mfn;

    EXPECT_EQ(HCALL2(memory_op, XENMEM_machphys_mapping, &m), 0);
    EXPECT_EQ(m.v_start, MACH2PHYS_VIRT_START);
    EXPECT(m.v_end > m.v_start && m.v_end <= MACH2PHYS_VIRT_END);
    EXPECT(m.max_mfn >= mfn);

    EXPECT_EQ(*at, pfn);
    own_frames(mfn, pfn);
    EXPECT(!try_write(at, 1));
    EXPECT_EQ(trapped.entry, 14);
    EXPECT_EQ(trapped.frame.error & 2, 2);
    EXPECT_EQ(*at, pfn);
    EXPECT_EQ(mmu_update_one((mfn << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 0x777), 0);
    EXPECT_EQ(*(volatile uint64_t *)at, 0x777);
    EXPECT_EQ(mmu_update_one((mfn << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, pfn), 0);
    EXPECT_EQ(*(volatile uint64_t *)at, pfn);
    EXPECT(mmu_update_one((0xfffffffUL << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 0) < 0);
    /* behind the hypervisor's first slot: not the guest's business */
    EXPECT(!try_read((void *)0xffff808000000000, &v));
    EXPECT(!try_read((void *)0xffff818000000000, &v));
    EXPECT(!try_read((void *)0xffff820000000000, &v));
    EXPECT(!try_read((void *)0xffff828000000000, &v));
    return SUCCESS;
}
