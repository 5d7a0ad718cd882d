/* SPDX-License-Identifier: MIT */
/*
 * Files: read into settings, and settings written as a file again. Text is written in double
 * quotes, with escapes for what could not stand there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_string(FILE *f, const char *text)
{
    static const char special[] = "\n\t\r\"\\", names[] = "ntr\"\\";

    fputc('"', f);
    for (const char *p = text; *p != '\0'; p++) {
        const char *found = strchr(special, *p);

        if (found != NULL) {
            fprintf(f, "\\%c", names[found - special]);
        } else if ((unsigned char)*p < ' ' || *p == 127) {
            fprintf(f, "\\x%02x", (unsigned char)*p);
        } else {
            fputc(*p, f);
        }
    }
    fputc('"', f);
}

static void write_value(FILE *f, const struct value *v, bool lines)
{
    switch (v->kind) {
    case VALUE_NUMBER:
        fprintf(f, "%lld", (long long)v->number);
        break;
    case VALUE_STRING:
        write_string(f, v->string);
        break;
    case VALUE_LIST:
        lines = lines && v->count > 1;
        fputc('[', f);
        for (size_t i = 0; i < v->count; i++) {
            fputs(lines ? "\n    " : i > 0 ? ", " : " ", f);
            write_value(f, &v->items[i], false);
            fputs(lines ? "," : "", f);
        }
        fputs(lines ? "\n]" : v->count > 0 ? " ]" : "]", f);
        break;
    }
}

char *value_text(const struct value *v)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (f == NULL) {
        return NULL;
    }
    write_value(f, v, false);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int ctrl_config_to_cfg(struct ctrl *h, const struct ctrl_config *config, char **text)
{
    struct settings s;
    size_t size;
    FILE *f;

    if (config_dump(config, &s) < 0) {
        return ctrl_no_memory(h);
    }
    *text = NULL;
    f = open_memstream(text, &size);
    for (size_t i = 0; f != NULL && i < s.count; i++) {
        fprintf(f, "%s = ", s.rows[i].key);
        write_value(f, &s.rows[i].value, true);
        fputc('\n', f);
    }
    settings_free(&s);
    if (f == NULL || fclose(f) != 0) {
        free(*text);
        return ctrl_no_memory(h);
    }
    return 0;
}

/* ---- reading ---- */

static int read_all(struct ctrl *h, const char *path, char **out, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    size_t have = 0;
    char *text;

    if (fd < 0) {
        return ctrl_fail(h, -errno, "cannot read %s: %s", path, strerror(errno));
    }
    text = malloc(CONFIG_TEXT_LIMIT + 1);
    while (text != NULL && have <= CONFIG_TEXT_LIMIT) {
        ssize_t n = read(fd, text + have, CONFIG_TEXT_LIMIT + 1 - have);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            rc = n < 0 ? -errno : 0;
            break;
        }
        have += (size_t)n;
    }
    close(fd);
    if (text == NULL) {
        return ctrl_no_memory(h);
    }
    if (rc < 0) {
        ctrl_fail(h, rc, "cannot read %s: %s", path, strerror(-rc));
    } else if (have > CONFIG_TEXT_LIMIT) {
        rc = ctrl_fail(h, -EFBIG, "%s is no config: it has more than 1 MiB", path);
    }
    if (rc < 0) {
        free(text);
        return rc;
    }
    *out = text;
    *length = have;
    return 0;
}

static int parse_all(struct ctrl *h, const char *name, const char *text, size_t length,
                     const char *overrides, struct ctrl_config **out)
{
    struct settings s = { 0 };
    int rc = parse_text(h, name, text, length, false, &s);

    if (rc == 0 && overrides != NULL) {
        rc = parse_text(h, "command line", overrides, strlen(overrides), true, &s);
    }
    rc = rc < 0 ? rc : config_load(h, &s, out);
    settings_free(&s);
    return rc;
}

int ctrl_config_parse_file(struct ctrl *h, const char *path, const char *overrides,
                           struct ctrl_config **out)
{
    char *text = NULL;
    size_t length = 0;
    int rc = read_all(h, path, &text, &length);

    if (rc < 0) {
        return rc;
    }
    rc = parse_all(h, path, text, length, overrides, out);
    free(text);
    return rc;
}

int ctrl_config_parse_string(struct ctrl *h, const char *name, const char *text,
                             const char *overrides, struct ctrl_config **out)
{
    return parse_all(h, name, text, strlen(text), overrides, out);
}
