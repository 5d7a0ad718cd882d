/* SPDX-License-Identifier: MIT */
/*
 * Memory of domains: limits, population, and the page operations that the builder needs. Frame
 * arrays go through a hypercall buffer in slices, so that a large guest needs no large buffer.
 */
#include "../internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 8192u

int ctrl_domain_set_maxmem(struct ctrl *h, uint32_t domid, uint64_t kib)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)domid };
    int rc;

    op.u.max_mem.max_memkb = kib;
    rc = ctrl_domctl(h, &op);
    return rc < 0 ? ctrl_fail(h, rc, "cannot limit domain %u to %" PRIu64 " KiB: %s", domid, kib,
                              rc == -ESRCH ? "it does not exist" : strerror(-rc))
                  : 0;
}

/*
 * Give the domain `count` extents of 2^order pages. extents[] holds guest frame numbers and
 * receives machine frame numbers. Returns how many were populated, or a negative errno.
 */
int64_t memory_populate(struct ctrl *h, uint32_t domid, unsigned int order, uint64_t *extents,
                        size_t count)
{
    size_t slice = count < SLICE ? count : SLICE, done = 0;
    uint64_t *buffer;

    if (count == 0) {
        return 0;
    }
    buffer = hbuf_get(h, slice * sizeof(*buffer));
    if (buffer == NULL) {
        return -ENOMEM;
    }
    while (done < count) {
        size_t n = count - done < slice ? count - done : slice;
        struct xen_memory_reservation r = {
            .extent_start = hbuf_ptr(buffer),
            .nr_extents = n,
            .extent_order = order,
            .domid = (domid_t)domid,
        };
        int64_t rc;

        memcpy(buffer, extents + done, n * sizeof(*buffer));
        rc = ctrl_memory_op(h, XENMEM_populate_physmap, &r, sizeof(r));
        if (rc < 0) {
            hbuf_put(h, buffer, slice * sizeof(*buffer));
            return rc;
        }
        memcpy(extents + done, buffer, (size_t)rc * sizeof(*buffer));
        done += (size_t)rc;
        if ((size_t)rc < n) {
            break;
        }
    }
    hbuf_put(h, buffer, slice * sizeof(*buffer));
    return (int64_t)done;
}

/* The guest sees one stretch of memory from 0 to `bytes`; what is not populated it may balloon. */
int memory_set_map_limit(struct ctrl *h, uint32_t domid, uint64_t bytes)
{
    struct e820_row {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) *row = hbuf_get(h, sizeof(*row));
    struct xen_foreign_memory_map map = { .domid = (domid_t)domid };
    int64_t rc;

    if (row == NULL) {
        return -ENOMEM;
    }
    *row = (struct e820_row){ .addr = 0, .size = bytes, .type = 1 };
    map.map.nr_entries = 1;
    map.map.buffer = hbuf_ptr(row);
    rc = ctrl_memory_op(h, XENMEM_set_memory_map, &map, sizeof(map));
    hbuf_put(h, row, sizeof(*row));
    return rc < 0 ? ctrl_fail(h, (int)rc, "cannot set the memory map of domain %u: %s", domid,
                              strerror((int)-rc))
                  : 0;
}

static int64_t mmuext(struct ctrl *h, uint32_t domid, struct mmuext_op *ops, size_t count)
{
    return hcall(h, __HYPERVISOR_mmuext_op, (uintptr_t)ops, count, 0, domid);
}

int memory_pin_l4(struct ctrl *h, uint32_t domid, uint64_t mfn)
{
    struct mmuext_op *op = hbuf_get(h, sizeof(*op));
    int64_t rc;

    if (op == NULL) {
        return -ENOMEM;
    }
    op->cmd = MMUEXT_PIN_L4_TABLE;
    op->arg1.mfn = mfn;
    rc = mmuext(h, domid, op, 1);
    hbuf_put(h, op, sizeof(*op));
    return rc < 0 ? ctrl_fail(h, (int)rc, "the hypervisor refuses the first page tables of domain"
                                          " %u: %s", domid, strerror((int)-rc))
                  : 0;
}

