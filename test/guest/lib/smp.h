/* SPDX-License-Identifier: MIT */
/* A second vcpu for a tiny PV kernel. */
#ifndef SMP_H
#define SMP_H

#include "guest.h"

/* The context that a vcpu needs to run fn on its own stack; events masked. */
void vcpu_context(struct vcpu_guest_context *c, unsigned id, void (*fn)(void));
/* VCPUOP_initialise and VCPUOP_up; the result of the first that fails. fn never returns. */
long vcpu_start(unsigned id, void (*fn)(void));

#endif
