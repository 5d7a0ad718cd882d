/* SPDX-License-Identifier: MIT */
/*
 * Access to the first 256 bytes of PCI configuration space, where all is that the hypervisor
 * needs: by ports 0xcf8 and 0xcfc in segment 0, by the memory window (MCFG) elsewhere. dom0's
 * kernel drives the devices; the hypervisor programs only their messages (x86/irq/msi.c) and
 * keeps dom0's accesses by ports apart from its own.
 */
#include "x86/dev/pci.h"
#include <public/physdev.h>
#include "core/errno.h"
#include "core/spinlock.h"
#include "x86/boot/acpi.h"
#include "x86/cpu/cpu.h"
#include "x86/mm/map.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define CF8_ENABLE   0x80000000u
#define MAX_CAPS     48 /* 192 bytes behind the header hold no more */

static struct spinlock pci_lock = SPINLOCK(RANK_PCI); /* the ports, and the list */
static LIST_HEAD(devices);

static void port_select(uint32_t sbdf, unsigned reg)
{
    outl(PORT_ADDRESS, CF8_ENABLE | (sbdf & 0xffff) << 8 | (reg & 0xfc));
}

static uint32_t port_read(uint32_t sbdf, unsigned reg, unsigned size)
{
    uint16_t port = (uint16_t)(PORT_DATA + (reg & 3));

    port_select(sbdf, reg);
    return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void port_write(uint32_t sbdf, unsigned reg, unsigned size, uint32_t value)
{
    uint16_t port = (uint16_t)(PORT_DATA + (reg & 3));

    port_select(sbdf, reg);
    if (size == 1) {
        outb(port, (uint8_t)value);
    } else if (size == 2) {
        outw(port, (uint16_t)value);
    } else {
        outl(port, value);
    }
}

/* The frame of the memory window that holds a function's registers. */
static mfn_t window_frame(const struct acpi_mcfg_area *a, uint32_t sbdf)
{
    return paddr_to_mfn(a->base + ((paddr_t)(sbdf & 0xffff) << 12));
}

/* The page of the memory window that holds a function's registers; NULL: none. */
static void *map_window(uint32_t sbdf)
{
    unsigned bus = sbdf >> 8 & 0xff;

    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        const struct acpi_mcfg_area *a = &acpi_info.mcfg[i];

        if (a->segment == sbdf >> 16 && bus >= a->bus_start && bus <= a->bus_end) {
            return vmap_range(window_frame(a, sbdf), 1, PTE_HV_UC);
        }
    }
    return NULL;
}

/* The function whose registers lie in this frame. */
static bool frame_is_window(mfn_t m, uint32_t *sbdf)
{
    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        const struct acpi_mcfg_area *a = &acpi_info.mcfg[i];
        uint64_t first = window_frame(a, (uint32_t)a->bus_start << 8).v;

        if (m.v >= first && m.v <= window_frame(a, (uint32_t)a->bus_end << 8 | 0xff).v) {
            *sbdf = PCI_SBDF(a->segment, a->bus_start, 0) + (uint32_t)(m.v - first);
            return true;
        }
    }
    return false;
}

static uint32_t window_read(volatile uint8_t *w, unsigned reg, unsigned size)
{
    return size == 1   ? w[reg]
           : size == 2 ? *(volatile uint16_t *)(w + reg)
                       : *(volatile uint32_t *)(w + reg);
}

static void window_write(volatile uint8_t *w, unsigned reg, unsigned size, uint32_t value)
{
    if (size == 1) {
        w[reg] = (uint8_t)value;
    } else if (size == 2) {
        *(volatile uint16_t *)(w + reg) = (uint16_t)value;
    } else {
        *(volatile uint32_t *)(w + reg) = value;
    }
}

static struct pci_device *find_locked(uint32_t sbdf)
{
    struct pci_device *d;

    list_for_each_entry(d, &devices, list) {
        if (d->sbdf == sbdf) {
            return d;
        }
    }
    return NULL;
}

