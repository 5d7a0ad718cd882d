/* SPDX-License-Identifier: MIT */
/*
 * Lines of the log: time, level, sentence. They go to a file, to stderr, or to syslog when the
 * daemon has left its terminal and was given no file.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static FILE *file;
static bool verbose_on, detached;

bool log_open(const char *path, bool verbose)
{
    verbose_on = verbose;
    if (!path) {
        return true;
    }
    file = fopen(path, "ae");
    if (file) {
        setvbuf(file, NULL, _IOLBF, 0);
    }
    return file != NULL;
}

void log_detach(void)
{
    detached = true;
    openlog("stored", LOG_PID, LOG_DAEMON);
}

void log_set_verbose(bool verbose)
{
    verbose_on = verbose;
}

bool log_verbose(void)
{
    return verbose_on;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"trace", "info", "warning", "error"};
    static const int priorities[] = {7, 6, 4, 3}; /* LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR */
    char text[1024], when[32] = "";
    struct tm tm;
    time_t now;
    va_list ap;

    if (level == LOG_TRACE && !verbose_on) {
        return;
    }
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (!file && detached) {
        syslog(priorities[level], "%s", text);
        return;
    }
    now = time(NULL);
    if (localtime_r(&now, &tm)) {
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    }
    fprintf(file ? file : stderr, "%s stored %s: %s\n", when, names[level], text);
}

static void *check(void *block)
{
    if (!block) {
        log_write(LOG_ERROR, "out of memory");
        exit(1);
    }
    return block;
}

void *alloc_zero(size_t size)
{
    return check(calloc(1, size ? size : 1));
}

void *alloc_copy(const void *data, size_t length)
{
    char *copy = check(malloc(length + 1));

    if (length > 0) {
        memcpy(copy, data, length);
    }
    copy[length] = '\0';
    return copy;
}

void *alloc_resize(void *block, size_t size)
{
    return check(realloc(block, size ? size : 1));
}
