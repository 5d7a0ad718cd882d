/* SPDX-License-Identifier: MIT */
/*
 * The replay: one row of random steps, each determined by the seed and its number, is played to
 * several daemons at once, by five clients: two over the socket and three guests over rings.
 * Answers and events of all daemons must be the same, or differ in a way that is listed.
 */
#ifndef INTEROP_STORE_REPLAY_H
#define INTEROP_STORE_REPLAY_H

#include <public/io/xs_wire.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAEMONS_MAX 3
#define CLIENTS     5
#define FIRST_GUEST 2 /* clients from here on are guests; client n is domain n - 1 */
#define SLOTS       6 /* transactions of a client */
#define ROOM        8192

/* --- peer.c: connections to daemons ----------------------------------------------------------- */

struct text {
    size_t length;
    char data[ROOM];
};

struct client {
    uint32_t domid;
    int fd;                                 /* or -1: a guest */
    struct xenstore_domain_interface *page; /* of a guest */
    bool closed;                            /* by the daemon */
    size_t in_length, out_length, out_sent;
    char in[ROOM], out[ROOM];
    uint32_t awaited; /* number of the request whose reply is waited for; 0: none */
    uint32_t reply_type;
    struct text reply;
    char **events; /* path, token */
    size_t nr_events;
    uint32_t txns[SLOTS];
};

struct daemon {
    const char *name, *folder;
    int guests, evtchn;
    char *rings;
    struct client clients[CLIENTS];
};

extern struct daemon daemons[DAEMONS_MAX];
extern size_t nr_daemons;

void daemon_open(struct daemon *d, const char *name, const char *folder);
void client_open(struct daemon *d, size_t client);
/* state: of fake.h */
void daemon_set_state(struct daemon *d, uint32_t domid, uint8_t state);
void daemon_tell_deaths(struct daemon *d);
void client_ask(struct daemon *d, size_t client, uint32_t number, uint32_t type, uint32_t tx,
                const void *payload, size_t length);
/* Until nobody waits for anything more; false: somebody still does after so many ms. */
bool pump(int patience_ms);
void client_drop_events(struct client *c);

/* --- steps.c: what is asked ------------------------------------------------------------------- */

enum step_kind {
    STEP_ASK,
    STEP_TOO_LONG, /* a header that announces too much */
    STEP_DEATH,
    STEP_RECONNECT,
};

struct step {
    enum step_kind kind;
    size_t client;
    uint32_t type;
    int slot;       /* of the transaction; -1: none; SLOTS: one that is not there */
    uint32_t domid; /* STEP_DEATH */
    bool abroad;    /* a guest made nodes in folders of others */
    bool bereft;    /* a domain died in this world */
    bool targeted;  /* a domain has another one's rights */
    bool overtaken; /* something changed outside since its transaction began */
    size_t length;
    char payload[ROOM];
};

/* open: which slots of which client hold transactions */
void step_make(uint64_t seed, uint64_t number, const bool open[CLIENTS][SLOTS], struct step *step);
const char *step_name(const struct step *step);
void step_print(const struct step *step);

/* --- compare.c: what is the same -------------------------------------------------------------- */

/* The reply as it is compared: without what no two daemons have in common. */
void answer_of(const struct step *step, const struct client *c, struct text *out);
void text_print(const struct text *text);
/* Must this daemon be spared this step? */
bool step_aborts(const struct step *step, const char *theirs_name);
/* Why these two may differ: a sentence; NULL: they may not. */
const char *reason_of(const struct step *step, const char *theirs_name, const struct text *ours,
                      const struct text *theirs);
/* The same for one event that only one of the two sent. since: bits of what was played since events
 * were compared before, 1 << type or one of SINCE_. */
#define SINCE_DEATH   (1U << 30)
#define SINCE_RELEASE (1U << 31)
const char *reason_of_event(uint32_t since, const char *theirs_name, size_t client, bool only_ours);
void reasons_print(void);

#endif
