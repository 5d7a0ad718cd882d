/* SPDX-License-Identifier: MIT */
/*
 * Tokens of the configuration language. A string stands in single or double quotes and ends on its
 * line, or in three of either and may span lines; backslash escapes are those of C. A newline or a
 * semicolon separates settings; the parser skips newlines inside of lists.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int peek(const struct lexer *lex, size_t ahead)
{
    return lex->pos + ahead < lex->length ? (unsigned char)lex->text[lex->pos + ahead] : -1;
}

static int take(struct lexer *lex)
{
    int c = peek(lex, 0);

    if (c < 0) {
        return c;
    }
    lex->pos++;
    if (c == '\n') {
        lex->at.line++;
        lex->at.column = 1;
    } else if ((c & 0xc0) != 0x80) { /* one column for each character of UTF-8 */
        lex->at.column++;
    }
    return c;
}

static void skip_blanks(struct lexer *lex)
{
    for (;;) {
        int c = peek(lex, 0);

        if (c == '#') {
            while (peek(lex, 0) >= 0 && peek(lex, 0) != '\n') {
                take(lex);
            }
        } else if (c == '\\' && peek(lex, 1) == '\n') {
            take(lex);
            take(lex);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
            take(lex);
        } else {
            return;
        }
    }
}

/* What follows a backslash, put to *out; nothing is put for an escaped end of line. */
static int take_escape(struct lexer *lex, char **out)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    struct place at = lex->at;
    int c = take(lex);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    unsigned int number = 0, digits = 0;

    if (c == '\n') {
        return 0;
    }
    if (found != NULL) {
        *(*out)++ = values[found - names];
        return 0;
    }
    if (c == 'x') {
        for (; digits < 2 && peek(lex, 0) >= 0 && isxdigit(peek(lex, 0)); digits++) {
            int d = tolower(take(lex));

            number = number * 16 + (unsigned int)(isdigit(d) ? d - '0' : d - 'a' + 10);
        }
    } else if (c >= '0' && c <= '7') {
        number = (unsigned int)(c - '0');
        for (digits = 1; digits < 3 && peek(lex, 0) >= '0' && peek(lex, 0) <= '7'; digits++) {
            number = number * 8 + (unsigned int)(take(lex) - '0');
        }
    }
    if (digits == 0 || number == 0 || number > 255) {
        return config_fail(lex->h, &at, "expected an escape such as \\n, \\\\, \\\" or \\x41 after"
                                        " the backslash");
    }
    *(*out)++ = (char)number;
    return 0;
}

static bool at_end_quote(const struct lexer *lex, int quote, bool triple)
{
    return peek(lex, 0) == quote && (!triple || (peek(lex, 1) == quote && peek(lex, 2) == quote));
}

static int take_string(struct lexer *lex, struct token *token)
{
    struct place begin = lex->at;
    int quote = take(lex), rc = 0;
    bool triple = peek(lex, 0) == quote && peek(lex, 1) == quote;
    char *out;

    for (int i = 0; triple && i < 2; i++) {
        take(lex);
    }
    token->kind = TOKEN_STRING;
    token->text = out = malloc(lex->length - lex->pos + 1);
    if (out == NULL) {
        return ctrl_no_memory(lex->h);
    }
    while (rc == 0 && !at_end_quote(lex, quote, triple)) {
        int c = peek(lex, 0);

        if (c < 0 || (c == '\n' && !triple)) {
            return config_fail(lex->h, &begin, "expected a closing %c%s before the end of the %s",
                               quote, triple ? " three times" : "", triple ? "file" : "line");
        }
        take(lex);
        if (c == '\\') {
            rc = take_escape(lex, &out);
        } else {
            *out++ = (char)c;
        }
    }
    *out = '\0';
    for (int i = 0; rc == 0 && i < (triple ? 3 : 1); i++) {
        take(lex);
    }
    return rc;
}

static bool is_name(int c)
{
    return c >= 0 && (isalnum(c) || c == '_' || c == '-' || c == '.');
}

static int take_word(struct lexer *lex, struct token *token)
{
    size_t begin = lex->pos;
    bool number = isdigit(peek(lex, 0)) || peek(lex, 0) == '-' || peek(lex, 0) == '+';
    char *end;

    take(lex);
    while (is_name(peek(lex, 0))) {
        take(lex);
    }
    token->text = strndup(lex->text + begin, lex->pos - begin);
    if (token->text == NULL) {
        return ctrl_no_memory(lex->h);
    }
    token->kind = number ? TOKEN_NUMBER : TOKEN_NAME;
    if (number) {
        errno = 0;
        token->number = strtoll(token->text, &end, 0);
        if (errno != 0 || *end != '\0') {
            return config_fail(lex->h, &token->at, "expected a number, found '%.40s' (text needs"
                                                   " quotes)", token->text);
        }
    }
    return 0;
}

int lex_next(struct lexer *lex, struct token *token)
{
    int c;

    skip_blanks(lex);
    c = peek(lex, 0);
    *token = (struct token){ .kind = TOKEN_END, .at = lex->at };
    if (c < 0) {
        return 0;
    }
    if (c == '"' || c == '\'') {
        return take_string(lex, token);
    }
    if (isalnum(c) || c == '_' || ((c == '-' || c == '+') && peek(lex, 1) >= 0 &&
                                   isdigit(peek(lex, 1)))) {
        return take_word(lex, token);
    }
    take(lex);
    switch (c) {
    case '\n':
    case ';':
        token->kind = TOKEN_SEPARATOR;
        return 0;
    case '[':
        token->kind = TOKEN_OPEN;
        return 0;
    case ']':
        token->kind = TOKEN_CLOSE;
        return 0;
    case ',':
        token->kind = TOKEN_COMMA;
        return 0;
    case '=':
        token->kind = TOKEN_ASSIGN;
        return 0;
    case '+':
        if (peek(lex, 0) == '=') {
            take(lex);
            token->kind = TOKEN_APPEND;
            return 0;
        }
        break;
    }
    return config_fail(lex->h, &token->at, c >= ' ' && c < 127 ? "'%c' means nothing here"
                                                               : "byte %#x means nothing here", c);
}

int lex_bare_word(struct lexer *lex, struct token *token, bool *found)
{
    size_t begin, end;
    int c;

    *found = false;
    skip_blanks(lex);
    c = peek(lex, 0);
    if (!lex->bare || c < 0 || strchr("\"'[;\n", c) != NULL) {
        return 0;
    }
    for (begin = end = lex->pos; end < lex->length && lex->text[end] != ';' &&
                                 lex->text[end] != '\n'; end++) {
    }
    while (end > begin && isspace((unsigned char)lex->text[end - 1])) {
        end--;
    }
    *token = (struct token){ .kind = TOKEN_STRING, .at = lex->at };
    token->text = strndup(lex->text + begin, end - begin);
    if (token->text == NULL) {
        return ctrl_no_memory(lex->h);
    }
    while (lex->pos < end) {
        take(lex);
    }
    *found = true;
    return 0;
}
