/* SPDX-License-Identifier: MIT */
/* store: the store from the command line. Each command is a row: name, arguments, function. */
#include "store.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool json;
static struct store *store;

struct command {
    const char *name, *arguments, *help;
    int least, most; /* number of arguments */
    int (*run)(int argc, char **argv);
};

static int complain(const char *what, int error)
{
    fprintf(stderr, "store: %s: %s\n", what, strerror(-error));
    return 1;
}

/* --- output ----------------------------------------------------------------------------------- */

static void print_json(const char *text, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

/* Bytes that a terminal would not show become \ooo, as they are read back by `write`. */
static void print_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\\') {
            fputs("\\\\", stdout);
        } else if (isprint(c) || c == '\n' || c == '\t') {
            putchar(c);
        } else {
            printf("\\%03o", c);
        }
    }
}

static int print_names(const char *path)
{
    char **names;
    size_t count;
    int rc = store_directory(store, 0, path, &names, &count);

    if (rc < 0) {
        return complain(path, rc);
    }
    if (json) {
        putchar('[');
    }
    for (size_t i = 0; i < count; i++) {
        if (json) {
            fputs(i ? ", " : "", stdout);
            print_json(names[i], strlen(names[i]));
        } else {
            puts(names[i]);
        }
    }
    if (json) {
        puts("]");
    }
    free(names);
    return 0;
}

/* --- the tree --------------------------------------------------------------------------------- */

static char *join(const char *path, const char *name)
{
    char *text = NULL;

    if (asprintf(&text, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name) < 0) {
        text = NULL;
    }
    return text;
}

static int print_tree(const char *path, int depth);

static int print_child(const char *path, const char *name, int depth, bool first)
{
    char *child = join(path, name), *value;
    size_t length;
    int rc;

    if (!child) {
        return -ENOMEM;
    }
    rc = store_read(store, 0, child, &value, &length);
    if (rc == -ENOENT || rc == -EACCES) {
        free(child); /* it went meanwhile, or is none of ours */
        return 0;
    }
    if (rc < 0) {
        free(child);
        return rc;
    }
    if (json) {
        fputs(first ? "" : ", ", stdout);
        print_json(name, strlen(name));
        fputs(": {\"value\": ", stdout);
        print_json(value, length);
        fputs(", \"children\": ", stdout);
    } else {
        printf("%*s%s = \"", depth, "", name);
        print_text(value, length);
        puts("\"");
    }
    rc = print_tree(child, depth + 1);
    if (json) {
        putchar('}');
    }
    free(value);
    free(child);
    return rc;
}

static int print_tree(const char *path, int depth)
{
    char **names = NULL;
    size_t count = 0;
    int rc = store_directory(store, 0, path, &names, &count);

    if (rc < 0 && depth > 0 && (rc == -ENOENT || rc == -EACCES)) {
        count = 0;
        rc = 0;
    }
    if (json) {
        putchar('{');
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = print_child(path, names[i], depth, i == 0);
    }
    if (json) {
        putchar('}');
    }
    free(names);
    return rc;
}

/* --- commands --------------------------------------------------------------------------------- */

static int run_ls(int argc, char **argv)
{
    const char *path = argc > 0 ? argv[0] : "/";
    int rc = print_tree(path, 0);

    if (rc < 0) {
        return complain(path, rc);
    }
    if (json) {
        putchar('\n');
    }
    return 0;
}

static int run_list(int argc, char **argv)
{
    return print_names(argc > 0 ? argv[0] : "/");
}

static int run_read(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t length;
        char *value;
        int rc = store_read(store, 0, argv[i], &value, &length);

        if (rc < 0) {
            return complain(argv[i], rc);
        }
        if (json) {
            print_json(value, length);
        } else {
            print_text(value, length);
        }
        putchar('\n');
        free(value);
    }
    return 0;
}

/* All pairs or none. */
static int run_write(int argc, char **argv)
{
    uint32_t txn;
    int rc;

    if (argc % 2 != 0) {
        fputs("store: write PATH VALUE [PATH VALUE…]\n", stderr);
        return 2;
    }
    do {
        int failed = 0;

        rc = store_transaction_start(store, &txn);
        for (int i = 0; rc == 0 && i < argc; i += 2) {
            rc = store_write_string(store, txn, argv[i], argv[i + 1]);
            failed = i;
        }
        if (rc < 0) {
            return complain(argv[failed], rc);
        }
        rc = store_transaction_end(store, txn, true);
    } while (rc == -EAGAIN);
    return rc < 0 ? complain("commit", rc) : 0;
}

static int run_rm(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        int rc = store_rm(store, 0, argv[i]);

        if (rc < 0) {
            return complain(argv[i], rc);
        }
    }
    return 0;
}

static bool parse_perm(const char *text, struct store_perm *perm)
{
    static const char letters[] = "nrwb";
    const char *letter = *text ? strchr(letters, *text) : NULL;
    unsigned long domid;
    char *end;

    if (!letter || !isdigit((unsigned char)text[1])) {
        return false;
    }
    domid = strtoul(text + 1, &end, 10);
    if (*end || domid > 0xffff) {
        return false;
    }
    *perm = (struct store_perm){(uint32_t)domid, (enum store_access)(letter - letters)};
    return true;
}

