/* SPDX-License-Identifier: MIT */
/* Names of nodes as requests give them. */
#ifndef STORED_PATH_H
#define STORED_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * text: a NUL-terminated name; relative ones get `prefix` and a slash in front. The absolute path
 * goes to out (XENSTORE_ABS_PATH_MAX + 1 bytes). special: names that start with @ are fine too.
 * 0 or EINVAL. *strip: how many bytes the prefix took.
 */
int path_resolve(const char *text, const char *prefix, bool special, char *out, size_t *strip);

#endif
