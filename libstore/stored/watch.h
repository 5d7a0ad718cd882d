/* SPDX-License-Identifier: MIT */
/*
 * Watches: who wants to hear of changes at a path and below. They hang in a hash table by path, so
 * a change costs one look-up for each part of its path, however many watches there are. Whether
 * the watcher may read what changed is checked when the event is sent.
 */
#ifndef STORED_WATCH_H
#define STORED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nodeop.h"

struct conn;
struct out;
struct domain;

struct watch {
    struct watch *next_in_table, *next_of_conn;
    struct conn *conn;
    struct out *last; /* its latest event that still waits in the queue */
    uint32_t hash;
    uint32_t strip; /* bytes of a path that this watcher does not want to see */
    char *path, *token;
};

#define EVENT_INTRODUCE "@introduceDomain"
#define EVENT_RELEASE   "@releaseDomain"

/* path: absolute or special. 0 or a positive errno. */
int watch_add(struct conn *conn, const char *path, uint32_t strip, const char *token,
              struct watch **out);
int watch_remove(struct conn *conn, const char *path, const char *token);
void watch_remove_all(struct conn *conn);
/* The event that comes with the registration. */
void watch_first_event(struct watch *watch);

/* root: the tree after the change. origin: whose request it was, NULL for the daemon itself. */
void watch_fire_effect(const struct node *root, const struct effect *effect,
                       struct domain *origin);
void watch_fire_special(const char *name);

/* Permissions of the special names. */
struct perms *watch_special_perms(const char *name);
bool watch_set_special_perms(const char *name, struct perms *perms);

#endif
