/* SPDX-License-Identifier: MIT */
/*
 * The way back: a struct ctrl_config as the settings that would make it again, in the order of the
 * schema. Also making, releasing and copying a config; a copy is a dump that is loaded.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void init_field(struct ctrl_config *c, const struct key *key)
{
    void *field = config_field(c, key->offset);

    switch (key->kind) {
    case KEY_NUMBER:
    case KEY_MEMORY:
        *(int64_t *)field = CTRL_UNSET;
        break;
    case KEY_INT:
    case KEY_BOOL:
        *(int *)field = CTRL_UNSET;
        break;
    case KEY_ACTION:
        *(enum ctrl_action *)field = CTRL_ACTION_UNSET;
        break;
    default:
        break;
    }
}

int ctrl_config_new(struct ctrl_config **out)
{
    struct ctrl_config *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return -ENOMEM;
    }
    c->type = CTRL_TYPE_UNSET;
    for (size_t i = 0; i < schema_nr_keys; i++) {
        init_field(c, &schema_keys[i]);
    }
    *out = c;
    return 0;
}

static void free_field(struct ctrl_config *c, const struct key *key)
{
    void *field = config_field(c, key->offset);

    switch (key->kind) {
    case KEY_STRING:
    case KEY_TSC:
    case KEY_CMDLINE:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case KEY_LIST:
    case KEY_EITHER:
    case KEY_ARGUMENTS:
    case KEY_NESTED:
        strings_free(field);
        break;
    default:
        break;
    }
}

void ctrl_config_free(struct ctrl_config *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < schema_nr_keys; i++) {
        free_field(c, &schema_keys[i]);
    }
    for (size_t i = 0; i < c->nr_disks; i++) {
        disk_free(&c->disks[i]);
    }
    for (size_t i = 0; i < c->nr_nics; i++) {
        nic_free(&c->nics[i]);
    }
    for (size_t i = 0; i < c->nr_settings; i++) {
        free(c->settings[i].key);
        free(c->settings[i].string);
        strings_free(&c->settings[i].list);
    }
    free(c->disks);
    free(c->nics);
    free(c->settings);
    free(c);
}

struct ctrl_setting *config_kept(const struct ctrl_config *config, const char *key)
{
    for (size_t i = 0; i < config->nr_settings; i++) {
        if (strcmp(config->settings[i].key, key) == 0) {
            return &config->settings[i];
        }
    }
    return NULL;
}

/* Each dump function: 1 with *v made, 0 when the config says nothing of this key. */

static int dump_number(struct value *v, int64_t number)
{
    int rc = number == CTRL_UNSET ? 0 : value_number(v, number);

    return rc < 0 || number == CTRL_UNSET ? rc : 1;
}

static int dump_string(struct value *v, const char *text)
{
    int rc = text == NULL ? 0 : value_string(v, text);

    return rc < 0 || text == NULL ? rc : 1;
}

static int dump_strings(struct value *v, const struct ctrl_strings *list, bool as_list)
{
    int rc;

    if (list->count == 0) {
        return 0;
    }
    rc = as_list ? value_from_strings(v, list) : value_string(v, list->items[0]);
    return rc < 0 ? rc : 1;
}

static int dump_nested(struct value *v, const struct ctrl_strings *list)
{
    struct ctrl *h = NULL;
    int rc = list->count == 0 ? 0 : ctrl_open(&h);

    *v = (struct value){ .kind = VALUE_LIST };
    for (size_t i = 0; i < list->count && rc == 0; i++) {
        struct settings parsed = { 0 };
        char *text = NULL;

        /* The text was written by value_text; reading it needs a key before it. */
        if (asprintf(&text, "v=%s", list->items[i]) < 0) {
            rc = -ENOMEM;
            break;
        }
        rc = parse_text(h, "list", text, strlen(text), false, &parsed);
        rc = rc < 0 ? rc : value_append(v, &parsed.rows[0].value);
        settings_free(&parsed);
        free(text);
    }
    if (h != NULL) {
        ctrl_close(h);
    }
    if (rc < 0) {
        value_free(v);
    }
    return rc < 0 || list->count == 0 ? rc : 1;
}

