/* SPDX-License-Identifier: MIT */
/* The battery-backed clock. */
#ifndef X86_CMOS_H
#define X86_CMOS_H

#include "core/types.h"

/* Seconds since 1970 by the CMOS clock, taken as UTC; 0 if there is no sane clock. */
uint64_t cmos_read_time(void);

/* The clock's registers as it holds them; status B says in which form. */
struct cmos_time {
    uint8_t sec, min, hour, day, month, year, status_b;
};
/* Pure: seconds since 1970, 0 if a field is out of range. */
uint64_t cmos_decode(const struct cmos_time *t);

#endif
