/* SPDX-License-Identifier: MIT */
/* Switching vcpus and a vcpu's segment bases. */
#ifndef X86_CONTEXT_H
#define X86_CONTEXT_H

#include "core/domain.h"

/* v's registers: those on the stack while it runs here, those in v->arch otherwise. */
struct cpu_user_regs *vcpu_regs(struct vcpu *v);
void context_load_tsd(struct vcpu *v); /* CR4.TSD, as the current vcpu wants it */
/* Debug registers of the current vcpu that are in force (dr7 without them costs nothing). */
void context_load_debug(struct vcpu *v);

#endif
