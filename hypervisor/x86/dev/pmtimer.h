/* SPDX-License-Identifier: MIT */
/* ACPI power-management timer. */
#ifndef X86_PMTIMER_H
#define X86_PMTIMER_H

#include "x86/cpu/time.h"

/* port: from the FADT, 0 if it names none. False if the timer does not count. */
bool pmtimer_init(uint16_t port, struct clock_ref *ref);

#endif
