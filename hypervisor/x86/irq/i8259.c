/* SPDX-License-Identifier: MIT */
/*
 * The pair of i8259s is not used. Masked is not enough: a spurious interrupt would still come on
 * its vector base, which firmware may leave among the exceptions, so that is moved first.
 */
#include "x86/irq/i8259.h"
#include "x86/cpu/cpu.h"

#define MASTER_COMMAND 0x20
#define MASTER_DATA    0x21
#define SLAVE_COMMAND  0xa0
#define SLAVE_DATA     0xa1
#define ICW1_INIT      0x11 /* edge, cascade, ICW4 follows */
#define ICW4_8086      0x01
#define VECTOR_BASE    0x20

void i8259_mask_all(void)
{
    outb(MASTER_DATA, 0xff);
    outb(SLAVE_DATA, 0xff);
    outb(MASTER_COMMAND, ICW1_INIT);
    outb(SLAVE_COMMAND, ICW1_INIT);
    outb(MASTER_DATA, VECTOR_BASE);
    outb(SLAVE_DATA, VECTOR_BASE + 8);
    outb(MASTER_DATA, 1 << 2); /* the second one hangs on line 2 */
    outb(SLAVE_DATA, 2);
    outb(MASTER_DATA, ICW4_8086);
    outb(SLAVE_DATA, ICW4_8086);
    outb(MASTER_DATA, 0xff);
    outb(SLAVE_DATA, 0xff);
}
