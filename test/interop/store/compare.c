/* SPDX-License-Identifier: MIT */
/* Answers without what no two daemons have in common, and the list of accepted differences. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names one after another, in order. */
static void sort_names(struct text *text, size_t from)
{
    static char copy[ROOM];
    const char *names[ROOM / 2];
    size_t n = 0, at = from;

    if (text->length == 0 || text->data[text->length - 1] != '\0') {
        return;
    }
    memcpy(copy, text->data, text->length);
    for (size_t i = from; i < text->length && n < ROOM / 2; i += strlen(copy + i) + 1) {
        names[n++] = copy + i;
    }
    qsort(names, n, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < n; i++) {
        strcpy(text->data + at, names[i]);
        at += strlen(names[i]) + 1;
    }
}

static void say(struct text *out, const char *word)
{
    out->length = strlen(word);
    memcpy(out->data, word, out->length);
}

void answer_of(const struct step *step, const struct client *c, struct text *out)
{
    if (c->closed) {
        say(out, c->page ? "(not served any more)" : "(closed)");
        return;
    }
    if (c->awaited) {
        say(out, "(silent)");
        return;
    }
    *out = c->reply;
    if (c->reply_type == XS_ERROR) {
        return;
    }
    if (c->reply_type != step->type) {
        say(out, "(a reply of another type)");
        return;
    }
    switch (step->type) {
    case XS_TRANSACTION_START:
        say(out, "(a number)");
        break;
    case XS_DIRECTORY:
        sort_names(out, 0);
        break;
    case XS_DIRECTORY_PART: /* its first string says which state of the folder this is */
        out->length -= strlen(out->data) + 1;
        if (strcmp(step->payload + strnlen(step->payload, ROOM - 1) + 1, "0") != 0) {
            say(out, "(a part)"); /* the order is the daemon's */
            return;
        }
        memmove(out->data, c->reply.data + strlen(c->reply.data) + 1, out->length);
        sort_names(out, 0);
        break;
    default:
        break;
    }
}

void text_print(const struct text *text)
{
    size_t shown = text->length < 160 ? text->length : 160;

    putchar('"');
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text->data[i];

        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
            putchar(c);
        } else {
            printf("\\%x", c);
        }
    }
    printf("\"%s (%zu)", shown < text->length ? "..." : "", text->length);
}

/* --- steps that a daemon does not survive ----------------------------------------------------- */

static struct {
    const char *daemon, *reason;
    size_t count;
} spared[] = {
    {"xenstored", "a path that is not one string makes it abort", 0},
    {"xenstored", "when a target goes, memory of it stays in use", 0},
    {"oxenstored", "an empty payload stays without an answer", 0},
    {"xenstored", "SET_PERMS of a special name that it refuses makes it abort", 0},
};

static bool is_special(const char *path)
{
    return strcmp(path, "@introduceDomain") == 0 || strcmp(path, "@releaseDomain") == 0;
}

static bool is_path_alone(uint32_t type)
{
    return type == XS_DIRECTORY || type == XS_READ || type == XS_GET_PERMS || type == XS_MKDIR ||
           type == XS_RM;
}

bool step_aborts(const struct step *step, const char *theirs_name)
{
    bool one = strnlen(step->payload, step->length) + 1 == step->length;
    const bool cases[] = {!one && is_path_alone(step->type), step->type == XS_SET_TARGET,
                          step->length == 0,
                          step->type == XS_SET_PERMS && step->payload[0] == '@' &&
                              (step->client >= FIRST_GUEST || !is_special(step->payload))};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i] && step->kind == STEP_ASK && strcmp(theirs_name, spared[i].daemon) == 0) {
            spared[i].count++;
            return true;
        }
    }
    return false;
}

/* --- accepted differences --------------------------------------------------------------------- */

/* What may be the case of a step whose answers differ. */
struct situation {
    const struct step *step;
    const struct text *ours, *theirs;
};

static bool is(const struct text *text, const char *word)
{
    return text->length == strlen(word) + 1 && memcmp(text->data, word, text->length) == 0;
}

