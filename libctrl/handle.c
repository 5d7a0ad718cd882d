/* SPDX-License-Identifier: MIT */
/*
 * The handle: made empty, filled lazily. The sentence of the last failure lives in a fixed buffer
 * so that reporting -ENOMEM needs no memory.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ctrl_open(struct ctrl **out)
{
    struct ctrl *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return -ENOMEM;
    }
    h->privcmd_fd = -1;
    h->gntdev_fd = -1;
    *out = h;
    return 0;
}

void ctrl_close(struct ctrl *h)
{
    if (h == NULL) {
        return;
    }
    if (h->store != NULL) {
        store_close(h->store);
    }
    if (h->arena != NULL) {
        munmap(h->arena, CTRL_ARENA_SIZE);
    }
    if (h->privcmd_fd >= 0) {
        close(h->privcmd_fd);
    }
    if (h->gntdev_fd >= 0) {
        close(h->gntdev_fd);
    }
    free(h);
}

const char *ctrl_error(const struct ctrl *h)
{
    return h->error;
}

void ctrl_set_log(struct ctrl *h, ctrl_log_fn *fn, void *data, enum ctrl_log_level level)
{
    h->log_fn = fn;
    h->log_data = data;
    h->log_level = level;
}

void ctrl_cancel(struct ctrl *h)
{
    atomic_store_explicit(&h->cancelled, 1, memory_order_relaxed);
}

bool ctrl_cancelled(const struct ctrl *h)
{
    return atomic_load_explicit(&h->cancelled, memory_order_relaxed) != 0;
}

int ctrl_fail(struct ctrl *h, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(h->error, sizeof(h->error), format, args);
    va_end(args);
    return err;
}

int ctrl_no_memory(struct ctrl *h)
{
    return ctrl_fail(h, -ENOMEM, "this process is out of memory");
}

void ctrl_log(struct ctrl *h, enum ctrl_log_level level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (h->log_fn == NULL || level > h->log_level) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    h->log_fn(h->log_data, level, text);
}

const char *ctrl_library_version(void)
{
    return LIBCTRL_VERSION;
}
