/* SPDX-License-Identifier: MIT */
/*
 * The console: what printk() writes goes to a ring (read by tools as `dmesg`) and to the serial
 * port; what comes in from the serial port goes to the hardware domain (VIRQ_CONSOLE and
 * CONSOLEIO_read) or, after Ctrl-a three times, to the debug keys.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include <public/xen.h>
#include "core/printk.h"
#include "core/types.h"

#define CONSOLE_RING_SIZE (1u << 16)

/* Read loglvl= and guest_loglvl= from hv_cmdline; after arch_init_early(). */
void console_init(void);
/* One character from the serial port; any context. */
void console_rx(char c);
/*
 * sysctl readconsole: at most *count bytes from *index on (incremental) or from the oldest; sets
 * *count to what was copied and *index to where the next read goes on; clear forgets the text.
 */
int console_ring_read(guest_ptr_t buf, uint32_t *count, uint32_t *index, bool clear,
                      bool incremental);
/* printk.c to console.c: finished text into ring and serial port; the output lock is held. */
void console_emit(const char *s, size_t len);
/* printk.c: raw text to the serial port alone, between whole printk lines. */
void console_write_raw(const char *s, size_t len);
/* panic.c: from now on no lock is waited for. */
void console_panic_mode(void);
/* May a message of this level be printed? */
bool console_level_enabled(enum log_level level);
bool console_guest_level_enabled(enum log_level level);
void console_set_levels(int host, int guest); /* -1: none, else enum log_level */
void console_get_levels(int *host, int *guest);

#endif