static bool special_perms(const struct situation *s)
{
    return s->step->type == XS_GET_PERMS && s->step->payload[0] == '@' && is(s->theirs, "EINVAL");
}

static bool overtaken(const struct situation *s)
{
    return s->step->overtaken && s->step->type != XS_TRANSACTION_END;
}

static bool finer(const struct situation *s)
{
    return s->step->overtaken && s->step->type == XS_TRANSACTION_END && is(s->ours, "OK") &&
           is(s->theirs, "EAGAIN");
}

static bool earlier(const struct situation *s)
{
    return s->step->overtaken && s->step->type == XS_TRANSACTION_END && is(s->ours, "EAGAIN") &&
           is(s->theirs, "OK");
}

static bool no_number(const struct situation *s)
{
    uint32_t type = s->step->type;

    return is(s->ours, "EINVAL") &&
           (type == XS_INTRODUCE || type == XS_RELEASE || type == XS_GET_DOMAIN_PATH ||
            type == XS_IS_DOMAIN_INTRODUCED || type == XS_RESUME);
}

/* Permissions of which some entries are gone. */
static bool forgotten(const struct situation *s)
{
    size_t i = 0, k = 0;

    if (!s->step->bereft || s->step->type != XS_GET_PERMS || is(s->ours, "EACCES")) {
        return s->step->bereft && (is(s->ours, "EACCES") || is(s->theirs, "EACCES"));
    }
    while (i < s->ours->length && k < s->theirs->length) {
        const char *entry = s->theirs->data + k;

        i += strcmp(s->ours->data + i, entry) == 0 ? strlen(entry) + 1 : 0;
        k += strlen(entry) + 1;
    }
    return i == s->ours->length;
}

static bool no_domid(const struct situation *s)
{
    return s->step->type == XS_SET_PERMS && is(s->ours, "EINVAL") &&
           memmem(s->step->payload, s->step->length, "99999", 6);
}

static bool open_end(const struct situation *s)
{
    return s->step->type == XS_SET_PERMS && is(s->ours, "EINVAL") &&
           s->step->payload[s->step->length - 1] != '\0';
}

/* The owner-to-be is a domain that nobody knows. */
static bool absent_owner(const struct situation *s)
{
    const char *perm = s->step->payload + strnlen(s->step->payload, ROOM - 3) + 1;

    return s->step->type == XS_SET_PERMS && is(s->theirs, "ENOENT") && perm[0] && perm[1] > '3';
}

static bool many_perms(const struct situation *s)
{
    return s->step->type == XS_SET_PERMS && is(s->ours, "ENOSPC");
}

static bool bereft(const struct situation *s)
{
    return s->step->bereft;
}

static bool targeted(const struct situation *s)
{
    return s->step->targeted;
}

/* The other daemon says to somebody who may not know that something is not there. */
static bool not_hidden(const struct situation *s)
{
    return is(s->ours, "EACCES") &&
           (is(s->theirs, "ENOENT") || (s->step->type == XS_RM && is(s->theirs, "OK")));
}

static bool no_parts(const struct situation *s)
{
    return s->step->type == XS_DIRECTORY_PART && is(s->theirs, "ENOSYS");
}

static bool is_error(const struct text *text)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (is(text, xsd_errors[i].errstring)) {
            return true;
        }
    }
    return false;
}

static bool other_name(const struct situation *s)
{
    return is_error(s->ours) && is_error(s->theirs);
}

static bool own_control(const struct situation *s)
{
    return s->step->type == XS_CONTROL && is_error(s->ours);
}

static bool given_up(const struct situation *s)
{
    return s->step->type == XS_TRANSACTION_END && is(s->theirs, "ENOMEM");
}

static bool special_nodes(const struct situation *s)
{
    return memchr(s->step->payload, '@', s->step->length) != NULL;
}

static bool root(const struct situation *s)
{
    return strcmp(s->step->payload, "/") == 0;
}

