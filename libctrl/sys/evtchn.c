/* SPDX-License-Identifier: MIT */
/*
 * Event channels through /dev/xen/evtchn: a descriptor that is readable when a port has fired;
 * reading gives port numbers, writing one back unmasks it.
 */
#include "../internal.h"
#include "privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ctrl_evtchn {
    int fd;
};

int ctrl_evtchn_open(struct ctrl *h, struct ctrl_evtchn **out)
{
    struct ctrl_evtchn *e = malloc(sizeof(*e));

    if (e == NULL) {
        return ctrl_no_memory(h);
    }
    e->fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (e->fd < 0) {
        int rc = -errno;

        free(e);
        return ctrl_fail(h, rc, "cannot open /dev/xen/evtchn: %s", strerror(-rc));
    }
    *out = e;
    return 0;
}

void ctrl_evtchn_close(struct ctrl_evtchn *e)
{
    if (e != NULL) {
        close(e->fd);
        free(e);
    }
}

int ctrl_evtchn_fd(const struct ctrl_evtchn *e)
{
    return e->fd;
}

static int bound(int rc, uint32_t *local_port)
{
    if (rc < 0) {
        return -errno;
    }
    *local_port = (uint32_t)rc;
    return 0;
}

int ctrl_evtchn_bind_interdomain(struct ctrl_evtchn *e, uint32_t domid, uint32_t remote_port,
                                 uint32_t *local_port)
{
    struct evtchn_pair pair = { .remote_domain = domid, .remote_port = remote_port };

    return bound(ioctl(e->fd, EVTCHN_BIND_INTERDOMAIN, &pair), local_port);
}

int ctrl_evtchn_bind_virq(struct ctrl_evtchn *e, uint32_t virq, uint32_t *local_port)
{
    struct evtchn_one one = { .value = virq };

    return bound(ioctl(e->fd, EVTCHN_BIND_VIRQ, &one), local_port);
}

int ctrl_evtchn_unbind(struct ctrl_evtchn *e, uint32_t local_port)
{
    struct evtchn_one one = { .value = local_port };

    return ioctl(e->fd, EVTCHN_UNBIND, &one) < 0 ? -errno : 0;
}

int ctrl_evtchn_notify(struct ctrl_evtchn *e, uint32_t local_port)
{
    struct evtchn_one one = { .value = local_port };

    return ioctl(e->fd, EVTCHN_NOTIFY, &one) < 0 ? -errno : 0;
}

int ctrl_evtchn_pending(struct ctrl_evtchn *e, uint32_t *local_port)
{
    ssize_t n = read(e->fd, local_port, sizeof(*local_port));

    if (n < 0) {
        return -errno;
    }
    return n == sizeof(*local_port) ? 0 : -EAGAIN;
}

int ctrl_evtchn_unmask(struct ctrl_evtchn *e, uint32_t local_port)
{
    ssize_t n = write(e->fd, &local_port, sizeof(local_port));

    return n == sizeof(local_port) ? 0 : n < 0 ? -errno : -EIO;
}
