/* SPDX-License-Identifier: MIT */
/* shutdown, reboot, destroy, pause, unpause, rename. */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long ctld gets to remove a domain that has shut down. */
#define REMOVAL_MS 15000

static const struct opt shutdown_opts[] = {
    { 'a', "all", NULL, "all guests" },
    { 'w', "wait", NULL, "wait until the domain has ended" },
    { 'F', "force-acpi", NULL, "press the power button where a guest takes no requests" },
    { 0, NULL, NULL, NULL },
};

static const struct opt reboot_opts[] = {
    { 'a', "all", NULL, "all guests" },
    { 'w', "wait", NULL, "wait until the domain has ended" },
    { 'F', "force-acpi", NULL, "press the reset button where a guest takes no requests" },
    { 0, NULL, NULL, NULL },
};

static int ask(struct ctl *c, uint32_t domid, bool reboot)
{
    int rc;

    fprintf(stderr, "%s domain %u\n", reboot ? "Rebooting" : "Shutting down", domid);
    rc = reboot ? ctrl_domain_reboot(c->h, domid) : ctrl_domain_shutdown(c->h, domid);
    if (rc == -ENOTSUP && opt_has(c, 'F')) {
        rc = ctrl_domain_trigger(c->h, domid, reboot ? CTRL_TRIGGER_RESET : CTRL_TRIGGER_POWER, 0);
    }
    return rc < 0 ? failed(c) : 0;
}

/* Does the config say that the ended domain stays? */
static bool stays(struct ctl *c, const struct ctrl_domain_info *info)
{
    struct ctrl_config *config;
    bool kept;

    if (ctrl_domain_config_load(c->h, info->domid, &config) < 0) {
        return false;
    }
    kept = (info->shutdown_reason == CTRL_SHUTDOWN_REBOOT ? config->on_reboot
                                                          : config->on_poweroff) ==
           CTRL_ACTION_PRESERVE;
    ctrl_config_free(config);
    return kept;
}

static int wait_removal(struct ctl *c, uint32_t domid)
{
    struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    struct ctrl_domain_info info;

    for (int waited = 0; waited < REMOVAL_MS; waited += 20) {
        if (ctrl_domain_info(c->h, domid, &info) == -ESRCH) {
            return 0;
        }
        if (ctrl_cancelled(c->h)) {
            complain(c, "interrupted");
            return 128 + caught_signal();
        }
        nanosleep(&pause, NULL);
    }
    complain(c, "domain %u has ended but nobody removes it: is ctld running?", domid);
    return EXIT_FAILURE;
}

static int wait_one(struct ctl *c, uint32_t domid)
{
    struct ctrl_domain_info info;
    int rc = ctrl_domain_wait(c->h, domid, -1, &info);

    if (rc == -ESRCH) {
        return 0;
    }
    if (rc < 0) {
        return failed(c);
    }
    return info.shutdown && stays(c, &info) ? 0 : wait_removal(c, domid);
}

static int end_all(struct ctl *c, bool reboot)
{
    struct domains d;
    int status = domains_get(c, &d), one;

    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < d.count; i++) {
        if (d.list[i].domid != 0 && !d.list[i].shutdown) {
            one = ask(c, d.list[i].domid, reboot);
            status = one != 0 ? one : status;
        }
    }
    for (size_t i = 0; i < d.count && opt_has(c, 'w') && status == 0; i++) {
        if (d.list[i].domid != 0 && !d.list[i].shutdown) {
            status = wait_one(c, d.list[i].domid);
        }
    }
    domains_free(&d);
    return status;
}

static int end_run(struct ctl *c, int argc, char **argv, bool reboot)
{
    uint32_t domid;
    int status;

    if (opt_has(c, 'a') == (argc > 0)) {
        complain(c, "%s: expected the name of a domain, or -a for all guests", c->cmd->name);
        return EXIT_USAGE;
    }
    catch_signals(c);
    if (opt_has(c, 'a')) {
        return end_all(c, reboot);
    }
    status = find_domain(c, argv[0], &domid);
    status = status != 0 ? status : ask(c, domid, reboot);
    return status != 0 || !opt_has(c, 'w') ? status : wait_one(c, domid);
}

static int shutdown_run(struct ctl *c, int argc, char **argv)
{
    return end_run(c, argc, argv, false);
}

static int reboot_run(struct ctl *c, int argc, char **argv)
{
    return end_run(c, argc, argv, true);
}

const struct cmd cmd_shutdown = {
    .name = "shutdown",
    .args = "DOMAIN",
    .help = "Ask a guest to power off",
    .opts = shutdown_opts,
    .max = 1,
    .run = shutdown_run,
};

const struct cmd cmd_reboot = {
    .name = "reboot",
    .args = "DOMAIN",
    .help = "Ask a guest to reboot",
    .opts = reboot_opts,
    .max = 1,
    .run = reboot_run,
};

static const struct opt destroy_opts[] = {
    { 'f', "force", NULL, "accepted; domain 0 is never destroyed" },
    { 0, NULL, NULL, NULL },
};

static int with_domain(struct ctl *c, const char *name, int (*call)(struct ctrl *, uint32_t))
{
    uint32_t domid;
    int status = find_domain(c, name, &domid);

    return status != 0 ? status : call(c->h, domid) < 0 ? failed(c) : 0;
}

static int destroy_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return with_domain(c, argv[0], ctrl_domain_destroy);
}

static int pause_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return with_domain(c, argv[0], ctrl_domain_pause);
}

static int unpause_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return with_domain(c, argv[0], ctrl_domain_unpause);
}

static int rename_run(struct ctl *c, int argc, char **argv)
{
    uint32_t domid;
    int status = find_domain(c, argv[0], &domid);

    (void)argc;
    return status != 0 ? status : ctrl_domain_rename(c->h, domid, argv[1]) < 0 ? failed(c) : 0;
}

const struct cmd cmd_destroy = {
    .name = "destroy",
    .args = "DOMAIN",
    .help = "End a domain at once",
    .opts = destroy_opts,
    .min = 1,
    .max = 1,
    .run = destroy_run,
};

const struct cmd cmd_pause = {
    .name = "pause",
    .args = "DOMAIN",
    .help = "Stop a domain's processors",
    .min = 1,
    .max = 1,
    .run = pause_run,
};

const struct cmd cmd_unpause = {
    .name = "unpause",
    .args = "DOMAIN",
    .help = "Let a paused domain run",
    .min = 1,
    .max = 1,
    .run = unpause_run,
};

const struct cmd cmd_rename = {
    .name = "rename",
    .args = "DOMAIN NEW-NAME",
    .help = "Give a domain another name",
    .min = 2,
    .max = 2,
    .run = rename_run,
};
