/* SPDX-License-Identifier: MIT */
/*
 * ctld: looks after running domains. One thread, one epoll loop. For each domain it carries the
 * console between the guest's ring, a pseudo-terminal, a history kept in memory that outlives the
 * guest, and clients of its socket; and when a guest ends it does what the guest's config says.
 *
 * Nothing is lost by a restart: what must survive lies in /run/bonsai/ctld (the histories, with a
 * flag for ends that were dealt with), the rest is found in the store and the hypervisor again.
 */
#ifndef CTLD_H
#define CTLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <public/io/console.h>

#include "ctrl.h"
#include "store.h"

#define STATE_DIR "/run/bonsai/ctld"
#define NO_PORT UINT32_MAX

struct ctld;

/* Something in the epoll set. */
struct source {
    int fd;
    uint32_t events;
    void (*ready)(struct ctld *d, void *object, uint32_t events);
    void *object;
};

/* ---- history.c ---- */

#define HISTORY_MAGIC 0x31746c7463736e62u /* "bnsctlt1" */

/* The head of a history's file; the data, a ring of `size` bytes, follows at HISTORY_DATA. */
struct history_head {
    uint64_t magic;
    uint32_t size;
    uint32_t domid;
    uint8_t uuid[16];
    char name[256];
    uint64_t total;  /* bytes ever written; the next goes to total % size */
    uint32_t ended;  /* the end of this guest has been dealt with */
    uint32_t gone;
};

#define HISTORY_DATA 512

struct history {
    struct history_head *head; /* mapped, shared with the file */
    char *data;
    size_t mapped;
};

/* Open or make the history of a domain; an existing one keeps its name. */
int history_open(struct history *hist, uint32_t domid, const ctrl_uuid uuid, const char *name,
                 uint32_t size);
void history_close(struct history *hist);
void history_write(struct history *hist, const char *data, size_t length);
/* At most `length` bytes from *offset on, which is moved up to what is still kept. */
size_t history_read(const struct history *hist, uint64_t *offset, char *data, size_t length);
/* The newest history of a name, of a guest that is gone. */
int history_find(struct history *hist, const char *name);
/* Remove the oldest files of guests that are gone until at most `keep` are left. */
void history_trim(unsigned int keep);

/* ---- domains ---- */

struct domain {
    struct domain *next;
    uint32_t domid;
    ctrl_uuid uuid;
    char *name;
    struct history history;

    /* console.c */
    struct xencons_interface *ring;
    bool ring_is_grant;
    uint32_t remote_port, local_port;
    int master, slave;
    struct source pty;
    size_t budget;     /* bytes this guest may still print in this tick */
    bool throttled;    /* its port stays masked until the next tick */
    unsigned int failures; /* to start the console */

    /* lifecycle.c */
    pid_t worker;      /* the process that restarts it, 0: none */
    bool seen;
};

struct client {
    struct client *next;
    struct source source;
    char line[1024];
    size_t have;
    struct domain *domain;  /* streaming this console */
    struct history history; /* or this, of a guest that is gone */
    uint64_t offset;
    bool streaming, history_only, closing;
};

struct options {
    bool foreground, verbose;
    uint32_t history_bytes;
    uint32_t bytes_per_second;
    unsigned int keep_histories;
};

struct ctld {
    struct options options;
    struct ctrl *hw;    /* mappings and event channels; lives as long as ctld */
    struct ctrl *h;     /* calls and the store; replaced when the store was restarted */
    struct store *store;
    struct ctrl_evtchn *evtchn;
    int epoll;
    bool stop, rescan;
    struct domain *domains;
    struct client *clients;
    struct source store_source, evtchn_source, rpc_source, signal_source, tick_source, slow_source;
    bool ticking;
};

/* ---- main.c ---- */

void say(const struct ctld *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace(const struct ctld *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
int source_add(struct ctld *d, struct source *s, uint32_t events);
void source_change(struct ctld *d, struct source *s, uint32_t events);
void source_remove(struct ctld *d, struct source *s);
/* Make sure that a tick comes within a tenth of a second. */
void need_tick(struct ctld *d);

/* ---- options.c ---- */

int options_parse(struct options *o, int argc, char **argv);

/* ---- domains.c ---- */

int store_connect(struct ctld *d);
void store_lost(struct ctld *d);
/* Look which domains there are, and at the state of each. */
void domains_scan(struct ctld *d);
struct domain *domain_find(struct ctld *d, uint32_t domid);
void domain_forget(struct ctld *d, struct domain *dom);
char *store_value(struct ctld *d, uint32_t domid, const char *below);

/* ---- console.c ---- */

void console_start(struct ctld *d, struct domain *dom);
void console_stop(struct ctld *d, struct domain *dom);
void console_events(struct ctld *d);
void console_tick(struct ctld *d);
/* Room in the guest's input ring, and putting text there; how much fitted. */
size_t console_room(const struct domain *dom);
size_t console_input(struct ctld *d, struct domain *dom, const char *data, size_t length);
/* Read what the ring still holds. */
void console_drain(struct ctld *d, struct domain *dom);

/* ---- lifecycle.c ---- */

void lifecycle_check(struct ctld *d, struct domain *dom, const struct ctrl_domain_info *info);
void lifecycle_worker_ended(struct ctld *d, pid_t pid, int status);

/* ---- rpc.c ---- */

int rpc_open(struct ctld *d);
void rpc_close(struct ctld *d);
/* The history of `dom` has grown. */
void rpc_push(struct ctld *d, struct domain *dom);
/* The guest has room for input again. */
void rpc_pull(struct ctld *d, struct domain *dom);
/* The guest has ended: its clients get the rest, then the end. */
void rpc_finish(struct ctld *d, struct domain *dom);

#endif