static int dump_devices(struct value *v, const struct ctrl_config *c, bool disks)
{
    size_t count = disks ? c->nr_disks : c->nr_nics;
    struct value item;
    int rc = 0;

    *v = (struct value){ .kind = VALUE_LIST };
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = value_string(&item, disks ? c->disks[i].spec : c->nics[i].spec);
        rc = rc < 0 ? rc : value_append(v, &item);
    }
    if (rc < 0) {
        value_free(v);
    }
    return rc < 0 || count == 0 ? rc : 1;
}

static int dump_kept(struct value *v, const struct ctrl_config *c, const struct key *key)
{
    const struct ctrl_setting *row = config_kept(c, key->row.name);
    int rc;

    if (row == NULL) {
        return 0;
    }
    if (key->kind == KEY_NESTED) {
        return dump_nested(v, &row->list);
    }
    switch (row->kind) {
    case CTRL_SETTING_NUMBER:
        rc = value_number(v, row->number);
        break;
    case CTRL_SETTING_STRING:
        rc = value_string(v, row->string);
        break;
    default:
        rc = value_from_strings(v, &row->list);
        break;
    }
    return rc < 0 ? rc : 1;
}

static int dump_uuid(struct value *v, const struct ctrl_config *c)
{
    char text[37];

    ctrl_uuid_format(c->uuid, text);
    return dump_string(v, c->has_uuid ? text : NULL);
}

static int dump_key(struct value *v, const struct ctrl_config *c, const struct key *key)
{
    void *field = config_field(c, key->offset == KEY_KEPT ? 0 : key->offset);

    if (key->offset == KEY_KEPT) {
        return dump_kept(v, c, key);
    }
    switch (key->kind) {
    case KEY_NUMBER:
        return dump_number(v, *(int64_t *)field);
    case KEY_MEMORY:
        return dump_number(v, *(int64_t *)field < 0 ? CTRL_UNSET : *(int64_t *)field >> 10);
    case KEY_INT:
    case KEY_BOOL:
        return dump_number(v, *(int *)field);
    case KEY_STRING:
    case KEY_TSC:
        return dump_string(v, *(char **)field);
    case KEY_CMDLINE: /* root and extra are in it */
        return dump_string(v, strcmp(key->row.name, "cmdline") == 0 ? c->cmdline : NULL);
    case KEY_LIST:
    case KEY_ARGUMENTS:
        return dump_strings(v, field, true);
    case KEY_EITHER:
        return dump_strings(v, field, *(bool *)config_field(c, key->flag_offset));
    case KEY_ACTION:
        return dump_string(v, action_name(*(enum ctrl_action *)field));
    case KEY_TYPE:
        return dump_string(v, c->type == CTRL_TYPE_UNSET ? NULL : type_name(c->type));
    case KEY_UUID:
        return dump_uuid(v, c);
    case KEY_DISKS:
    case KEY_NICS:
        return dump_devices(v, c, key->kind == KEY_DISKS);
    default:
        return 0;
    }
}

int config_dump(const struct ctrl_config *config, struct settings *out)
{
    const struct key *key;

    *out = (struct settings){ 0 };
    for (size_t i = 0; (key = schema_at(i)) != NULL; i++) {
        struct value v = { 0 };
        int rc = dump_key(&v, config, key);

        if (rc > 0) {
            rc = settings_put(out, key->row.name, (struct place){ 0 }, &v);
        }
        if (rc < 0) {
            value_free(&v);
            settings_free(out);
            return rc;
        }
    }
    return 0;
}

int ctrl_config_copy(const struct ctrl_config *config, struct ctrl_config **out)
{
    struct settings s;
    struct ctrl *h;
    int rc = ctrl_open(&h);

    if (rc < 0) {
        return rc;
    }
    rc = config_dump(config, &s);
    if (rc == 0) {
        rc = config_load(h, &s, out);
        settings_free(&s);
    }
    /* The language counts in MiB, a program may count in KiB. */
    for (size_t i = 0; i < schema_nr_keys && rc == 0; i++) {
        if (schema_keys[i].kind == KEY_MEMORY) {
            *(int64_t *)config_field(*out, schema_keys[i].offset) =
                *(int64_t *)config_field(config, schema_keys[i].offset);
        }
    }
    ctrl_close(h);
    return rc;
}
