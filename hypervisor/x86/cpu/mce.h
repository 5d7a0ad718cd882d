/* SPDX-License-Identifier: MIT */
/* Machine checks: reported, and fatal. */
#ifndef X86_MCE_H
#define X86_MCE_H

#include <public/xen.h>

void mce_init_cpu(void); /* banks on, old errors forgotten */
void mce_handle(struct cpu_user_regs *regs) __attribute__((noreturn));

#endif
