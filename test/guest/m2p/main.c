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
