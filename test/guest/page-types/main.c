/* SPDX-License-Identifier: MIT */
/*
 * page-types: a guest that lies to the page-table rules.
 *
 * Why: these rules alone keep a guest to its own memory.
 * Right outcome: each lie is refused and changes nothing: a page table mapped writable, a table
 * pinned while writable, a foreign frame, a frame beyond memory, reserved bits, large pages, the
 * hypervisor's slots, a table of the wrong level, a linear table, a pin that is not there. What is
 * allowed works: pin and unpin, read-only mappings of tables, changing flags.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

static void writable_tables(void)
{
    uint64_t l1 = pte_machine(P(window(0)), 1) >> PAGE_SHIFT;
    uint64_t *own = alloc_page();

    EXPECT_EQ(map_at(window(0), l1, PTE_KRO), 0);
    EXPECT(map_at(window(0), l1, PTE_KRW) < 0);
    EXPECT_EQ(pte_read(P(window(0)), 1) & PTE_RW, 0);
    EXPECT(map_at(window(0), root_mfn(), PTE_KRW) < 0);
    EXPECT_EQ(map_at(window(0), root_mfn(), PTE_KRO), 0);
    /* the other way round: a page that is mapped writable cannot become a table */
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(own), 0) < 0);
    EXPECT_EQ(set_readonly(own), 0);
    EXPECT_EQ(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(own), 0), 0);
    EXPECT(set_writable(own) < 0);
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(own), 0) < 0); /* twice */
    EXPECT(mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(own), 0) < 0); /* another level */
    EXPECT_EQ(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(own), 0), 0);
    EXPECT(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(own), 0) < 0);
    EXPECT_EQ(set_writable(own), 0);
}

static void other_frames(void)
{
    uint64_t before = pte_read(P(window(1)), 1);

    EXPECT(map_at(window(1), 0xfffffffff, PTE_KRO) < 0);  /* beyond what a processor has */
    EXPECT(map_at(window(1), 0xffffffffff, PTE_KRO) < 0); /* all address bits */
    EXPECT_EQ(pte_read(P(window(1)), 1), before);
}

/* A frame of somebody else's: the hypervisor's own, found below its first free one. */
static void foreign_frame(void)
{
    uint64_t value, refused = 0;

    for (uint64_t mfn = 0x100; mfn < 0x20000; mfn++) {
        uint64_t pfn = ((const uint64_t *)MACH2PHYS_VIRT_START)[mfn];
        long rc;

        if (pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn) {
            continue;
        }
        if (mfn == start_info->shared_info >> PAGE_SHIFT) {
            continue;
        }
        rc = map_at(window(1), mfn, PTE_KRO);
        if (rc == 0) {
            print("frame %#lx is not ours, and was mapped\n", mfn);
            failures++;
            return;
        }
        if (++refused == 64) {
            break;
        }
    }
    EXPECT(refused > 0);
    (void)value;
}

