/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/evtchn, /dev/xen/gntdev and /dev/xen/privcmd. The requests are written down here, as
 * the kernel's headers for them do not stand alone. A guest's ring is mapped by its reserved grant
 * entry, or as a foreign frame when that is not there.
 */
#include "xendev.h"

#include <errno.h>
#include <fcntl.h>
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/xen.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

struct hypercall_request {
    uint64_t op;
    uint64_t arg[5];
};

struct map_batch {
    uint32_t num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *frames;
    int32_t *errors;
};

struct port_number {
    uint32_t value;
};

struct remote_port {
    uint32_t domid;
    uint32_t port;
};

struct grant_map {
    uint32_t count;
    uint32_t pad;
    uint64_t index;
    uint32_t domid;
    uint32_t ref;
};

struct grant_unmap {
    uint64_t index;
    uint32_t count;
    uint32_t pad;
};

#define REQUEST(group, number, type) _IOC(_IOC_NONE, group, number, sizeof(type))
#define PRIVCMD_HYPERCALL       REQUEST('P', 0, struct hypercall_request)
#define PRIVCMD_MMAPBATCH_V2    REQUEST('P', 4, struct map_batch)
#define EVTCHN_BIND_VIRQ        REQUEST('E', 0, struct port_number)
#define EVTCHN_BIND_INTERDOMAIN REQUEST('E', 1, struct remote_port)
#define EVTCHN_UNBIND           REQUEST('E', 3, struct port_number)
#define EVTCHN_NOTIFY           REQUEST('E', 4, struct port_number)
#define GNTDEV_MAP_GRANT_REF    REQUEST('G', 0, struct grant_map)
#define GNTDEV_UNMAP_GRANT_REF  REQUEST('G', 1, struct grant_unmap)

static int evtchn_fd = -1, gntdev_fd = -1, privcmd_fd = -1;
static struct xen_domctl *domctl; /* in a page that stays in memory, as hypercalls want it */

static int open_device(const char *name)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/dev/xen/%s", name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int xendev_open(int inherited)
{
    evtchn_fd = inherited >= 0 ? inherited : open_device("evtchn");
    if (evtchn_fd < 0) {
        int error = evtchn_fd;

        evtchn_fd = -1;
        return error;
    }
    fcntl(evtchn_fd, F_SETFL, fcntl(evtchn_fd, F_GETFL) | O_NONBLOCK);
    fcntl(evtchn_fd, F_SETFD, FD_CLOEXEC);
    gntdev_fd = open_device("gntdev");
    privcmd_fd = open_device("privcmd");
    domctl = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (domctl == MAP_FAILED) {
        return -errno;
    }
    madvise(domctl, PAGE, MADV_DONTFORK);
    return 0;
}

bool xendev_there(void)
{
    return evtchn_fd >= 0;
}

int xendev_evtchn_fd(void)
{
    return evtchn_fd;
}

/* --- ports ------------------------------------------------------------------------------------ */

int xendev_bind_interdomain(uint32_t domid, uint32_t remote_port)
{
    struct remote_port bind = {domid, remote_port};
    int port = ioctl(evtchn_fd, EVTCHN_BIND_INTERDOMAIN, &bind);

    return port < 0 ? -errno : port;
}

int xendev_bind_exceptions(void)
{
    struct port_number virq = {VIRQ_DOM_EXC};
    int port = ioctl(evtchn_fd, EVTCHN_BIND_VIRQ, &virq);

    return port < 0 ? -errno : port;
}

void xendev_unbind(uint32_t port)
{
    struct port_number number = {port};

    ioctl(evtchn_fd, EVTCHN_UNBIND, &number);
}

void xendev_notify(uint32_t port)
{
    struct port_number number = {port};

    ioctl(evtchn_fd, EVTCHN_NOTIFY, &number);
}

int xendev_next_event(void)
{
    uint32_t port;
    ssize_t n = read(evtchn_fd, &port, sizeof(port));

    return n == (ssize_t)sizeof(port) ? (int)port : -EAGAIN;
}

void xendev_unmask(uint32_t port)
{
    ssize_t n = write(evtchn_fd, &port, sizeof(port));

    (void)n; /* a port that was closed meanwhile needs no unmasking */
}

