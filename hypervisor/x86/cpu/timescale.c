/* SPDX-License-Identifier: MIT */
/*
 * Pure arithmetic of clocks: scaling of counters in the form of the PV ABI, and dates. The
 * multiplier always has its top bit set, so it carries 32 bits of precision.
 */
#include "x86/cpu/time.h"

#define GIGA 1000000000ULL

struct time_scale time_scale_from_hz(uint64_t hz)
{
    struct time_scale s = {0};

    while (hz > 2 * GIGA) {
        hz >>= 1;
        s.shift--;
    }
    while (hz <= GIGA) {
        hz <<= 1;
        s.shift++;
    }
    s.mul = (uint32_t)((GIGA << 32) / hz);
    return s;
}

struct time_scale time_scale_to_hz(uint64_t hz)
{
    struct time_scale s = {0};

    while (hz >= GIGA) {
        hz >>= 1;
        s.shift++;
    }
    while (hz < GIGA / 2) {
        hz <<= 1;
        s.shift--;
    }
    s.mul = (uint32_t)((hz << 32) / GIGA);
    return s;
}

uint64_t time_scale_apply(struct time_scale s, uint64_t ticks)
{
    ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
    return (uint64_t)((unsigned __int128)ticks * s.mul >> 32);
}

/* Days are counted in years that start in March, so that the leap day is the last one. */
uint64_t time_from_date(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min,
                        unsigned sec)
{
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = 365ULL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;

    days -= 719468; /* 1 March of year 0 to 1 January 1970 */
    return ((days * 24 + hour) * 60 + min) * 60 + sec;
}
