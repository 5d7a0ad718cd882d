/* SPDX-License-Identifier: MIT */
/*
 * A command is a file that defines one const struct cmd (small ones share a file); cmd_table.c
 * lists them all. Help, completion and the man page come from these structs, and so does the
 * parsing of options: nothing about a command is said twice.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stdint.h>

#include <yajl/yajl_gen.h>

#include "ctrl.h"

#define EXIT_USAGE 2

/* An option without a letter has a small number instead, one that no other of the command has. */
struct opt {
    int letter;
    const char *name;
    const char *value; /* what it is called in help; NULL: takes none */
    const char *help;
};

struct ctl {
    struct ctrl *h;
    const char *program; /* as in messages: "ctl" or "xl" */
    bool as_xl;
    bool json, dry_run, force, quiet;
    unsigned int verbose;
    const struct cmd *cmd;
    unsigned int seen[128];    /* how often each option was given */
    const char *value[128];    /* its last value */
};

enum cmd_flags {
    CMD_LISTING = 1,  /* understands --json */
    CMD_OFFLINE = 2,  /* needs no hypervisor */
};

struct cmd {
    const char *name;
    const char *alias; /* NULL: none */
    const char *args;
    const char *help;
    const struct opt *opts; /* ends with a row without a name; NULL: none */
    unsigned int flags;
    int min, max; /* number of arguments; max -1: any */
    int (*run)(struct ctl *c, int argc, char **argv); /* exit status */
};

/* ---- cmd_table.c ---- */

extern const struct cmd *const cmd_table[];

/* ---- lookup.c ---- */

/* By name, alias or unambiguous prefix; NULL after a message when `complain`. */
const struct cmd *cmd_find(struct ctl *c, const char *name, bool complain);

/* ---- opt.c ---- */

extern const struct opt global_opts[];

/* Sorts options out; the rest is moved to the front of argv, its number returned. -1: wrong use. */
int opt_parse(struct ctl *c, const struct opt *opts, bool stop_at_word, int argc, char **argv);

static inline bool opt_has(const struct ctl *c, int letter)
{
    return c->seen[letter] > 0;
}

/* ---- output.c ---- */

void complain(const struct ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Print the sentence of the handle; returns the exit status for it. */
int failed(const struct ctl *c);

yajl_gen json_new(void);
void json_key(yajl_gen g, const char *key);
void json_text(yajl_gen g, const char *key, const char *text); /* NULL text: null */
void json_number(yajl_gen g, const char *key, int64_t number);
void json_bool(yajl_gen g, const char *key, bool value);
void json_time(yajl_gen g, const char *key, uint64_t ns);
/* Print it with a newline and free it; exit status. */
int json_end(struct ctl *c, yajl_gen g);
/* Six letters and a NUL, as `list` shows them. */
void state_letters(const struct ctrl_domain_info *info, char out[7]);
const char *shutdown_reason_name(unsigned int reason);

/* ---- domid.c ---- */

/* Name or number of an existing domain; 0, or an exit status after a message. */
int find_domain(struct ctl *c, const char *name_or_id, uint32_t *domid);
/* The same with its facts. */
int find_domain_info(struct ctl *c, const char *name_or_id, struct ctrl_domain_info *info);
int parse_number(struct ctl *c, const char *text, const char *what, long min, long max, long *out);
/* "512", "512m", "1g", "262144k", "0.5g": KiB. */
int parse_memory(struct ctl *c, const char *text, uint64_t *kib);

/* All domains with their names. */
struct domains {
    struct ctrl_domain_info *list;
    char **names;
    size_t count;
};

int domains_get(struct ctl *c, struct domains *d);
void domains_free(struct domains *d);
/* Only the domains called so in argv; all when there is none. Messages for those not there. */
int domains_choose(struct domains *d, int argc, char **argv);

/* ---- signals (main.c) ---- */

/* SIGINT, SIGTERM and SIGHUP cancel the handle's work from now on. */
void catch_signals(struct ctl *c);
/* The signal that came, or 0. */
int caught_signal(void);

/* ---- cmd_console.c ---- */

/* Follow a console. from_start: with all that is kept of it. Exit status. */
int console_run(struct ctl *c, uint32_t domid, bool from_start);
/* Is ctld there to serve a new guest? 0, or an exit status after a message. */
int require_ctld(struct ctl *c);

#endif
