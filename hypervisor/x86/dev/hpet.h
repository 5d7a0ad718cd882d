/* SPDX-License-Identifier: MIT */
/* HPET: only its main counter is used. */
#ifndef X86_HPET_H
#define X86_HPET_H

#include "x86/cpu/time.h"

/* Map it and let it count; false if what lies there is no HPET. */
bool hpet_init(paddr_t base, struct clock_ref *ref);

#endif
