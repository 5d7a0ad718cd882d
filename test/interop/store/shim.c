/* SPDX-License-Identifier: MIT */
/*
 * A Xen for daemons of the store, on a Linux that has none. Preloaded, it puts files of the folder
 * $STORE_FAKE in the place of Linux's Xen devices and of the folders that daemons have built in,
 * and answers the requests that libxenctrl, libxengnttab, libxenevtchn and our stored make of the
 * devices. Rings of guests are pages of one file; fake.h says the rest.
 */
#include "fake.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <public/domctl.h>
#include <public/sysctl.h>

#define PLACE_SIZE 256

struct hypercall {
    uint64_t op, arg[5];
};

struct map_batch {
    uint32_t num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *frames;
    int32_t *errors;
};

struct grant_map {
    uint32_t count, pad;
    uint64_t index;
    uint32_t domid, ref;
};

struct grant_offset {
    uint64_t address, offset;
    uint32_t count, pad;
};

static struct fake_states *states;

/* --- places ----------------------------------------------------------------------------------- */

static const char *folder(void)
{
    const char *name = getenv("STORE_FAKE");

    return name ? name : "/nonexistent";
}

/* The path, or what stands in its place. */
static const char *place(const char *path, char *buf)
{
    static const char *const moved[] = {"/run/xenstored", "/var/run/xenstored",
                                        "/var/lib/xenstored", "/proc/xen"};

    for (size_t i = 0; path && i < sizeof(moved) / sizeof(moved[0]); i++) {
        size_t length = strlen(moved[i]);

        if (strncmp(path, moved[i], length) == 0 && (path[length] == '/' || !path[length])) {
            snprintf(buf, PLACE_SIZE, "%s%s", folder(), path + length);
            return buf;
        }
    }
    return path;
}

static struct sockaddr_un address_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder(), name);
    return address;
}

static int open_evtchn(int flags)
{
    struct sockaddr_un address = address_of("evtchn");
    int fd = socket(AF_UNIX, SOCK_DGRAM | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0), 0);

    unlink(address.sun_path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_rings(int flags)
{
    char path[PLACE_SIZE];
    int fd;

    snprintf(path, sizeof(path), "%s/rings", folder());
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | (flags & O_CLOEXEC), 0);
    if (fd >= 0 && !states) {
        states = mmap(NULL, FAKE_PAGE, PROT_READ, MAP_SHARED, fd, FAKE_DOMAINS * FAKE_PAGE);
    }
    return fd;
}