static int run_chmod(int argc, char **argv)
{
    struct store_perm perms[32];
    size_t count = (size_t)argc - 1;
    int rc;

    for (size_t i = 0; i < count; i++) {
        if (!parse_perm(argv[i + 1], &perms[i])) {
            fprintf(stderr, "store: %s: a letter (n, r, w, b) and a domain's number, as in r3\n",
                    argv[i + 1]);
            return 2;
        }
    }
    rc = store_set_perms(store, 0, argv[0], perms, count);
    return rc < 0 ? complain(argv[0], rc) : 0;
}

static int run_perms(int argc, char **argv)
{
    struct store_perm *perms;
    size_t count;
    int rc = store_get_perms(store, 0, argv[0], &perms, &count);

    (void)argc;
    if (rc < 0) {
        return complain(argv[0], rc);
    }
    fputs(json ? "[" : "", stdout);
    for (size_t i = 0; i < count; i++) {
        printf(json ? "%s\"%c%u\"" : "%s%c%u", i ? (json ? ", " : " ") : "",
               "nrwb"[perms[i].access & 3], perms[i].domid);
    }
    puts(json ? "]" : "");
    free(perms);
    return 0;
}

/* Prints the name of each event; ends after the given number of them, if one is given. */
static int run_watch(int argc, char **argv)
{
    long left = argc > 1 ? strtol(argv[1], NULL, 10) : -1;
    char *path, *token;
    int rc = store_watch(store, argv[0], "store");

    while (rc == 0 && left != 0) {
        rc = store_read_watch(store, -1, &path, &token);
        if (rc == 0) {
            if (json) {
                print_json(path, strlen(path));
                putchar('\n');
            } else {
                puts(path);
            }
            fflush(stdout);
            free(path);
            left -= left > 0;
        }
    }
    return rc < 0 ? complain(argv[0], rc) : 0;
}

static int run_exists(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t length;
        char *value;
        int rc = store_read(store, 0, argv[i], &value, &length);

        if (rc == -ENOENT) {
            return 1;
        }
        if (rc < 0) {
            complain(argv[i], rc);
            return 2;
        }
        free(value);
    }
    return 0;
}

static int run_control(int argc, char **argv)
{
    char *reply;
    int rc = store_control(store, (const char *const *)argv, (size_t)argc, &reply);

    if (rc < 0) {
        return complain(argv[0], rc);
    }
    puts(reply);
    free(reply);
    return 0;
}

static const struct command commands[] = {
    {"chmod", "PATH PERM…", "set permissions: n, r, w or b and a domain, owner first", 2, 32,
     run_chmod},
    {"control", "COMMAND…", "ask the daemon: help, check, quota, restart…", 1, 32, run_control},
    {"exists", "PATH…", "exit 0 when all are there, 1 when not", 1, 1 << 16, run_exists},
    {"list", "[PATH]", "names of the children", 0, 1, run_list},
    {"ls", "[PATH]", "all below, with values", 0, 1, run_ls},
    {"perms", "PATH", "permissions", 1, 1, run_perms},
    {"read", "PATH…", "values", 1, 1 << 16, run_read},
    {"rm", "PATH…", "remove, with all below", 1, 1 << 16, run_rm},
    {"watch", "PATH [COUNT]", "print the name of each change", 1, 2, run_watch},
    {"write", "PATH VALUE…", "set values, all or none", 2, 1 << 16, run_write},
};

static int usage(FILE *to)
{
    fputs("store [--json] [-s SOCKET] COMMAND …\n", to);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(to, "  %-8s %-15s %s\n", commands[i].name, commands[i].arguments,
                commands[i].help);
    }
    return to == stdout ? 0 : 2;
}

static int run(const struct command *command, const char *path, int argc, char **argv)
{
    int rc;

    if (argc < command->least || argc > command->most) {
        fprintf(stderr, "store: %s %s\n", command->name, command->arguments);
        return 2;
    }
    rc = store_open(path, &store);
    if (rc < 0) {
        fprintf(stderr, "store: nobody serves the store (%s). Is stored running, and are you "
                "root?\n", strerror(-rc));
        return 3;
    }
    rc = command->run(argc, argv);
    store_close(store);
    return rc;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else {
            return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
        }
    }
    if (i == argc) {
        return usage(stderr);
    }
    /* --json may stand behind the command, or at the end, too */
    if (argc > i + 1 && strcmp(argv[i + 1], "--json") == 0) {
        json = true;
        argv[i + 1] = argv[i];
        i++;
    } else if (argc > i + 1 && strcmp(argv[argc - 1], "--json") == 0) {
        json = true;
        argc--;
    }
    for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++) {
        if (strcmp(commands[k].name, argv[i]) == 0) {
            return run(&commands[k], path, argc - i - 1, argv + i + 1);
        }
    }
    return usage(strcmp(argv[i], "help") == 0 ? stdout : stderr);
}
