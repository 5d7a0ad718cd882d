/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: a domain lists frames that a named domain may map or copy.
 *
 * The granter's side is an array of shared frames (512 entries each, made on demand) and beside
 * each of them 512 active entries that count the uses: while an entry is in use its frame, its
 * grantee and the reading and writing marks of the shared word cannot change. The grantee's side
 * is the map track: one entry for each mapping, named by a handle of index and generation, so
 * that a handle used twice fails. A mapping holds one reference of its page, one writable type
 * unless it is read-only, and one reference of the granting domain; what the page-table entry
 * holds is the machine's affair, so whatever a guest does to it, the page outlives the handle.
 *
 * Locks: table lock (RANK_GRANT_TABLE) for frames and active entries of the granter, map track
 * lock (RANK_MAPTRACK) for handles of the grantee. Two tables are never locked at once.
 */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include <public/grant_table.h>
#include "core/domain.h"

#define GRANT_FRAMES_DEFAULT    64
#define GRANT_FRAMES_LIMIT      1024
#define MAPTRACK_FRAMES_DEFAULT 1024
#define MAPTRACK_FRAMES_LIMIT   4095
#define GRANTS_PER_FRAME        512u
#define MAPTRACK_PER_FRAME      256u
#define MAPTRACK_INDEX_BITS     20

struct grant_active {
    struct page *page; /* while in use; each use holds its own reference */
    domid_t domid;     /* grantee */
    uint16_t readers;  /* uses that only read */
    uint16_t writers;
    uint16_t spare;
};
_Static_assert(sizeof(struct grant_active) == 16, "two pages beside each shared frame");

struct maptrack {
    struct domain *rd;   /* granter, referenced; NULL: free */
    uint32_t ref;        /* free: index of the next free entry */
    uint16_t generation;
    uint8_t flags;       /* GNTMAP_device_map, host_map, readonly still in force */
    bool busy;           /* being made or taken down */
};
_Static_assert(sizeof(struct maptrack) == 16, "256 in a page");

struct grant_table {
    struct spinlock lock; /* RANK_GRANT_TABLE */
    unsigned nr_frames;
    struct grant_entry_v1 **shared; /* max_grant_frames pointers */
    struct grant_active **active;

    struct spinlock maptrack_lock; /* RANK_MAPTRACK */
    unsigned nr_maptrack_frames;
    uint32_t maptrack_free;  /* index of the first free entry, MAPTRACK_NONE */
    unsigned relinquish_pos; /* next entry that grant_relinquish looks at */
    struct maptrack **maptrack; /* max_maptrack_frames pointers */
};

#define MAPTRACK_NONE (~0U)

/* --- grant.c: used by domain.c --------------------------------------------------------------- */
/*
 * d->max_grant_frames and d->max_maptrack_frames are set as createdomain gave them (-1: default);
 * they are replaced by what holds. -EINVAL beyond the limits.
 */
int grant_domain_init(struct domain *d);
/* Drop all mappings that the dying domain holds of others: -ERESTART while there is more. */
int grant_relinquish(struct domain *d);
/* After the last reference of the domain is gone: free the tables. */
void grant_domain_destroy(struct domain *d);
void grant_dump(struct domain *d);

/* --- grant.c: used by the operations --------------------------------------------------------- */
/* Frame `index` of d's table, made if need be; GNTST_* or 0. Table lock not held. */
int grant_grow(struct domain *d, unsigned nr_frames);
struct page *grant_shared_page(struct domain *d, unsigned index);
/*
 * Begin one use of rd's grant `ref` by ld: marks the shared entry, counts, takes a reference (and
 * a writable type) of the page. GNTST_okay and *out, or GNTST_*.
 */
int grant_use(struct domain *ld, struct domain *rd, grant_ref_t ref, bool readonly,
              struct page **out);
/* End it. */
void grant_unuse(struct domain *rd, grant_ref_t ref, bool readonly, struct page *pg);

/* --- grant_map.c ----------------------------------------------------------------------------- */
void grant_map_one(struct gnttab_map_grant_ref *op);
void grant_unmap_one(struct gnttab_unmap_grant_ref *op);
void grant_replace_one(struct gnttab_unmap_and_replace *op);

/* --- grant_copy.c ---------------------------------------------------------------------------- */
struct grant_copy_side {
    bool valid, by_ref, writable;
    domid_t domid;
    uint64_t name; /* gfn or reference */
    struct domain *d;
    struct page *page;
    void *va;
};
struct grant_copy_state {
    struct grant_copy_side src, dst;
};
void grant_copy_one(struct grant_copy_state *s, struct gnttab_copy *op);
void grant_copy_finish(struct grant_copy_state *s);

#endif
