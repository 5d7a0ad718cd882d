/* SPDX-License-Identifier: MIT */
/* Time for a tiny PV kernel: the TSC scaled by its vcpu's time record, in nanoseconds. */
#ifndef TIME_H
#define TIME_H

#include "guest.h"

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return lo | (uint64_t)hi << 32;
}
uint64_t time_of(const volatile struct vcpu_time_info *t);
uint64_t now(void); /* system time, by the record of the vcpu that asks */
void spin_ns(uint64_t ns);
#define MS(n) ((n)*1000000UL)

/* Spin until the condition holds, ns at most; its last value. */
#define WAIT(cond, ns)                                                                             \
    ({                                                                                             \
        uint64_t end_ = now() + (ns);                                                              \
        bool ok_;                                                                                  \
        while (!(ok_ = (cond)) && now() < end_) {                                                  \
            __asm__ volatile("pause" : : : "memory");                                              \
        }                                                                                          \
        ok_;                                                                                       \
    })

#endif
