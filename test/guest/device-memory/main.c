/* SPDX-License-Identifier: MIT */
/*
 * device-memory: which frames that are not memory dom0 may map.
 *
 * Why: a device that the hypervisor drives, in dom0's hands, is the hypervisor in dom0's hands.
 * Right outcome: the BIOS area and unused device space map (a frame of DOMID_IO); the local APIC
 * (which is also the MSI window) and addresses beyond the processor's width do not, and the IO-APIC
 * never for writing.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

static long map_io(uint64_t paddr, uint64_t flags)
{
    struct mmu_update u = {
        .ptr = pte_machine(P(window(0)), 1),
        .val = paddr | flags,
    };

    return HCALL4(mmu_update, &u, 1, NULL, DOMID_IO);
}

static void unmap(void)
{
    NEED(map_at(window(0), 0, 0) == 0);
}

enum verdict guest_main(void)
{
    uint64_t v;

    EXPECT_EQ(map_io(0xf0000, PTE_KRO), 0); /* the BIOS */
    EXPECT(try_read(window(0), &v));
    unmap();
    EXPECT_EQ(map_io(0xfe000000, PTE_KRW | 0x10), 0);
    unmap();
    EXPECT(map_io(0xfee00000, PTE_KRW) < 0);
    EXPECT(map_io(0xfee00000, PTE_KRO) < 0);
    /* the IO-APIC: not at all, or without the right to write */
    EXPECT(map_io(0xfec00000, PTE_KRW) < 0 || (pte_read(P(window(0)), 1) & PTE_RW) == 0);
    unmap();
    EXPECT(map_io(1UL << 51, PTE_KRO) < 0);
    EXPECT(map_io(root_mfn() << PAGE_SHIFT, PTE_KRW) < 0); /* not device memory at all */
    EXPECT_EQ(pte_read(P(window(0)), 1) & PTE_P, 0);
    return SUCCESS;
}
