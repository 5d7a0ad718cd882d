/* SPDX-License-Identifier: MIT */
/*
 * A store that nobody runs: for tests of libctrl's parts that must link against the client.
 */
#include "store.h"

#include <errno.h>

int store_open(const char *path, struct store **out)
{
    (void)path;
    (void)out;
    return -ENOENT;
}

void store_close(struct store *s)
{
    (void)s;
}

int store_read(struct store *s, uint32_t txn, const char *path, char **value, size_t *length)
{
    (void)s;
    (void)txn;
    (void)path;
    (void)value;
    (void)length;
    return -ENOENT;
}

int store_write(struct store *s, uint32_t txn, const char *path, const void *value, size_t length)
{
    (void)s;
    (void)txn;
    (void)path;
    (void)value;
    (void)length;
    return -ENOENT;
}

int store_rm(struct store *s, uint32_t txn, const char *path)
{
    (void)s;
    (void)txn;
    (void)path;
    return -ENOENT;
}
