/* SPDX-License-Identifier: MIT */
/*
 * Tokens to settings:  text = { [ name ("=" | "+=") value ] separator },
 * value = string | number | "[" [ value { "," value } [ "," ] ] "]".
 * A later setting replaces an earlier one of the same key; += adds to it: items to a list, text to
 * a string.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct lexer lex;
    struct token now;
    struct settings *out;
};

int config_fail(struct ctrl *h, const struct place *at, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (at->line == 0) {
        return ctrl_fail(h, -EINVAL, "%s%s%s", at->file != NULL ? at->file : "",
                         at->file != NULL ? ": " : "", text);
    }
    return ctrl_fail(h, -EINVAL, "%s:%u:%u: %s", at->file, at->line, at->column, text);
}

static const char *describe(const struct token *t, char *room, size_t size)
{
    static const char *const names[] = {
        [TOKEN_END] = "the end of the text", [TOKEN_SEPARATOR] = "the end of the line",
        [TOKEN_ASSIGN] = "'='", [TOKEN_APPEND] = "'+='", [TOKEN_OPEN] = "'['",
        [TOKEN_CLOSE] = "']'", [TOKEN_COMMA] = "','",
    };

    switch (t->kind) {
    case TOKEN_NAME:
        snprintf(room, size, "the word '%.40s' (text needs quotes)", t->text);
        return room;
    case TOKEN_STRING:
        snprintf(room, size, "the text \"%.40s\"", t->text);
        return room;
    case TOKEN_NUMBER:
        snprintf(room, size, "the number %.40s", t->text);
        return room;
    default:
        return names[t->kind];
    }
}

static int expected(struct parser *p, const char *what)
{
    char room[100];

    return config_fail(p->lex.h, &p->now.at, "expected %s, found %s", what,
                       describe(&p->now, room, sizeof(room)));
}

static int next(struct parser *p)
{
    free(p->now.text);
    p->now.text = NULL;
    return lex_next(&p->lex, &p->now);
}

static int next_in_list(struct parser *p)
{
    int rc;

    do {
        rc = next(p);
    } while (rc == 0 && p->now.kind == TOKEN_SEPARATOR);
    return rc;
}

static int parse_value(struct parser *p, struct value *v, unsigned int depth);

/* From the token after `[` up to and without the one after `]`. */
static int parse_list(struct parser *p, struct value *v, unsigned int depth)
{
    struct value item = { 0 };
    int rc = next_in_list(p);

    while (rc == 0 && p->now.kind != TOKEN_CLOSE) {
        rc = parse_value(p, &item, depth + 1);
        if (rc < 0) {
            value_free(&item);
            return rc;
        }
        rc = value_append(v, &item);
        if (rc < 0) {
            return ctrl_no_memory(p->lex.h);
        }
        rc = next_in_list(p);
        if (rc == 0 && p->now.kind == TOKEN_COMMA) {
            rc = next_in_list(p);
        } else if (rc == 0 && p->now.kind != TOKEN_CLOSE) {
            return expected(p, "',' or ']'");
        }
    }
    return rc;
}

/* p->now is the first token of the value, and its last one afterwards. */
static int parse_value(struct parser *p, struct value *v, unsigned int depth)
{
    *v = (struct value){ .at = p->now.at };
    switch (p->now.kind) {
    case TOKEN_STRING:
    case TOKEN_NUMBER:
        v->kind = p->now.kind == TOKEN_STRING ? VALUE_STRING : VALUE_NUMBER;
        v->number = p->now.number;
        v->string = p->now.text;
        p->now.text = NULL;
        return 0;
    case TOKEN_OPEN:
        if (depth >= CONFIG_NESTING_LIMIT) {
            return config_fail(p->lex.h, &p->now.at, "expected at most %u lists inside each other",
                               CONFIG_NESTING_LIMIT);
        }
        v->kind = VALUE_LIST;
        return parse_list(p, v, depth);
    default:
        return expected(p, depth > 0 ? "a string, a number, a list or ']'"
                                     : "a string, a number or a list");
    }
}

static int add_text(struct ctrl *h, struct value *old, struct value *v)
{
    size_t length = strlen(old->string) + strlen(v->string) + 1;
    char *text = malloc(length);

    if (text == NULL) {
        return ctrl_no_memory(h);
    }
    snprintf(text, length, "%s%s", old->string, v->string);
    free(old->string);
    old->string = text;
    old->kind = VALUE_STRING;
    return 0;
}

static int append(struct parser *p, struct setting *row, struct value *v)
{
    struct value *old = &row->value;
    int rc = 0;

    if (old->kind != VALUE_LIST) {
        if (v->kind == VALUE_LIST) {
            return config_fail(p->lex.h, &v->at, "expected text to add to that of line %u, found a"
                                                 " list", row->at.line);
        }
        return add_text(p->lex.h, old, v);
    }
    if (v->kind != VALUE_LIST) {
        rc = value_append(old, v);
        return rc < 0 ? ctrl_no_memory(p->lex.h) : 0;
    }
    for (size_t i = 0; i < v->count && rc == 0; i++) {
        rc = value_append(old, &v->items[i]);
    }
    return rc < 0 ? ctrl_no_memory(p->lex.h) : 0;
}

static int parse_setting_value(struct parser *p, struct value *v)
{
    bool bare;
    int rc;

    free(p->now.text);
    p->now.text = NULL;
    rc = lex_bare_word(&p->lex, &p->now, &bare);
    if (rc == 0 && !bare) {
        rc = lex_next(&p->lex, &p->now);
    }
    return rc < 0 ? rc : parse_value(p, v, 0);
}

static int parse_setting(struct parser *p)
{
    struct place at = p->now.at;
    struct value v = { 0 };
    struct setting *row;
    bool adding;
    char *key;
    int rc;

    if (p->now.kind != TOKEN_NAME) {
        return expected(p, "the name of a key");
    }
    key = p->now.text;
    p->now.text = NULL;
    rc = next(p);
    adding = p->now.kind == TOKEN_APPEND;
    if (rc == 0 && !adding && p->now.kind != TOKEN_ASSIGN) {
        rc = expected(p, "'=' or '+=' after the key");
    }
    rc = rc < 0 ? rc : parse_setting_value(p, &v);
    row = rc == 0 && adding ? settings_find(p->out, key) : NULL;
    if (row != NULL) {
        rc = append(p, row, &v);
    } else if (rc == 0 && settings_put(p->out, key, at, &v) < 0) {
        rc = ctrl_no_memory(p->lex.h);
    }
    value_free(&v);
    free(key);
    return rc;
}

int parse_text(struct ctrl *h, const char *file, const char *text, size_t length, bool bare,
               struct settings *out)
{
    struct parser p = {
        .lex = {
            .h = h, .text = text, .length = length, .bare = bare,
            .at = { .file = file, .line = 1, .column = 1 },
        },
        .out = out,
    };
    int rc;

    if (memchr(text, '\0', length) != NULL) {
        return ctrl_fail(h, -EINVAL, "%s: expected text, found a byte of value 0", file);
    }
    rc = next(&p);
    while (rc == 0 && p.now.kind != TOKEN_END) {
        if (p.now.kind != TOKEN_SEPARATOR) {
            rc = parse_setting(&p);
            rc = rc < 0 ? rc : next(&p);
            if (rc == 0 && p.now.kind != TOKEN_SEPARATOR && p.now.kind != TOKEN_END) {
                rc = expected(&p, "the end of the line or ';'");
            }
        } else {
            rc = next(&p);
        }
    }
    free(p.now.text);
    return rc;
}
