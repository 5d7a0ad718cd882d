/* SPDX-License-Identifier: MIT */
/*
 * IO-APICs (Intel 82093AA data sheet; ICH specifications). An input is a 64-bit route: vector,
 * trigger, polarity, mask, target. Targets are physical ids of one processor.
 *
 * A level input remembers in its Remote IRR bit that its interrupt is in service, and forgets it
 * at the EOI of the vector that it was sent with; so the vector of a level input is changed only
 * while that bit is clear.
 */
#include "x86/irq/ioapic.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "x86/boot/acpi.h"
#include "x86/irq/irq.h"
#include "x86/irq/lapic.h"
#include "x86/mm/map.h"

#define REG_ID       0
#define REG_VERSION  1
#define REG_ARB      2
#define REG_ROUTE(n) (0x10 + 2 * (n))
#define MAX_PINS     240
#define ROUTE_LOW    (1u << 13) /* active low */
#define ROUTE_IRR    (1u << 14)
#define ROUTE_LEVEL  (1u << 15)
#define ROUTE_MASKED (1u << 16)

struct ioapic {
    volatile uint32_t *page; /* register select; data 16 bytes further */
    paddr_t base;
    unsigned gsi_base, nr_pins;
};

static struct spinlock ioapic_lock = SPINLOCK(RANK_IOAPIC);
static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned nr_ioapics;

static uint32_t reg_read(const struct ioapic *a, unsigned reg)
{
    a->page[0] = reg;
    return a->page[4];
}

static void reg_write(const struct ioapic *a, unsigned reg, uint32_t v)
{
    a->page[0] = reg;
    a->page[4] = v;
}

static const struct ioapic *find_gsi(unsigned gsi, unsigned *pin)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].nr_pins) {
            *pin = gsi - ioapics[i].gsi_base;
            return &ioapics[i];
        }
    }
    return NULL;
}

bool ioapic_has_gsi(unsigned gsi)
{
    unsigned pin;

    return find_gsi(gsi, &pin) != NULL;
}

static uint32_t route_low(const struct irq_desc *desc, bool masked)
{
    return desc->vector | (desc->active_low ? ROUTE_LOW : 0) | (desc->level ? ROUTE_LEVEL : 0) |
           (masked ? ROUTE_MASKED : 0);
}

static void set_mask(struct irq_desc *desc, bool masked)
{
    unsigned pin;
    const struct ioapic *a = find_gsi(desc->irq, &pin);
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);

    reg_write(a, REG_ROUTE(pin), route_low(desc, masked));
    if (masked) {
        reg_read(a, REG_ROUTE(pin)); /* it holds before anything else happens */
    }
    desc->masked = masked;
    spin_unlock_irqrestore(&ioapic_lock, flags);
}

static void ioapic_mask(struct irq_desc *desc)
{
    set_mask(desc, true);
}

static void ioapic_unmask(struct irq_desc *desc)
{
    set_mask(desc, false);
}

static bool ioapic_program(struct irq_desc *desc)
{
    unsigned pin;
    const struct ioapic *a = find_gsi(desc->irq, &pin);
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);
    bool idle =
        (reg_read(a, REG_ROUTE(pin)) & (ROUTE_IRR | ROUTE_LEVEL)) != (ROUTE_IRR | ROUTE_LEVEL);

    if (idle) {
        reg_write(a, REG_ROUTE(pin) + 1, lapic_id_of_cpu(desc->cpu) << 24);
        reg_write(a, REG_ROUTE(pin), route_low(desc, true));
    }
    spin_unlock_irqrestore(&ioapic_lock, flags);
    return idle;
}

static bool ioapic_movable(const struct irq_desc *desc)
{
    (void)desc;
    return true;
}

const struct irq_chip ioapic_chip = {
    .name = "IO-APIC",
    .mask = ioapic_mask,
    .unmask = ioapic_unmask,
    .program = ioapic_program,
    .movable = ioapic_movable,
};

static void clear_routes(const struct ioapic *a)
{
    for (unsigned pin = 0; pin < a->nr_pins; pin++) {
        /* an edge forgets Remote IRR, whatever the firmware left */
        reg_write(a, REG_ROUTE(pin), ROUTE_MASKED);
        reg_write(a, REG_ROUTE(pin) + 1, 0);
    }
}

unsigned ioapic_init(void)
{
    unsigned end = 0;

    for (unsigned i = 0; i < acpi_info.nr_ioapics && i < ACPI_MAX_IOAPICS; i++) {
        struct ioapic *a = &ioapics[nr_ioapics];
        paddr_t base = acpi_info.ioapic[i].base;

        a->page = (volatile uint32_t *)((volatile char *)fixmap_device(base & PAGE_MASK) +
                                        (base & ~PAGE_MASK));
        a->base = base;
        a->gsi_base = acpi_info.ioapic[i].gsi_base;
        a->nr_pins = (reg_read(a, REG_VERSION) >> 16 & 0xff) + 1;
        if (reg_read(a, REG_VERSION) == 0xffffffff || a->nr_pins > MAX_PINS ||
            a->gsi_base + a->nr_pins > NR_IRQS / 2) {
            printk(LOG_WARNING, "IO-APIC at %#lx ignored: unusable\n", base);
            continue;
        }
        clear_routes(a);
        if (a->gsi_base + a->nr_pins > end) {
            end = a->gsi_base + a->nr_pins;
        }
        printk(LOG_INFO, "IO-APIC at %#lx: GSI %u-%u\n", base, a->gsi_base,
               a->gsi_base + a->nr_pins - 1);
        nr_ioapics++;
    }
    return end;
}

/* --- dom0 looks ------------------------------------------------------------------------------- */

static const struct ioapic *find_base(paddr_t base)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        if (ioapics[i].base == base) {
            return &ioapics[i];
        }
    }
    return NULL;
}

int ioapic_guest_read(paddr_t base, uint32_t reg, uint32_t *value)
{
    const struct ioapic *a = find_base(base);
    unsigned long flags;

    if (a == NULL) {
        return -ENODEV;
    }
    if (reg > REG_ARB && (reg < REG_ROUTE(0) || reg >= REG_ROUTE(a->nr_pins))) {
        return -EINVAL;
    }
    flags = spin_lock_irqsave(&ioapic_lock);
    *value = reg_read(a, reg);
    spin_unlock_irqrestore(&ioapic_lock, flags);
    return 0;
}

int ioapic_guest_write(paddr_t base, uint32_t reg, uint32_t value)
{
    const struct ioapic *a = find_base(base);

    if (a == NULL) {
        return -ENODEV;
    }
    if (reg < REG_ROUTE(0) || reg >= REG_ROUTE(a->nr_pins)) {
        return -EPERM;
    }
    if ((reg & 1) != 0) {
        return 0; /* the target is ours to choose */
    }
    return irq_setup_gsi(a->gsi_base + (reg - REG_ROUTE(0)) / 2, (value & ROUTE_LEVEL) != 0,
                         (value & ROUTE_LOW) != 0);
}

void ioapic_dump(void)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        const struct ioapic *a = &ioapics[i];

        for (unsigned pin = 0; pin < a->nr_pins; pin++) {
            unsigned long flags = spin_lock_irqsave(&ioapic_lock);
            uint32_t low = reg_read(a, REG_ROUTE(pin)), high = reg_read(a, REG_ROUTE(pin) + 1);

            spin_unlock_irqrestore(&ioapic_lock, flags);
            if ((low & 0xff) != 0) {
                printk(LOG_INFO, "  GSI %u: route %08x %08x\n", a->gsi_base + pin, high, low);
            }
        }
    }
}
