/* SPDX-License-Identifier: MIT */
/* The wire form of the store's protocol, shared by the client library and the daemon. */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include <errno.h>
#include <public/io/xs_wire.h>
#include <stdbool.h>
#include <stddef.h>

#include "store.h"

/* Errors travel as names: "ENOENT". An errno without a name of its own travels as EINVAL. */
const char *wire_error_name(int error);
int wire_error_number(const char *name, size_t length); /* positive; unknown names are EINVAL */

/* A permission is a letter (n, r, w, b) and a decimal domain number. */
bool wire_parse_perm(const char *text, struct store_perm *perm);
size_t wire_format_perm(const struct store_perm *perm, char *buf, size_t size); /* without NUL */

/* Number of NUL-terminated strings in a payload; a tail without NUL does not count. */
size_t wire_count_strings(const char *payload, size_t length);

/* May a header with this length be accepted at all? */
static inline bool wire_length_ok(const struct xsd_sockmsg *msg)
{
    return msg->len <= XENSTORE_PAYLOAD_MAX;
}

#endif
