/* SPDX-License-Identifier: MIT */
/* Control commands: rows of name, help and function. The answer is text. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "log.h"
#include "loop.h"
#include "request.h"
#include "txn.h"

struct command {
    const char *name, *help;
    int (*run)(struct request *request);
};

static void say(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct request *request, const char *format, ...)
{
    size_t room = sizeof(request->reply) - request->reply_length;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(request->reply + request->reply_length, room, format, ap);
    va_end(ap);
    if (n > 0) {
        request->reply_length += (size_t)n < room ? (size_t)n : room - 1;
    }
}


/* Counts the tree and compares it with the accounts. */
static int run_check(struct request *request)
{
    struct walk *walk = alloc_zero(sizeof(*walk));
    uint32_t *owned = alloc_zero(DOMAIN_LIMIT * sizeof(*owned));
    const struct node *n;
    bool ok = true;

    owned[txn_live->perms->list[0].domid]++;
    walk_begin(walk, txn_live, "", true);
    while ((n = walk_next(walk)) != NULL) {
        owned[n->perms->list[0].domid]++;
    }
    walk_end(walk);
    free(walk);
    for (struct domain *d = domain_next(0); d; d = domain_next(d->party.domid + 1)) {
        if (d->usage.nodes != owned[d->party.domid]) {
            say(request, "domain %u: account %u, nodes %u\n", d->party.domid, d->usage.nodes,
                owned[d->party.domid]);
            ok = false;
        }
    }
    free(owned);
    if (ok) {
        say(request, "OK");
    }
    return 0;
}

static int run_log(struct request *request)
{
    const char *what = request_string(request, 1);

    if (what && strcmp(what, "on") == 0) {
        log_set_verbose(true);
    } else if (what && strcmp(what, "off") == 0) {
        log_set_verbose(false);
    } else if (what) {
        return EINVAL;
    }
    say(request, "%s", what ? "OK" : log_verbose() ? "on" : "off");
    return 0;
}

static void say_usage(struct request *request, const struct domain *d)
{
    say(request, "%u: nodes %u watches %u outstanding %u transactions %u bytes %lld\n",
        d->party.domid, d->usage.nodes, d->usage.watches, d->usage.requests,
        d->usage.transactions, (long long)d->usage.bytes);
}

static int run_quota(struct request *request)
{
    const char *name = request_string(request, 1), *value = request_string(request, 2);
    const char *third = request_string(request, 3);
    char *end;

    if (!name) {
        for (int i = 0; i < QUOTA_KINDS; i++) {
            say(request, "%s: %u\n", quota_name((enum quota_kind)i),
                quota_limit((enum quota_kind)i));
        }
        return 0;
    }
    if (strcmp(name, "set") == 0 && value && third) {
        if (!quota_parse(value, third)) {
            return EINVAL;
        }
        say(request, "OK");
        return 0;
    }
    unsigned long domid = strtoul(name, &end, 10);

    if (*end || end == name || !domain_find((uint32_t)domid)) {
        return EINVAL;
    }
    say_usage(request, domain_find((uint32_t)domid));
    return 0;
}

static int run_memreport(struct request *request)
{
    size_t conns = 0, queued = 0;

    for (struct conn *c = conn_first(); c; c = c->next) {
        conns++;
        queued += c->queued;
    }
    say(request, "connections: %zu\nqueued bytes: %zu\n", conns, queued);
    for (struct domain *d = domain_next(0); d; d = domain_next(d->party.domid + 1)) {
        if (d->usage.nodes || d->usage.watches || d->conn) {
            say_usage(request, d);
        }
    }
    return 0;
}

static int run_print(struct request *request)
{
    const char *text = request_string(request, 1);

    if (!text) {
        return EINVAL;
    }
    log_write(LOG_INFO, "%s", text);
    say(request, "OK");
    return 0;
}

static int run_restart(struct request *request)
{
    loop_ask_restart();
    say(request, "OK");
    return 0;
}

static int run_help(struct request *request);

static const struct command commands[] = {
    {"check", "compare the accounts with the tree", run_check},
    {"help", "this list", run_help},
    {"live-update", "run the program anew and keep everything", run_restart},
    {"log", "[on|off]: every request into the log", run_log},
    {"memreport", "what connections and domains hold", run_memreport},
    {"print", "TEXT: a line into the log", run_print},
    {"quota", "[set NAME VALUE|DOMID]: limits, or what a domain holds", run_quota},
    {"restart", "the same as live-update", run_restart},
};

static int run_help(struct request *request)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        say(request, "%-12s %s\n", commands[i].name, commands[i].help);
    }
    return 0;
}

/* Without the last line's end, with a NUL. */
static void end_reply(struct request *request)
{
    size_t *length = &request->reply_length;

    if (*length > 0 && request->reply[*length - 1] == '\n') {
        (*length)--;
    }
    request->reply[(*length)++] = '\0';
}

int request_control(struct request *request)
{
    const char *name = request_string(request, 0);
    int error = EINVAL;

    for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            request->reply[0] = '\0';
            error = commands[i].run(request);
            if (!error) {
                end_reply(request);
            }
            break;
        }
    }
    return error;
}
