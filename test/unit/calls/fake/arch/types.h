/* SPDX-License-Identifier: MIT */
/* The real one, but the current vcpu is the test's, and there is one processor. */
#ifndef WORLD_ARCH_TYPES_H
#define WORLD_ARCH_TYPES_H

#include_next <arch/types.h>

#undef current
#define current            world_current
#define smp_processor_id() 0u
#define irq_save()         0ul
#define irq_restore(f)     ((void)(f))
#define irq_enabled()      true

extern struct vcpu *world_current;

#endif
