/* SPDX-License-Identifier: MIT */
/* Sleep states of the machine; what core asks for is in core/arch.h. */
#ifndef X86_SHUTDOWN_H
#define X86_SHUTDOWN_H

#include "core/types.h"

/*
 * S5 with the register values that dom0's ACPI interpreter found (with or without SLP_EN). Does
 * not return when it works; -ENODEV if the firmware names no such registers.
 */
int shutdown_enter_s5(uint16_t pm1a, uint16_t pm1b, bool extended);

#endif
