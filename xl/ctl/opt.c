/* SPDX-License-Identifier: MIT */
/*
 * Options: short ones may be joined, values may follow at once or as the next word, long ones may
 * be shortened, and options may stand behind arguments. A lone `--` ends them.
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

static const struct opt json_opt = { 'j', "json", NULL, "print JSON" };

const struct opt global_opts[] = {
    { 'v', "verbose", NULL, "say more; twice: much more" },
    { 'N', "dry-run", NULL, "only show what would be done" },
    { 'f', "force", NULL, "go on where a check would stop" },
    { 't', "progress-cr", NULL, "progress with carriage returns" },
    { 'T', "timestamps", NULL, "times in messages" },
    { 'h', "help", NULL, "help" },
    { 1, "version", NULL, "the version" },
    { 0, NULL, NULL, NULL },
};

static int accept(struct ctl *c, const struct opt *o, const char *value)
{
    c->seen[o->letter]++;
    c->value[o->letter] = value;
    return 0;
}

static const struct opt *find_letter(const struct ctl *c, const struct opt *opts, int letter)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        if (opts->letter == letter && letter >= ' ') {
            return opts;
        }
    }
    return c->cmd != NULL && letter == 'j' && (c->cmd->flags & CMD_LISTING) ? &json_opt : NULL;
}

static const struct opt *find_long(const struct ctl *c, const struct opt *opts, const char *name,
                                   size_t n)
{
    const struct opt *found = NULL;

    for (; opts != NULL && opts->name != NULL; opts++) {
        if (strncmp(opts->name, name, n) == 0) {
            if (opts->name[n] == '\0') {
                return opts;
            }
            found = found == NULL ? opts : NULL;
        }
    }
    if (c->cmd != NULL && (c->cmd->flags & CMD_LISTING) && strncmp("json", name, n) == 0) {
        return &json_opt;
    }
    return found;
}

static int wrong(struct ctl *c, const char *what, const char *word)
{
    complain(c, "%s%s '%s'; try '%s help%s%s'", c->cmd != NULL ? c->cmd->name : "",
             c->cmd != NULL ? what : what + 2, word, c->program, c->cmd != NULL ? " " : "",
             c->cmd != NULL ? c->cmd->name : "");
    return -1;
}

/* `word` starts with two dashes. Takes *next when a value is needed; 1: taken. */
static int parse_long(struct ctl *c, const struct opt *opts, const char *word, const char *next)
{
    size_t n = strcspn(word + 2, "=");
    const struct opt *o = find_long(c, opts, word + 2, n);
    const char *value = word[2 + n] == '=' ? word + 3 + n : NULL;

    if (o == NULL) {
        return wrong(c, ": unknown option", word);
    }
    if (o->value == NULL) {
        return value != NULL ? wrong(c, ": no value belongs to", word) : accept(c, o, NULL);
    }
    if (value != NULL) {
        return accept(c, o, value);
    }
    return next == NULL ? wrong(c, ": a value is missing after", word)
                        : (accept(c, o, next), 1);
}

static int parse_short(struct ctl *c, const struct opt *opts, const char *word, const char *next)
{
    for (const char *p = word + 1; *p != '\0'; p++) {
        const struct opt *o = find_letter(c, opts, *p);

        if (o == NULL) {
            return wrong(c, ": unknown option", word);
        }
        if (o->value == NULL) {
            accept(c, o, NULL);
        } else if (p[1] != '\0') {
            return accept(c, o, p + 1);
        } else {
            return next == NULL ? wrong(c, ": a value is missing after", word)
                                : (accept(c, o, next), 1);
        }
    }
    return 0;
}

int opt_parse(struct ctl *c, const struct opt *opts, bool stop_at_word, int argc, char **argv)
{
    int words = 0;

    for (int i = 0; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        int rc;

        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            if (stop_at_word) {
                memmove(argv, argv + i, (size_t)(argc - i) * sizeof(*argv));
                return argc - i;
            }
            argv[words++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc) {
                argv[words++] = argv[i];
            }
            break;
        }
        rc = argv[i][1] == '-' ? parse_long(c, opts, argv[i], next)
                               : parse_short(c, opts, argv[i], next);
        if (rc < 0) {
            return rc;
        }
        i += rc;
    }
    return words;
}
