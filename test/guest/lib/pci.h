/* SPDX-License-Identifier: MIT */
/*
 * PCI devices for a tiny PV kernel in dom0's place: configuration by ports, registers through a
 * window, interrupts through pirqs and event channels.
 *
 * The edu device of QEMU (docs/specs/edu.rst) raises an interrupt when it is told to: MSI when
 * that is enabled, else its pin, a level that stays until it is acknowledged.
 */
#ifndef PCI_H
#define PCI_H

#include <public/event_channel.h>
#include <public/physdev.h>
#include "mm.h"

#define DEVFN(slot)   ((unsigned)(slot) << 3)
#define EDU_SLOT      5 /* `-device edu,addr=5` */
#define EDU_ID        0x11e81234
#define EDU_STATUS    (0x24 / 4)
#define EDU_RAISE     (0x60 / 4)
#define EDU_ACK       (0x64 / 4)
#define PTE_DEVICE    (PTE_KRW | 0x10)
#define PCI_CMD       0x04
#define PCI_CMD_ON    0x06 /* memory, bus master */
#define PCI_CMD_NOPIN 0x400

static inline void pci_select(unsigned devfn, unsigned reg)
{
    __asm__ volatile("outl %0, %w1" : : "a"(0x80000000 | devfn << 8 | (reg & 0xfc)), "d"(0xcf8));
}

static inline uint32_t pci_read(unsigned devfn, unsigned reg)
{
    uint32_t v;

    pci_select(devfn, reg);
    __asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(0xcfc));
    return v;
}

static inline void pci_write16(unsigned devfn, unsigned reg, uint16_t v)
{
    pci_select(devfn, reg);
    __asm__ volatile("outw %0, %w1" : : "a"(v), "d"(0xcfc + (reg & 2)));
}

static inline unsigned pci_cap(unsigned devfn, unsigned id)
{
    unsigned at = pci_read(devfn, 0x34) & 0xfc;

    for (unsigned i = 0; i < 48 && at != 0; i++) {
        uint32_t head = pci_read(devfn, at);

        if ((head & 0xff) == id) {
            return at;
        }
        at = head >> 8 & 0xfc;
    }
    return 0;
}

/* Announced, switched on, ports allowed: the device answers. */
static inline void pci_start(unsigned devfn, uint32_t id)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    struct physdev_pci_device_add add = {.devfn = (uint8_t)devfn};

    NEED(HCALL2(physdev_op, PHYSDEVOP_set_iopl, &iopl) == 0);
    CHECK_EQ(pci_read(devfn, 0), id);
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_pci_device_add, &add), 0);
    pci_write16(devfn, PCI_CMD, PCI_CMD_ON);
}

static inline long map_device(void *va, uint64_t paddr, uint64_t flags)
{
    struct mmu_update u = {.ptr = pte_machine(P(va), 1), .val = paddr | flags};
    long rc = HCALL4(mmu_update, &u, 1, NULL, DOMID_IO);

    NEED(mmuext(MMUEXT_INVLPG_LOCAL, P(va), 0) == 0);
    return rc;
}

/* The memory range n of a device. */
static inline uint64_t pci_bar(unsigned devfn, unsigned n)
{
    uint32_t low = pci_read(devfn, 0x10 + 4 * n);
    uint64_t high = (low & 4) != 0 ? pci_read(devfn, 0x14 + 4 * n) : 0;

    NEED((low & 1) == 0 && (low & ~15u) != 0);
    return high << 32 | (low & ~15u);
}

static inline volatile uint32_t *pci_registers(unsigned devfn, unsigned n, unsigned win)
{
    CHECK_EQ(map_device(window(win), pci_bar(devfn, n), PTE_DEVICE), 0);
    return window(win);
}

static inline long pirq_bind_port(int pirq, unsigned flags, evtchn_port_t *port)
{
    struct evtchn_bind_pirq b = {.pirq = (uint32_t)pirq, .flags = flags};
    long rc = HCALL2(event_channel_op, EVTCHNOP_bind_pirq, &b);

    *port = b.port;
    return rc;
}

static inline long pirq_close(evtchn_port_t port, int pirq)
{
    struct evtchn_close c = {.port = port};
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF, .pirq = pirq};

    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_close, &c), 0);
    return HCALL2(physdev_op, PHYSDEVOP_unmap_pirq, &u);
}

#endif
