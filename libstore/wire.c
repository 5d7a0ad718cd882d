/* SPDX-License-Identifier: MIT */
/* Names of errors, permissions and string lists as they stand in a message. */
#include "wire.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *wire_error_name(int error)
{
    for (size_t i = 0; i < COUNT(xsd_errors); i++) {
        if (xsd_errors[i].errnum == error) {
            return xsd_errors[i].errstring;
        }
    }
    return "EINVAL";
}

int wire_error_number(const char *name, size_t length)
{
    while (length > 0 && name[length - 1] == '\0') {
        length--;
    }
    for (size_t i = 0; i < COUNT(xsd_errors); i++) {
        const char *s = xsd_errors[i].errstring;

        if (strlen(s) == length && memcmp(s, name, length) == 0) {
            return xsd_errors[i].errnum;
        }
    }
    return EINVAL;
}

bool wire_parse_perm(const char *text, struct store_perm *perm)
{
    static const char letters[] = "nrwb"; /* in the order of enum store_access */
    const char *letter = text[0] ? strchr(letters, text[0]) : NULL;
    unsigned long id = 0;

    if (!letter || !isdigit((unsigned char)text[1])) {
        return false;
    }
    for (const char *p = text + 1; *p; p++) {
        if (!isdigit((unsigned char)*p)) {
            return false;
        }
        id = id * 10 + (unsigned long)(*p - '0');
        if (id > 0xffff) {
            return false;
        }
    }
    perm->domid = (uint32_t)id;
    perm->access = (enum store_access)(letter - letters);
    return true;
}

size_t wire_format_perm(const struct store_perm *perm, char *buf, size_t size)
{
    int n = snprintf(buf, size, "%c%u", "nrwb"[perm->access & 3], perm->domid);

    return n < 0 ? 0 : (size_t)n;
}

size_t wire_count_strings(const char *payload, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        n += payload[i] == '\0';
    }
    return n;
}
