/* SPDX-License-Identifier: MIT */
/* Options of the command line, and of /etc/bonsai/ctld.conf (KEY = NUMBER, # comments). */
#include "ctld.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FILE "/etc/bonsai/ctld.conf"

struct number {
    const char *key;
    unsigned long min, max;
    void (*set)(struct options *o, unsigned long value);
};

static void set_history(struct options *o, unsigned long value)
{
    o->history_bytes = (uint32_t)value * 1024;
}

static void set_rate(struct options *o, unsigned long value)
{
    o->bytes_per_second = (uint32_t)value * 1024;
}

static void set_keep(struct options *o, unsigned long value)
{
    o->keep_histories = (unsigned int)value;
}

static const struct number numbers[] = {
    { "console_history_kib", 4, 16384, set_history },
    { "console_kib_per_second", 1, 1048576, set_rate },
    { "console_histories_kept", 0, 4096, set_keep },
};

static int read_line(struct options *o, const char *path, unsigned int line, const char *text)
{
    char key[64];
    long value;

    if (sscanf(text, " %63[^ =\t\n] = %ld", key, &value) == 2) {
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            if (strcmp(numbers[i].key, key) == 0 && value >= (long)numbers[i].min &&
                value <= (long)numbers[i].max) {
                numbers[i].set(o, (unsigned long)value);
                return 0;
            }
        }
    }
    fprintf(stderr, "ctld: %s:%u: expected a setting such as console_history_kib = 128\n", path,
            line);
    return -EINVAL;
}

static int read_file(struct options *o, const char *path, bool must_exist)
{
    FILE *f = fopen(path, "re");
    char text[256];
    int rc = 0;

    if (f == NULL) {
        if (must_exist) {
            fprintf(stderr, "ctld: cannot read %s: %s\n", path, strerror(errno));
        }
        return must_exist ? -errno : 0;
    }
    for (unsigned int line = 1; rc == 0 && fgets(text, sizeof(text), f) != NULL; line++) {
        char *hash = strchr(text, '#');

        if (hash != NULL) {
            *hash = '\0';
        }
        if (text[strspn(text, " \t\r\n")] != '\0') {
            rc = read_line(o, path, line, text);
        }
    }
    fclose(f);
    return rc;
}

static void usage(FILE *f)
{
    fputs("Usage: ctld [OPTIONS]\n\n"
          "Serves the consoles of guests and does what their configs say when they end.\n\n"
          "  -n, --no-fork      stay in the foreground, messages to standard error\n"
          "  -v, --verbose      say more\n"
          "  -c, --config=FILE  instead of " DEFAULT_FILE "\n"
          "  -h, --help         this text\n"
          "      --version      the version\n", f);
}

int options_parse(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        { "no-fork", no_argument, NULL, 'n' },   { "verbose", no_argument, NULL, 'v' },
        { "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },   { NULL, 0, NULL, 0 },
    };
    const char *file = NULL;
    int letter;

    *o = (struct options){ .history_bytes = 128 << 10, .bytes_per_second = 1 << 20,
                           .keep_histories = 16 };
    while ((letter = getopt_long(argc, argv, "nvc:h", longs, NULL)) != -1) {
        switch (letter) {
        case 'n':
            o->foreground = true;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'c':
            file = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        case 'V':
            printf("ctld %s\n", ctrl_library_version());
            exit(EXIT_SUCCESS);
        default:
            return -EINVAL;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return -EINVAL;
    }
    return read_file(o, file != NULL ? file : DEFAULT_FILE, file != NULL);
}
