/* SPDX-License-Identifier: MIT */
/*
 * Domains as the store knows them: an account for each number that owns something, and a
 * connection over a ring for each that was introduced. What becomes of them the hypervisor tells
 * by VIRQ_DOM_EXC; each change fires @releaseDomain, and what the dead owned is removed.
 */
#ifndef STORED_DOMAIN_H
#define STORED_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "perm.h"
#include "quota.h"

struct conn;

enum domain_life {
    DOMAIN_UNKNOWN, /* never seen alive, or nobody to ask */
    DOMAIN_UP,
    DOMAIN_SHUT_DOWN,
    DOMAIN_DYING,
};

struct domain {
    struct party party;
    struct usage usage;
    time_t last_refusal;
    enum domain_life life;

    /* requests under way: see conn.h */
    uint32_t epoch;
    int64_t blocked_since; /* ms; 0: not blocked */

    bool introduced;
    uint64_t gfn;
    uint32_t remote_port, local_port;
    struct conn *conn; /* over its ring */
};

#define DOMAIN_LIMIT 0x7ff0 /* numbers from here on are no domains */

/* Made when it is not there; never NULL for numbers a permission may name. */
struct domain *domain_get(uint32_t domid);
/* NULL when nobody has spoken of it */
struct domain *domain_find(uint32_t domid);
/* The next known domain from this number on, or NULL. */
struct domain *domain_next(uint32_t from);
/* Whoever uses the socket. */
struct domain *domain_local(void);

/* 0 or a positive errno */
int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t port);
int domain_release(uint32_t domid);
int domain_resume(uint32_t domid);
int domain_set_target(uint32_t domid, uint32_t target);

/* dom0's own ring, as the kernel describes it; false: there is none */
bool domain_introduce_own(void);
/* VIRQ_DOM_EXC; inherited_port: bound by the run before, or 0 */
bool domain_watch_exceptions(int inherited_port);
int domain_exceptions_port(void);
/* Asks the hypervisor about every known domain. */
void domain_check_all(void);
/* An event came in on a port of ours. */
void domain_event(uint32_t port);
/* Nodes that it owned, permissions that name it. */
void domain_forget(struct domain *domain);
/* Ring, and port if it is not bound any more, after a restart. 0 or a positive errno */
int domain_restore(struct domain *domain, bool rebind);

#endif
