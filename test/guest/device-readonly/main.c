/* SPDX-License-Identifier: MIT */
/*
 * device-readonly: pages of devices that even dom0 gets read-only.
 *
 * Why: who writes an MSI-X table sends interrupts where he likes, so it is the hypervisor's while
 * messages are in use; dom0's drivers map it writable all the same. Configuration space in memory
 * (MMCFG) is another way to the registers that the hypervisor keeps.
 * Right outcome: both map as asked, without the write bit; they can be read; a write to the table
 * does nothing and does not fault; a write to MMCFG arrives as one by ports does; an announcement
 * of an MMCFG area that the firmware does not have is refused.
 * Environments: pv
 * Boot: -- -device edu,addr=5 -device e1000e,addr=6
 */
#include "pci.h"
#include "traps.h"

#define NIC_SLOT 6
#define NIC_ID   0x10d38086

static void table(void)
{
    unsigned devfn = DEVFN(NIC_SLOT), cap, where;
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_MSI,
                                 .index = -1,
                                 .pirq = -1,
                                 .devfn = (int)devfn};
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF};
    uint64_t *slots = window(2), before;

    pci_start(devfn, NIC_ID);
    cap = pci_cap(devfn, 0x11);
    NEED(cap != 0);
    where = pci_read(devfn, cap + 4);
    m.table_base = pci_bar(devfn, where & 7);
    pci_write16(devfn, cap + 2, 0x8000);
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_map_pirq, &m), 0);
    CHECK_EQ(map_device(slots, m.table_base + (where & ~7u), PTE_DEVICE), 0);
    EXPECT_EQ(pte_read(P(slots), 1) & (PTE_P | PTE_RW), PTE_P);
    CHECK(try_read(&slots[0], &before));
    EXPECT(try_write(&slots[0], 0xfee0dead));
    EXPECT(try_write(&slots[2], 0));
    EXPECT_EQ(slots[0], before);
    EXPECT_EQ(trapped.entry, -1);
    u.pirq = m.pirq;
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_unmap_pirq, &u), 0);
}

static void announce(uint64_t base)
{
    struct physdev_pci_mmcfg_reserved r = {.address = base, .end_bus = 255, .flags = 1};

    EXPECT_EQ(HCALL2(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, &r), 0);
    r.address = base + (1UL << 30);
    EXPECT(HCALL2(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, &r) < 0);
}

static void mmcfg(void)
{
    unsigned devfn = DEVFN(EDU_SLOT);
    volatile uint32_t *conf = window(3);
    uint64_t base;

    pci_start(devfn, EDU_ID);
    base = pci_read(0, 0x60) & 0xf0000000; /* PCIEXBAR of a Q35 */
    NEED(base != 0);
    announce(base);
    CHECK_EQ(map_device((void *)conf, base + (devfn << 12), PTE_DEVICE), 0);
    EXPECT_EQ(pte_read(P(conf), 1) & (PTE_P | PTE_RW), PTE_P);
    EXPECT_EQ(conf[0], EDU_ID);
    EXPECT_EQ(conf[PCI_CMD / 4] & 0xffff, PCI_CMD_ON);
    *(volatile uint16_t *)&conf[PCI_CMD / 4] = PCI_CMD_ON | PCI_CMD_NOPIN;
    EXPECT_EQ(pci_read(devfn, PCI_CMD) & 0xffff, PCI_CMD_ON | PCI_CMD_NOPIN);
    EXPECT_EQ(conf[PCI_CMD / 4] & 0xffff, PCI_CMD_ON | PCI_CMD_NOPIN);
    *(volatile uint8_t *)&conf[0x3c / 4] = 0x5a;
    EXPECT_EQ(pci_read(devfn, 0x3c) & 0xff, 0x5a);
    conf[0x400 / 4] = 1; /* extended space: this device has none */
    pci_write16(devfn, PCI_CMD, PCI_CMD_ON);
    EXPECT_EQ(conf[PCI_CMD / 4] & 0xffff, PCI_CMD_ON);
}

enum verdict guest_main(void)
{
    table();
    mmcfg();
    return SUCCESS;
}