static int open_instead(const char *path, int flags, int mode)
{
    char buf[PLACE_SIZE];

    if (strcmp(path, "/dev/xen/evtchn") == 0) {
        return open_evtchn(flags);
    }
    if (strcmp(path, "/dev/xen/gntdev") == 0 || strcmp(path, "/dev/xen/privcmd") == 0) {
        return open_rings(flags);
    }
    if (strncmp(path, "/dev/xen/", 9) == 0) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, place(path, buf), flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    int mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    return open_instead(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* What open() becomes in fortified programs. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_instead(path, flags, 0);
}

FILE *fopen(const char *path, const char *mode)
{
    FILE *(*next)(const char *, const char *);
    char buf[PLACE_SIZE];

    *(void **)&next = dlsym(RTLD_NEXT, "fopen");
    return next(place(path, buf), mode);
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

int unlink(const char *path)
{
    char buf[PLACE_SIZE];

    return (int)syscall(SYS_unlink, place(path, buf));
}

int mkdir(const char *path, mode_t mode)
{
    char buf[PLACE_SIZE];

    return (int)syscall(SYS_mkdir, place(path, buf), mode);
}

int chmod(const char *path, mode_t mode)
{
    char buf[PLACE_SIZE];

    return (int)syscall(SYS_chmod, place(path, buf), mode);
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_un moved = {.sun_family = AF_UNIX};
    char buf[PLACE_SIZE];

    if (address->sa_family == AF_UNIX) {
        const char *path = ((const struct sockaddr_un *)address)->sun_path;

        snprintf(moved.sun_path, sizeof(moved.sun_path), "%s", place(path, buf));
        address = (const struct sockaddr *)&moved;
        length = sizeof(moved);
    }
    return (int)syscall(SYS_bind, fd, address, length);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    (void)resource;
    (void)limit;
    return 0; /* limits that only a host's root may raise */
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
    __attribute__((alias("setrlimit")));

/* --- devices ---------------------------------------------------------------------------------- */

static int fail(int error)
{
    errno = error;
    return -1;
}

static bool lives(uint32_t domid)
{
    return domid == 0 || (domid < FAKE_DOMAINS && states && states->state[domid] != FAKE_GONE);
}

static int evtchn_request(unsigned number, const uint32_t *arg)
{
    struct sockaddr_un address;
    int fd;

    switch (number) {
    case 0: /* bind a VIRQ */
        return FAKE_PORT_EXCEPTIONS;
    case 1: /* bind to a domain's port; port 0 is never one */
        if (!lives(arg[0])) {
            return fail(ESRCH);
        }
        return arg[1] ? (int)FAKE_PORT_OF(arg[0]) : fail(EINVAL);
    case 4: /* notify; who does not listen finds out when he looks */
        address = address_of("guests");
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sendto(fd, arg, sizeof(*arg), 0, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        return 0;
    default:
        return 0;
    }
}

static int gntdev_request(unsigned number, void *arg)
{
    struct grant_map *map = arg;
    struct grant_offset *offset = arg;

    if (number == 0) {
        if (map->domid == 0 || !lives(map->domid)) {
            return fail(EINVAL);
        }
        map->index = (uint64_t)map->domid * FAKE_PAGE;
    } else if (number == 2) {
        offset->offset = 0;
        offset->count = 1;
    }
    return 0;
}

static bool fill_info(uint32_t domid, struct xen_domctl_getdomaininfo *info)
{
    static const uint32_t flags[] = {[FAKE_UP] = XEN_DOMINF_running,
                                     [FAKE_SHUT_DOWN] = XEN_DOMINF_shutdown,
                                     [FAKE_DYING] = XEN_DOMINF_dying};

    if (!lives(domid)) {
        return false;
    }
    memset(info, 0, sizeof(*info));
    info->domain = (domid_t)domid;
    info->flags = flags[domid ? states->state[domid] : FAKE_UP];
    return true;
}

static int do_domctl(struct xen_domctl *domctl)
{
    uint32_t domid = domctl->domain;

    if (domctl->cmd != XEN_DOMCTL_getdomaininfo) {
        return fail(ENOSYS);
    }
    /* as Xen does: this one or the next one that there is */
    while (domid < FAKE_DOMAINS && !lives(domid)) {
        domid++;
    }
    if (!fill_info(domid, &domctl->u.getdomaininfo)) {
        return fail(ESRCH);
    }
    domctl->domain = (domid_t)domid;
    return 0;
}

static int do_sysctl(struct xen_sysctl *sysctl)
{
    struct xen_sysctl_getdomaininfolist *list = &sysctl->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo *infos;

    if (sysctl->cmd != XEN_SYSCTL_getdomaininfolist) {
        return fail(ENOSYS);
    }
    memcpy(&infos, &list->buffer, sizeof(infos));
    list->num_domains = 0;
    for (uint32_t d = list->first_domain; d < FAKE_DOMAINS && list->num_domains < list->max_domains;
         d++) {
        list->num_domains += fill_info(d, &infos[list->num_domains]);
    }
    return 0;
}

static int privcmd_request(int fd, unsigned number, void *arg)
{
    const struct hypercall *call = arg;
    const struct map_batch *batch = arg;

    if (number == 0) {
        switch (call->op) {
        case __HYPERVISOR_domctl:
            return do_domctl((void *)(uintptr_t)call->arg[0]);
        case __HYPERVISOR_sysctl:
            return do_sysctl((void *)(uintptr_t)call->arg[0]);
        default:
            return fail(ENOSYS);
        }
    }
    if (number != 4) {
        return fail(ENOTTY);
    }
    if (!lives(batch->dom)) {
        return fail(ESRCH);
    }
    batch->errors[0] = 0;
    return mmap((void *)(uintptr_t)batch->addr, FAKE_PAGE, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_FIXED, fd, (off_t)batch->dom * FAKE_PAGE) == MAP_FAILED
               ? -1
               : 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    unsigned number = request & 0xff;
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    switch ((request >> 8) & 0xff) {
    case 'E':
        return evtchn_request(number, arg);
    case 'G':
        return gntdev_request(number, arg);
    case 'P':
        return privcmd_request(fd, number, arg);
    default:
        return (int)syscall(SYS_ioctl, fd, request, arg);
    }
}

/* Unmasking a port is a write to the device, and needs nothing here. */
ssize_t write(int fd, const void *buf, size_t size)
{
    socklen_t length = sizeof(int);
    int type;

    if (size == sizeof(uint32_t) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
        type == SOCK_DGRAM) {
        return (ssize_t)size;
    }
    return syscall(SYS_write, fd, buf, size);
}
