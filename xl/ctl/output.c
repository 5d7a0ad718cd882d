/* SPDX-License-Identifier: MIT */
/* Messages, and JSON in the one style that all listings have. */
#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void complain(const struct ctl *c, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", c->program);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int failed(const struct ctl *c)
{
    int signal = caught_signal();

    complain(c, "%s", ctrl_error(c->h));
    return signal != 0 ? 128 + signal : EXIT_FAILURE;
}

yajl_gen json_new(void)
{
    yajl_gen g = yajl_gen_alloc(NULL);

    if (g == NULL) {
        fputs("out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    yajl_gen_config(g, yajl_gen_beautify, 1);
    yajl_gen_config(g, yajl_gen_indent_string, "    ");
    return g;
}

void json_key(yajl_gen g, const char *key)
{
    if (key != NULL) {
        yajl_gen_string(g, (const unsigned char *)key, strlen(key));
    }
}

void json_text(yajl_gen g, const char *key, const char *text)
{
    json_key(g, key);
    if (text == NULL) {
        yajl_gen_null(g);
    } else {
        yajl_gen_string(g, (const unsigned char *)text, strlen(text));
    }
}

void json_number(yajl_gen g, const char *key, int64_t number)
{
    json_key(g, key);
    yajl_gen_integer(g, number);
}

void json_bool(yajl_gen g, const char *key, bool value)
{
    json_key(g, key);
    yajl_gen_bool(g, value);
}

void json_time(yajl_gen g, const char *key, uint64_t ns)
{
    json_number(g, key, (int64_t)ns);
}

int json_end(struct ctl *c, yajl_gen g)
{
    const unsigned char *text;
    size_t length;
    int status = EXIT_FAILURE;

    if (yajl_gen_get_buf(g, &text, &length) == yajl_gen_status_ok &&
        fwrite(text, 1, length, stdout) == length) {
        /* The beautifier ends a closed document with a newline of its own. */
        if (length > 0 && text[length - 1] != '\n') {
            putchar('\n');
        }
        status = EXIT_SUCCESS;
    } else {
        complain(c, "cannot write the output");
    }
    yajl_gen_free(g);
    return status;
}

static const char reason_letters[] = "-rscwS";
static const char *const reason_names[] = {
    "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset",
};

void state_letters(const struct ctrl_domain_info *info, char out[7])
{
    out[0] = info->running ? 'r' : '-';
    out[1] = info->blocked ? 'b' : '-';
    out[2] = info->paused ? 'p' : '-';
    out[3] = info->shutdown ? 's' : '-';
    out[4] = !info->shutdown ? '-' : info->shutdown_reason < sizeof(reason_letters) - 1
                                         ? reason_letters[info->shutdown_reason] : '?';
    out[5] = info->dying ? 'd' : '-';
    out[6] = '\0';
}

const char *shutdown_reason_name(unsigned int reason)
{
    return reason < sizeof(reason_names) / sizeof(reason_names[0]) ? reason_names[reason] : "other";
}