/* Permissions whose owner is another one. */
static bool owner(const struct situation *s)
{
    size_t ours = strnlen(s->ours->data, s->ours->length);
    size_t theirs = strnlen(s->theirs->data, s->theirs->length);

    return s->step->type == XS_GET_PERMS && s->ours->data[0] == s->theirs->data[0] &&
           s->ours->length - ours == s->theirs->length - theirs &&
           memcmp(s->ours->data + ours, s->theirs->data + theirs, s->ours->length - ours) == 0;
}

/* What follows of that. */
static bool owned(const struct situation *s)
{
    return s->step->abroad && (is(s->ours, "EACCES") || is(s->theirs, "EACCES"));
}

static bool gone_by_introduction(const struct situation *s)
{
    return s->step->bereft && s->step->slot >= 0 && is(s->ours, "ENOENT");
}

static bool made_already(const struct situation *s)
{
    return s->step->type == XS_MKDIR && is(s->ours, "EACCES") && is(s->theirs, "OK");
}

static bool own_count(const struct situation *s)
{
    return s->step->type == XS_TRANSACTION_START && is(s->ours, "ENOSPC");
}

static bool own_target(const struct situation *s)
{
    return (s->step->type == XS_SET_TARGET && is(s->ours, "ENOENT")) ||
           (s->step->type == XS_RESUME && is(s->ours, "EINVAL"));
}

/* Bytes that are not the strings that they should be. */
static bool malformed(const struct situation *s)
{
    return is(s->ours, "EINVAL") &&
           (s->step->length == 0 || s->step->payload[s->step->length - 1] != '\0' ||
            strnlen(s->step->payload, ROOM) + 1 != s->step->length);
}

static bool mute(const struct situation *s)
{
    return s->step->kind == STEP_TOO_LONG && s->theirs->data[0] == '(';
}

static bool odd_watch(const struct situation *s)
{
    return s->step->type == XS_WATCH && is(s->ours, "EINVAL") && is(s->theirs, "OK");
}

/* A listing from an offset that is no number. */
static bool bad_offset(const struct situation *s)
{
    size_t head = strnlen(s->step->payload, s->step->length) + 1;

    return s->step->type == XS_DIRECTORY_PART && head < s->step->length &&
           (s->step->payload[head] < '0' || s->step->payload[head] > '9') &&
           s->ours->data[0] == 'E';
}

