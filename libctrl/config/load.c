/* SPDX-License-Identifier: MIT */
/*
 * Settings through the schema into struct ctrl_config. One function for each kind of key; each is
 * given the row and the value and says, when the value does not fit, where and what would.
 * Scalars are lenient in the language's manner: a number may stand in quotes, and text may be a
 * bare number.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load {
    struct ctrl *h;
    struct ctrl_config *c;
    const struct key *key;
    const struct value *v;
};

static int unfit(struct load *l, const char *what)
{
    char found[80];

    if (l->v->kind == VALUE_LIST) {
        snprintf(found, sizeof(found), "a list");
    } else {
        snprintf(found, sizeof(found), "%s%.50s%s", l->v->kind == VALUE_STRING ? "\"" : "",
                 l->v->string, l->v->kind == VALUE_STRING ? "\"" : "");
    }
    return config_fail(l->h, &l->v->at, "%s: expected %s, found %s", l->key->row.name, what, found);
}

static int get_number(struct load *l, int64_t *out)
{
    const struct key *key = l->key;
    char *end, range[100];

    if (l->v->kind == VALUE_LIST) {
        return unfit(l, "a number");
    }
    errno = 0;
    *out = l->v->kind == VALUE_NUMBER ? l->v->number : strtoll(l->v->string, &end, 0);
    if (l->v->kind == VALUE_STRING &&
        (l->v->string[0] == '\0' || *end != '\0' || errno != 0)) {
        return unfit(l, "a number");
    }
    if ((key->min != 0 || key->max != 0) && (*out < key->min || *out > key->max)) {
        snprintf(range, sizeof(range), "a number from %" PRId64 " to %" PRId64, key->min, key->max);
        return unfit(l, range);
    }
    return 0;
}

static int get_bool(struct load *l, int64_t *out)
{
    int rc = get_number(l, out);

    if (rc == 0 && *out != 0 && *out != 1) {
        return unfit(l, "a boolean: 0 or 1");
    }
    return rc;
}

static int set_string(struct load *l, char **slot)
{
    char *copy;

    if (l->v->kind == VALUE_LIST) {
        return unfit(l, "a string");
    }
    copy = strdup(l->v->string);
    if (copy == NULL) {
        return ctrl_no_memory(l->h);
    }
    free(*slot);
    *slot = copy;
    return 0;
}

static int add_item(struct load *l, struct ctrl_strings *list, const struct value *item)
{
    if (item->kind == VALUE_LIST) {
        return config_fail(l->h, &item->at, "%s: expected a list of strings, found a list in it",
                           l->key->row.name);
    }
    return strings_append(list, item->string) < 0 ? ctrl_no_memory(l->h) : 0;
}

static int set_list(struct load *l, struct ctrl_strings *list)
{
    int rc = 0;

    strings_free(list);
    if (l->v->kind != VALUE_LIST) {
        return l->v->string[0] == '\0' ? 0 : add_item(l, list, l->v);
    }
    for (size_t i = 0; i < l->v->count && rc == 0; i++) {
        rc = add_item(l, list, &l->v->items[i]);
    }
    return rc;
}

static int set_arguments(struct load *l, struct ctrl_strings *list)
{
    char *copy, *word, *state;
    int rc = 0;

    if (l->v->kind == VALUE_LIST) {
        return set_list(l, list);
    }
    strings_free(list);
    copy = strdup(l->v->string);
    if (copy == NULL) {
        return ctrl_no_memory(l->h);
    }
    for (word = strtok_r(copy, " \t\n", &state); word != NULL && rc == 0;
         word = strtok_r(NULL, " \t\n", &state)) {
        rc = strings_append(list, word);
    }
    free(copy);
    return rc < 0 ? ctrl_no_memory(l->h) : 0;
}

static int set_nested(struct load *l, struct ctrl_strings *list)
{
    int rc = 0;

    strings_free(list);
    if (l->v->kind != VALUE_LIST) {
        return unfit(l, "a list of lists");
    }
    for (size_t i = 0; i < l->v->count && rc == 0; i++) {
        char *text;

        if (l->v->items[i].kind != VALUE_LIST) {
            return unfit(l, "a list that holds lists only");
        }
        text = value_text(&l->v->items[i]);
        rc = text != NULL ? strings_append(list, text) : -ENOMEM;
        free(text);
    }
    return rc < 0 ? ctrl_no_memory(l->h) : 0;
}

/* ---- keys with names for values ---- */

static int set_action(struct load *l, enum ctrl_action *slot)
{
    *slot = l->v->kind == VALUE_LIST ? CTRL_ACTION_UNSET : action_parse(l->v->string);
    return *slot != CTRL_ACTION_UNSET
               ? 0 : unfit(l, "destroy, restart, rename-restart, preserve, coredump-destroy,"
                              " coredump-restart or soft-reset");
}

