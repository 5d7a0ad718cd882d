/* SPDX-License-Identifier: MIT */
/* Values and lists of settings: plain trees of strings, owned from the root down. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void value_free(struct value *v)
{
    for (size_t i = 0; i < v->count; i++) {
        value_free(&v->items[i]);
    }
    free(v->items);
    free(v->string);
    *v = (struct value){ 0 };
}

int value_string(struct value *v, const char *text)
{
    *v = (struct value){ .kind = VALUE_STRING, .string = strdup(text) };
    return v->string == NULL ? -ENOMEM : 0;
}

int value_number(struct value *v, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, number);
    *v = (struct value){ .kind = VALUE_NUMBER, .number = number, .string = strdup(text) };
    return v->string == NULL ? -ENOMEM : 0;
}

int value_append(struct value *list, struct value *item)
{
    struct value *more = list->items;

    /* The room doubles whenever the count reaches a power of two. */
    if ((list->count & (list->count - 1)) == 0) {
        more = realloc(list->items, (list->count > 0 ? list->count * 2 : 1) * sizeof(*more));
    }
    if (more == NULL) {
        value_free(item);
        return -ENOMEM;
    }
    list->items = more;
    list->items[list->count++] = *item;
    *item = (struct value){ 0 };
    return 0;
}

int value_from_strings(struct value *v, const struct ctrl_strings *strings)
{
    struct value item;
    int rc = 0;

    *v = (struct value){ .kind = VALUE_LIST };
    for (size_t i = 0; i < strings->count && rc == 0; i++) {
        rc = value_string(&item, strings->items[i]);
        rc = rc < 0 ? rc : value_append(v, &item);
    }
    if (rc < 0) {
        value_free(v);
    }
    return rc;
}

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->rows[i].key);
        value_free(&s->rows[i].value);
    }
    free(s->rows);
    *s = (struct settings){ 0 };
}

struct setting *settings_find(const struct settings *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->rows[i].key, key) == 0) {
            return &s->rows[i];
        }
    }
    return NULL;
}

int settings_put(struct settings *s, const char *key, struct place at, struct value *v)
{
    struct setting *row = settings_find(s, key), *more;

    if (row == NULL) {
        more = realloc(s->rows, (s->count + 1) * sizeof(*more));
        if (more == NULL) {
            value_free(v);
            return -ENOMEM;
        }
        s->rows = more;
        row = &more[s->count];
        *row = (struct setting){ .key = strdup(key) };
        if (row->key == NULL) {
            value_free(v);
            return -ENOMEM;
        }
        s->count++;
    }
    value_free(&row->value);
    row->value = *v;
    row->at = at;
    *v = (struct value){ 0 };
    return 0;
}

void strings_free(struct ctrl_strings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i]);
    }
    free(s->items);
    *s = (struct ctrl_strings){ 0 };
}

int strings_append(struct ctrl_strings *s, const char *text)
{
    char **more = realloc(s->items, (s->count + 1) * sizeof(*more));

    if (more == NULL) {
        return -ENOMEM;
    }
    s->items = more;
    more[s->count] = strdup(text);
    if (more[s->count] == NULL) {
        return -ENOMEM;
    }
    s->count++;
    return 0;
}
