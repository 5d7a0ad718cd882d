/* SPDX-License-Identifier: MIT */
/*
 * Options on a boot command line: words separated by blanks, each `key`, `no-key` or `key=value`.
 * A later word wins over an earlier one. Values may be lists with commas.
 */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of the last `key=value` or `key` (then ""), cut at size; false if there is none. */
bool cmdline_get(const char *line, const char *key, char *buf, size_t size);

/* `key`, `key=yes|on|true|enable|1` are true; `no-key`, `key=no|off|false|disable|0` false. */
bool cmdline_bool(const char *line, const char *key, bool def);

/* `key=number`, base by prefix; def if absent or malformed. */
uint64_t cmdline_u64(const char *line, const char *key, uint64_t def);

/* `key=size` with suffix B, K, M, G or T; without one the number counts units of `unit` bytes. */
uint64_t cmdline_size(const char *line, const char *key, uint64_t unit, uint64_t def);

/* The size at the start of s, and where it ends (s itself when there is no number). */
uint64_t cmdline_parse_size(const char *s, const char **end, uint64_t unit);

/*
 * Walk a value that is a list: copies the next item into buf and moves *cursor behind it. False
 * at the end. `for (c = value; cmdline_next_item(&c, buf, sizeof(buf));)`
 */
bool cmdline_next_item(const char **cursor, char *buf, size_t size);

/* Is `item` "name:value" or "name=value"? Then its value, else NULL. */
const char *cmdline_item_value(const char *item, const char *name);

#endif
