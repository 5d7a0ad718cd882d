/* SPDX-License-Identifier: MIT */
/*
 * Messages (PCI 3.0, 6.8). A message is a write of `data` to `address`; the address names the
 * processor, the data the vector. MSI keeps them in configuration space, MSI-X in a table in one
 * of the device's memory ranges, which is mapped here with the first message. The table's place
 * is read from the device, not taken from the caller.
 *
 * A message is moved to another processor only while it is masked, so that no half-written one
 * is sent; MSI without mask bits stays where it began.
 */
#include "x86/irq/msi.h"
#include "core/errno.h"
#include "core/page.h"
#include "x86/dev/pci.h"
#include "x86/irq/irq_desc.h"
#include "x86/irq/lapic.h"
#include "x86/irq/vector.h"
#include "x86/mm/map.h"

#define MSI_CONTROL     2
#define MSI_ADDRESS     4
#define CONTROL_MME     0x0070 /* messages enabled, log 2 */
#define CONTROL_64      0x0080
#define CONTROL_MASK    0x0100
#define MSIX_TABLE      4
#define MSIX_SIZE_MASK  0x07ff
#define MSIX_BIR        7u
#define SLOT_BYTES      16u
#define SLOT_CONTROL    3 /* word of a table slot; bit 0 masks */
#define BAR_IO          1u
#define BAR_64          4u
#define MESSAGE_ADDRESS 0xfee00000u

struct msi_message {
    struct list_node list;
    struct pci_device *dev;
    unsigned irq;
    unsigned entry;
    bool msix, is_64, maskable;
    volatile uint32_t *slot; /* MSI-X */
};

static struct spinlock msi_lock = SPINLOCK(RANK_PIRQ); /* the list */
static LIST_HEAD(messages);

/* --- the chip --------------------------------------------------------------------------------- */

static unsigned data_reg(const struct msi_message *m)
{
    return m->dev->msi_cap + (m->is_64 ? 0xcu : 8u);
}

static void set_mask(struct irq_desc *desc, bool masked)
{
    const struct msi_message *m = desc->msi;

    if (m->msix) {
        uint32_t control = m->slot[SLOT_CONTROL];

        m->slot[SLOT_CONTROL] = masked ? control | 1 : control & ~1u;
        (void)m->slot[SLOT_CONTROL]; /* the write has arrived */
    } else if (m->maskable) {
        unsigned reg = data_reg(m) + 4;
        uint32_t bits = pci_conf_read(m->dev->sbdf, reg, 4);

        pci_conf_write(m->dev->sbdf, reg, 4, masked ? bits | 1 : bits & ~1u);
    }
    desc->masked = masked;
}

static void msi_mask(struct irq_desc *desc)
{
    set_mask(desc, true);
}

static void msi_unmask(struct irq_desc *desc)
{
    set_mask(desc, false);
}

static bool msi_program(struct irq_desc *desc)
{
    const struct msi_message *m = desc->msi;
    uint32_t address = MESSAGE_ADDRESS | lapic_id_of_cpu(desc->cpu) << 12;

    if (m->msix) {
        m->slot[0] = address;
        m->slot[1] = 0;
        m->slot[2] = desc->vector;
    } else {
        pci_conf_write(m->dev->sbdf, m->dev->msi_cap + MSI_ADDRESS, 4, address);
        if (m->is_64) {
            pci_conf_write(m->dev->sbdf, m->dev->msi_cap + MSI_ADDRESS + 4u, 4, 0);
        }
        pci_conf_write(m->dev->sbdf, data_reg(m), 2, desc->vector);
    }
    return true;
}

static bool msi_movable(const struct irq_desc *desc)
{
    return desc->msi->msix || desc->msi->maskable;
}

static const struct irq_chip msi_chip = {
    .name = "MSI",
    .mask = msi_mask,
    .unmask = msi_unmask,
    .program = msi_program,
    .movable = msi_movable,
};

/* --- finding the table ------------------------------------------------------------------------ */

static paddr_t read_bar(uint32_t sbdf, unsigned n)
{
    uint32_t low = pci_conf_read(sbdf, PCI_BAR(n), 4), high = 0;

    if ((low & BAR_IO) != 0 || n > 5) {
        return 0;
    }
    if ((low & BAR_64) != 0) {
        if (n > 4) {
            return 0;
        }
        high = pci_conf_read(sbdf, PCI_BAR(n + 1), 4);
    }
    return (paddr_t)high << 32 | (low & ~15u);
}

static bool frames_are_device(mfn_t first, mfn_t last)
{
    for (mfn_t m = first; m.v <= last.v; m.v++) {
        if (mfn_is_ram(m) || mfn_forbidden_for_dom0(m)) {
            return false;
        }
    }
    return true;
}

