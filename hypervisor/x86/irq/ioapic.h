/* SPDX-License-Identifier: MIT */
/* IO-APICs: the controllers behind GSIs. */
#ifndef X86_IOAPIC_H
#define X86_IOAPIC_H

#include "core/types.h"
#include "x86/irq/irq_desc.h"

extern const struct irq_chip ioapic_chip;

/* Map all, mask all inputs; returns one past the highest GSI. */
unsigned ioapic_init(void);
bool ioapic_has_gsi(unsigned gsi);
/* dom0 reads a register of the IO-APIC whose page lies at base: -ENODEV, -EINVAL. */
int ioapic_guest_read(paddr_t base, uint32_t reg, uint32_t *value);
/* It may set trigger and polarity of an input that nobody uses; all else is refused. */
int ioapic_guest_write(paddr_t base, uint32_t reg, uint32_t value);
void ioapic_dump(void);

#endif
