/* SPDX-License-Identifier: MIT */
/*
 * printk() writes to the console ring and the serial port. The level is the first argument, not
 * part of the string. Messages that a guest can cause go through guest_printk(), which has a
 * token bucket for each domain (SECURITY: logs cannot be flooded) and obeys guest_loglvl.
 * Format: lib/format.c; %pS prints an address with its symbol.
 */
#ifndef CORE_PRINTK_H
#define CORE_PRINTK_H

#include <stdarg.h>
#include "core/types.h"

struct domain;

enum log_level { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void printk(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vprintk(enum log_level level, const char *fmt, va_list ap);
void guest_printk(struct domain *d, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* panic.c: print, dump, stop all processors, and halt, reboot or leave the emulator. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define BUG()       panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(c)                                                                                  \
    do {                                                                                           \
        if (__builtin_expect(!!(c), 0)) {                                                          \
            panic("BUG: %s at %s:%d", #c, __FILE__, __LINE__);                                     \
        }                                                                                          \
    } while (0)
#if BONSAI_DEBUG
#define ASSERT(c) BUG_ON(!(c))
#else
#define ASSERT(c) ((void)sizeof(c))
#endif

#endif
