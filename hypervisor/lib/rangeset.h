/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers kept as ordered ranges [start, end], both ends included; neighbours are
 * merged. Used for I/O ports, device memory and interrupts. The caller locks.
 */
#ifndef LIB_RANGESET_H
#define LIB_RANGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rangeset;

struct rangeset_alloc {
    void *(*alloc)(size_t size);
    void (*free)(void *p);
};

/* limit: how many ranges it may hold. NULL: no memory. The allocator must outlive the set. */
struct rangeset *rangeset_create(const struct rangeset_alloc *a, unsigned limit);
void rangeset_destroy(struct rangeset *r); /* NULL is fine */

/* 0, -XEN_EINVAL (end before start), -XEN_ENOMEM (no memory, or over the limit; no change). */
int rangeset_add(struct rangeset *r, uint64_t start, uint64_t end);
int rangeset_remove(struct rangeset *r, uint64_t start, uint64_t end);

bool rangeset_contains(const struct rangeset *r, uint64_t start, uint64_t end); /* all of it */
bool rangeset_overlaps(const struct rangeset *r, uint64_t start, uint64_t end); /* any of it */
bool rangeset_empty(const struct rangeset *r);

/* Calls fn for each range cut to [start, end]; stops at, and returns, a result other than 0. */
int rangeset_for_each(const struct rangeset *r, uint64_t start, uint64_t end,
                      int (*fn)(uint64_t start, uint64_t end, void *arg), void *arg);

#endif