static int set_type(struct load *l)
{
    const char *text = l->v->kind == VALUE_LIST ? "" : l->v->string;

    for (int i = CTRL_TYPE_PV; i <= CTRL_TYPE_HVM; i++) {
        if (strcasecmp(text, type_name((enum ctrl_domain_type)i)) == 0) {
            l->c->type = (enum ctrl_domain_type)i;
            return 0;
        }
    }
    return unfit(l, "\"pv\", \"pvh\" or \"hvm\"");
}

static int set_builder(struct load *l)
{
    const char *text = l->v->kind == VALUE_LIST ? "" : l->v->string;
    bool hvm = strcmp(text, "hvm") == 0;

    if (!hvm && strcmp(text, "generic") != 0 && strcmp(text, "linux") != 0) {
        return unfit(l, "\"generic\" or \"hvm\"");
    }
    if (l->c->type == CTRL_TYPE_UNSET) {
        l->c->type = hvm ? CTRL_TYPE_HVM : CTRL_TYPE_PV;
    }
    return 0;
}

static int set_uuid(struct load *l)
{
    if (l->v->kind == VALUE_LIST || ctrl_uuid_parse(l->v->string, l->c->uuid) < 0) {
        return unfit(l, "a uuid such as \"01234567-89ab-cdef-0123-456789abcdef\"");
    }
    l->c->has_uuid = true;
    return 0;
}

static int set_tsc(struct load *l, char **slot)
{
    char digit[2] = "";

    for (int i = 0; i < 4; i++) {
        digit[0] = (char)('0' + i);
        if (l->v->kind != VALUE_LIST && (strcmp(l->v->string, tsc_modes[i]) == 0 ||
                                         strcmp(l->v->string, digit) == 0)) {
            free(*slot);
            *slot = strdup(tsc_modes[i]);
            return *slot == NULL ? ctrl_no_memory(l->h) : 0;
        }
    }
    return unfit(l, "\"default\", \"always_emulate\", \"native\" or \"native_paravirt\"");
}

/* ---- devices ---- */

static int set_devices(struct load *l, bool disks)
{
    size_t size = disks ? sizeof(struct ctrl_disk) : sizeof(struct ctrl_nic);
    char *rows;
    int rc = 0;

    if (l->v->kind != VALUE_LIST) {
        return unfit(l, "a list of strings");
    }
    rows = calloc(l->v->count + 1, size);
    if (rows == NULL) {
        return ctrl_no_memory(l->h);
    }
    if (disks) {
        l->c->disks = (struct ctrl_disk *)rows;
    } else {
        l->c->nics = (struct ctrl_nic *)rows;
    }
    for (size_t i = 0; i < l->v->count && rc == 0; i++) {
        const struct value *item = &l->v->items[i];

        if (item->kind != VALUE_STRING) {
            return config_fail(l->h, &item->at, "%s: expected a list of strings", l->key->row.name);
        }
        if (disks) {
            l->c->nr_disks = i + 1;
            rc = disk_parse(l->h, &item->at, item->string, &l->c->disks[i]);
        } else {
            l->c->nr_nics = i + 1;
            rc = nic_parse(l->h, &item->at, item->string, &l->c->nics[i]);
        }
    }
    return rc;
}

/* ---- keys that are only kept ---- */

static int keep_any(struct load *l, struct ctrl_setting *row)
{
    switch (l->v->kind) {
    case VALUE_NUMBER:
        row->kind = CTRL_SETTING_NUMBER;
        row->number = l->v->number;
        return 0;
    case VALUE_STRING:
        row->kind = CTRL_SETTING_STRING;
        return set_string(l, &row->string);
    default:
        row->kind = CTRL_SETTING_LIST;
        return set_list(l, &row->list);
    }
}

static int keep_setting(struct load *l)
{
    struct ctrl_config *c = l->c;
    struct ctrl_setting *more = realloc(c->settings, (c->nr_settings + 1) * sizeof(*more)), *row;

    if (more == NULL) {
        return ctrl_no_memory(l->h);
    }
    c->settings = more;
    row = &more[c->nr_settings++];
    *row = (struct ctrl_setting){ .key = strdup(l->key->row.name), .kind = CTRL_SETTING_NUMBER };
    if (row->key == NULL) {
        return ctrl_no_memory(l->h);
    }
    switch (l->key->kind) {
    case KEY_NUMBER:
        return get_number(l, &row->number);
    case KEY_BOOL:
        return get_bool(l, &row->number);
    case KEY_STRING:
        row->kind = CTRL_SETTING_STRING;
        return set_string(l, &row->string);
    case KEY_LIST:
        row->kind = CTRL_SETTING_LIST;
        return set_list(l, &row->list);
    case KEY_NESTED:
        row->kind = CTRL_SETTING_LIST;
        return set_nested(l, &row->list);
    default:
        return keep_any(l, row);
    }
}

