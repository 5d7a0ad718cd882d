/* SPDX-License-Identifier: MIT */
/*
 * The end of a guest: its config says what to do for each reason. The work (removing it, making it
 * again) takes seconds and is done by a child process, so that the other guests' consoles go on.
 * The flag `ended` in the history keeps a restarted ctld from doing it twice.
 */
#include "ctld.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAKE_ATTEMPTS 50
#define QUICK_SECONDS 3 /* a guest that ended sooner is made again after a pause */

static enum ctrl_action chosen(enum ctrl_action action, enum ctrl_action fallback)
{
    return action == CTRL_ACTION_UNSET ? fallback : action;
}

static enum ctrl_action action_for(const struct ctrl_config *c, unsigned int reason)
{
    switch (reason) {
    case CTRL_SHUTDOWN_POWEROFF:
        return chosen(c->on_poweroff, CTRL_ACTION_DESTROY);
    case CTRL_SHUTDOWN_REBOOT:
        return chosen(c->on_reboot, CTRL_ACTION_RESTART);
    case CTRL_SHUTDOWN_WATCHDOG:
        return chosen(c->on_watchdog, CTRL_ACTION_DESTROY);
    case CTRL_SHUTDOWN_SOFT_RESET:
        return chosen(c->on_soft_reset, CTRL_ACTION_SOFT_RESET);
    default:
        return chosen(c->on_crash, CTRL_ACTION_DESTROY);
    }
}

/* ---- in the child ---- */

