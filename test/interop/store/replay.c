/* SPDX-License-Identifier: MIT */
/*
 * replay [--seed N] [--count N] [--from N] [--to N] [--trail] NAME=FOLDER...
 *
 * Plays steps to the daemons that serve in the folders; the first one's answers are the ones that
 * the others' are compared with. The world is made anew every BLOCK steps, so a failure is
 * repeated by the steps of its block alone: --from and --to say which numbers are played.
 * --trail shows each step and its answers.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "replay.h"

#define BLOCK        250
#define FENCE_EVERY  8
#define FAILURES_MAX 25
#define PATIENCE_MS  10000
#define SILENCE_MS   100 /* after what a daemon may leave without an answer */

static uint64_t seed = 1, count = 100000, from, to = UINT64_MAX;
static bool trail;
static uint64_t failures, now;
static uint32_t number; /* of requests, as they go out */
static bool open_slots[CLIENTS][SLOTS];
static bool bereft, targeted, abroad;
static uint32_t since;                          /* what was played since events were compared */
static uint64_t begun[CLIENTS][SLOTS], changed; /* steps */
static struct step step, last;
static bool spared[DAEMONS_MAX];
static bool spoilt; /* the daemons may know different things now */
static size_t answers, good;

/* --- the world -------------------------------------------------------------------------------- */

/* The same to all daemons, whatever they say. */
static void ask_all(size_t client, uint32_t type, const char *payload, size_t length)
{
    number++;
    for (size_t i = 0; i < nr_daemons; i++) {
        client_ask(&daemons[i], client, number, type, 0, payload, length);
    }
    if (!pump(PATIENCE_MS)) {
        errx(1, "step %lu: no answer to a simple request", (unsigned long)now);
    }
}

#define ASK(client, type, payload) ask_all(client, type, payload, sizeof(payload))

/* A reply that all earlier events must come before. */
static void fence(void)
{
    number++;
    for (size_t i = 0; i < nr_daemons; i++) {
        for (size_t k = 0; k < CLIENTS; k++) {
            if (!daemons[i].clients[k].closed) {
                client_ask(&daemons[i], k, number, XS_GET_DOMAIN_PATH, 0, "0", 2);
            }
        }
    }
    if (!pump(PATIENCE_MS)) {
        errx(1, "step %lu: no answer to a simple request", (unsigned long)now);
    }
}

static void connect_client(size_t client)
{
    char payload[32];
    int n;

    for (size_t i = 0; i < nr_daemons; i++) {
        client_open(&daemons[i], client);
    }
    memset(open_slots[client], 0, sizeof(open_slots[client]));
    changed = now;
    if (client >= FIRST_GUEST) {
        n = snprintf(payload, sizeof(payload), "%zu%c%zu%c17", client - 1, 0, client + 99, 0);
        ask_all(0, XS_INTRODUCE, payload, (size_t)n + 1);
    }
}

static void release(size_t client)
{
    char payload[16];
    int n = snprintf(payload, sizeof(payload), "%zu", client - 1);

    for (size_t i = 0; i < nr_daemons; i++) {
        daemons[i].clients[client].closed = true;
    }
    ask_all(0, XS_RELEASE, payload, (size_t)n + 1);
}

static void drop_events(void)
{
    for (size_t i = 0; i < nr_daemons; i++) {
        for (size_t k = 0; k < CLIENTS; k++) {
            client_drop_events(&daemons[i].clients[k]);
        }
    }
}