static void upper_levels(void)
{
    uint64_t va = P(window(0));
    uint64_t l2e = pte_machine(va, 2), old2 = pte_read(va, 2);
    uint64_t l4e = pte_machine(0, 4), l3e = pte_machine(va, 3), old3 = pte_read(va, 3);
    uint64_t *t = alloc_page();
    uint64_t free2 = (l2e & ~0xfffUL) + 511 * 8, bad[] = {PTE_PS, 1UL << 51};

    EXPECT(mmu_update_one(free2, (virt_to_mfn(t) << PAGE_SHIFT) | PTE_TAB) < 0); /* writable */
    NEED(set_readonly(t) == 0);
    EXPECT_EQ(mmu_update_one(free2, (virt_to_mfn(t) << PAGE_SHIFT) | PTE_TAB), 0);
    EXPECT(set_writable(t) < 0);
    EXPECT_EQ(mmu_update_one(free2, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT(mmu_update_one(free2, (virt_to_mfn(t) << PAGE_SHIFT) | PTE_TAB | bad[i]) < 0);
    }
    /* wrong level: an L1 that is in use as such cannot be an L2, nor an L4 an L3 (linear) */
    EXPECT(mmu_update_one(l3e, (old2 & PTE_ADDR) | PTE_TAB) < 0);
    EXPECT(mmu_update_one(free2, (old3 & PTE_ADDR) | PTE_TAB) < 0);
    EXPECT(mmu_update_one(free2, (root_mfn() << PAGE_SHIFT) | PTE_TAB) < 0);
    /* the hypervisor's slots */
    for (unsigned slot = 256; slot < 272; slot++) {
        uint64_t at = (l4e & ~0xfffUL) + slot * 8;

        EXPECT(mmu_update_one(at, (virt_to_mfn(t) << PAGE_SHIFT) | PTE_TAB) < 0);
    }
    EXPECT_EQ(pte_read(va, 2) & PTE_ADDR, old2 & PTE_ADDR);
    EXPECT_EQ(pte_read(va, 3) & PTE_ADDR, old3 & PTE_ADDR);
    EXPECT_EQ(set_writable(t), 0);
}

static void pins_with_lies(void)
{
    uint64_t *l1 = alloc_page(), *l2 = alloc_page();

    l1[0] = (root_mfn() << PAGE_SHIFT) | PTE_KRW; /* would make the root writable */
    NEED(set_readonly(l1) == 0);
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1), 0) < 0);
    EXPECT_EQ(set_writable(l1), 0);
    l1[0] = (virt_to_mfn(l1) << PAGE_SHIFT) | PTE_KRW; /* itself */
    NEED(set_readonly(l1) == 0);
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1), 0) < 0);
    l2[0] = (virt_to_mfn(l2) << PAGE_SHIFT) | PTE_TAB;
    NEED(set_readonly(l2) == 0);
    EXPECT(mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2), 0) < 0);
    EXPECT(mmuext(MMUEXT_PIN_L4_TABLE, 0xfffffff, 0) < 0);
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(l2), 0) < 0 ||
           mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0) != 0);
    EXPECT(mmuext(MMUEXT_UNPIN_TABLE, 0xfffffff, 0) < 0);
    EXPECT_EQ(mmuext(99, 0, 0), E_NOSYS);
    EXPECT_EQ(set_writable(l1), 0);
    EXPECT_EQ(set_writable(l2), 0);
}

static void flags(void)
{
    char *p = alloc_page();
    uint64_t at = pte_machine(P(p), 1), pte = pte_read(P(p), 1);

    NEED((p[0] = 1) == 1);
    EXPECT_EQ(mmu_update_one(at, pte & ~(PTE_A | PTE_D)), 0);
    EXPECT_EQ(mmuext(MMUEXT_INVLPG_LOCAL, P(p), 0), 0);
    EXPECT_EQ(*(volatile char *)p, 1);
    EXPECT((pte_read(P(p), 1) & PTE_A) != 0);
    EXPECT_EQ(mmu_update_one(at | MMU_PT_UPDATE_PRESERVE_AD, pte & ~(PTE_A | PTE_D)), 0);
    EXPECT((pte_read(P(p), 1) & PTE_A) != 0);
    EXPECT((pte_read(P(p), 1) & PTE_US) != 0);
    EXPECT_EQ(mmu_update_one(at, 0), 0);
    EXPECT_EQ(pte_read(P(p), 1), 0);
    EXPECT_EQ(mmu_update_one(at, pte), 0);
    EXPECT(HCALL3(update_va_mapping, 0xffff830000000000, pte, 0) < 0);
    EXPECT(HCALL3(update_va_mapping, 0x10000000000, pte, 0) < 0); /* no table there */
}

enum verdict guest_main(void)
{
    writable_tables();
    other_frames();
    foreign_frame();
    upper_levels();
    pins_with_lies();
    flags();
    return SUCCESS;
}
