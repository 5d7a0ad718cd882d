/* SPDX-License-Identifier: MIT */
/*
 * Messages over a unix socket or the kernel's device. Each is 16 bytes of header and a payload;
 * the device wants to see a request in one write, so both go out together.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

static int connect_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    do {
        rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int open_path(const char *path, struct store *s)
{
    struct stat st;
    int fd;

    if (stat(path, &st) != 0) {
        return -errno;
    }
    s->is_device = !S_ISSOCK(st.st_mode);
    if (s->is_device) {
        fd = open(path, O_RDWR | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
    } else {
        fd = connect_socket(path);
    }
    s->fd = fd;
    return fd < 0 ? fd : 0;
}

/*
 * The kernel's device hands requests to whoever serves this domain's ring. Where that would be the
 * daemon of this very system, a caller must not wait on it (in the kernel, deaf to signals) for a
 * daemon that is not there.
 */
static bool daemon_is_here(void)
{
    char text[64] = "";
    int fd = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof(text) - 1);

        text[n > 0 ? n : 0] = '\0';
        close(fd);
    }
    return strstr(text, "control_d") != NULL;
}

int transport_open(const char *path, struct store *s)
{
    static const char *const sockets[] = {"/run/xenstored/socket", "/var/run/xenstored/socket"};
    static const char *const devices[] = {"/dev/xen/xenbus", "/proc/xen/xenbus"};
    const char *rundir = getenv("XENSTORED_RUNDIR");
    char buf[256];
    int rc = -ENOENT;

    if (!path) {
        path = getenv("XENSTORED_PATH");
    }
    if (!path && rundir) {
        snprintf(buf, sizeof(buf), "%s/socket", rundir);
        path = buf;
    }
    if (path) {
        return open_path(path, s);
    }
    for (size_t i = 0; i < 2 && rc == -ENOENT; i++) {
        rc = open_path(sockets[i], s);
    }
    for (size_t i = 0; i < 2 && rc == -ENOENT && !daemon_is_here(); i++) {
        rc = open_path(devices[i], s);
    }
    return rc;
}

int transport_send(struct store *s, const struct xsd_sockmsg *msg, const void *payload)
{
    char buf[sizeof(*msg) + XENSTORE_PAYLOAD_MAX];
    size_t length = sizeof(*msg) + msg->len, done = 0;

    memcpy(buf, msg, sizeof(*msg));
    memcpy(buf + sizeof(*msg), payload, msg->len);
    while (done < length) {
        ssize_t n = s->is_device ? write(s->fd, buf + done, length - done)
                                 : send(s->fd, buf + done, length - done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            s->broken = true;
            return n < 0 ? -errno : -EPIPE;
        }
        done += (size_t)n;
    }
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_readable(struct store *s, int timeout_ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    int64_t end = now_ms() + timeout_ms;

    for (;;) {
        int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());
        int n = poll(&p, 1, left < 0 && timeout_ms >= 0 ? 0 : left);

        if (n > 0) {
            return 0;
        }
        if (n == 0) {
            return timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static int read_all(struct store *s, void *buf, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = read(s->fd, (char *)buf + done, length - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            int rc = wait_readable(s, -1);

            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (n <= 0) {
            s->broken = true;
            return n < 0 ? -errno : -EPIPE;
        }
        done += (size_t)n;
    }
    return 0;
}

int transport_receive(struct store *s, struct xsd_sockmsg *msg, char *payload, int timeout_ms)
{
    int rc;

    if (s->broken) {
        return -EPIPE;
    }
    if (timeout_ms >= 0) {
        rc = wait_readable(s, timeout_ms);
        if (rc < 0) {
            return rc;
        }
    }
    rc = read_all(s, msg, sizeof(*msg));
    if (rc < 0) {
        return rc;
    }
    if (!wire_length_ok(msg)) {
        s->broken = true;
        return -EPROTO;
    }
    return read_all(s, payload, msg->len);
}
