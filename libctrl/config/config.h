/* SPDX-License-Identifier: MIT */
/*
 * What the files of the configuration language share.
 *
 * A text of the language becomes a list of settings, each a key and a value that knows its place
 * (lex.c, parse.c). The schema says for each key of what kind it is and where in struct ctrl_config
 * it lives; load.c and dump.c turn settings into the struct and back by that table alone. Writing a
 * file (cfg.c), JSON (json.c) and copying are then nothing but detours over a list of settings.
 */
#ifndef CTRL_CONFIG_H
#define CTRL_CONFIG_H

#include "../internal.h"

#define CONFIG_TEXT_LIMIT (1u << 20)
#define CONFIG_NESTING_LIMIT 8u

struct place {
    const char *file; /* owned by whoever asked for the parsing */
    unsigned int line, column; /* from 1; 0: no place in a text */
};

enum value_kind {
    VALUE_STRING,
    VALUE_NUMBER,
    VALUE_LIST,
};

struct value {
    enum value_kind kind;
    struct place at;
    char *string; /* STRING; NUMBER: as written */
    int64_t number;
    struct value *items;
    size_t count;
};

struct setting {
    char *key;
    struct place at;
    struct value value;
};

struct settings {
    struct setting *rows;
    size_t count;
};

/* ---- value.c ---- */

void value_free(struct value *v);
int value_string(struct value *v, const char *text);
int value_number(struct value *v, int64_t number);
/* Hands `item` over, also on failure. */
int value_append(struct value *list, struct value *item);
int value_from_strings(struct value *v, const struct ctrl_strings *strings);
void settings_free(struct settings *s);
struct setting *settings_find(const struct settings *s, const char *key);
/* Hands `v` over, also on failure; replaces what the key had. */
int settings_put(struct settings *s, const char *key, struct place at, struct value *v);
void strings_free(struct ctrl_strings *s);
int strings_append(struct ctrl_strings *s, const char *text);

/* ---- lex.c ---- */

enum token_kind {
    TOKEN_END,
    TOKEN_SEPARATOR, /* newline or semicolon */
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_ASSIGN,
    TOKEN_APPEND,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
};

struct token {
    enum token_kind kind;
    struct place at;
    char *text; /* NAME, STRING, NUMBER: for free() */
    int64_t number;
};

struct lexer {
    struct ctrl *h;
    const char *text;
    size_t length, pos;
    struct place at;
    bool bare; /* a value may be a word without quotes */
};

int lex_next(struct lexer *lex, struct token *token);
/* Only after `=` when lex->bare: the rest up to the separator, if that is no ordinary value. */
int lex_bare_word(struct lexer *lex, struct token *token, bool *found);

/* ---- parse.c ---- */

/* Adds to *out. `file` must live as long as *out. */
int parse_text(struct ctrl *h, const char *file, const char *text, size_t length, bool bare,
               struct settings *out);
int config_fail(struct ctrl *h, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- schema.c ---- */

enum key_kind {
    KEY_NUMBER,   /* int64_t */
    KEY_INT,      /* int */
    KEY_BOOL,     /* int */
    KEY_STRING,   /* char * */
    KEY_MEMORY,   /* int64_t: MiB in the text, KiB in the struct */
    KEY_LIST,     /* struct ctrl_strings; one string stands for a list of one */
    KEY_EITHER,   /* struct ctrl_strings and a bool that says list */
    KEY_ARGUMENTS, /* struct ctrl_strings; a string is split at blanks */
    KEY_NESTED,   /* struct ctrl_strings: each item the text of a list */
    KEY_ANY,      /* as it was written */
    KEY_ACTION,
    KEY_TYPE,
    KEY_BUILDER,
    KEY_UUID,
    KEY_TSC,
    KEY_DISKS,
    KEY_NICS,
    KEY_CMDLINE,  /* cmdline, root, extra: joined by load.c */
    KEY_IGNORED,  /* known, kept nowhere */
};

struct key {
    struct ctrl_config_key row;
    enum key_kind kind;
    size_t offset;      /* in struct ctrl_config; KEY_KEPT: in its settings */
    size_t flag_offset; /* KEY_EITHER */
    const char *json;   /* where libxl's JSON has it, or NULL */
    int64_t min, max;   /* numbers, when not both 0 */
};

#define KEY_KEPT SIZE_MAX

extern const struct key schema_keys[];
extern const size_t schema_nr_keys;
extern const struct key schema_kept_keys[];
extern const size_t schema_nr_kept_keys;

const struct key *schema_find(const char *name);
const struct key *schema_at(size_t index);
/* The known key whose spelling is nearest, or NULL. */
const char *schema_suggest(const char *name);
const char *action_name(enum ctrl_action action);
enum ctrl_action action_parse(const char *name);
const char *type_name(enum ctrl_domain_type type);
extern const char *const tsc_modes[4];

static inline void *config_field(const struct ctrl_config *config, size_t offset)
{
    return (char *)config + offset;
}

/* ---- load.c, dump.c, device.c ---- */

int config_load(struct ctrl *h, const struct settings *s, struct ctrl_config **out);
int config_dump(const struct ctrl_config *config, struct settings *out);
struct ctrl_setting *config_kept(const struct ctrl_config *config, const char *key);
int disk_parse(struct ctrl *h, const struct place *at, const char *spec, struct ctrl_disk *disk);
int nic_parse(struct ctrl *h, const struct place *at, const char *spec, struct ctrl_nic *nic);
void disk_free(struct ctrl_disk *disk);
void nic_free(struct ctrl_nic *nic);

/* ---- cfg.c ---- */

/* The value in the spelling of the language; NULL when memory is short. */
char *value_text(const struct value *v);

#endif
