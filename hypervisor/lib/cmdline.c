/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the command line itself: it is scanned anew for each key, so there is no table to
 * fill and no limit on the number of words. `-` and `_` in keys are the same.
 */
#include "cmdline.h"
#include "lib.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char fold(char c)
{
    return c == '_' ? '-' : c;
}

/* Does the word start with key, followed by its end or '='? Returns what follows the key. */
static const char *match_key(const char *word, const char *key)
{
    for (; *key != '\0'; word++, key++) {
        if (fold(*word) != fold(*key)) {
            return NULL;
        }
    }
    return *word == '\0' || *word == '=' || is_blank(*word) ? word : NULL;
}

/* Behind the last word `key...` or, if negated is given, `no-key`; NULL if there is none. */
static const char *find(const char *line, const char *key, bool *negated)
{
    const char *found = NULL, *rest;

    while (*line != '\0') {
        while (is_blank(*line)) {
            line++;
        }
        rest = match_key(line, key);
        if (rest) {
            found = rest;
            if (negated) {
                *negated = false;
            }
        } else if (negated && line[0] == 'n' && line[1] == 'o' && fold(line[2]) == '-') {
            rest = match_key(line + 3, key);
            if (rest) {
                found = rest;
                *negated = true;
            }
        }
        while (*line != '\0' && !is_blank(*line)) {
            line++;
        }
    }
    return found;
}

bool cmdline_get(const char *line, const char *key, char *buf, size_t size)
{
    const char *v = find(line, key, NULL);
    size_t n = 0;

    if (!v) {
        return false;
    }
    if (*v == '=') {
        v++;
    }
    for (; *v != '\0' && !is_blank(*v); v++) {
        if (n + 1 < size) {
            buf[n++] = *v;
        }
    }
    if (size > 0) {
        buf[n] = '\0';
    }
    return true;
}

static int word_to_bool(const char *s)
{
    static const char *const yes[] = {"", "yes", "on", "true", "enable", "1"};
    static const char *const no[] = {"no", "off", "false", "disable", "0"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (strcmp(s, yes[i]) == 0) {
            return 1;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
        if (strcmp(s, no[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

bool cmdline_bool(const char *line, const char *key, bool def)
{
    bool negated = false;
    char word[12];
    int b;

    if (!find(line, key, &negated)) {
        return def;
    }
    if (negated) {
        return false;
    }
    cmdline_get(line, key, word, sizeof(word));
    b = word_to_bool(word);
    return b < 0 ? def : b;
}

uint64_t cmdline_u64(const char *line, const char *key, uint64_t def)
{
    char word[32];
    const char *end;
    uint64_t n;

    if (!cmdline_get(line, key, word, sizeof(word))) {
        return def;
    }
    n = str_to_u64(word, &end, 0);
    return end == word || (*end != '\0' && *end != ',') ? def : n;
}

uint64_t cmdline_parse_size(const char *s, const char **end, uint64_t unit)
{
    static const char suffix[] = "bkmgt";
    const char *e;
    uint64_t n = str_to_u64(s, &e, 0);

    if (e != s) {
        for (unsigned i = 0; suffix[i] != '\0'; i++) {
            if ((*e | 0x20) == suffix[i]) {
                unit = 1ULL << (10 * i);
                e++;
                break;
            }
        }
        if (__builtin_mul_overflow(n, unit, &n)) {
            n = UINT64_MAX;
        }
    }
    if (end) {
        *end = e;
    }
    return n;
}

uint64_t cmdline_size(const char *line, const char *key, uint64_t unit, uint64_t def)
{
    char word[32];
    const char *end;
    uint64_t n;

    if (!cmdline_get(line, key, word, sizeof(word))) {
        return def;
    }
    n = cmdline_parse_size(word, &end, unit);
    return end == word ? def : n;
}

bool cmdline_next_item(const char **cursor, char *buf, size_t size)
{
    const char *s = *cursor;
    size_t n = 0;

    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0' && *s != ','; s++) {
        if (n + 1 < size) {
            buf[n++] = *s;
        }
    }
    if (size > 0) {
        buf[n] = '\0';
    }
    *cursor = *s == ',' ? s + 1 : s;
    return true;
}

const char *cmdline_item_value(const char *item, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(item, name, n) != 0 || (item[n] != ':' && item[n] != '=')) {
        return NULL;
    }
    return item + n + 1;
}
