/* SPDX-License-Identifier: MIT */
/*
 * The console ring (what `dmesg` reads), the log levels, and input from the serial port.
 *
 * The ring keeps the last CONSOLE_RING_SIZE bytes; positions count all bytes ever written, so a
 * reader's position stays good however much was written since. Writers hold printk's output
 * lock; readers copy a piece at a time and check afterwards whether it was overtaken.
 */
#include "core/console.h"
#include "core/console_io.h"
#include "core/debugkeys.h"
#include "core/arch.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/guest.h"
#include "core/spinlock.h"
#include "lib/cmdline.h"
#include "lib/lib.h"

/* --- levels ------------------------------------------------------------------------------------
 */

static int host_level = LOG_INFO;
static int guest_level = LOG_WARNING;

/* "level" or "always/rate-limited" as Xen has it: the wider of the two counts, all are limited. */
static int parse_level(const char *s, int def)
{
    static const struct {
        const char *name;
        int level;
    } names[] = {{"none", -1},       {"error", LOG_ERR},   {"warning", LOG_WARNING},
                 {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"all", LOG_DEBUG}};
    const char *slash = strchr(s, '/');

    if (slash != NULL) {
        s = slash + 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(s, names[i].name) == 0) {
            return names[i].level;
        }
    }
    return def;
}

void console_init(void)
{
    char value[32];

    if (cmdline_get(hv_cmdline, "loglvl", value, sizeof(value))) {
        host_level = parse_level(value, host_level);
    }
    if (cmdline_get(hv_cmdline, "guest_loglvl", value, sizeof(value))) {
        guest_level = parse_level(value, guest_level);
    }
}

bool console_level_enabled(enum log_level level)
{
    return (int)level <= host_level;
}

bool console_guest_level_enabled(enum log_level level)
{
    return (int)level <= guest_level;
}

void console_set_levels(int host, int guest)
{
    host_level = host;
    guest_level = guest;
}

void console_get_levels(int *host, int *guest)
{
    *host = host_level;
    *guest = guest_level;
}

/* --- the ring ----------------------------------------------------------------------------------
 */

static char ring[CONSOLE_RING_SIZE];
static uint32_t ring_end;   /* atomic; one past the last byte written */
static uint32_t ring_start; /* what `clear` left behind */

void console_emit(const char *s, size_t len)
{
    uint32_t end = ring_end;

    for (size_t i = 0; i < len; i++) {
        ring[end++ % CONSOLE_RING_SIZE] = s[i];
    }
    __atomic_store_n(&ring_end, end, __ATOMIC_RELEASE);
    arch_console_write(s, len);
}

/* The first byte at or after pos that is still there. */
static uint32_t ring_clamp(uint32_t pos, uint32_t end)
{
    if (end - pos > CONSOLE_RING_SIZE) {
        pos = end - CONSOLE_RING_SIZE;
    }
    return pos;
}

int console_ring_read(guest_ptr_t buf, uint32_t *count, uint32_t *index, bool clear,
                      bool incremental)
{
    uint32_t end = __atomic_load_n(&ring_end, __ATOMIC_ACQUIRE);
    uint32_t start = __atomic_load_n(&ring_start, __ATOMIC_RELAXED), done = 0, pos;
    char piece[256];

    if (incremental && end - *index <= end - start) {
        start = *index;
    }
    pos = ring_clamp(end - start > CONSOLE_RING_SIZE ? end - CONSOLE_RING_SIZE : start, end);
    while (done < *count && pos != end) {
        uint32_t n = MIN(MIN((uint32_t)sizeof(piece), *count - done), end - pos);
        uint32_t safe;

        for (uint32_t i = 0; i < n; i++) {
            piece[i] = ring[(pos + i) % CONSOLE_RING_SIZE];
        }
        safe = ring_clamp(pos, __atomic_load_n(&ring_end, __ATOMIC_ACQUIRE));
        if (safe != pos) { /* overtaken while copying: go on from what is left */
            pos = (int32_t)(safe - end) > 0 ? end : safe;
            continue;
        }
        if (guest_write(guest_index(buf, done, 1), piece, n)) {
            return -EFAULT;
        }
        done += n;
        pos += n;
    }
    if (clear) {
        __atomic_store_n(&ring_start, end, __ATOMIC_RELAXED);
    }
    *count = done;
    *index = pos;
    return 0;
}

/* --- input -------------------------------------------------------------------------------------
 */

#define RX_SIZE    256
#define SWITCH_KEY '\x01' /* Ctrl-a */

static struct spinlock rx_lock = SPINLOCK(RANK_CONSOLE);
static char rx_buf[RX_SIZE];
static unsigned rx_head, rx_tail; /* next to write, next to read */
static unsigned switch_count;
static bool keys_to_us;

static void switch_input(void)
{
    keys_to_us = !keys_to_us;
    printk(LOG_ERR, keys_to_us ? "input goes to the hypervisor: h for help, Ctrl-a three times "
                                 "to go back\n"
                               : "input goes to the hardware domain\n");
}

static void rx_to_domain(char c)
{
    unsigned long flags = spin_lock_irqsave(&rx_lock);

    if (rx_head - rx_tail < RX_SIZE) {
        rx_buf[rx_head++ % RX_SIZE] = c;
    }
    spin_unlock_irqrestore(&rx_lock, flags);
    virq_send_global(VIRQ_CONSOLE);
}

void console_rx(char c)
{
    if (c == SWITCH_KEY) {
        if (++switch_count == 3) {
            switch_count = 0;
            switch_input();
        }
        return;
    }
    for (; switch_count > 0; switch_count--) { /* they were meant for the reader after all */
        if (!keys_to_us) {
            rx_to_domain(SWITCH_KEY);
        }
    }
    if (keys_to_us) {
        debugkeys_queue(c);
    } else {
        rx_to_domain(c);
    }
}

unsigned console_input_take(char *buf, unsigned max)
{
    unsigned long flags = spin_lock_irqsave(&rx_lock);
    unsigned n = 0;

    while (n < max && rx_tail != rx_head) {
        buf[n++] = rx_buf[rx_tail++ % RX_SIZE];
    }
    spin_unlock_irqrestore(&rx_lock, flags);
    return n;
}
