/* SPDX-License-Identifier: MIT */
/* The man pages and the completions, from the tables of commands and keys. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* Text for a man page: a hyphen is a minus, and no line begins with a control character. */
static void roff(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\') {
            fputs("\\e", stdout);
        } else if (*p == '-') {
            fputs("\\-", stdout);
        } else if ((*p == '.' || *p == '\'') && p == text) {
            printf("\\&%c", *p);
        } else {
            putchar(*p);
        }
    }
}

static void roff_opts(const struct opt *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        fputs(".TP\n", stdout);
        if (o->letter >= ' ') {
            printf("\\fB\\-%c\\fR, ", o->letter);
        }
        fputs("\\fB\\-\\-", stdout);
        roff(o->name);
        fputs("\\fR", stdout);
        if (o->value != NULL) {
            fputs("=\\fI", stdout);
            roff(o->value);
            fputs("\\fR", stdout);
        }
        putchar('\n');
        roff(o->help);
        fputs(".\n", stdout);
    }
}

static void roff_command(const struct cmd *cmd)
{
    fputs(".SS \"", stdout);
    roff(cmd->name);
    if (cmd->args[0] != '\0') {
        putchar(' ');
        roff(cmd->args);
    }
    fputs("\"\n", stdout);
    roff(cmd->help);
    fputs(".\n", stdout);
    if (cmd->alias != NULL) {
        fputs("Also called ", stdout);
        roff(cmd->alias);
        fputs(".\n", stdout);
    }
    roff_opts(cmd->opts);
    if (cmd->flags & CMD_LISTING) {
        fputs(".TP\n\\fB\\-\\-json\\fR\nprint JSON.\n", stdout);
    }
}

int help_man(void)
{
    printf(".TH CTL 1 \"\" \"Bonsai %s\" \"Bonsai\"\n.SH NAME\nctl \\- control the domains of a"
           " host\n.SH SYNOPSIS\n\\fBctl\\fR [\\fB\\-vfN\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR]"
           " [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\nA command may be shortened as long as no other"
           " begins so. A \\fIDOMAIN\\fR is a name or a number. Called as \\fBxl\\fR the program"
           " keeps quiet where xl would.\n.SH OPTIONS\n", ctrl_library_version());
    roff_opts(global_opts);
    fputs(".SH COMMANDS\n", stdout);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        roff_command(cmd_table[i]);
    }
    fputs(".SH \"EXIT STATUS\"\n0 done, 1 not done, 2 wrong use, 128 and the number of the signal"
          " when interrupted.\n.SH FILES\n.TP\n/etc/xen\nconfig files of domains.\n.TP\n"
          "/run/bonsai/ctld.sock\nthe socket of ctld.\n.SH \"SEE ALSO\"\n\\fBctl.cfg\\fR(5)\n",
          stdout);
    return 0;
}

static const char cfg_intro[] =
    ".SH NAME\nctl.cfg \\- config file of a domain\n"
    ".SH DESCRIPTION\nA file holds settings, \\fIKEY\\fR = \\fIVALUE\\fR, separated by newlines or"
    " semicolons. A value is text in single or double quotes (or in three of either, over several"
    " lines), a number, or a list in square brackets, which may span lines. \\fIKEY\\fR +="
    " \\fIVALUE\\fR adds to a list or to text. # begins a comment. Booleans are 0 and 1. What"
    " stands on the command line behind the name of the file is read after it; text needs no"
    " quotes there. Unknown keys are ignored with a warning.\n.SH KEYS\n";

int help_man_cfg(void)
{
    const struct ctrl_config_key *key;

    printf(".TH CTL.CFG 5 \"\" \"Bonsai %s\" \"Bonsai\"\n%s", ctrl_library_version(), cfg_intro);
    for (size_t i = 0; (key = ctrl_config_key(i)) != NULL; i++) {
        fputs(".TP\n\\fB", stdout);
        roff(key->name);
        fputs("\\fR = \\fI", stdout);
        roff(key->type);
        fputs("\\fR\n", stdout);
        roff(key->help);
        fputs("\nNot given: ", stdout);
        roff(key->fallback);
        fputs(".\n", stdout);
        if (!key->used) {
            fputs("Kept, but nothing acts on it in this version.\n", stdout);
        }
    }
    fputs(".SH EXAMPLE\n.nf\nname = \"demo\"\nkernel = \"/boot/vmlinuz\"\nramdisk ="
          " \"/boot/initrd\"\nextra = \"console=hvc0\"\nmemory = 256\nvcpus = 2\n.fi\n"
          ".SH \"SEE ALSO\"\n\\fBctl\\fR(1)\n", stdout);
    return 0;
}

static void print_long_options(const struct cmd *cmd, const char *before, const char *after)
{
    for (const struct opt *o = cmd->opts; o != NULL && o->name != NULL; o++) {
        printf("%s--%s%s", before, o->name, after);
    }
    if (cmd->flags & CMD_LISTING) {
        printf("%s--json%s", before, after);
    }
}

static bool takes_domain(const struct cmd *cmd)
{
    return strstr(cmd->args, "DOMAIN") != NULL;
}

int help_bash(void)
{
    fputs("# Completion of ctl for bash; generated from its table of commands.\n"
          "_ctl() {\n    local word=${COMP_WORDS[COMP_CWORD]} options= domains=\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W \"", stdout);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        printf("%s%s", i > 0 ? " " : "", cmd_table[i]->name);
    }
    fputs("\" -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        printf("    %s) options=\"", cmd_table[i]->name);
        print_long_options(cmd_table[i], "", " ");
        printf("\"%s ;;\n", takes_domain(cmd_table[i]) ? " domains=1" : "");
    }
    fputs("    esac\n    case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
          "    *)\n        if [ -n \"$domains\" ]; then\n"
          "            COMPREPLY=($(compgen -W \"$(ctl vm-list 2>/dev/null |"
          " awk 'NR > 1 { print $3 }')\" -- \"$word\"))\n"
          "        else\n            COMPREPLY=($(compgen -f -- \"$word\"))\n        fi ;;\n"
          "    esac\n}\ncomplete -F _ctl ctl\n", stdout);
    return 0;
}

int help_zsh(void)
{
    fputs("#compdef ctl\n# Completion of ctl for zsh; generated from its table of commands.\n"
          "local -a commands\ncommands=(\n", stdout);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        const char *help = cmd_table[i]->help;

        printf("    '%s:", cmd_table[i]->name);
        for (; *help != '\0'; help++) {
            fputs(*help == '\'' ? "'\\''" : (char[]){ *help, '\0' }, stdout);
        }
        fputs("'\n", stdout);
    }
    fputs(")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\n"
          "case $words[2] in\n", stdout);
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        printf("%s)\n    _arguments", cmd_table[i]->name);
        print_long_options(cmd_table[i], " '", "'");
        fputs(takes_domain(cmd_table[i])
                  ? " '*:domain:($(ctl vm-list 2>/dev/null | awk \"NR > 1 { print \\$3 }\"))'"
                  : " '*:file:_files'", stdout);
        fputs(" ;;\n", stdout);
    }
    fputs("esac\n", stdout);
    return 0;
}
