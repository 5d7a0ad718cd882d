/* SPDX-License-Identifier: MIT */
/*
 * The ranges are a sorted list. An update first finds out whether it needs a new node and takes
 * it, then changes the list; so it either happens as a whole or not at all.
 */
#include "rangeset.h"
#include "list.h"
#include <public/errno.h>

struct range {
    struct list_node node;
    uint64_t start, end;
};

struct rangeset {
    const struct rangeset_alloc *a;
    struct list_node ranges;
    unsigned count, limit;
};

struct rangeset *rangeset_create(const struct rangeset_alloc *a, unsigned limit)
{
    struct rangeset *r = a->alloc(sizeof(*r));

    if (r) {
        r->a = a;
        r->count = 0;
        r->limit = limit;
        list_init(&r->ranges);
    }
    return r;
}

void rangeset_destroy(struct rangeset *r)
{
    struct range *x, *t;

    if (!r) {
        return;
    }
    list_for_each_entry_safe(x, t, &r->ranges, node) {
        r->a->free(x);
    }
    r->a->free(r);
}

static struct range *new_range(struct rangeset *r, uint64_t start, uint64_t end)
{
    struct range *x = r->count < r->limit ? r->a->alloc(sizeof(*x)) : NULL;

    if (x) {
        x->start = start;
        x->end = end;
        r->count++;
    }
    return x;
}

static void drop_range(struct rangeset *r, struct range *x)
{
    list_del(&x->node);
    r->a->free(x);
    r->count--;
}

int rangeset_add(struct rangeset *r, uint64_t start, uint64_t end)
{
    struct range *x, *t, *into = NULL;
    struct list_node *before = &r->ranges; /* the node that a new range goes in front of */

    if (end < start) {
        return -XEN_EINVAL;
    }
    list_for_each_entry_safe(x, t, &r->ranges, node) {
        if (x->start > end && x->start - end > 1) {
            before = &x->node;
            break;
        }
        if (start > x->end && start - x->end > 1) {
            continue;
        }
        if (!into) { /* touches or overlaps: grow it, and swallow the following ones */
            into = x;
            into->start = start < x->start ? start : x->start;
        } else {
            end = end > x->end ? end : x->end;
            drop_range(r, x);
            continue;
        }
        end = end > x->end ? end : x->end;
        into->end = end;
    }
    if (into) {
        into->end = end;
        return 0;
    }
    into = new_range(r, start, end);
    if (!into) {
        return -XEN_ENOMEM;
    }
    list_add_tail(before, &into->node);
    return 0;
}

int rangeset_remove(struct rangeset *r, uint64_t start, uint64_t end)
{
    struct range *x, *t, *tail;

    if (end < start) {
        return -XEN_EINVAL;
    }
    list_for_each_entry_safe(x, t, &r->ranges, node) {
        if (x->start > end) {
            break;
        }
        if (x->end < start) {
            continue;
        }
        if (x->start < start && x->end > end) { /* a hole: two ranges remain */
            tail = new_range(r, end + 1, x->end);
            if (!tail) {
                return -XEN_ENOMEM;
            }
            x->end = start - 1;
            list_add(&x->node, &tail->node);
            break;
        }
        if (x->start < start) {
            x->end = start - 1;
        } else if (x->end > end) {
            x->start = end + 1;
        } else {
            drop_range(r, x);
        }
    }
    return 0;
}

bool rangeset_contains(const struct rangeset *r, uint64_t start, uint64_t end)
{
    struct range *x;

    list_for_each_entry(x, &r->ranges, node) {
        if (x->start <= start && x->end >= start) {
            return x->end >= end && end >= start;
        }
    }
    return false;
}

bool rangeset_overlaps(const struct rangeset *r, uint64_t start, uint64_t end)
{
    struct range *x;

    list_for_each_entry(x, &r->ranges, node) {
        if (x->start <= end && x->end >= start) {
            return true;
        }
    }
    return false;
}

bool rangeset_empty(const struct rangeset *r)
{
    return list_empty(&r->ranges);
}

int rangeset_for_each(const struct rangeset *r, uint64_t start, uint64_t end,
                      int (*fn)(uint64_t start, uint64_t end, void *arg), void *arg)
{
    struct range *x;
    int rc;

    list_for_each_entry(x, &r->ranges, node) {
        if (x->end < start) {
            continue;
        }
        if (x->start > end) {
            break;
        }
        rc = fn(x->start > start ? x->start : start, x->end < end ? x->end : end, arg);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