/* ---- all of it ---- */

static int load_number(struct load *l, void *field)
{
    int64_t number = 0;
    int rc = l->key->kind == KEY_BOOL ? get_bool(l, &number) : get_number(l, &number);

    if (rc < 0) {
        return rc;
    }
    if (l->key->kind == KEY_NUMBER || l->key->kind == KEY_MEMORY) {
        *(int64_t *)field = l->key->kind == KEY_MEMORY ? number << 10 : number;
    } else {
        *(int *)field = (int)number;
    }
    return 0;
}

static int load_one(struct load *l)
{
    void *field = config_field(l->c, l->key->offset == KEY_KEPT ? 0 : l->key->offset);

    if (l->key->offset == KEY_KEPT) {
        return keep_setting(l);
    }
    switch (l->key->kind) {
    case KEY_NUMBER:
    case KEY_INT:
    case KEY_BOOL:
    case KEY_MEMORY:
        return load_number(l, field);
    case KEY_STRING:
        return set_string(l, field);
    case KEY_LIST:
        return set_list(l, field);
    case KEY_EITHER:
        *(bool *)config_field(l->c, l->key->flag_offset) = l->v->kind == VALUE_LIST;
        return set_list(l, field);
    case KEY_ARGUMENTS:
        return set_arguments(l, field);
    case KEY_NESTED:
        return set_nested(l, field);
    case KEY_ACTION:
        return set_action(l, field);
    case KEY_TYPE:
        return set_type(l);
    case KEY_BUILDER:
        return set_builder(l);
    case KEY_UUID:
        return set_uuid(l);
    case KEY_TSC:
        return set_tsc(l, field);
    case KEY_DISKS:
    case KEY_NICS:
        return set_devices(l, l->key->kind == KEY_DISKS);
    case KEY_CMDLINE:
        return l->v->kind == VALUE_LIST ? unfit(l, "a string") : 0;
    default:
        return 0;
    }
}

static const char *text_of(const struct settings *s, const char *key)
{
    const struct setting *row = settings_find(s, key);

    return row != NULL ? row->value.string : NULL;
}

static int join_cmdline(struct ctrl *h, const struct settings *s, struct ctrl_config *c)
{
    const char *cmdline = text_of(s, "cmdline"), *root = text_of(s, "root");
    const char *extra = text_of(s, "extra");
    int n = 0;

    if (cmdline != NULL) {
        if (root != NULL || extra != NULL) {
            ctrl_log(h, CTRL_LOG_WARN, "root and extra are not used because cmdline is given");
        }
        c->cmdline = strdup(cmdline);
        n = c->cmdline == NULL ? -1 : 0;
    } else if (root != NULL) {
        n = asprintf(&c->cmdline, "root=%s%s%s", root, extra != NULL ? " " : "",
                     extra != NULL ? extra : "");
    } else if (extra != NULL) {
        c->cmdline = strdup(extra);
        n = c->cmdline == NULL ? -1 : 0;
    }
    return n < 0 ? ctrl_no_memory(h) : 0;
}

static void warn_unknown(struct ctrl *h, const struct setting *row)
{
    const char *near = schema_suggest(row->key);

    ctrl_log(h, CTRL_LOG_WARN, "%s:%u:%u: unknown key '%.60s' is ignored%s%s%s", row->at.file,
             row->at.line, row->at.column, row->key, near != NULL ? " (did you mean '" : "",
             near != NULL ? near : "", near != NULL ? "'?)" : "");
}

int config_load(struct ctrl *h, const struct settings *s, struct ctrl_config **out)
{
    struct ctrl_config *c;
    int rc = ctrl_config_new(&c);

    if (rc < 0) {
        return ctrl_no_memory(h);
    }
    for (size_t i = 0; i < s->count && rc == 0; i++) {
        struct load l = { .h = h, .c = c, .v = &s->rows[i].value };

        l.key = schema_find(s->rows[i].key);
        if (l.key == NULL) {
            warn_unknown(h, &s->rows[i]);
        } else {
            rc = load_one(&l);
        }
    }
    rc = rc < 0 ? rc : join_cmdline(h, s, c);
    if (rc < 0) {
        ctrl_config_free(c);
        return rc;
    }
    *out = c;
    return 0;
}
