/* SPDX-License-Identifier: MIT */
/*
 * Connections over the unix socket, which only root can open: its users are privileged. Relative
 * paths are those of domain 0, as libxl expects.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "loop.h"

static int listener = -1;

static ssize_t socket_read(struct conn *conn, void *buf, size_t size)
{
    ssize_t n;

    do {
        n = recv(conn->fd, buf, size, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        return -EPIPE;
    }
    return n < 0 ? -errno : n;
}

static ssize_t socket_write(struct conn *conn, const void *buf, size_t size)
{
    ssize_t n;

    do {
        n = send(conn->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void socket_tell(struct conn *conn)
{
    (void)conn;
}

static void socket_interest(struct conn *conn)
{
    loop_change(conn->fd, conn->want_in, conn->want_out, conn);
}

static void socket_fail(struct conn *conn, int error)
{
    (void)error;
    conn_kill(conn);
}

static void socket_close(struct conn *conn)
{
    loop_remove(conn->fd);
    close(conn->fd);
}

static const struct conn_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .tell = socket_tell,
    .interest = socket_interest,
    .fail = socket_fail,
    .close = socket_close,
};

struct conn *socket_adopt(int fd)
{
    struct conn *c = conn_new(&socket_ops, domain_local(), "/local/domain/0");

    c->fd = fd;
    loop_add(fd, c);
    return c;
}

static bool bind_to(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int rc;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    /* Does somebody else serve it? */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        errno = EADDRINUSE;
        return false;
    }
    unlink(path);
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    return rc == 0 && listen(fd, 128) == 0;
}

bool socket_listen(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || !bind_to(fd, path)) {
        log_write(LOG_ERROR, "%s: %s", path, strerror(errno));
        return false;
    }
    listener = fd;
    return true;
}

void socket_adopt_listener(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    listener = fd;
}

int socket_listener(void)
{
    return listener;
}