static bool aligned(unsigned reg, unsigned size)
{
    return (size == 1 || size == 2 || size == 4) && reg % size == 0;
}

static bool shape_ok(unsigned reg, unsigned size)
{
    return aligned(reg, size) && reg < PCI_CFG_SIZE;
}

uint32_t pci_conf_read(uint32_t sbdf, unsigned reg, unsigned size)
{
    unsigned long flags;
    uint32_t v = 0xffffffff;

    if (!shape_ok(reg, size)) {
        return v;
    }
    flags = spin_lock_irqsave(&pci_lock);
    if (sbdf >> 16 == 0) {
        v = port_read(sbdf, reg, size);
    } else {
        struct pci_device *d = find_locked(sbdf);

        if (d != NULL && d->window != NULL) {
            v = window_read(d->window, reg, size);
        }
    }
    spin_unlock_irqrestore(&pci_lock, flags);
    return v;
}

void pci_conf_write(uint32_t sbdf, unsigned reg, unsigned size, uint32_t value)
{
    unsigned long flags;

    if (!shape_ok(reg, size)) {
        return;
    }
    flags = spin_lock_irqsave(&pci_lock);
    if (sbdf >> 16 == 0) {
        port_write(sbdf, reg, size, value);
    } else {
        struct pci_device *d = find_locked(sbdf);

        if (d != NULL && d->window != NULL) {
            window_write(d->window, reg, size, value);
        }
    }
    spin_unlock_irqrestore(&pci_lock, flags);
}

unsigned pci_find_cap(uint32_t sbdf, unsigned id)
{
    unsigned pos;

    if ((pci_conf_read(sbdf, PCI_STATUS, 2) & PCI_STATUS_CAPS) == 0) {
        return 0;
    }
    pos = pci_conf_read(sbdf, PCI_CAP_LIST, 1) & 0xfc;
    for (unsigned i = 0; i < MAX_CAPS && pos >= 0x40; i++) {
        uint32_t head = pci_conf_read(sbdf, pos, 2);

        if ((head & 0xff) == id) {
            return pos;
        }
        if ((head & 0xff) == 0xff) {
            return 0;
        }
        pos = head >> 8 & 0xfc;
    }
    return 0;
}

/* --- dom0's own accesses ---------------------------------------------------------------------- */

bool pci_cf8_decode(uint32_t cf8, unsigned data_port_offset, uint32_t *sbdf, unsigned *reg)
{
    if ((cf8 & CF8_ENABLE) == 0) {
        return false;
    }
    *sbdf = cf8 >> 8 & 0xffff;
    *reg = (cf8 & 0xfc) | (data_port_offset & 3);
    return true;
}

/* Address, data and mask bits of the MSI capability; its control word stays dom0's. */
static bool overlaps_message(const struct pci_device *d, unsigned reg, unsigned size)
{
    unsigned start = d->msi_cap + 4u, end = d->msi_cap + 0x18u;

    return d->msi_cap != 0 && d->nr_msi != 0 && reg < end && reg + size > start;
}

bool pci_cfg_access_ok(uint32_t sbdf, unsigned reg, unsigned size, bool write)
{
    const struct pci_device *d;
    unsigned long flags;
    bool ok = shape_ok(reg, size);

    if (ok && write) {
        flags = spin_lock_irqsave(&pci_lock);
        d = find_locked(sbdf);
        ok = d == NULL || !overlaps_message(d, reg, size);
        spin_unlock_irqrestore(&pci_lock, flags);
    }
    return ok;
}

void pci_frame_write(mfn_t m, unsigned offset, unsigned size, uint32_t value)
{
    uint32_t sbdf;
    void *w;

    if (!frame_is_window(m, &sbdf) || !aligned(offset, size) ||
        (offset < PCI_CFG_SIZE && !pci_cfg_access_ok(sbdf, offset, size, true))) {
        return;
    }
    w = vmap_range(m, 1, PTE_HV_UC);
    if (w != NULL) {
        window_write(w, offset, size, value);
        vunmap(w);
    }
}

