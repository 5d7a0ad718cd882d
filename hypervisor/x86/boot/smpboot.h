/* SPDX-License-Identifier: MIT */
/* Numbers of processors: ours (0 is the boot processor) and their local APICs'. */
#ifndef X86_SMPBOOT_H
#define X86_SMPBOOT_H

#include "core/types.h"

#define APIC_ID_NONE 0xffffffffu

/* From the MADT: who exists, in which order. After ACPI was parsed. */
void smpboot_enumerate(void);
uint32_t cpu_to_apic_id(unsigned cpu);   /* APIC_ID_NONE: no such processor */
uint32_t cpu_to_acpi_id(unsigned cpu);
int apic_id_to_cpu(uint32_t apic_id);    /* -1: none */
unsigned nr_present_cpus(void);

#endif