/* Fill frames with zeroes without mapping them. */
int memory_clear_frames(struct ctrl *h, uint32_t domid, const uint64_t *mfns, size_t count)
{
    size_t slice = count < 512 ? count : 512, done = 0;
    struct mmuext_op *ops;
    int64_t rc = 0;

    if (count == 0) {
        return 0;
    }
    ops = hbuf_get(h, slice * sizeof(*ops));
    if (ops == NULL) {
        return -ENOMEM;
    }
    while (done < count && rc >= 0) {
        size_t n = count - done < slice ? count - done : slice;

        for (size_t i = 0; i < n; i++) {
            ops[i].cmd = MMUEXT_CLEAR_PAGE;
            ops[i].arg1.mfn = mfns[done + i];
        }
        rc = mmuext(h, domid, ops, n);
        done += n;
    }
    hbuf_put(h, ops, slice * sizeof(*ops));
    return rc < 0 ? ctrl_fail(h, (int)rc, "cannot clear pages of domain %u: %s", domid,
                              strerror((int)-rc))
                  : 0;
}

int ctrl_sharing(struct ctrl *h, uint64_t *freed_pages, uint64_t *used_pages)
{
    int64_t freed = hcall(h, __HYPERVISOR_memory_op, XENMEM_get_sharing_freed_pages, 0, 0, 0);
    int64_t used = hcall(h, __HYPERVISOR_memory_op, XENMEM_get_sharing_shared_pages, 0, 0, 0);

    if (freed == -ENODEV || freed == -EPERM) {
        return (int)freed;
    }
    /* A hypervisor without sharing shares nothing. */
    *freed_pages = freed < 0 ? 0 : (uint64_t)freed;
    *used_pages = used < 0 ? 0 : (uint64_t)used;
    return 0;
}

/* ---- targets in the store ---- */

static int read_kib(struct ctrl *h, uint32_t domid, const char *key, uint64_t *kib)
{
    char *value, *end;
    int rc = ctrl_store_read(h, &value, "/local/domain/%u/memory/%s", domid, key);

    if (rc < 0) {
        return rc;
    }
    *kib = strtoull(value, &end, 10);
    rc = end == value || *end != '\0' ? -EINVAL : 0;
    free(value);
    return rc;
}

static int write_kib(struct ctrl *h, uint32_t domid, const char *key, uint64_t kib)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64, kib);

    return n < 0 ? -EINVAL
                 : ctrl_store_write(h, text, "/local/domain/%u/memory/%s", domid, key);
}

int ctrl_domain_get_target(struct ctrl *h, uint32_t domid, uint64_t *target_kib,
                           uint64_t *static_max_kib)
{
    int rc = read_kib(h, domid, "target", target_kib);

    if (rc == 0 && static_max_kib != NULL) {
        rc = read_kib(h, domid, "static-max", static_max_kib);
    }
    return rc < 0 ? ctrl_fail(h, rc, "the store has no memory target of domain %u", domid) : 0;
}

int ctrl_domain_set_target(struct ctrl *h, uint32_t domid, uint64_t kib)
{
    uint64_t old, max = UINT64_MAX;
    struct ctrl_domain_info info;
    int rc = ctrl_domain_info(h, domid, &info);

    if (rc < 0) {
        return rc;
    }
    if (read_kib(h, domid, "static-max", &max) == 0 && kib > max && domid != 0) {
        return ctrl_fail(h, -EINVAL, "%" PRIu64 " MiB is more than the %" PRIu64
                                     " MiB that domain %u may have; see mem-max",
                         kib / 1024, max / 1024, domid);
    }
    if (kib < 4096) {
        return ctrl_fail(h, -EINVAL, "%" PRIu64 " KiB is too little for a guest", kib);
    }
    if (read_kib(h, domid, "target", &old) == 0 && info.max_pages < UINT64_MAX / 4) {
        /* Keep the slack between target and limit that the creation gave. */
        uint64_t limit = info.max_pages * 4;
        uint64_t slack = limit > old ? limit - old : 1024;

        rc = ctrl_domain_set_maxmem(h, domid, kib + slack);
    } else {
        rc = ctrl_domain_set_maxmem(h, domid, kib + 1024);
    }
    return rc < 0 ? rc : write_kib(h, domid, "target", kib);
}

int ctrl_domain_set_static_max(struct ctrl *h, uint32_t domid, uint64_t kib)
{
    uint64_t target;
    int rc = ctrl_domain_get_target(h, domid, &target, NULL);

    if (rc < 0) {
        return rc;
    }
    if (kib < target) {
        return ctrl_fail(h, -EINVAL, "domain %u's target is %" PRIu64 " MiB: its limit cannot be"
                                     " less", domid, target / 1024);
    }
    rc = ctrl_domain_set_maxmem(h, domid, kib + 1024);
    return rc < 0 ? rc : write_kib(h, domid, "static-max", kib);
}
