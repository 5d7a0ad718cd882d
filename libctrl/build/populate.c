/* SPDX-License-Identifier: MIT */
/*
 * Memory for a guest: extents of 2 MiB as long as the hypervisor has them, then single pages.
 * One call of the hypervisor serves thousands of extents.
 */
#include "pv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../internal.h"

#define SUPER_ORDER 9
#define SUPER_PAGES ((uint64_t)1 << SUPER_ORDER)
#define SINGLES 8192u

static int populate_failed(struct ctrl *h, int64_t rc, uint64_t done, uint64_t count)
{
    if (rc < 0 && rc != -ENOMEM) {
        return ctrl_fail(h, (int)rc, "the hypervisor gives the guest no memory: %s",
                         strerror((int)-rc));
    }
    return ctrl_fail(h, -ENOMEM, "too little memory: the hypervisor gave %" PRIu64 " of %" PRIu64
                                 " MiB", done >> 8, count >> 8);
}

/* As many large extents as can be had; the number of pages they hold. */
static int64_t populate_large(struct ctrl *h, uint32_t domid, uint64_t *p2m, uint64_t count)
{
    size_t n = (size_t)(count / SUPER_PAGES);
    uint64_t *extents;
    int64_t got;

    if (n == 0) {
        return 0;
    }
    extents = malloc(n * sizeof(*extents));
    if (extents == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        extents[i] = i * SUPER_PAGES;
    }
    got = memory_populate(h, domid, SUPER_ORDER, extents, n);
    for (int64_t i = 0; i < got; i++) {
        uint64_t mfn = extents[i], *to = p2m + (uint64_t)i * SUPER_PAGES;

        for (uint64_t j = 0; j < SUPER_PAGES; j++) {
            to[j] = mfn + j;
        }
    }
    free(extents);
    return got < 0 ? got : got * (int64_t)SUPER_PAGES;
}

int populate_pages(struct ctrl *h, uint32_t domid, uint64_t *p2m, uint64_t count)
{
    int64_t large = populate_large(h, domid, p2m, count);
    uint64_t done = large > 0 ? (uint64_t)large : 0;

    if (large < 0 && large != -ENOMEM) {
        return populate_failed(h, large, 0, count);
    }
    while (done < count) {
        uint64_t n = count - done < SINGLES ? count - done : SINGLES;
        int64_t got;

        if (ctrl_cancelled(h)) {
            return ctrl_fail(h, -EINTR, "interrupted");
        }
        for (uint64_t i = 0; i < n; i++) {
            p2m[done + i] = done + i;
        }
        got = memory_populate(h, domid, 0, p2m + done, n);
        if (got < 0 || (uint64_t)got < n) {
            return populate_failed(h, got, done + (got > 0 ? (uint64_t)got : 0), count);
        }
        done += n;
    }
    return 0;
}
