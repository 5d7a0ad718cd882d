/* SPDX-License-Identifier: MIT */
/*
 * The handle's connection to the store, opened when first needed, and shorthands for single
 * values at formatted paths. These return the error without a sentence where the caller knows
 * better what a missing node means.
 */
#include "../internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ctrl_store(struct ctrl *h, struct store **out)
{
    if (h->store == NULL) {
        int rc = store_open(NULL, &h->store);

        if (rc == -EACCES || rc == -EPERM) {
            return ctrl_fail(h, -EPERM, "only root may use the store: run this as root");
        }
        if (rc < 0) {
            h->store = NULL;
            return ctrl_fail(h, rc, "the store does not answer (%s): is stored running?",
                             strerror(-rc));
        }
    }
    *out = h->store;
    return 0;
}

static int make_path(struct ctrl *h, char *path, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(path, size, format, args);

    if (n < 0 || (size_t)n >= size) {
        return ctrl_fail(h, -ENAMETOOLONG, "a path of the store is too long");
    }
    return 0;
}

int ctrl_store_read(struct ctrl *h, char **value, const char *format, ...)
{
    struct store *s;
    char path[256];
    va_list args;
    int rc = ctrl_store(h, &s);

    if (rc < 0) {
        return rc;
    }
    va_start(args, format);
    rc = make_path(h, path, sizeof(path), format, args);
    va_end(args);
    return rc < 0 ? rc : store_read(s, 0, path, value, NULL);
}

int ctrl_store_write(struct ctrl *h, const char *value, const char *format, ...)
{
    struct store *s;
    char path[256];
    va_list args;
    int rc = ctrl_store(h, &s);

    if (rc < 0) {
        return rc;
    }
    va_start(args, format);
    rc = make_path(h, path, sizeof(path), format, args);
    va_end(args);
    if (rc == 0) {
        rc = store_write(s, 0, path, value, strlen(value));
        if (rc < 0) {
            ctrl_fail(h, rc, "cannot write %s to the store: %s", path, strerror(-rc));
        }
    }
    return rc;
}

int ctrl_store_remove(struct ctrl *h, const char *format, ...)
{
    struct store *s;
    char path[256];
    va_list args;
    int rc = ctrl_store(h, &s);

    if (rc < 0) {
        return rc;
    }
    va_start(args, format);
    rc = make_path(h, path, sizeof(path), format, args);
    va_end(args);
    if (rc == 0) {
        rc = store_rm(s, 0, path);
    }
    return rc == -ENOENT ? 0 : rc;
}
