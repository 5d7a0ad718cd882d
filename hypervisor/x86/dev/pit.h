/* SPDX-License-Identifier: MIT */
/* PIT: channel 2 as a short stopwatch; channel 0 stopped, for nothing here uses its interrupt. */
#ifndef X86_PIT_H
#define X86_PIT_H

#include "x86/cpu/time.h"

void pit_stop_channel0(void);
/* A counter that wraps every 54 ms. Always there. */
void pit_init(struct clock_ref *ref);

#endif
