/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls through /dev/xen/privcmd, and the buffers for their arguments.
 *
 * Buffers are mappings of /dev/xen/hypercall, whose pages the kernel never moves; where that
 * device is missing, locked anonymous memory is the next best thing.
 */
#include "../internal.h"
#include "privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <public/version.h>

#define ARENA_ALIGN 64u

int ctrl_privcmd_fd(struct ctrl *h)
{
    if (h->privcmd_fd >= 0) {
        return h->privcmd_fd;
    }
    h->privcmd_fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    if (h->privcmd_fd >= 0) {
        return h->privcmd_fd;
    }
    if (errno == EACCES || errno == EPERM) {
        return ctrl_fail(h, -EPERM, "only root may control domains: run this as root");
    }
    if (errno == ENOENT || errno == ENXIO || errno == ENODEV) {
        return ctrl_fail(h, -ENODEV,
                         "no hypervisor: /dev/xen/privcmd is missing; boot this system as dom0");
    }
    return ctrl_fail(h, -errno, "cannot open /dev/xen/privcmd: %s", strerror(errno));
}

static void *map_buffer(struct ctrl *h, size_t size)
{
    void *p = MAP_FAILED;

    if (!h->buffers_locked) {
        int fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);

        if (fd >= 0) {
            p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            close(fd);
        } else {
            h->buffers_locked = true;
        }
    }
    if (p == MAP_FAILED) {
        p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    }
    if (p == MAP_FAILED) {
        ctrl_fail(h, -ENOMEM, "no memory for a hypercall's arguments (%zu bytes)", size);
        return NULL;
    }
    return p;
}

static size_t rounded(size_t size, size_t align)
{
    return (size + align - 1) / align * align;
}

static size_t arena_need(size_t size)
{
    return rounded(size, ARENA_ALIGN);
}

static bool in_arena(const struct ctrl *h, const void *buffer)
{
    uintptr_t p = (uintptr_t)buffer, start = (uintptr_t)h->arena;

    return h->arena != NULL && p >= start && p < start + CTRL_ARENA_SIZE;
}

void *hbuf_get(struct ctrl *h, size_t size)
{
    if (h->arena == NULL) {
        h->arena = map_buffer(h, CTRL_ARENA_SIZE);
        if (h->arena == NULL) {
            return NULL;
        }
    }
    if (size <= CTRL_ARENA_SIZE && arena_need(size) <= CTRL_ARENA_SIZE - h->arena_used) {
        void *p = h->arena + h->arena_used;

        h->arena_used += arena_need(size);
        memset(p, 0, size);
        return p;
    }
    return map_buffer(h, rounded(size, CTRL_PAGE_SIZE));
}

void hbuf_put(struct ctrl *h, void *buffer, size_t size)
{
    if (buffer == NULL) {
        return;
    }
    if (in_arena(h, buffer)) {
        h->arena_used = (size_t)((uint8_t *)buffer - h->arena);
        return;
    }
    munmap(buffer, rounded(size, CTRL_PAGE_SIZE));
}

int64_t hcall(struct ctrl *h, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct privcmd_call call = { .op = op, .arg = { a0, a1, a2, a3, 0 } };
    int fd = ctrl_privcmd_fd(h);
    int rc;

    if (fd < 0) {
        return fd;
    }
    do {
        rc = ioctl(fd, PRIVCMD_HYPERCALL, &call);
    } while (rc < 0 && (errno == EINTR || errno == ERESTART));
    return rc < 0 ? -errno : rc;
}

int ctrl_domctl(struct ctrl *h, struct xen_domctl *op)
{
    struct xen_domctl *copy = hbuf_get(h, sizeof(*copy));
    int64_t rc;

    if (copy == NULL) {
        return -ENOMEM;
    }
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    *copy = *op;
    rc = hcall(h, __HYPERVISOR_domctl, (uintptr_t)copy, 0, 0, 0);
    *op = *copy;
    hbuf_put(h, copy, sizeof(*copy));
    if (rc == -EACCES) {
        return ctrl_fail(h, -EACCES, "this hypervisor speaks another version of the domain control"
                                     " interface than 4.17's (0x%x)", XEN_DOMCTL_INTERFACE_VERSION);
    }
    return (int)rc;
}

int ctrl_sysctl(struct ctrl *h, struct xen_sysctl *op)
{
    struct xen_sysctl *copy = hbuf_get(h, sizeof(*copy));
    int64_t rc;

    if (copy == NULL) {
        return -ENOMEM;
    }
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    *copy = *op;
    rc = hcall(h, __HYPERVISOR_sysctl, (uintptr_t)copy, 0, 0, 0);
    *op = *copy;
    hbuf_put(h, copy, sizeof(*copy));
    return (int)rc;
}

int64_t ctrl_memory_op(struct ctrl *h, unsigned int cmd, void *arg, size_t size)
{
    void *copy = hbuf_get(h, size);
    int64_t rc;

    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, arg, size);
    rc = hcall(h, __HYPERVISOR_memory_op, cmd, (uintptr_t)copy, 0, 0);
    memcpy(arg, copy, size);
    hbuf_put(h, copy, size);
    return rc;
}

int ctrl_probe(struct ctrl *h)
{
    int fd = ctrl_privcmd_fd(h);
    int64_t rc;

    if (fd < 0) {
        return fd; /* with its own sentence */
    }
    rc = hcall(h, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    if (rc == -EPERM) {
        return ctrl_fail(h, -EPERM, "this domain may not control others: run this in dom0");
    }
    return rc < 0 ? (int)rc : 0;
}
