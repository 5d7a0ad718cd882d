/* SPDX-License-Identifier: MIT */
/* Permission lists: shared, counted, never changed in place. */
#include "perm.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

struct perms *perms_new(const struct store_perm *list, size_t count)
{
    struct perms *p = alloc_zero(sizeof(*p) + count * sizeof(*list));

    p->refs = 1;
    p->count = (uint32_t)count;
    memcpy(p->list, list, count * sizeof(*list));
    return p;
}

struct perms *perms_ref(struct perms *perms)
{
    perms->refs++;
    return perms;
}

void perms_unref(struct perms *perms)
{
    if (perms && --perms->refs == 0) {
        free(perms);
    }
}

static bool is_party(uint32_t domid, const struct party *party)
{
    return domid == party->domid || domid == party->target;
}

unsigned perms_access(const struct perms *perms, const struct party *party)
{
    if (party->privileged || is_party(perms->list[0].domid, party)) {
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    }
    for (uint32_t i = 1; i < perms->count; i++) {
        if (is_party(perms->list[i].domid, party)) {
            return perms->list[i].access;
        }
    }
    return perms->list[0].access;
}

struct perms *perms_inherit(struct perms *folder, const struct party *creator)
{
    struct perms *p;

    if (creator->privileged || folder->list[0].domid == creator->domid) {
        return perms_ref(folder);
    }
    p = perms_new(folder->list, folder->count);
    p->list[0].domid = creator->domid;
    return p;
}

bool perms_name(const struct perms *perms, uint32_t domid)
{
    for (uint32_t i = 0; i < perms->count; i++) {
        if (perms->list[i].domid == domid) {
            return true;
        }
    }
    return false;
}

struct perms *perms_without(const struct perms *perms, uint32_t domid)
{
    struct perms *p = perms_new(perms->list, perms->count);
    uint32_t kept = 1;

    for (uint32_t i = 1; i < perms->count; i++) {
        if (perms->list[i].domid != domid) {
            p->list[kept++] = perms->list[i];
        }
    }
    p->count = kept;
    if (p->list[0].domid == domid) {
        p->list[0] = (struct store_perm){0, STORE_NONE};
    }
    return p;
}
