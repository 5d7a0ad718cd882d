/* SPDX-License-Identifier: MIT */
/* Clocks: a reference with a known rate, the scale of the TSC, the wall clock. */
#ifndef X86_TIME_H
#define X86_TIME_H

#include "core/types.h"

/* A counter of known rate that the TSC is measured against. */
struct clock_ref {
    const char *name;
    uint64_t hz;
    uint64_t mask; /* it wraps to 0 after this value */
    uint64_t (*read)(void);
};

/* ns = ((ticks << shift) * mul) >> 32; a negative shift goes to the right (the ABI's form). */
struct time_scale {
    uint32_t mul;
    int8_t shift;
};
struct time_scale time_scale_from_hz(uint64_t hz);
/* The other way round: ticks of a counter of this rate from ns. */
struct time_scale time_scale_to_hz(uint64_t hz);
uint64_t time_scale_apply(struct time_scale s, uint64_t ticks);
/* Seconds since 1970 of a date; month 1 to 12. */
uint64_t time_from_date(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min,
                        unsigned sec);

/* The TSC value at which arch_now() will be `when`. */
uint64_t time_to_tsc(stime_t when);
uint64_t time_tsc_hz(void);
const char *time_reference_name(void);
/*
 * Once all processors run: do their TSCs tick as one? Guests are told so (TSC_STABLE) only if
 * they do. Called by the boot processor with interrupts on.
 */
void time_check_sync(void);
bool time_tsc_stable(void);

#endif