static void make_world(void)
{
    if (trail) {
        printf("%lu the world anew\n", (unsigned long)now);
    }
    connect_client(0);
    connect_client(1);
    ASK(0, XS_RM, "/t");
    ASK(0, XS_RM, "/local");
    ASK(0, XS_RM, "/@a");
    for (size_t k = FIRST_GUEST; k < CLIENTS; k++) {
        release(k);
        connect_client(k);
    }
    ASK(0, XS_SET_PERMS, "/\0n0");
    ASK(0, XS_WRITE, "/\0");
    ASK(0, XS_SET_PERMS, "@introduceDomain\0n0");
    ASK(0, XS_SET_PERMS, "@releaseDomain\0n0");
    ASK(0, XS_MKDIR, "/t/pub/a");
    ASK(0, XS_MKDIR, "/t/ro/a/b");
    ASK(0, XS_MKDIR, "/t/no/a");
    ASK(0, XS_MKDIR, "/t/mix/b");
    ASK(0, XS_SET_PERMS, "/t/pub\0b0");
    ASK(0, XS_SET_PERMS, "/t/pub/a\0b0");
    ASK(0, XS_SET_PERMS, "/t/ro\0r0");
    ASK(0, XS_SET_PERMS, "/t/ro/a\0r0");
    ASK(0, XS_SET_PERMS, "/t/mix\0n0\0r1\0b2");
    ASK(0, XS_SET_PERMS, "/t/mix/b\0w0\0r3");
    ASK(0, XS_MKDIR, "/local/domain/0");
    ASK(0, XS_MKDIR, "/local/domain/1");
    ASK(0, XS_MKDIR, "/local/domain/2");
    ASK(0, XS_MKDIR, "/local/domain/3");
    ASK(0, XS_SET_PERMS, "/local/domain/1\0n1");
    ASK(0, XS_SET_PERMS, "/local/domain/2\0r2");
    ASK(0, XS_SET_PERMS, "/local/domain/3\0n3\0b1");
    fence();
    drop_events();
    spoilt = bereft = targeted = abroad = false;
    since = 0;
}

/* --- comparison ------------------------------------------------------------------------------- */

static void failed(const struct daemon *theirs)
{
    failures++;
    printf("step %lu differs from %s; repeat: --seed %lu --from %lu --to %lu --trail\n  ",
           (unsigned long)now, theirs->name, (unsigned long)seed,
           (unsigned long)(now / BLOCK * BLOCK), (unsigned long)now);
    step_print(&last);
}

