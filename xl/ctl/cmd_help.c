/* SPDX-License-Identifier: MIT */
/*
 * help: of commands and of config keys. The man pages and the completions are printed by the same
 * program at build time, from the same tables (help --man, --man-cfg, --bash, --zsh).
 */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"

static const struct opt help_opts[] = {
    { 'l', "long", NULL, "usage of all commands" },
    { 1, "man", NULL, "the man page ctl(1)" },
    { 2, "man-cfg", NULL, "the man page ctl.cfg(5)" },
    { 3, "bash", NULL, "completion for bash" },
    { 4, "zsh", NULL, "completion for zsh" },
    { 5, "keys", NULL, "list the keys of the configuration language" },
    { 0, NULL, NULL, NULL },
};

static void print_opts(const struct opt *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char word[64];

        snprintf(word, sizeof(word), "--%s%s%s", o->name, o->value != NULL ? "=" : "",
                 o->value != NULL ? o->value : "");
        if (o->letter >= ' ') {
            printf("  -%c, %-28s %s\n", o->letter, word, o->help);
        } else {
            printf("      %-28s %s\n", word, o->help);
        }
    }
}

static void print_command(const struct ctl *c, const struct cmd *cmd)
{
    printf("Usage: %s %s%s%s%s\n\n%s.\n", c->program, cmd->name,
           cmd->opts != NULL || (cmd->flags & CMD_LISTING) ? " [OPTIONS]" : "",
           cmd->args[0] != '\0' ? " " : "", cmd->args, cmd->help);
    if (cmd->alias != NULL) {
        printf("Also called %s.\n", cmd->alias);
    }
    if (cmd->opts != NULL || (cmd->flags & CMD_LISTING)) {
        puts("\nOptions:");
        print_opts(cmd->opts);
        if (cmd->flags & CMD_LISTING) {
            puts("      --json                       print JSON");
        }
    }
}

static const struct ctrl_config_key *find_key(const char *name)
{
    const struct ctrl_config_key *key;

    for (size_t i = 0; (key = ctrl_config_key(i)) != NULL; i++) {
        if (strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

static void print_key(const struct ctrl_config_key *key)
{
    printf("%s = %s\n\n%s\nNot given: %s.\n", key->name, key->type, key->help, key->fallback);
    if (!key->used) {
        puts("This version keeps the key, but nothing acts on it.");
    }
}

static int print_keys(void)
{
    const struct ctrl_config_key *key;

    for (size_t i = 0; (key = ctrl_config_key(i)) != NULL; i++) {
        printf(" %-32s %s\n", key->name, key->type);
    }
    return 0;
}

/* Scripts cut the first four lines off and read the first word of each line after. */
static int print_list(const struct ctl *c)
{
    printf("Usage %s [-vfNtT] COMMAND [OPTIONS] [ARGUMENTS]\n\n%s commands:\n\n", c->program,
           c->program);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        printf(" %-18s  %s\n", cmd_table[i]->name, cmd_table[i]->help);
    }
    printf("\n'%s help COMMAND' says more, '%s help KEY' explains a key of config files.\n",
           c->program, c->program);
    return 0;
}

static int print_topic(struct ctl *c, const char *topic)
{
    const struct ctrl_config_key *key = find_key(topic);
    const struct cmd *cmd = cmd_find(c, topic, key == NULL);

    if (cmd != NULL) {
        print_command(c, cmd);
    }
    if (key != NULL && (cmd == NULL || strcmp(cmd->name, topic) == 0)) {
        if (cmd != NULL) {
            putchar('\n');
        }
        print_key(key);
    }
    return cmd == NULL && key == NULL ? EXIT_FAILURE : 0;
}

static int help_run(struct ctl *c, int argc, char **argv)
{
    static int (*const pages[])(void) = { help_man, help_man_cfg, help_bash, help_zsh, print_keys };

    for (int i = 0; i < 5; i++) {
        if (opt_has(c, i + 1)) {
            return pages[i]();
        }
    }
    if (argc > 0) {
        return print_topic(c, argv[0]);
    }
    if (!opt_has(c, 'l')) {
        return print_list(c);
    }
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        if (i > 0) {
            putchar('\n');
        }
        print_command(c, cmd_table[i]);
    }
    return 0;
}

const struct cmd cmd_help = {
    .name = "help",
    .args = "[COMMAND|KEY]",
    .help = "Explain a command or a config key",
    .opts = help_opts,
    .flags = CMD_OFFLINE,
    .max = 1,
    .run = help_run,
};
