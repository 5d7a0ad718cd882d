/* SPDX-License-Identifier: MIT */
/* i8254 interval timer. Channel 2 counts down freely in mode 2, its gate is bit 0 of port 0x61. */
#include "x86/dev/pit.h"
#include "x86/cpu/cpu.h"

#define PIT_HZ        1193182
#define PORT_CHANNEL0 0x40
#define PORT_CHANNEL2 0x42
#define PORT_MODE     0x43
#define PORT_GATE     0x61
#define GATE_ON       0x01
#define GATE_SPEAKER  0x02

static uint64_t pit_read(void)
{
    unsigned long flags = irq_save();
    unsigned count;

    outb(PORT_MODE, 0x80); /* latch channel 2 */
    count = inb(PORT_CHANNEL2);
    count |= (unsigned)inb(PORT_CHANNEL2) << 8;
    irq_restore(flags);
    return -count & 0xffff; /* upwards */
}

void pit_stop_channel0(void)
{
    outb(PORT_MODE, 0x30); /* mode 0: waits for a count, and it gets the largest one, once */
    outb(PORT_CHANNEL0, 0);
    outb(PORT_CHANNEL0, 0);
}

void pit_init(struct clock_ref *ref)
{
    outb(PORT_GATE, (inb(PORT_GATE) & ~GATE_SPEAKER) | GATE_ON);
    outb(PORT_MODE, 0xb4); /* channel 2, low then high byte, mode 2 */
    outb(PORT_CHANNEL2, 0);
    outb(PORT_CHANNEL2, 0);
    *ref = (struct clock_ref){.name = "PIT", .hz = PIT_HZ, .mask = 0xffff, .read = pit_read};
}
