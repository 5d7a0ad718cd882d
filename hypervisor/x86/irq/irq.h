/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of the machine. Vectors: 0x00-0x1f exceptions, 0x20-0xdf devices (per processor,
 * x86/irq/vector.c), 0xe0-0xef device priority, 0xf0-0xff ours.
 */
#ifndef X86_IRQ_H
#define X86_IRQ_H

#include "core/domain.h"

#define VECTOR_FIRST_DEVICE 0x21
#define VECTOR_LAST_DEVICE  0xef
#define VECTOR_TIMER        0xf0
#define VECTOR_EVENT_CHECK  0xfb
#define VECTOR_CALL         0xfc
#define VECTOR_TLB_FLUSH    0xfd
#define VECTOR_ERROR        0xfe
#define VECTOR_SPURIOUS     0xff

void lapic_init_bsp(paddr_t base);
void lapic_init_cpu(void);
void lapic_eoi(void);
uint32_t lapic_id(void);
void lapic_send_ipi(unsigned cpu, unsigned vector);
void lapic_send_ipi_mask(cpumask_t cpus, unsigned vector); /* not to oneself */
void lapic_send_init(uint32_t apic_id);
void lapic_send_sipi(uint32_t apic_id, unsigned page);
void lapic_send_nmi_others(void);
void lapic_timer_calibrate(void);
void lapic_timer_program(stime_t when);

void irq_init(void); /* i8259 masked, IO-APICs, tables */
/* Called by entry.S for vectors 0x20-0xff with the interrupted registers. */
void do_irq(struct cpu_user_regs *regs);

/* One of the hypervisor's own device interrupts (serial, HPET): gsi -> handler. */
int irq_request(unsigned gsi, void (*handler)(void *), void *data);

int guest_irq_domain_init(struct domain *d);
void guest_irq_domain_destroy(struct domain *d);
unsigned irq_nr_gsis(void);
void irq_dump(void);

#endif
