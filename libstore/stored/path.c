/* SPDX-License-Identifier: MIT */
/* Checks of names: letters, digits and -/_@, no empty part, no slash at the end. */
#include "path.h"

#include <errno.h>
#include <string.h>

#include "wire.h"

static bool letter_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '@' || c == '/';
}

static bool letters_ok(const char *text)
{
    while (letter_ok(*text)) {
        text++;
    }
    return *text == '\0';
}

int path_resolve(const char *text, const char *prefix, bool special, char *out, size_t *strip)
{
    size_t length = strlen(text), head = 0;

    *strip = 0;
    if (length == 0 || !letters_ok(text)) {
        return EINVAL;
    }
    if (text[0] == '@') {
        if (!special || length > XENSTORE_REL_PATH_MAX) {
            return EINVAL;
        }
    } else if (text[0] != '/') {
        head = strlen(prefix) + 1;
        if (length > XENSTORE_REL_PATH_MAX) {
            return EINVAL;
        }
    }
    if (head + length > XENSTORE_ABS_PATH_MAX || strstr(text, "//") ||
        (text[length - 1] == '/' && length > 1)) {
        return EINVAL;
    }
    if (head > 0) {
        memcpy(out, prefix, head - 1);
        out[head - 1] = '/';
    }
    memcpy(out + head, text, length + 1);
    *strip = head;
    return 0;
}
