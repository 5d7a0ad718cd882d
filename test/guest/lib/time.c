/* SPDX-License-Identifier: MIT */
/* Time for a tiny PV kernel: what time.h promises. */
#include "time.h"
#include "traps.h"

uint64_t time_of(const volatile struct vcpu_time_info *t)
{
    uint64_t delta, base;
    uint32_t version, mul;
    int8_t shift;

    do {
        version = t->version & ~1u;
        __asm__ volatile("" : : : "memory");
        delta = rdtsc() - t->tsc_timestamp;
        base = t->system_time;
        mul = t->tsc_to_system_mul;
        shift = t->tsc_shift;
        __asm__ volatile("" : : : "memory");
    } while (t->version != version);
    delta = shift >= 0 ? delta << shift : delta >> -shift;
    return base + (uint64_t)(((unsigned __int128)delta * mul) >> 32);
}

uint64_t now(void)
{
    return time_of(&vcpu_info()->time);
}

void spin_ns(uint64_t ns)
{
    uint64_t end = now() + ns;

    while (now() < end) {
        __asm__ volatile("pause" : : : "memory");
    }
}