static struct difference {
    const char *daemon;
    bool (*applies)(const struct situation *s);
    const char *reason;
    size_t count;
} accepted[] = {
    {"xenstored", special_perms,
     "permissions of special names can be set, so they can be read; xenstored cannot", 0},
    {"xenstored", overtaken,
     "a transaction sees the store as it was when it began (docs/misc/xenstore.txt); xenstored "
     "shows what others changed meanwhile",
     0},
    {"xenstored", earlier,
     "a change before the first look at a node is a conflict, as the copy is of the beginning", 0},
    {"xenstored", bad_offset, "an offset that is no number is EINVAL; xenstored takes it as 0", 0},
    {"xenstored", forgotten,
     "entries of a domain that is gone leave the permissions; xenstored shows what it ignores", 0},
    {"xenstored", no_number, "what is no number is EINVAL; xenstored takes it as 0", 0},
    {"xenstored", given_up,
     "a request that was refused changed nothing and does not spoil its transaction", 0},
    {"xenstored", absent_owner,
     "nodes may be given to a domain before it is there; others learn of rights first", 0},
    {"oxenstored", targeted, "with a target it joins the rights of both; the first entry counts",
     0},
    {"oxenstored", bereft, "nodes of a domain that is gone stay, as do its entries elsewhere", 0},
    {"oxenstored", many_perms, "it does not limit lists of permissions", 0},
    {"xenstored", no_domid, "permissions for what can be no domain are refused", 0},
    {"xenstored", open_end, "bytes behind the last string are EINVAL; xenstored ignores them", 0},
    {"xenstored", targeted, "it was not asked to set a target", 0},
    {"oxenstored", not_hidden, "who may not read a folder does not learn what is not in it", 0},
    {"oxenstored", no_parts, "it does not know DIRECTORY_PART", 0},
    {"oxenstored", other_name, "both refuse; names of errors follow xenstored", 0},
    {"oxenstored", own_control, "CONTROL is each daemon's own", 0},
    {"oxenstored", special_nodes, "special names are nodes of its tree", 0},
    {"oxenstored", root,
     "the root is not like other nodes, and what is below it is the daemon's own", 0},
    {"oxenstored", owner, "who makes a node owns it, as xenstored says too", 0},
    {"oxenstored", owned, "what follows of that", 0},
    {"oxenstored", gone_by_introduction, "an introduction ends transactions, as xenstored says too",
     0},
    {"oxenstored", made_already, "to make what is there already needs the right to write", 0},
    {"oxenstored", own_count, "it counts open transactions in its own way", 0},
    {"oxenstored", finer, "it finds a conflict by its own rules", 0},
    {"oxenstored", no_number, "what is no number is EINVAL; oxenstored reads it in its own way", 0},
    {"oxenstored", own_target, "a domain must be there and not be 0, as xenstored says too", 0},
    {"oxenstored", malformed, "strings end with NUL, and no more of them come than asked for", 0},
    {"oxenstored", earlier, "it commits what nobody else touched in between, by its own rules", 0},
    {"oxenstored", mute, "a guest that breaks the protocol finds an error in its page", 0},
    {"oxenstored", odd_watch, "what can be no name is not watched", 0},
    {"xenstored", odd_watch, "what can be no name is not watched", 0},
    {"xenstored", finer,
     "new or removed neighbours are no conflict; xenstored counts them as changes of their folder",
     0},
};

const char *reason_of(const struct step *step, const char *theirs_name, const struct text *ours,
                      const struct text *theirs)
{
    struct situation s = {step, ours, theirs};

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct difference *d = &accepted[i];

        if (strcmp(d->daemon, theirs_name) == 0 && d->applies(&s)) {
            d->count++;
            return d->reason;
        }
    }
    return NULL;
}

static struct {
    bool only_ours, guest;
    uint32_t after; /* bits of reason_of_event */
    const char *reason;
    size_t count;
} accepted_events[] = {
    {true, false, SINCE_DEATH | SINCE_RELEASE, "what a domain owned goes with it, and is told", 0},
    {false, false, 1U << XS_RM | 1U << XS_TRANSACTION_END,
     "what was not there is not told as removed with its folder", 0},
    {false, true, SINCE_RELEASE, "watches end with a second introduction", 0},
    {true, true, UINT32_MAX, "who may read a folder hears of what is in it", 0},
};

const char *reason_of_event(uint32_t since, const char *theirs_name, size_t client, bool only_ours)
{
    for (size_t i = 0; i < sizeof(accepted_events) / sizeof(accepted_events[0]); i++) {
        if (accepted_events[i].only_ours == only_ours && (accepted_events[i].after & since) &&
            (client >= FIRST_GUEST || !accepted_events[i].guest) &&
            strcmp(theirs_name, "oxenstored") == 0) {
            accepted_events[i].count++;
            return accepted_events[i].reason;
        }
    }
    return NULL;
}

void reasons_print(void)
{
    for (size_t i = 0; i < sizeof(spared) / sizeof(spared[0]); i++) {
        if (spared[i].count > 0) {
            printf("%7zu %s: not asked: %s\n", spared[i].count, spared[i].daemon, spared[i].reason);
        }
    }
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (accepted[i].count > 0) {
            printf("%7zu %s: %s\n", accepted[i].count, accepted[i].daemon, accepted[i].reason);
        }
    }
    for (size_t i = 0; i < sizeof(accepted_events) / sizeof(accepted_events[0]); i++) {
        if (accepted_events[i].count > 0) {
            printf("%7zu oxenstored: events: %s\n", accepted_events[i].count,
                   accepted_events[i].reason);
        }
    }
}