static void pause_ms(long ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

/* The hypervisor may still be busy with the old domain, whose uuid is the new one's too. */
static int make_again(struct ctld *d, struct ctrl *h, const struct ctrl_config *config)
{
    uint32_t domid;
    int rc = -EEXIST;

    for (int i = 0; i < MAKE_ATTEMPTS && rc == -EEXIST; i++) {
        if (i > 0) {
            pause_ms(100);
        }
        rc = ctrl_create(h, config, NULL, &domid);
    }
    if (rc < 0) {
        say(d, "%s cannot be started again: %s", config->name, ctrl_error(h));
        return rc;
    }
    say(d, "%s is started again as domain %u", config->name, domid);
    return 0;
}

static int rename_old(struct ctld *d, struct ctrl *h, const struct domain *dom,
                      struct ctrl_config *config)
{
    char name[300], stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    int rc;

    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    snprintf(name, sizeof(name), "%.150s-%s", config->name, stamp);
    rc = ctrl_domain_rename(h, dom->domid, name);
    if (rc < 0) {
        say(d, "domain %u keeps its name: %s", dom->domid, ctrl_error(h));
        return rc;
    }
    if (dom->history.head != NULL) {
        dom->history.head->ended = 1; /* the file is shared, so this outlives us */
    }
    say(d, "domain %u stays as %s", dom->domid, name);
    config->has_uuid = false; /* the old one keeps it */
    return 0;
}

static int destroy_old(struct ctld *d, struct ctrl *h, const struct domain *dom)
{
    int rc = ctrl_domain_destroy(h, dom->domid);

    if (rc < 0 && rc != -ESRCH) {
        say(d, "domain %u cannot be removed: %s", dom->domid, ctrl_error(h));
        return rc;
    }
    return 0;
}

static int work(struct ctld *d, const struct domain *dom, struct ctrl_config *config,
                enum ctrl_action action)
{
    bool again = action == CTRL_ACTION_RESTART || action == CTRL_ACTION_RENAME_RESTART ||
                 action == CTRL_ACTION_COREDUMP_RESTART;
    int64_t started = 0;
    struct ctrl *h;
    int rc;

    if (ctrl_open(&h) < 0) {
        return -ENOMEM;
    }
    if (again && ctrl_domain_start_time(h, dom->domid, &started) == 0 &&
        (int64_t)time(NULL) - started < QUICK_SECONDS) {
        pause_ms(1000);
    }
    rc = action == CTRL_ACTION_RENAME_RESTART ? rename_old(d, h, dom, config)
                                              : destroy_old(d, h, dom);
    if (rc == 0 && again) {
        rc = make_again(d, h, config);
    }
    ctrl_close(h);
    return rc;
}

/* ---- in ctld ---- */

static void start_worker(struct ctld *d, struct domain *dom, struct ctrl_config *config,
                         enum ctrl_action action)
{
    sigset_t none;
    pid_t pid;

    /* The page and the port go first: the old domain cannot vanish while we hold them. */
    console_drain(d, dom);
    console_stop(d, dom);
    rpc_finish(d, dom);
    pid = fork();
    if (pid == 0) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close_range(STDERR_FILENO + 1, ~0u, 0);
        _exit(work(d, dom, config, action) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    if (pid < 0) {
        say(d, "cannot start a process for the end of %s: %s", dom->name, strerror(errno));
        return;
    }
    dom->worker = pid;
}

static void announce(struct ctld *d, const struct domain *dom, unsigned int reason,
                     enum ctrl_action action)
{
    static const char *const reasons[] = { "powered off", "rebooted", "suspended", "crashed",
                                           "did not feed its watchdog", "asked for a soft reset" };
    static const char *const actions[] = {
        [CTRL_ACTION_DESTROY] = "it is removed",
        [CTRL_ACTION_RESTART] = "it is started again",
        [CTRL_ACTION_RENAME_RESTART] = "it is renamed, and another one is started",
        [CTRL_ACTION_PRESERVE] = "it stays",
        [CTRL_ACTION_COREDUMP_DESTROY] = "core dumps are not written by this version; it is"
                                         " removed",
        [CTRL_ACTION_COREDUMP_RESTART] = "core dumps are not written by this version; it is"
                                         " started again",
        [CTRL_ACTION_SOFT_RESET] = "soft resets are not done by this version; it is removed",
    };

    say(d, "domain %u (%s) %s: %s", dom->domid, dom->name,
        reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[reason] : "ended", actions[action]);
}

/* Does another toolstack deal with the end of this domain? xl leaves a file of its own. */
static bool is_foreign(const struct domain *dom)
{
    char path[160], uuid[37];

    ctrl_uuid_format(dom->uuid, uuid);
    snprintf(path, sizeof(path), "/var/lib/xen/userdata-d.%u.%s.xl", dom->domid, uuid);
    return access(path, F_OK) == 0;
}

void lifecycle_check(struct ctld *d, struct domain *dom, const struct ctrl_domain_info *info)
{
    struct history_head *head = dom->history.head;
    struct ctrl_config *config;
    enum ctrl_action action;

    if (!info->shutdown || info->dying || info->shutdown_reason == CTRL_SHUTDOWN_SUSPEND ||
        dom->worker != 0 || (head != NULL && head->ended) || is_foreign(dom)) {
        return;
    }
    if (ctrl_domain_config_load(d->h, dom->domid, &config) < 0) {
        char *name = store_value(d, dom->domid, "name");

        if (name == NULL) {
            return; /* somebody is removing it right now */
        }
        free(name);
        say(d, "domain %u (%s) has ended and stays: %s", dom->domid, dom->name, ctrl_error(d->h));
        if (head != NULL) {
            head->ended = 1;
        }
        return;
    }
    action = action_for(config, info->shutdown_reason);
    announce(d, dom, info->shutdown_reason, action);
    if (action == CTRL_ACTION_PRESERVE) {
        if (head != NULL) {
            head->ended = 1;
        }
        console_drain(d, dom);
        rpc_finish(d, dom);
    } else {
        start_worker(d, dom, config, action);
    }
    ctrl_config_free(config);
}

void lifecycle_worker_ended(struct ctld *d, pid_t pid, int status)
{
    for (struct domain *dom = d->domains; dom != NULL; dom = dom->next) {
        if (dom->worker == pid) {
            dom->worker = 0;
            dom->failures = 5; /* its console was given up */
            if ((!WIFEXITED(status) || WEXITSTATUS(status) != 0) && dom->history.head != NULL) {
                dom->history.head->ended = 1; /* do not try for ever */
            }
            d->rescan = true;
            return;
        }
    }
}
