/* SPDX-License-Identifier: MIT */
/* Descriptor tables of a processor; desc_init and desc_set_rsp0 are in cpu.h. */
#ifndef X86_DESC_H
#define X86_DESC_H

#include "core/types.h"

/*
 * The frame with this processor's own descriptors. A guest's GDT has 14 pages of its own; this
 * frame is mapped as page 14 when one of its vcpus runs on the processor.
 */
mfn_t desc_gdt_page_mfn(unsigned cpu);
/* Load the GDT register of this processor: base of a table whose page 14 is the frame above. */
void desc_load_gdt(uint64_t base);
/* Back to the table of the idle vcpu, in which pages 0 to 13 do not exist. */
void desc_load_idle_gdt(unsigned cpu);
/* LDT of the current vcpu; none when entries is 0. The GDT in force must be one of the above. */
void desc_load_ldt(unsigned cpu, uint64_t base, unsigned entries);
/* Content of the IDT: what a vector's gate does. dpl 3: a guest may raise it by INT. */
void desc_set_gate(unsigned vector, uint64_t handler, unsigned dpl, unsigned ist);

#endif
