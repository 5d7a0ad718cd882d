/* SPDX-License-Identifier: MIT */
/* create, config-update and config: from a file to a domain, and back. */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct opt create_opts[] = {
    { 'f', "defconfig", "FILE", "the config, instead of the first argument" },
    { 'p', "paused", NULL, "leave the domain paused" },
    { 'c', "console", NULL, "follow the console" },
    { 'q', "quiet", NULL, "print nothing that is not an error" },
    { 'n', "dryrun", NULL, "print the config as JSON and make nothing" },
    { 'F', "foreground", NULL, "wait until the domain has ended" },
    { 'e', "no-monitor", NULL, "accepted; ctld looks after domains" },
    { 'd', "debug", NULL, "print the config before making the domain" },
    { 2, "ignore-global-affinity-masks", NULL, "accepted" },
    { 0, NULL, NULL, NULL },
};

/* The words of the command line behind the file, a line each. */
static char *join_overrides(int argc, char **argv)
{
    size_t size = 1;
    char *text, *end;

    for (int i = 0; i < argc; i++) {
        size += strlen(argv[i]) + 1;
    }
    text = end = malloc(size);
    if (text == NULL) {
        return NULL;
    }
    for (int i = 0; i < argc; i++) {
        end = stpcpy(end, argv[i]);
        *end++ = '\n';
    }
    *end = '\0';
    return text;
}

/* FILE [KEY=VALUE...] or -f FILE [KEY=VALUE...]. */
static int read_config(struct ctl *c, int argc, char **argv, struct ctrl_config **out)
{
    const char *file = opt_has(c, 'f') ? c->value['f'] : NULL;
    char *overrides;
    int rc;

    if (file == NULL && argc > 0 && strchr(argv[0], '=') == NULL) {
        file = argv[0];
        argc--;
        argv++;
    }
    if (file == NULL) {
        complain(c, "%s: expected the name of a config file", c->cmd->name);
        return EXIT_USAGE;
    }
    if (!opt_has(c, 'q') && !c->json) {
        printf("Parsing config from %s\n", file);
        fflush(stdout);
    }
    overrides = join_overrides(argc, argv);
    if (overrides == NULL) {
        complain(c, "out of memory");
        return EXIT_FAILURE;
    }
    rc = ctrl_config_parse_file(c->h, file, overrides, out);
    free(overrides);
    return rc < 0 ? failed(c) : 0;
}

static int print_config(struct ctl *c, const struct ctrl_config *config)
{
    char *json;

    if (ctrl_create_check(c->h, config) < 0 || ctrl_config_to_json(c->h, config, CTRL_DOMID_NONE,
                                                                   &json) < 0) {
        return failed(c);
    }
    fputs(json, stdout);
    free(json);
    return 0;
}

/*
 * Called before each step. A test may ask for a signal there: CTL_TEST_STEP=INDEX:SIGNAL sends it
 * to this process before step INDEX, which is how killed creations are tested.
 */
static void on_step(void *data, const char *step, unsigned int index, unsigned int count)
{
    const char *test = getenv("CTL_TEST_STEP");
    const struct ctl *c = data;
    unsigned int at;
    int signal;

    if (c->verbose > 0) {
        fprintf(stderr, "%s: %u/%u %s\n", c->program, index + 1, count, step);
    }
    if (test != NULL && sscanf(test, "%u:%d", &at, &signal) == 2 && at == index) {
        raise(signal);
    }
}

static int wait_end(struct ctl *c, uint32_t domid)
{
    struct ctrl_domain_info info;
    int rc = ctrl_domain_wait(c->h, domid, -1, &info);

    return rc < 0 && rc != -ESRCH ? failed(c) : 0;
}

static int make(struct ctl *c, const struct ctrl_config *config)
{
    struct ctrl_create_options options = {
        .paused = opt_has(c, 'p'), .progress = on_step, .data = c,
    };
    int status = require_ctld(c);
    uint32_t domid;

    if (status != 0) {
        return status;
    }
    catch_signals(c);
    if (ctrl_create(c->h, config, &options, &domid) < 0) {
        return failed(c);
    }
    if (opt_has(c, 'c')) {
        return console_run(c, domid, true);
    }
    return opt_has(c, 'F') ? wait_end(c, domid) : 0;
}

static int create_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_config *config;
    bool dry = opt_has(c, 'n') || c->dry_run;
    int status = read_config(c, argc, argv, &config);

    if (status != 0) {
        return status;
    }
    if (dry || opt_has(c, 'd')) {
        status = print_config(c, config);
    }
    if (status == 0 && !dry) {
        status = ctrl_probe(c->h) < 0 ? failed(c) : 0;
        if (status == 0) {
            ctrl_reap(c->h, NULL);
            status = make(c, config);
        }
    }
    ctrl_config_free(config);
    return status;
}

const struct cmd cmd_create = {
    .name = "create",
    .args = "FILE [KEY=VALUE...]",
    .help = "Make a domain from a config file",
    .opts = create_opts,
    .flags = CMD_OFFLINE, /* a dry run needs none */
    .max = -1,
    .run = create_run,
};

static const struct opt update_opts[] = {
    { 'f', "defconfig", "FILE", "the config, instead of the second argument" },
    { 'q', "quiet", NULL, "print nothing that is not an error" },
    { 'd', "debug", NULL, "print the config" },
    { 0, NULL, NULL, NULL },
};

static int update_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    struct ctrl_config *config;
    char *name = NULL;
    int status = find_domain_info(c, argv[0], &info);

    if (status == 0) {
        status = read_config(c, argc - 1, argv + 1, &config);
    }
    if (status != 0) {
        return status;
    }
    /* Who the domain is does not change by a new config. */
    if (ctrl_domain_name(c->h, info.domid, &name) == 0) {
        free(config->name);
        config->name = name;
    }
    memcpy(config->uuid, info.uuid, sizeof(info.uuid));
    config->has_uuid = true;
    if (opt_has(c, 'd') || c->dry_run) {
        status = print_config(c, config);
    }
    if (status == 0 && !c->dry_run &&
        ctrl_domain_config_save(c->h, info.domid, config) < 0) {
        status = failed(c);
    }
    ctrl_config_free(config);
    return status;
}

const struct cmd cmd_config_update = {
    .name = "config-update",
    .args = "DOMAIN [FILE] [KEY=VALUE...]",
    .help = "Replace the config that is kept for a running domain",
    .opts = update_opts,
    .min = 1,
    .max = -1,
    .run = update_run,
};

static int config_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    struct ctrl_config *config;
    char *text;
    int status = find_domain_info(c, argv[0], &info), rc;

    (void)argc;
    if (status != 0) {
        return status;
    }
    if (ctrl_domain_config_load(c->h, info.domid, &config) < 0) {
        return failed(c);
    }
    rc = c->json ? ctrl_config_to_json(c->h, config, CTRL_DOMID_NONE, &text)
                 : ctrl_config_to_cfg(c->h, config, &text);
    ctrl_config_free(config);
    if (rc < 0) {
        return failed(c);
    }
    fputs(text, stdout);
    free(text);
    return 0;
}

const struct cmd cmd_config = {
    .name = "config",
    .args = "DOMAIN",
    .help = "Print a config file that makes the same domain again",
    .flags = CMD_LISTING,
    .min = 1,
    .max = 1,
    .run = config_run,
};
