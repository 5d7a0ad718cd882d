/* SPDX-License-Identifier: MIT */
/*
 * The serial console: a 16550 at an I/O port. Output is synchronous and works in any state: wait
 * for the transmitter, write as much as its FIFO takes. Input comes by interrupt.
 *
 *   com1=BAUD[,8n1[,IOBASE[,IRQ]]]   BAUD may be "auto": as the firmware left it
 *   console=com1 or com2             which port is used; any other word: none
 */
#include "core/arch.h"
#include "core/console.h"
#include "lib/cmdline.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/boot/boot.h"
#include "x86/cpu/cpu.h"
#include "x86/irq/irq.h"

#define REG_DATA 0
#define REG_IER  1
#define REG_FCR  2
#define REG_IIR  2
#define REG_LCR  3
#define REG_MCR  4
#define REG_LSR  5
#define REG_SCR  7
#define REG_DLL  0 /* while LCR_DLAB */
#define REG_DLM  1

#define IER_RX   0x01
#define FCR_ON   0x01
#define FCR_CLEAR 0x06
#define LCR_DLAB 0x80
#define MCR_ON   0x0b /* DTR RTS OUT2 */
#define LSR_DATA 0x01
#define LSR_FREE 0x20
#define CLOCK    115200u
#define FIFO_SIZE 16

/* A dead transmitter must not stop the machine: give up after so many looks. */
#define PATIENCE 1000000u

struct serial {
    bool present;
    uint16_t port;
    unsigned irq; /* 0: none */
    unsigned fifo; /* bytes that fit once the transmitter is empty */
    unsigned room;
};

static struct serial serial;

static uint8_t line_format(const char *s)
{
    uint8_t lcr = 3;

    if (s[0] >= '5' && s[0] <= '8') {
        lcr = s[0] - '5';
        lcr |= s[1] == 'o' ? 0x08 : s[1] == 'e' ? 0x18 : 0;
        lcr |= s[1] != '\0' && s[2] == '2' ? 0x04 : 0;
    }
    return lcr;
}

static void program(uint32_t baud, uint8_t lcr)
{
    uint32_t divisor = baud ? CLOCK / baud : 0;

    outb(serial.port + REG_IER, 0);
    if (divisor != 0) {
        outb(serial.port + REG_LCR, lcr | LCR_DLAB);
        outb(serial.port + REG_DLL, divisor);
        outb(serial.port + REG_DLM, divisor >> 8);
    }
    outb(serial.port + REG_LCR, lcr);
    outb(serial.port + REG_FCR, FCR_ON | FCR_CLEAR);
    outb(serial.port + REG_MCR, MCR_ON);
    serial.fifo = (inb(serial.port + REG_IIR) & 0xc0) == 0xc0 ? FIFO_SIZE : 1;
    serial.room = 0;
}

/* "115200,8n1,0x3f8,4", each part optional */
static void configure(const char *options)
{
    const char *cursor = options, *end;
    uint32_t baud = CLOCK;
    uint8_t lcr = 3;
    char item[16];

    for (unsigned n = 0; cmdline_next_item(&cursor, item, sizeof(item)); n++) {
        if (n == 0) {
            baud = strcmp(item, "auto") == 0 ? 0 : str_to_u64(item, &end, 10);
        } else if (n == 1) {
            lcr = line_format(item);
        } else if (n == 2) {
            serial.port = str_to_u64(item, &end, 0);
        } else if (n == 3) {
            serial.irq = str_to_u64(item, &end, 0);
        }
    }
    program(baud, lcr);
}

/* The first of console='s ports that is ours; com1 when nothing is said. */
static unsigned chosen_port(void)
{
    char value[64], item[16];
    const char *cursor = value;

    if (!cmdline_get(hv_cmdline, "console", value, sizeof(value))) {
        return 1;
    }
    while (cmdline_next_item(&cursor, item, sizeof(item))) {
        if (strncmp(item, "com1", 4) == 0 || strncmp(item, "com2", 4) == 0) {
            return item[3] - '0';
        }
    }
    return 0;
}

void serial_init_early(void)
{
    unsigned which = chosen_port();
    char value[64] = "";

    serial.present = false;
    if (which == 0) {
        return;
    }
    serial.port = which == 1 ? 0x3f8 : 0x2f8;
    serial.irq = which == 1 ? 4 : 3;
    cmdline_get(hv_cmdline, which == 1 ? "com1" : "com2", value, sizeof(value));
    outb(serial.port + REG_SCR, 0x5a);
    if (inb(serial.port + REG_SCR) != 0x5a) {
        return;
    }
    configure(value);
    serial.present = true;
}

static void serial_interrupt(void *data)
{
    (void)data;
    for (unsigned n = 0; n < 256 && (inb(serial.port + REG_LSR) & LSR_DATA); n++) {
        console_rx(inb(serial.port + REG_DATA));
    }
}

void serial_init_irq(void)
{
    uint16_t flags;

    if (!serial.present || serial.irq == 0) {
        return;
    }
    if (irq_request(acpi_isa_to_gsi(serial.irq, &flags), serial_interrupt, NULL) == 0) {
        outb(serial.port + REG_IER, IER_RX);
    }
}

static void put(char c)
{
    for (unsigned n = 0; serial.room == 0 && n < PATIENCE; n++) {
        if (inb(serial.port + REG_LSR) & LSR_FREE) {
            serial.room = serial.fifo;
        }
    }
    if (serial.room > 0) {
        serial.room--;
        outb(serial.port + REG_DATA, c);
    }
}

void arch_console_write(const char *s, size_t len)
{
    if (!serial.present) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\n') {
            put('\r');
        }
        put(s[i]);
    }
}

void arch_console_panic(void)
{
    if (serial.present) {
        outb(serial.port + REG_IER, 0);
        serial.room = 0;
    }
}
