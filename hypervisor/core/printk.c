/* SPDX-License-Identifier: MIT */
/*
 * printk: format into one buffer under the output lock, put a prefix before each line, hand it to
 * the console. Works before anything is set up, in interrupts, and in a panic: a processor that
 * finds itself holding the lock already (a fault while printing) writes without it.
 *
 * Guests' messages pass a token bucket of their domain first: BURST lines, one more each
 * REFILL; how many were dropped is said when the flood ends.
 */
#include "core/printk.h"
#include "core/console.h"
#include "core/domain.h"
#include "lib/lib.h"

#define LINE_MAX     1024
#define GUEST_BURST  20
#define GUEST_REFILL MILLISECS(500)

static int output_owner = -1; /* the lock: the processor that prints, or -1 */
static bool no_locks;
static char buffer[LINE_MAX];
static bool line_started; /* the last text had no newline at its end */

/* Owner and lock are one word, so that an NMI at any moment finds out that it came to the owner. */
static bool output_begin(unsigned long *flags)
{
    int me, owner;

    *flags = irq_save();
    me = (int)smp_processor_id();
    do {
        owner = __atomic_load_n(&output_owner, __ATOMIC_RELAXED);
        if (owner == me || __atomic_load_n(&no_locks, __ATOMIC_RELAXED)) {
            return false;
        }
        cpu_relax();
        owner = -1;
    } while (!__atomic_compare_exchange_n(&output_owner, &owner, me, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return true;
}

static void output_end(bool locked, unsigned long flags)
{
    if (locked) {
        __atomic_store_n(&output_owner, -1, __ATOMIC_RELEASE);
    }
    irq_restore(flags);
}

void console_panic_mode(void)
{
    __atomic_store_n(&no_locks, true, __ATOMIC_RELAXED);
    arch_console_panic();
    if (line_started) {
        console_emit("\n", 1);
        line_started = false;
    }
}

static void emit_lines(const char *prefix)
{
    const char *s = buffer;

    while (*s != '\0') {
        const char *nl = strchr(s, '\n');
        size_t len = nl != NULL ? (size_t)(nl - s) + 1 : strlen(s);

        if (!line_started) {
            console_emit("(BNS) ", 6);
            console_emit(prefix, strlen(prefix));
        }
        console_emit(s, len);
        line_started = nl == NULL;
        s += len;
    }
}

static void print(const char *prefix, const char *fmt, va_list ap)
{
    unsigned long flags;
    bool locked = output_begin(&flags);

    vsnprintf(buffer, sizeof(buffer), fmt, ap);
    emit_lines(prefix);
    output_end(locked, flags);
}

void console_write_raw(const char *s, size_t len)
{
    unsigned long flags;
    bool locked = output_begin(&flags);

    arch_console_write(s, len);
    output_end(locked, flags);
}

void vprintk(enum log_level level, const char *fmt, va_list ap)
{
    if (console_level_enabled(level) || no_locks) {
        print("", fmt, ap);
    }
}

void printk(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(level, fmt, ap);
    va_end(ap);
}

/*
 * One line of d's: true if it may be printed; *dropped: how many before it were not. The counters
 * are the domain's own and inexact under a race, which costs a line at worst.
 */
static bool take_token(struct domain *d, uint32_t *dropped)
{
    stime_t now = arch_now();

    if (d->log.refill == 0) {
        d->log.tokens = GUEST_BURST;
        d->log.refill = now | 1;
    } else if (now - d->log.refill >= GUEST_REFILL) {
        uint64_t more = (uint64_t)(now - d->log.refill) / GUEST_REFILL;

        d->log.tokens = (uint32_t)MIN(d->log.tokens + more, GUEST_BURST);
        d->log.refill = now | 1;
    }
    if (d->log.tokens == 0) {
        d->log.dropped++;
        return false;
    }
    d->log.tokens--;
    *dropped = d->log.dropped;
    d->log.dropped = 0;
    return true;
}

void guest_printk(struct domain *d, enum log_level level, const char *fmt, ...)
{
    uint32_t dropped = 0;
    char prefix[16];
    va_list ap;

    if (!console_guest_level_enabled(level) || !take_token(d, &dropped)) {
        return;
    }
    if (dropped != 0) {
        printk(LOG_WARNING, "(d%u) %u messages were left out\n", d->id, dropped);
    }
    snprintf(prefix, sizeof(prefix), "(d%u) ", d->id);
    va_start(ap, fmt);
    print(prefix, fmt, ap);
    va_end(ap);
}