static void compare_answers(void)
{
    static struct text ours, theirs;

    answer_of(&step, &daemons[0].clients[step.client], &ours);
    if (trail) {
        printf("%lu ", (unsigned long)now);
        step_print(&step);
        printf("    ");
        text_print(&ours);
        printf("\n");
    }
    answers++;
    good += daemons[0].clients[step.client].reply_type == step.type;
    for (size_t i = 1; i < nr_daemons; i++) {
        answer_of(&step, &daemons[i].clients[step.client], &theirs);
        if (spared[i]) {
            continue;
        }
        if (ours.length == theirs.length && memcmp(ours.data, theirs.data, ours.length) == 0) {
            continue;
        }
        spoilt = true;
        if (!reason_of(&step, daemons[i].name, &ours, &theirs)) {
            failed(&daemons[i]);
            printf("    %s: ", daemons[0].name);
            text_print(&ours);
            printf("\n    %s: ", daemons[i].name);
            text_print(&theirs);
            printf("\n");
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once: the same event twice before it was taken says nothing new. */
static void sort_events(struct client *c)
{
    size_t n = 0;

    if (c->nr_events == 0) {
        return;
    }
    qsort(c->events, c->nr_events, sizeof(c->events[0]), compare_texts);
    for (size_t i = 1; i < c->nr_events; i++) {
        if (strcmp(c->events[n], c->events[i]) == 0) {
            free(c->events[i]);
        } else {
            c->events[++n] = c->events[i];
        }
    }
    c->nr_events = n + 1;
}

static void odd_event(const struct daemon *theirs, size_t client, const char *event, bool only_ours)
{
    spoilt = true;
    if (!reason_of_event(since | (bereft ? SINCE_RELEASE : 0), theirs->name, client, only_ours)) {
        failed(theirs);
        printf("    the event '%.100s' for client %zu comes from %s alone\n", event, client,
               only_ours ? daemons[0].name : theirs->name);
    }
}

static void compare_events(const struct daemon *theirs, size_t client)
{
    const struct client *a = &daemons[0].clients[client], *b = &theirs->clients[client];
    size_t i = 0, k = 0;

    while (i < a->nr_events || k < b->nr_events) {
        int order = i == a->nr_events   ? 1
                    : k == b->nr_events ? -1
                                        : strcmp(a->events[i], b->events[k]);

        if (order != 0) {
            odd_event(theirs, client, order < 0 ? a->events[i] : b->events[k], order < 0);
        }
        i += order <= 0;
        k += order >= 0;
    }
}

static void collect_events(void)
{
    fence();
    for (size_t k = 0; k < CLIENTS; k++) {
        for (size_t i = 0; i < nr_daemons; i++) {
            sort_events(&daemons[i].clients[k]);
        }
        for (size_t i = 0; trail && i < daemons[0].clients[k].nr_events; i++) {
            printf("    event for client %zu: %s\n", k, daemons[0].clients[k].events[i]);
        }
        /* after an accepted difference, or with rights of a target that not all have set */
        for (size_t i = 1; i < nr_daemons && !spoilt && !targeted; i++) {
            compare_events(&daemons[i], k);
        }
    }
    drop_events();
    since = 0;
}

/* --- steps ------------------------------------------------------------------------------------ */

static uint32_t txn_of(const struct client *c)
{
    return step.slot < 0 ? 0 : step.slot == SLOTS ? 0x7f000000 : c->txns[step.slot];
}

/* Which transactions are open now. */
static void note_txns(void)
{
    bool *open = open_slots[step.client];
    int slot = 0;

    if (step.type == XS_RESET_WATCHES && daemons[0].clients[step.client].reply_type == step.type) {
        memset(open, 0, SLOTS * sizeof(*open));
    }
    if (step.type == XS_TRANSACTION_END && step.slot >= 0 && step.slot < SLOTS) {
        const struct text *reply = &daemons[0].clients[step.client].reply;

        open[step.slot] = reply->length >= 6 && memcmp(reply->data, "EINVAL", 6) == 0;
    }
    targeted |=
        step.type == XS_SET_TARGET && daemons[0].clients[step.client].reply_type == XS_SET_TARGET;
    bereft |=
        step.type == XS_INTRODUCE && daemons[0].clients[step.client].reply_type == XS_INTRODUCE;
    abroad |= step.client >= FIRST_GUEST && (step.type == XS_WRITE || step.type == XS_MKDIR);
    if (step.slot < 0 || step.type == XS_TRANSACTION_END) {
        static const uint8_t changes[XS_TYPE_COUNT] = {[XS_WRITE] = 1,
                                                       [XS_MKDIR] = 1,
                                                       [XS_RM] = 1,
                                                       [XS_SET_PERMS] = 1,
                                                       [XS_TRANSACTION_END] = 1};

        changed = step.type < XS_TYPE_COUNT && changes[step.type] ? now : changed;
    }
    while (slot < SLOTS && open[slot]) {
        slot++;
    }
    begun[step.client][slot % SLOTS] =
        step.type == XS_TRANSACTION_START ? now : begun[step.client][slot % SLOTS];
    if (step.type != XS_TRANSACTION_START || slot == SLOTS) {
        return;
    }
    for (size_t i = 0; i < nr_daemons; i++) {
        struct client *c = &daemons[i].clients[step.client];

        if (c->reply_type == XS_TRANSACTION_START) {
            c->txns[slot] = (uint32_t)strtoul(c->reply.data, NULL, 10);
            open[slot] = true;
        }
    }
}

static void play_ask(void)
{
    size_t length = step.kind == STEP_TOO_LONG ? XENSTORE_PAYLOAD_MAX + 1 : step.length;

    step.abroad = abroad;
    step.bereft = bereft;
    step.targeted = targeted;
    step.overtaken = step.slot >= 0 && step.slot < SLOTS && changed > begun[step.client][step.slot];
    number++;
    for (size_t i = 0; i < nr_daemons; i++) {
        spared[i] = step_aborts(&step, daemons[i].name);
        if (!spared[i]) {
            client_ask(&daemons[i], step.client, number, step.type,
                       txn_of(&daemons[i].clients[step.client]), step.payload, length);
        }
    }
    if (!pump(step.kind == STEP_TOO_LONG ? SILENCE_MS : PATIENCE_MS)) {
        spoilt = true;
    }
    compare_answers();
    for (size_t i = 0; i < nr_daemons; i++) {
        struct client *c = &daemons[i].clients[step.client];

        c->closed |= c->awaited != 0; /* a late answer comes to nobody */
    }
    if (step.kind == STEP_ASK) {
        note_txns();
    } else {
        for (size_t i = 0; i < nr_daemons; i++) {
            daemons[i].clients[step.client].closed = true;
        }
        spoilt = true;
    }
}

/* A guest goes without a word, and comes again. */
static void play_death(void)
{
    size_t client = step.domid + FIRST_GUEST - 1;

    changed = now;
    bereft = true;
    fence();
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < nr_daemons; i++) {
            daemon_set_state(&daemons[i], step.domid, n ? FAKE_GONE : FAKE_DYING);
            daemons[i].clients[client].closed = true;
            daemon_tell_deaths(&daemons[i]);
        }
        fence();
    }
    collect_events();
    connect_client(client);
}

static void play(void)
{
    if (trail && step.kind != STEP_ASK) {
        printf("%lu ", (unsigned long)now);
        step_print(&step);
    }
    if (step.type == XS_INTRODUCE) {
        collect_events(); /* it drops what a guest has not taken yet */
    }
    last = step;
    since |= step.kind == STEP_DEATH       ? SINCE_DEATH
             : step.kind == STEP_RECONNECT ? SINCE_RELEASE
             : step.type < XS_TYPE_COUNT   ? 1U << step.type
                                           : 0;
    if (step.kind == STEP_DEATH) {
        play_death();
    } else if (step.kind == STEP_RECONNECT) {
        if (step.client >= FIRST_GUEST) {
            bereft = true;
            fence();
            release(step.client);
        }
        connect_client(step.client);
    } else {
        play_ask();
    }
}

static void run(void)
{
    for (now = 0; now < count && now <= to && failures < FAILURES_MAX; now++) {
        if (now < from && (now + 1) / BLOCK * BLOCK != from) {
            continue;
        }
        if (now % BLOCK == 0 || now == from || spoilt) {
            make_world();
        }
        if (now < from) {
            continue;
        }
        step_make(seed, now, open_slots, &step);
        play();
        if (now % FENCE_EVERY == 0 || step.length % 3 == 0 || now == to || spoilt ||
            (now + 1) % BLOCK == 0) {
            collect_events();
        }
    }
}

/* --- start ------------------------------------------------------------------------------------ */

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"seed", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'},
        {"trail", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

        switch (letter) {
        case 's':
            seed = value;
            break;
        case 'n':
            count = value;
            break;
        case 'f':
            from = value;
            break;
        case 't':
            to = value;
            break;
        case 'v':
            trail = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    for (int i = optind; i < argc && nr_daemons < DAEMONS_MAX; i++) {
        char *folder = strchr(argv[i], '=');

        if (!folder) {
            errx(2, "%s: not NAME=FOLDER", argv[i]);
        }
        *folder++ = '\0';
        daemon_open(&daemons[nr_daemons++], argv[i], folder);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    run();
    printf("seed %lu: %zu answers, %zu of them no errors; accepted differences:\n",
           (unsigned long)seed, answers, good);
    reasons_print();
    printf("%lu differences that are not accepted\n", (unsigned long)failures);
    return failures ? 1 : 0;
}