/* --- pages ------------------------------------------------------------------------------------ */

struct mapping {
    struct mapping *next;
    void *page;
    uint64_t index;
    bool grant;
};

static struct mapping *mappings;

static void *remember(void *page, uint64_t index, bool grant)
{
    struct mapping *m = malloc(sizeof(*m));

    if (!m) {
        munmap(page, PAGE);
        return NULL;
    }
    *m = (struct mapping){mappings, page, index, grant};
    mappings = m;
    return page;
}

static void unmap_grant(uint64_t index)
{
    struct grant_unmap unmap = {.index = index, .count = 1};

    ioctl(gntdev_fd, GNTDEV_UNMAP_GRANT_REF, &unmap);
}

static void *map_grant(uint32_t domid)
{
    struct grant_map map = {.count = 1, .domid = domid, .ref = GNTTAB_RESERVED_XENSTORE};
    void *page;

    if (ioctl(gntdev_fd, GNTDEV_MAP_GRANT_REF, &map) != 0) {
        return NULL;
    }
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, gntdev_fd, (off_t)map.index);
    if (page == MAP_FAILED) {
        int error = errno;

        unmap_grant(map.index);
        errno = error;
        return NULL;
    }
    return remember(page, map.index, true);
}

static void *map_foreign(uint32_t domid, uint64_t gfn)
{
    int32_t error = 0;
    struct map_batch batch = {
        .num = 1, .dom = (uint16_t)domid, .frames = &gfn, .errors = &error};
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd_fd, 0);

    if (page == MAP_FAILED) {
        return NULL;
    }
    batch.addr = (uintptr_t)page;
    if (ioctl(privcmd_fd, PRIVCMD_MMAPBATCH_V2, &batch) != 0 || error != 0) {
        error = error ? -error : errno;
        munmap(page, PAGE);
        errno = error;
        return NULL;
    }
    return remember(page, 0, false);
}

void *xendev_map_ring(uint32_t domid, uint64_t gfn)
{
    void *page = map_grant(domid);

    return page ? page : map_foreign(domid, gfn);
}

void xendev_unmap_ring(void *page)
{
    for (struct mapping **slot = &mappings; *slot; slot = &(*slot)->next) {
        struct mapping *m = *slot;

        if (m->page == page) {
            *slot = m->next;
            munmap(page, PAGE);
            if (m->grant) {
                unmap_grant(m->index);
            }
            free(m);
            return;
        }
    }
    munmap(page, PAGE);
}

static FILE *open_proc(const char *name, const char *mode)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/xen/%s", name);
    file = fopen(path, mode);
    return file;
}

void *xendev_own_ring(uint32_t *port)
{
    FILE *file = open_proc("xsd_port", "re");
    void *page = MAP_FAILED;
    char line[32];
    int fd;

    if (!file) {
        return NULL;
    }
    if (!fgets(line, sizeof(line), file)) {
        fclose(file);
        return NULL;
    }
    fclose(file);
    *port = (uint32_t)strtoul(line, NULL, 10);
    fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    return page == MAP_FAILED ? NULL : page;
}

/* --- states ----------------------------------------------------------------------------------- */

enum xendev_state xendev_domain_state(uint32_t domid)
{
    struct hypercall_request call = {.op = __HYPERVISOR_domctl};

    if (privcmd_fd < 0 || !domctl) {
        return XENDEV_UNKNOWN;
    }
    memset(domctl, 0, sizeof(*domctl));
    domctl->cmd = XEN_DOMCTL_getdomaininfo;
    domctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl->domain = (domid_t)domid;
    call.arg[0] = (uintptr_t)domctl;
    if (ioctl(privcmd_fd, PRIVCMD_HYPERCALL, &call) < 0) {
        return errno == ESRCH ? XENDEV_GONE : XENDEV_UNKNOWN;
    }
    if (domctl->u.getdomaininfo.domain != domid) {
        return XENDEV_GONE;
    }
    if (domctl->u.getdomaininfo.flags & XEN_DOMINF_dying) {
        return XENDEV_DYING;
    }
    return domctl->u.getdomaininfo.flags & XEN_DOMINF_shutdown ? XENDEV_SHUT_DOWN : XENDEV_UP;
}
