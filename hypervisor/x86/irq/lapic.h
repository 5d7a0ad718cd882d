/* SPDX-License-Identifier: MIT */
/* Local APIC: what irq.h does not declare. */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include "core/types.h"

/* APIC id of a processor that has been up; what devices' messages are addressed to. */
uint32_t lapic_id_of_cpu(unsigned cpu);
bool lapic_is_x2apic(void);
/* Is there room for a device to reach this id (8 bits without interrupt remapping)? */
bool lapic_id_reachable(uint32_t id);
void lapic_error_interrupt(void);
/* A processor goes: no more interrupts to it. */
void lapic_disable_cpu(void);

#endif
