/* SPDX-License-Identifier: MIT */
/* Domains and numbers as a person writes them. */
#include "cmd.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In xl's words, which scripts know. */
static int no_such_domain(const char *name_or_id)
{
    fflush(stdout);
    fprintf(stderr, "%s is an invalid domain identifier (rc=-6)\n", name_or_id);
    return EXIT_FAILURE;
}

int find_domain(struct ctl *c, const char *name_or_id, uint32_t *domid)
{
    int rc = ctrl_domain_find(c->h, name_or_id, domid);

    if (rc == -ESRCH) {
        return no_such_domain(name_or_id);
    }
    return rc < 0 ? failed(c) : 0;
}

int find_domain_info(struct ctl *c, const char *name_or_id, struct ctrl_domain_info *info)
{
    uint32_t domid;
    int status = find_domain(c, name_or_id, &domid);

    if (status != 0) {
        return status;
    }
    if (ctrl_domain_info(c->h, domid, info) == -ESRCH) {
        return no_such_domain(name_or_id);
    }
    return info->domid == domid ? 0 : failed(c);
}

int parse_number(struct ctl *c, const char *text, const char *what, long min, long max, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(text, &end, 0);
    if (text[0] == '\0' || *end != '\0' || errno != 0 || *out < min || *out > max) {
        complain(c, "%s: expected %s from %ld to %ld, found '%s'", c->cmd->name, what, min, max,
                 text);
        return EXIT_USAGE;
    }
    return 0;
}

int parse_memory(struct ctl *c, const char *text, uint64_t *kib)
{
    static const char suffixes[] = "bkmgt";
    char *end;
    double number = strtod(text, &end);
    const char *suffix = *end == '\0' ? &suffixes[2]
                                      : strchr(suffixes, tolower((unsigned char)*end));
    double bytes = number;

    if (text[0] == '\0' || !isdigit((unsigned char)text[0]) || suffix == NULL ||
        (*end != '\0' && end[1] != '\0')) {
        complain(c, "%s: expected an amount of memory such as 512 (MiB), 2g or 262144k, found '%s'",
                 c->cmd->name, text);
        return EXIT_USAGE;
    }
    for (long i = suffix - suffixes; i > 0; i--) {
        bytes *= 1024;
    }
    if (bytes < 1024 || bytes > 16.0 * (1ull << 40)) {
        complain(c, "%s: the amount of memory '%s' is not between 1 KiB and 16 TiB", c->cmd->name,
                 text);
        return EXIT_USAGE;
    }
    *kib = (uint64_t)(bytes / 1024);
    return 0;
}

int domains_get(struct ctl *c, struct domains *d)
{
    *d = (struct domains){ 0 };
    if (ctrl_domain_list(c->h, &d->list, &d->count) < 0 ||
        ctrl_domain_names(c->h, d->list, d->count, &d->names) < 0) {
        domains_free(d);
        return failed(c);
    }
    return 0;
}

void domains_free(struct domains *d)
{
    free(d->list);
    free(d->names);
    *d = (struct domains){ 0 };
}

static bool is_called(const struct domains *d, size_t i, const char *word)
{
    char *end;
    unsigned long number = strtoul(word, &end, 10);

    if (d->names[i] != NULL && strcmp(d->names[i], word) == 0) {
        return true;
    }
    return isdigit((unsigned char)word[0]) && *end == '\0' && number == d->list[i].domid;
}

int domains_choose(struct domains *d, int argc, char **argv)
{
    bool found[64] = { false };
    size_t kept = 0;
    int status = 0;

    if (argc == 0) {
        return 0;
    }
    for (size_t i = 0; i < d->count; i++) {
        bool wanted = false;

        for (int a = 0; a < argc && a < 64; a++) {
            if (is_called(d, i, argv[a])) {
                wanted = found[a] = true;
            }
        }
        if (wanted) {
            d->list[kept] = d->list[i];
            d->names[kept++] = d->names[i];
        }
    }
    d->count = kept;
    for (int a = 0; a < argc && a < 64; a++) {
        if (!found[a]) {
            status = no_such_domain(argv[a]);
        }
    }
    return status;
}
