/* SPDX-License-Identifier: MIT */
/* Which interrupt a vector of a processor stands for. */
#ifndef X86_VECTOR_H
#define X86_VECTOR_H

#include "core/types.h"

/* A free vector for irq on `cpu`, or on any of `others` when it has none. -ENOSPC. */
int vector_alloc(unsigned irq, unsigned cpu, cpumask_t others, unsigned *out_cpu,
                 uint8_t *out_vector);
void vector_free(unsigned cpu, uint8_t vector);
int vector_to_irq(unsigned cpu, unsigned vector); /* -1: none */
unsigned vector_in_use(unsigned cpu);

#endif
