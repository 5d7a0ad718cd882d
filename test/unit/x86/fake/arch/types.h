/* SPDX-License-Identifier: MIT */
/* The real one, but the current vcpu is the test's and there is one processor. */
#ifndef FAKE_ARCH_TYPES_H
#define FAKE_ARCH_TYPES_H

#include_next <arch/types.h>

#undef current
#define current            fake_current
#define smp_processor_id() 0u

extern struct vcpu *fake_current;

#endif
