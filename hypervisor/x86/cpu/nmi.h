/* SPDX-License-Identifier: MIT */
/* Non-maskable interrupts. */
#ifndef X86_NMI_H
#define X86_NMI_H

#include <public/xen.h>
#include "core/types.h"

void nmi_init(void);
void nmi_handle(struct cpu_user_regs *regs);
/* From now on an NMI stops the processor that it reaches; then one is sent to all others. */
void nmi_stop_others(void);
/* Ask each processor of the set for its state on the console. */
void nmi_request_dump(cpumask_t cpus);

#endif
