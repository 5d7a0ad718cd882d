/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space and the list of devices that dom0 has announced. A device is named by
 * one number: segment in bits 31-16, bus 15-8, device and function 7-0.
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "core/domain.h"

#define PCI_SBDF(seg, bus, devfn)                                                                  \
    ((uint32_t)(seg) << 16 | ((uint32_t)(bus)&0xff) << 8 | ((uint32_t)(devfn)&0xff))

#define PCI_COMMAND        0x04
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_STATUS         0x06
#define PCI_STATUS_CAPS    0x0010
#define PCI_BAR(n)         (0x10 + 4 * (n))
#define PCI_CAP_LIST       0x34
#define PCI_CAP_MSI        0x05
#define PCI_CAP_MSIX       0x11
#define PCI_CFG_SIZE       256u

struct pci_device {
    struct list_node list;
    uint32_t sbdf;
    uint32_t flags; /* XEN_PCI_DEV_* as announced */
    uint8_t phys_bus, phys_devfn;
    uint8_t msi_cap, msix_cap;     /* offsets, 0: none */
    unsigned nr_msi, nr_msix;      /* messages in use; the device stays listed while there are */
    volatile uint8_t *window;      /* its registers in memory, for segments other than 0 */
    volatile uint32_t *msix_table; /* mapped with the first message, until it is removed */
    void *msix_map;
    unsigned msix_entries;
    mfn_t msix_first, msix_last; /* frames of the table */
};

/* size 1, 2 or 4, aligned; all ones when there is no such register or device. */
uint32_t pci_conf_read(uint32_t sbdf, unsigned reg, unsigned size);
void pci_conf_write(uint32_t sbdf, unsigned reg, unsigned size, uint32_t value);
/* Offset of a capability, 0: none. The walk is bounded, whatever the device says. */
unsigned pci_find_cap(uint32_t sbdf, unsigned id);

/*
 * dom0's access by ports 0xcf8 and 0xcfc (the rights were checked): may it go through? Message
 * registers that the hypervisor programs are not dom0's to write; such writes are dropped.
 */
bool pci_cfg_access_ok(uint32_t sbdf, unsigned reg, unsigned size, bool write);
/* Decode what was written to 0xcf8: false if the enable bit is clear. */
bool pci_cf8_decode(uint32_t cf8, unsigned data_port_offset, uint32_t *sbdf, unsigned *reg);

/* The list: 0 (also when it is there already), -ENODEV (nothing answers there), -ENOMEM. */
int pci_device_add(uint32_t sbdf, uint32_t flags, uint8_t phys_bus, uint8_t phys_devfn);
int pci_device_remove(uint32_t sbdf); /* -ENODEV, -EBUSY while messages are mapped */
/* Use a listed device for one message; it stays until pci_unclaim. NULL: not listed. */
struct pci_device *pci_claim(uint32_t sbdf, bool msix);
void pci_unclaim(struct pci_device *d, bool msix);
/* Announce that a memory window is reserved as the firmware's table says: -ENODEV if unknown. */
int pci_mmcfg_reserved(paddr_t base, uint16_t seg, unsigned bus_start, unsigned bus_end);
/* Frames that even dom0 maps read-only: tables of messages in use, memory windows. */
bool pci_frame_readonly(mfn_t m);
/* dom0's write to such a frame: carried out in memory windows as by ports, else dropped. */
void pci_frame_write(mfn_t m, unsigned offset, unsigned size, uint32_t value);

#endif