static int map_table(struct pci_device *d)
{
    uint32_t where = pci_conf_read(d->sbdf, d->msix_cap + MSIX_TABLE, 4);
    unsigned entries = (pci_conf_read(d->sbdf, d->msix_cap + MSI_CONTROL, 2) & MSIX_SIZE_MASK) + 1;
    paddr_t bar = read_bar(d->sbdf, where & MSIX_BIR), table = bar + (where & ~MSIX_BIR);
    mfn_t first = paddr_to_mfn(table), last = paddr_to_mfn(table + entries * SLOT_BYTES - 1);
    void *map, *none = NULL;

    if (bar == 0 || (pci_conf_read(d->sbdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) == 0) {
        return -ENXIO;
    }
    if (!frames_are_device(first, last)) {
        return -EPERM;
    }
    if (d->msix_map != NULL && mfn_eq(d->msix_first, first) && d->msix_entries == entries) {
        return 0;
    }
    if (d->msix_map != NULL) {
        return -EBUSY; /* the device was moved: it must be removed and announced again */
    }
    map = vmap_range(first, (unsigned)(last.v - first.v + 1), PTE_HV_UC);
    if (map == NULL) {
        return -ENOMEM;
    }
    if (!__atomic_compare_exchange_n(&d->msix_map, &none, map, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        vunmap(map);
        return -EAGAIN; /* another processor does the same right now */
    }
    d->msix_first = first;
    d->msix_last = last;
    d->msix_entries = entries;
    __atomic_store_n(&d->msix_table, (uint32_t *)((char *)map + (table & ~PAGE_MASK)),
                     __ATOMIC_RELEASE);
    return 0;
}

/* --- make and destroy ------------------------------------------------------------------------- */

static int describe(struct msi_message *m)
{
    struct pci_device *d = m->dev;
    uint32_t control;
    int rc;

    if ((m->msix ? d->msix_cap : d->msi_cap) == 0) {
        return -ENODEV;
    }
    if (m->msix) {
        rc = map_table(d);
        if (rc == 0 && (d->msix_table == NULL || m->entry >= d->msix_entries)) {
            rc = -EINVAL;
        }
        m->slot = rc == 0 ? d->msix_table + m->entry * (SLOT_BYTES / 4) : NULL;
        return rc;
    }
    control = pci_conf_read(d->sbdf, d->msi_cap + MSI_CONTROL, 2);
    m->is_64 = (control & CONTROL_64) != 0;
    m->maskable = (control & CONTROL_MASK) != 0;
    if ((control & CONTROL_MME) != 0) {
        pci_conf_write(d->sbdf, d->msi_cap + MSI_CONTROL, 2, control & ~(uint32_t)CONTROL_MME);
    }
    return m->entry == 0 ? 0 : -EINVAL;
}

/* Into the list, with a number of its own; refused if the same message is there. */
static int enlist(struct msi_message *m)
{
    const struct msi_message *other;
    int irq = 0;

    spin_lock(&msi_lock);
    list_for_each_entry(other, &messages, list) {
        if (other->dev == m->dev && other->msix == m->msix && other->entry == m->entry) {
            irq = -EEXIST;
            break;
        }
    }
    if (irq == 0) {
        irq = irq_alloc_message(&msi_chip, m);
    }
    if (irq >= 0) {
        m->irq = (unsigned)irq;
        list_add_tail(&messages, &m->list);
    }
    spin_unlock(&msi_lock);
    return irq;
}

static void forget(struct msi_message *m)
{
    spin_lock(&msi_lock);
    list_del(&m->list);
    spin_unlock(&msi_lock);
}

int msi_create(uint32_t sbdf, bool msix, unsigned entry, unsigned cpu)
{
    struct msi_message *m = heap_alloc(sizeof(*m));
    struct irq_desc *desc;
    unsigned long flags;
    int irq, rc;

    if (m == NULL) {
        return -ENOMEM;
    }
    *m = (struct msi_message){.msix = msix, .entry = entry, .dev = pci_claim(sbdf, msix)};
    if (m->dev == NULL) {
        heap_free(m);
        return -ENODEV;
    }
    irq = describe(m);
    if (irq == 0) {
        irq = enlist(m);
    }
    if (irq < 0) {
        pci_unclaim(m->dev, msix);
        heap_free(m);
        return irq;
    }
    desc = irq_desc((unsigned)irq);
    flags = spin_lock_irqsave(&desc->lock);
    rc = irq_prepare_locked(desc, cpu);
    spin_unlock_irqrestore(&desc->lock, flags);
    if (rc != 0) {
        msi_destroy((unsigned)irq);
        return rc;
    }
    return irq;
}

void msi_destroy(unsigned irq)
{
    struct irq_desc *desc = irq_desc(irq);
    struct msi_message *m = desc->msi;
    unsigned long flags;

    flags = spin_lock_irqsave(&desc->lock);
    desc->chip->mask(desc);
    spin_unlock_irqrestore(&desc->lock, flags);
    forget(m);
    irq_free_message(irq);
    pci_unclaim(m->dev, m->msix);
    heap_free(m);
}

int msi_restore(uint32_t sbdf)
{
    const struct msi_message *m;
    int rc = -ENODEV;

    spin_lock(&msi_lock);
    list_for_each_entry(m, &messages, list) {
        struct irq_desc *desc = irq_desc(m->irq);
        unsigned long flags;

        if (m->dev->sbdf != sbdf) {
            continue;
        }
        flags = spin_lock_irqsave(&desc->lock);
        desc->chip->mask(desc);
        desc->chip->program(desc);
        if (desc->started) {
            desc->chip->unmask(desc);
        }
        spin_unlock_irqrestore(&desc->lock, flags);
        rc = 0;
    }
    spin_unlock(&msi_lock);
    return rc;
}
