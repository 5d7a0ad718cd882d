/* SPDX-License-Identifier: MIT */
/*
 * MC146818 clock behind ports 0x70 and 0x71. It is read while no update runs, twice, until both
 * readings agree. The index register is shared with dom0, which sets it before each access.
 */
#include "x86/dev/cmos.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/time.h"

#define PORT_INDEX   0x70
#define PORT_DATA    0x71
#define REG_SEC      0x00
#define REG_MIN      0x02
#define REG_HOUR     0x04
#define REG_DAY      0x07
#define REG_MONTH    0x08
#define REG_YEAR     0x09
#define REG_STATUS_A 0x0a
#define REG_STATUS_B 0x0b
#define A_UPDATING   0x80
#define B_24_HOURS   0x02
#define B_BINARY     0x04
#define HOUR_PM      0x80

static uint8_t cmos_read(uint8_t reg)
{
    outb(PORT_INDEX, reg);
    return inb(PORT_DATA);
}

static unsigned number(const struct cmos_time *t, uint8_t v)
{
    return (t->status_b & B_BINARY) != 0 ? v : (v >> 4) * 10u + (v & 15);
}

uint64_t cmos_decode(const struct cmos_time *t)
{
    unsigned sec = number(t, t->sec), min = number(t, t->min), day = number(t, t->day);
    unsigned month = number(t, t->month), year = number(t, t->year), hour;

    if ((t->status_b & B_24_HOURS) != 0) {
        hour = number(t, t->hour);
    } else {
        hour = number(t, t->hour & (uint8_t)~HOUR_PM) % 12 + ((t->hour & HOUR_PM) != 0 ? 12 : 0);
    }
    year += year < 70 ? 2000 : 1900;
    if (sec > 59 || min > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
        year > 2069) {
        return 0;
    }
    return time_from_date(year, month, day, hour, min, sec);
}

static void read_registers(struct cmos_time *t)
{
    for (unsigned i = 0; i < 100000 && (cmos_read(REG_STATUS_A) & A_UPDATING) != 0; i++) {
        cpu_relax();
    }
    *t = (struct cmos_time){
        .sec = cmos_read(REG_SEC),
        .min = cmos_read(REG_MIN),
        .hour = cmos_read(REG_HOUR),
        .day = cmos_read(REG_DAY),
        .month = cmos_read(REG_MONTH),
        .year = cmos_read(REG_YEAR),
        .status_b = cmos_read(REG_STATUS_B),
    };
}

uint64_t cmos_read_time(void)
{
    struct cmos_time a, b;

    for (unsigned i = 0; i < 10; i++) {
        read_registers(&a);
        read_registers(&b);
        if (memcmp(&a, &b, sizeof(a)) == 0) {
            return cmos_decode(&a);
        }
    }
    return 0;
}
