/* SPDX-License-Identifier: MIT */
/* HPET (IA-PC HPET specification 1.0a, section 2.3): the main counter as a clock reference. */
#include "x86/dev/hpet.h"
#include "core/printk.h"
#include "x86/mm/map.h"
#include <arch/types.h>

#define HPET_ID       0x000
#define HPET_CONFIG   0x010
#define HPET_COUNTER  0x0f0
#define CONFIG_ENABLE 1u
#define CONFIG_LEGACY 2u
#define FEMTO         1000000000000000ULL
#define PERIOD_MAX    100000000u /* 100 ns, by the specification */

static volatile uint8_t *regs;

static uint64_t read64(unsigned reg)
{
    return *(volatile uint64_t *)(regs + reg);
}

static uint64_t hpet_read(void)
{
    return *(volatile uint32_t *)(regs + HPET_COUNTER);
}

bool hpet_init(paddr_t base, struct clock_ref *ref)
{
    uint64_t id, before;
    uint32_t period;

    regs = (volatile uint8_t *)fixmap_device(base & PAGE_MASK) + (base & ~PAGE_MASK);
    id = read64(HPET_ID);
    period = id >> 32;
    if (id == ~0ULL || period == 0 || period > PERIOD_MAX) {
        return false;
    }
    /* count, and leave the routes of the old timers alone */
    *(volatile uint64_t *)(regs + HPET_CONFIG) =
        (read64(HPET_CONFIG) & ~(uint64_t)CONFIG_LEGACY) | CONFIG_ENABLE;
    before = hpet_read();
    for (unsigned i = 0; i < 100000 && hpet_read() == before; i++) {
        cpu_relax();
    }
    if (hpet_read() == before) {
        printk(LOG_WARNING, "HPET at %#lx does not count\n", base);
        return false;
    }
    *ref = (struct clock_ref){
        .name = "HPET", .hz = FEMTO / period, .mask = 0xffffffff, .read = hpet_read};
    return true;
}
