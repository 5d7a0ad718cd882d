/* SPDX-License-Identifier: MIT */
/*
 * Who may do what with a node. A list of permissions starts with the owner, whose letter says what
 * everybody may do who is not named behind it; the owner itself may do everything.
 */
#ifndef STORED_PERM_H
#define STORED_PERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct perms {
    uint32_t refs;
    uint32_t count; /* at least 1 */
    struct store_perm list[];
};

/* Rights of a party that asks. Privilege is an attribute, not the number 0. */
struct party {
    uint32_t domid;
    uint32_t target; /* acts for this domain too (a device model's), or PARTY_NO_TARGET */
    bool privileged;
};

#define PARTY_NO_TARGET 0xffffffffU

enum {
    PERM_READ = STORE_READ,
    PERM_WRITE = STORE_WRITE,
    PERM_OWNER = 4,
};

struct perms *perms_new(const struct store_perm *list, size_t count);
struct perms *perms_ref(struct perms *perms);
void perms_unref(struct perms *perms);

/* PERM_* bits */
unsigned perms_access(const struct perms *perms, const struct party *party);
/* What a new child gets: its folder's, with an unprivileged creator as owner. */
struct perms *perms_inherit(struct perms *folder, const struct party *creator);
bool perms_name(const struct perms *perms, uint32_t domid);
/* Without the entries of this domain; what it owned is domain 0's. */
struct perms *perms_without(const struct perms *perms, uint32_t domid);

#endif