/* --- the list --------------------------------------------------------------------------------- */

struct pci_device *pci_claim(uint32_t sbdf, bool msix)
{
    unsigned long flags = spin_lock_irqsave(&pci_lock);
    struct pci_device *d = find_locked(sbdf);

    if (d != NULL) {
        *(msix ? &d->nr_msix : &d->nr_msi) += 1;
    }
    spin_unlock_irqrestore(&pci_lock, flags);
    return d;
}

void pci_unclaim(struct pci_device *d, bool msix)
{
    unsigned long flags = spin_lock_irqsave(&pci_lock);

    *(msix ? &d->nr_msix : &d->nr_msi) -= 1;
    spin_unlock_irqrestore(&pci_lock, flags);
}

static void free_device(struct pci_device *d)
{
    if (d->msix_map != NULL) {
        vunmap(d->msix_map);
    }
    if (d->window != NULL) {
        vunmap((void *)d->window);
    }
    heap_free(d);
}

int pci_device_add(uint32_t sbdf, uint32_t dev_flags, uint8_t phys_bus, uint8_t phys_devfn)
{
    struct pci_device *d = heap_alloc(sizeof(*d));
    unsigned long flags;
    bool known;

    if (d == NULL) {
        return -ENOMEM;
    }
    *d = (struct pci_device){.sbdf = sbdf, .flags = dev_flags, .phys_bus = phys_bus};
    d->phys_devfn = phys_devfn;
    d->msix_first = d->msix_last = INVALID_MFN;
    if (sbdf >> 16 != 0) {
        d->window = map_window(sbdf);
    }
    flags = spin_lock_irqsave(&pci_lock);
    known = find_locked(sbdf) != NULL;
    if (!known) {
        list_add_tail(&devices, &d->list);
    }
    spin_unlock_irqrestore(&pci_lock, flags);
    if (known) {
        free_device(d);
        return 0;
    }
    /* virtual functions show no vendor of their own */
    if ((dev_flags & XEN_PCI_DEV_VIRTFN) == 0 && pci_conf_read(sbdf, 0, 2) == 0xffff) {
        pci_device_remove(sbdf);
        return -ENODEV;
    }
    d->msi_cap = (uint8_t)pci_find_cap(sbdf, PCI_CAP_MSI);
    d->msix_cap = (uint8_t)pci_find_cap(sbdf, PCI_CAP_MSIX);
    return 0;
}

int pci_device_remove(uint32_t sbdf)
{
    unsigned long flags = spin_lock_irqsave(&pci_lock);
    struct pci_device *d = find_locked(sbdf);
    int rc = d == NULL ? -ENODEV : d->nr_msi + d->nr_msix != 0 ? -EBUSY : 0;

    if (rc == 0) {
        list_del(&d->list);
    }
    spin_unlock_irqrestore(&pci_lock, flags);
    if (rc == 0) {
        free_device(d);
    }
    return rc;
}

int pci_mmcfg_reserved(paddr_t base, uint16_t seg, unsigned bus_start, unsigned bus_end)
{
    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        const struct acpi_mcfg_area *a = &acpi_info.mcfg[i];

        if (a->base == base && a->segment == seg && a->bus_start == bus_start &&
            a->bus_end >= bus_end) {
            return 0;
        }
    }
    return -ENODEV;
}

bool pci_frame_readonly(mfn_t m)
{
    const struct pci_device *d;
    unsigned long flags;
    bool found = false;
    uint32_t sbdf;

    if (frame_is_window(m, &sbdf)) {
        return true;
    }
    flags = spin_lock_irqsave(&pci_lock);
    list_for_each_entry(d, &devices, list) {
        if (d->nr_msix != 0 && m.v >= d->msix_first.v && m.v <= d->msix_last.v) {
            found = true;
            break;
        }
    }
    spin_unlock_irqrestore(&pci_lock, flags);
    return found;
}
