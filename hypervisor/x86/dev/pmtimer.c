/* SPDX-License-Identifier: MIT */
/* ACPI PM timer (ACPI 4.8.3.3): 3.579545 MHz, 24 bits are always there. */
#include "x86/dev/pmtimer.h"
#include "x86/cpu/cpu.h"

#define PMTIMER_HZ   3579545
#define PMTIMER_MASK 0xffffff

static uint16_t timer_port;

static uint64_t pmtimer_read(void)
{
    return inl(timer_port) & PMTIMER_MASK;
}

bool pmtimer_init(uint16_t port, struct clock_ref *ref)
{
    uint64_t before;

    if (port == 0) {
        return false;
    }
    timer_port = port;
    before = pmtimer_read();
    for (unsigned i = 0; i < 10000 && pmtimer_read() == before; i++) {
        cpu_relax();
    }
    if (pmtimer_read() == before) {
        return false;
    }
    *ref = (struct clock_ref){
        .name = "ACPI PM timer", .hz = PMTIMER_HZ, .mask = PMTIMER_MASK, .read = pmtimer_read};
    return true;
}
