/* SPDX-License-Identifier: MIT */
/*
 * dom-foreign: a guest that lies to the page-table rules about whose frames are whose.
 *
 * Why: page tables that a guest writes are what keeps guests apart.
 * Right outcome: every frame that is not its own (dom0's, another guest's, free, the hypervisor's,
 * device memory, beyond memory) is refused in an entry of any level, as a root, as a descriptor
 * table and to M2P writes; so are a writable mapping of its own page table, a reserved bit, and a
 * frame of the wrong type. What it has may still be mapped afterwards; dom0's page is as it was.
 * Environments: pv
 */
#include <public/event_channel.h>
#include "child.h"
#include "mm.h"
#include "traps.h"

static struct child child;
static char dom0_page[PAGE_SIZE] __attribute__((aligned(4096)));
static char spot[PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned bad;

static void refused(const char *what, uint64_t mfn, long rc)
{
    if (rc >= 0) {
        print("%s, frame %#lx: %ld instead of an error\n", what, (unsigned long)mfn, rc);
        bad++;
    }
}

/* Everywhere that the call interface takes a frame. */
static void offer(const char *what, uint64_t mfn)
{
    uint64_t pte = mfn << PAGE_SHIFT, va = (uint64_t)spot;
    uint64_t l1 = pte_machine(va, 1), l2 = pte_machine(va, 2), l4 = pte_machine(va, 4);
    uint64_t frames[1] = {mfn};

    refused(what, mfn, HCALL3(update_va_mapping, va, pte | PTE_KRW, UVMF_INVLPG));
    refused(what, mfn, HCALL3(update_va_mapping, va, pte | PTE_KRO, UVMF_INVLPG));
    refused(what, mfn, mmu_update_one(l1, pte | PTE_KRO));
    refused(what, mfn, mmu_update_one(l2, pte | PTE_TAB));
    refused(what, mfn, mmu_update_one(l4 - 8, pte | PTE_TAB));
    refused(what, mfn, mmu_update_one(pte, 0));
    refused(what, mfn, mmu_update_one(pte | MMU_MACHPHYS_UPDATE, 1));
    refused(what, mfn, mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0));
    refused(what, mfn, mmuext(MMUEXT_PIN_L4_TABLE, mfn, 0));
    refused(what, mfn, mmuext(MMUEXT_NEW_BASEPTR, mfn, 0));
    refused(what, mfn, mmuext(MMUEXT_NEW_USER_BASEPTR, mfn, 0));
    refused(what, mfn, mmuext(MMUEXT_CLEAR_PAGE, mfn, 0));
    refused(what, mfn, mmuext(MMUEXT_COPY_PAGE, mfn, virt_to_mfn(spot)));
    refused(what, mfn, HCALL2(set_gdt, frames, 1));
    refused(what, mfn, HCALL2(update_descriptor, pte, 0));
}

/* arg: frames of dom0 (a page, shared_info), the highest frame, a free one, dom0's L1 and L3 */
static enum verdict lies(void)
{
    uint64_t own_l1 = pte_read((uint64_t)spot, 2) >> PAGE_SHIFT & 0xffffffffff;
    uint64_t own = virt_to_mfn(spot), value;

    offer("dom0's", comm->arg[0]);
    offer("dom0's shared_info", comm->arg[1]);
    offer("dom0's table of level 1", comm->arg[4]);
    offer("dom0's table of level 3", comm->arg[5]);
    offer("below 1 MiB", 1);
    offer("the hypervisor's", 0x100);
    offer("a free frame", comm->arg[3]);
    offer("beyond memory", comm->arg[2] + 0x1000);
    offer("far beyond memory", 0xfffffffff);
    offer("the local APIC", 0xfee00);
    offer("a PCI hole", 0xfebff);

    /* its own, in ways that are not allowed */
    refused("own table writable", own_l1,
            HCALL3(update_va_mapping, spot, own_l1 << PAGE_SHIFT | PTE_KRW, UVMF_INVLPG));
    refused("a page with data as a table", own, mmuext(MMUEXT_PIN_L2_TABLE, own, 0));
    refused("a table of level 1 as one of level 2", own_l1,
            mmu_update_one(pte_machine((uint64_t)spot, 3), own_l1 << PAGE_SHIFT | PTE_TAB));
    refused("reserved bits", own,
            HCALL3(update_va_mapping, spot, own << PAGE_SHIFT | PTE_KRW | 1UL << 51, UVMF_INVLPG));
    refused(
        "a superpage", own_l1,
        mmu_update_one(pte_machine((uint64_t)spot, 2), own_l1 << PAGE_SHIFT | PTE_TAB | PTE_PS));
    refused("M2P by address", 0,
            HCALL3(update_va_mapping, MACH2PHYS_VIRT_START, own << PAGE_SHIFT | PTE_KRW, 0));
    CHECK(!try_write((void *)MACH2PHYS_VIRT_START, 0));
    CHECK(!try_read((void *)(MACH2PHYS_VIRT_END), &value));
    CHECK(!try_write((void *)(HYPERVISOR_VIRT_END - 4096), 0));
    CHECK(!try_read((void *)(HYPERVISOR_VIRT_END - 4096), &value));
    refused("a slot of the hypervisor", 256, mmu_update_one((root_mfn() << 12) + 256 * 8, 0));

    CHECK_EQ(HCALL3(update_va_mapping, spot, own << PAGE_SHIFT | PTE_KRW, UVMF_INVLPG), 0);
    spot[0] = 1;
    return bad == 0 ? SUCCESS : FAILURE;
}

enum verdict guest_main(void)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    uint64_t pfn = alloc_pfn(), given = pfn_to_mfn(pfn);

    memset(dom0_page, 0x5a, sizeof(dom0_page));
    r.extent_start = GP(&given);
    child_build(&child, lies, 0, 1);
    child.comm->arg[3] = given;
    CHECK_EQ(HCALL2(memory_op, XENMEM_decrease_reservation, &r), 1);
    child.comm->arg[0] = virt_to_mfn(dom0_page);
    child.comm->arg[1] = start_info->shared_info >> PAGE_SHIFT;
    child.comm->arg[4] = pte_read((uint64_t)spot, 2) >> PAGE_SHIFT & 0xffffffffff;
    child.comm->arg[5] = pte_read((uint64_t)spot, 4) >> PAGE_SHIFT & 0xffffffffff;
    child.comm->arg[2] = (uint64_t)HCALL2(memory_op, XENMEM_maximum_ram_page, NULL);
    child_run(&child);
    child_expect_success(&child, 5000);
    CHECK_EQ(child_destroy(&child), 0);
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        CHECK_EQ(dom0_page[i], 0x5a);
    }
    return SUCCESS;
}
