/* SPDX-License-Identifier: MIT */
/* The daemon's log, and allocation that does not fail. */
#ifndef STORED_LOG_H
#define STORED_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
    LOG_TRACE, /* every request; with --verbose only */
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

/* path NULL: stderr, or syslog once log_detach() was called. */
bool log_open(const char *path, bool verbose);
void log_detach(void);
void log_set_verbose(bool verbose);
bool log_verbose(void);
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Small blocks: the kernel answers these as long as the machine runs at all, and a daemon whose
 * tree is half changed helps nobody, so a refusal ends it with a sentence.
 */
void *alloc_zero(size_t size);
void *alloc_copy(const void *data, size_t length); /* with a NUL behind it */
void *alloc_resize(void *block, size_t size);

#endif
