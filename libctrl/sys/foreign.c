/* SPDX-License-Identifier: MIT */
/*
 * Memory of other domains, mapped into this process: by frame number (privcmd), by resource
 * (a domain's grant table), and by grant (gntdev).
 */
#include "../internal.h"
#include "privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FEW_PAGES 4096u

static int map_batch(struct ctrl *h, void *address, uint32_t domid, const uint64_t *frames,
                     size_t count)
{
    struct privcmd_map_batch batch = {
        .num = (uint32_t)count,
        .dom = (uint16_t)domid,
        .addr = (uintptr_t)address,
        .frames = frames,
    };
    int32_t few[FEW_PAGES]; /* no malloc: a forked loader comes this way too */
    int rc;

    batch.errors = count <= FEW_PAGES ? few : malloc(count * sizeof(*batch.errors));
    if (batch.errors == NULL) {
        return ctrl_no_memory(h);
    }
    rc = ioctl(h->privcmd_fd, PRIVCMD_MMAPBATCH_V2, &batch) < 0 ? -errno : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = batch.errors[i];
    }
    if (batch.errors != few) {
        free(batch.errors);
    }
    if (rc != 0) {
        return ctrl_fail(h, rc, "cannot map memory of domain %u: %s", domid, strerror(-rc));
    }
    return 0;
}

int ctrl_foreign_map(struct ctrl *h, uint32_t domid, bool writable, const uint64_t *frames,
                     size_t count, void **out)
{
    int fd = ctrl_privcmd_fd(h);
    void *p;
    int rc;

    if (fd < 0) {
        return fd;
    }
    if (count == 0 || count > UINT32_MAX || domid > UINT16_MAX) {
        return ctrl_fail(h, -EINVAL, "a mapping of %zu pages of domain %u makes no sense", count,
                         domid);
    }
    p = mmap(NULL, count * CTRL_PAGE_SIZE, writable ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return ctrl_fail(h, -errno, "cannot make room for %zu pages of domain %u: %s", count,
                         domid, strerror(errno));
    }
    rc = map_batch(h, p, domid, frames, count);
    if (rc < 0) {
        munmap(p, count * CTRL_PAGE_SIZE);
        return rc;
    }
    *out = p;
    return 0;
}

int ctrl_foreign_unmap(struct ctrl *h, void *address, size_t count)
{
    if (munmap(address, count * CTRL_PAGE_SIZE) < 0) {
        return ctrl_fail(h, -errno, "cannot unmap memory of a domain: %s", strerror(errno));
    }
    return 0;
}

int ctrl_resource_map(struct ctrl *h, uint32_t domid, unsigned int type, unsigned int id,
                      uint32_t frame, size_t count, void **out)
{
    struct privcmd_map_resource request = {
        .dom = (uint16_t)domid, .type = type, .id = id, .idx = frame, .num = count,
    };
    int fd = ctrl_privcmd_fd(h);
    void *p;
    int rc;

    if (fd < 0) {
        return fd;
    }
    p = mmap(NULL, count * CTRL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return ctrl_fail(h, -errno, "cannot make room for a resource of domain %u: %s", domid,
                         strerror(errno));
    }
    request.addr = (uintptr_t)p;
    if (ioctl(fd, PRIVCMD_MMAP_RESOURCE, &request) < 0) {
        rc = -errno;
        munmap(p, count * CTRL_PAGE_SIZE);
        return ctrl_fail(h, rc, "cannot map resource %u of domain %u: %s", type, domid,
                         strerror(-rc));
    }
    *out = p;
    return 0;
}

int ctrl_grant_map(struct ctrl *h, uint32_t domid, uint32_t ref, bool writable, void **out)
{
    struct gntdev_map map = { .count = 1, .domid = domid, .ref = ref };
    void *p;
    int rc;

    if (h->gntdev_fd < 0) {
        h->gntdev_fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    }
    if (h->gntdev_fd < 0) {
        return ctrl_fail(h, -errno, "cannot open /dev/xen/gntdev: %s", strerror(errno));
    }
    if (ioctl(h->gntdev_fd, GNTDEV_MAP_GRANT_REF, &map) < 0) {
        return ctrl_fail(h, -errno, "cannot prepare grant %u of domain %u: %s", ref, domid,
                         strerror(errno));
    }
    p = mmap(NULL, CTRL_PAGE_SIZE, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
             h->gntdev_fd, (off_t)map.index);
    if (p == MAP_FAILED) {
        struct gntdev_unmap undo = { .index = map.index, .count = 1 };

        rc = -errno;
        ioctl(h->gntdev_fd, GNTDEV_UNMAP_GRANT_REF, &undo);
        return ctrl_fail(h, rc, "cannot map grant %u of domain %u: %s", ref, domid, strerror(-rc));
    }
    *out = p;
    return 0;
}

int ctrl_grant_unmap(struct ctrl *h, void *address)
{
    struct gntdev_offset where = { .vaddr = (uintptr_t)address };
    struct gntdev_unmap undo = { .count = 1 };

    if (h->gntdev_fd < 0 || ioctl(h->gntdev_fd, GNTDEV_GET_OFFSET_FOR_VADDR, &where) < 0) {
        return ctrl_fail(h, -EINVAL, "no grant is mapped at %p", address);
    }
    undo.index = where.offset;
    munmap(address, CTRL_PAGE_SIZE);
    if (ioctl(h->gntdev_fd, GNTDEV_UNMAP_GRANT_REF, &undo) < 0) {
        return ctrl_fail(h, -errno, "cannot release a grant: %s", strerror(errno));
    }
    return 0;
}
