/* SPDX-License-Identifier: MIT */
/*
 * ctl: options of the program, look-up of the command, its options, then the command. Called as
 * `xl` it keeps quiet where xl would. Exit status: 0 done, 1 not done, 2 wrong use, 128 and the
 * number of the signal when interrupted.
 */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ctrl *cancel_handle;
static volatile sig_atomic_t cancel_signal;

static void on_signal(int signal)
{
    cancel_signal = signal;
    ctrl_cancel(cancel_handle);
}

void catch_signals(struct ctl *c)
{
    struct sigaction action = { .sa_handler = on_signal };
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    cancel_handle = c->h;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

int caught_signal(void)
{
    return cancel_signal;
}

static void on_log(void *data, enum ctrl_log_level level, const char *message)
{
    static const char *const names[] = { "error: ", "warning: ", "", "debug: " };
    const struct ctl *c = data;

    fflush(stdout);
    fprintf(stderr, "%s: %s%s\n", c->program, names[level], message);
}

static void set_log(struct ctl *c)
{
    enum ctrl_log_level level = CTRL_LOG_WARN;

    if (c->quiet || (c->as_xl && c->verbose == 0)) {
        level = CTRL_LOG_ERROR;
    } else if (c->verbose > 0) {
        level = c->verbose > 1 ? CTRL_LOG_DEBUG : CTRL_LOG_INFO;
    }
    ctrl_set_log(c->h, on_log, c, level);
}

static int check_count(struct ctl *c, int count)
{
    const struct cmd *cmd = c->cmd;

    if (count >= cmd->min && (cmd->max < 0 || count <= cmd->max)) {
        return 0;
    }
    complain(c, "%s: %s; usage: %s %s%s%s", cmd->name,
             count < cmd->min ? "an argument is missing" : "too many arguments", c->program,
             cmd->name, cmd->args[0] != '\0' ? " " : "", cmd->args);
    return EXIT_USAGE;
}

/* What a ctl that was killed has left behind goes before anything new is done. */
static int probe(struct ctl *c)
{
    if (ctrl_probe(c->h) < 0) {
        return failed(c);
    }
    ctrl_reap(c->h, NULL);
    return 0;
}

static int run_command(struct ctl *c, int argc, char **argv)
{
    int count, status;

    memset(c->seen, 0, sizeof(c->seen));
    count = opt_parse(c, c->cmd->opts, false, argc - 1, argv + 1);
    if (count < 0) {
        return EXIT_USAGE;
    }
    c->json = opt_has(c, 'j') && (c->cmd->flags & CMD_LISTING);
    status = check_count(c, count);
    if (status != 0) {
        return status;
    }
    set_log(c);
    if (!(c->cmd->flags & CMD_OFFLINE)) {
        status = probe(c);
        if (status != 0) {
            return status;
        }
    }
    return c->cmd->run(c, count, argv + 1);
}

static int run(struct ctl *c, int argc, char **argv)
{
    static char *help[] = { (char *)"help", NULL, NULL };
    static char *version[] = { (char *)"version", NULL };
    int count = opt_parse(c, global_opts, true, argc - 1, argv + 1);

    if (count < 0) {
        return EXIT_USAGE;
    }
    c->verbose = c->seen['v'];
    c->dry_run = opt_has(c, 'N');
    c->force = opt_has(c, 'f');
    if (opt_has(c, 1)) {
        c->cmd = cmd_find(c, "version", true);
        return run_command(c, 1, version);
    }
    if (count == 0 || opt_has(c, 'h')) {
        c->cmd = cmd_find(c, "help", true);
        help[1] = count > 0 ? argv[1] : NULL;
        run_command(c, count > 0 ? 2 : 1, help);
        return opt_has(c, 'h') || argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    c->cmd = cmd_find(c, argv[1], true);
    if (c->cmd == NULL) {
        return EXIT_FAILURE;
    }
    if (count > 1 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        help[1] = (char *)c->cmd->name;
        c->cmd = cmd_find(c, "help", true);
        return run_command(c, 2, help);
    }
    return run_command(c, count, argv + 1);
}

int main(int argc, char **argv)
{
    struct ctl c = { 0 };
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    int status;

    c.program = argc > 0 && strcmp(slash != NULL ? slash + 1 : argv[0], "xl") == 0 ? "xl" : "ctl";
    c.as_xl = c.program[0] == 'x';
    if (ctrl_open(&c.h) < 0) {
        fputs("out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    status = run(&c, argc, argv);
    ctrl_close(c.h);
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS) {
        complain(&c, "cannot write the output: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return status;
}
