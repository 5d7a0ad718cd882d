/* SPDX-License-Identifier: MIT */
/* Flaws of processors and what is done about them. */
#ifndef X86_MITIGATIONS_H
#define X86_MITIGATIONS_H

#include <stdbool.h>

/* Once, on the boot processor: choose, report, and refuse what cannot be made safe. */
void mitigations_init(void);
/* Another domain's vcpu is about to run here: forget what the last one taught the predictors. */
void mitigations_switch_domain(void);

#endif
