/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libxenctrl, libxenevtchn and libxengnttab under Debian's xenstored on a Linux
 * without Xen: every device opens, nothing ever happens. Preloaded, it also puts files of
 * $XENSTORED_RUNDIR in the place of /proc/xen/xsd_*.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int dummy;

void *xc_interface_open(void *a, void *b, unsigned flags);
int xc_interface_close(void *handle);
int xc_domain_getinfo(void *handle, uint32_t first, unsigned count, void *info);
void *xenevtchn_open(void *logger, unsigned flags);
void *xenevtchn_fdopen(void *logger, int fd, unsigned flags);
int xenevtchn_fd(void *handle);
int xenevtchn_bind_virq(void *handle, unsigned virq);
int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port);
int xenevtchn_notify(void *handle, uint32_t port);
int xenevtchn_pending(void *handle);
int xenevtchn_unbind(void *handle, uint32_t port);
int xenevtchn_unmask(void *handle, uint32_t port);
void *xengnttab_open(void *logger, unsigned flags);
int xengnttab_close(void *handle);
void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t ref, int prot);
int xengnttab_set_max_grants(void *handle, uint32_t count);
int xengnttab_unmap(void *handle, void *page, uint32_t count);

int open(const char *path, int flags, ...)
{
    static const char place[] = "/proc/xen/xsd_";
    char instead[512];
    va_list ap;
    int mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    if (strncmp(path, place, strlen(place)) == 0) {
        snprintf(instead, sizeof(instead), "%s/xsd_%s", getenv("XENSTORED_RUNDIR"),
                 path + strlen(place));
        path = instead;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

void *xc_interface_open(void *a, void *b, unsigned flags)
{
    (void)a;
    (void)b;
    (void)flags;
    return &dummy;
}

int xc_interface_close(void *handle)
{
    return handle == NULL;
}

int xc_domain_getinfo(void *handle, uint32_t first, unsigned count, void *info)
{
    (void)handle;
    (void)count;
    *(uint32_t *)info = first; /* each domain that is asked for is there, and well */
    return 1;
}

void *xenevtchn_open(void *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return &dummy;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned flags)
{
    (void)fd;
    return xenevtchn_open(logger, flags);
}

int xenevtchn_fd(void *handle)
{
    static int fd = -1;

    (void)handle;
    if (fd < 0) {
        fd = eventfd(0, EFD_CLOEXEC);
    }
    return fd;
}

int xenevtchn_bind_virq(void *handle, unsigned virq)
{
    (void)handle;
    (void)virq;
    return 1;
}

int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port)
{
    (void)handle;
    (void)domid;
    (void)port;
    return 2;
}

int xenevtchn_notify(void *handle, uint32_t port)
{
    (void)handle;
    (void)port;
    return 0;
}

int xenevtchn_pending(void *handle)
{
    (void)handle;
    return -1;
}

int xenevtchn_unbind(void *handle, uint32_t port)
{
    return xenevtchn_notify(handle, port);
}

int xenevtchn_unmask(void *handle, uint32_t port)
{
    return xenevtchn_notify(handle, port);
}

void *xengnttab_open(void *logger, unsigned flags)
{
    return xenevtchn_open(logger, flags);
}

int xengnttab_close(void *handle)
{
    return handle == NULL;
}

void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t ref, int prot)
{
    (void)handle;
    (void)domid;
    (void)ref;
    (void)prot;
    return NULL;
}

int xengnttab_set_max_grants(void *handle, uint32_t count)
{
    (void)handle;
    (void)count;
    return 0;
}

int xengnttab_unmap(void *handle, void *page, uint32_t count)
{
    (void)handle;
    (void)page;
    (void)count;
    return 0;
}
