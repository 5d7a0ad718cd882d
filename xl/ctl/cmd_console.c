/* SPDX-License-Identifier: MIT */
/*
 * console: ctld's stream of a guest's console, copied to standard output, and standard input to
 * it. When input ends the output is followed on, until the guest is gone. When ctld goes away the
 * connection is made again at the offset reached. Without any ctld the terminal named in the store
 * is used, which another console daemon may serve.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../rpc.h"
#include "store.h"

#define DETACH_KEY 0x1d /* Ctrl-] */
#define ATTACH_BYTES 16384
#define RECONNECT_MS 10000

struct console {
    struct ctl *c;
    uint32_t domid;
    int fd;
    bool ctld;     /* fd is a connection to ctld, else a terminal */
    bool input;    /* standard input still gives something */
    bool detached;
    uint64_t offset;
    struct termios before;
    bool raw;
};

static int connect_ctld(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = RPC_SOCKET };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd < 0 ? -errno : fd;
}

int require_ctld(struct ctl *c)
{
    int fd = connect_ctld();

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (fd == -EACCES || fd == -EPERM) {
        complain(c, "only root may make domains: run this as root");
    } else {
        complain(c, "ctld is not running (%s: %s), and without it nobody serves the guest's"
                    " console and its end; start it with 'ctld' or 'systemctl start ctld'",
                 RPC_SOCKET, strerror(-fd));
    }
    return EXIT_FAILURE;
}

/* Send a request and read the line of the answer into `line`. */
static int request(int fd, const char *text, char *line, size_t size)
{
    size_t have = 0;

    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) {
        return -EPIPE;
    }
    while (have < size - 1) {
        ssize_t n = read(fd, line + have, 1);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -EPIPE;
        }
        if (line[have] == '\n') {
            break;
        }
        have++;
    }
    line[have] = '\0';
    return 0;
}

/* Ask for a stream; the offset of its first byte goes to *at. A sentence is printed on failure. */
static int open_stream(struct ctl *c, const char *text, uint64_t *at)
{
    char line[RPC_LINE_LIMIT], *found;
    int fd = connect_ctld(), rc;

    if (fd < 0) {
        return fd;
    }
    rc = request(fd, text, line, sizeof(line));
    if (rc == 0 && strstr(line, "\"ok\":true") == NULL) {
        found = strstr(line, "\"error\":\"");
        complain(c, "%.*s", found != NULL ? (int)strcspn(found + 9, "\"") : (int)strlen(line),
                 found != NULL ? found + 9 : line);
        rc = -EREMOTEIO;
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    found = strstr(line, "\"at\":");
    *at = found != NULL ? strtoull(found + 5, NULL, 10) : 0;
    return fd;
}

static int open_tty(struct console *con)
{
    struct store *s;
    char path[64], *tty;
    int fd;

    if (ctrl_store(con->c->h, &s) < 0) {
        return -ENOENT;
    }
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", con->domid);
    if (store_read(s, 0, path, &tty, NULL) < 0) {
        return -ENOENT;
    }
    fd = tty[0] == '/' ? open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    free(tty);
    return fd < 0 ? -ENOENT : fd;
}

static void set_raw(struct console *con)
{
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &con->before) < 0) {
        return;
    }
    raw = con->before;
    cfmakeraw(&raw);
    con->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void set_cooked(struct console *con)
{
    if (con->raw) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &con->before);
        con->raw = false;
        fputc('\n', stderr);
    }
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void copy_input(struct console *con)
{
    char data[512], *stop;
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));

    if (n <= 0) {
        con->input = n < 0 && errno == EINTR;
        return;
    }
    stop = con->raw ? memchr(data, DETACH_KEY, (size_t)n) : NULL;
    con->detached = stop != NULL;
    write_all(con->fd, data, stop != NULL ? (size_t)(stop - data) : (size_t)n);
}

/* Copy until the stream ends: 0; -EPIPE when our own output is closed. */
static int copy(struct console *con)
{
    char data[4096];

    while (!con->detached && caught_signal() == 0) {
        struct pollfd fds[2] = {
            { .fd = con->fd, .events = POLLIN },
            { .fd = con->input ? STDIN_FILENO : -1, .events = POLLIN },
        };

        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            ssize_t n = read(con->fd, data, sizeof(data));

            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                return 0;
            }
            con->offset += (uint64_t)n;
            if (!write_all(STDOUT_FILENO, data, (size_t)n)) {
                return -EPIPE;
            }
        }
        if (fds[1].revents != 0) {
            copy_input(con);
        }
    }
    return 0;
}

static bool guest_runs(struct console *con)
{
    struct ctrl_domain_info info;

    return ctrl_domain_info(con->c->h, con->domid, &info) == 0 && !info.shutdown && !info.dying;
}

static int reconnect(struct console *con)
{
    const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
    char text[120];

    close(con->fd);
    con->fd = -1;
    for (int waited = 0; waited < RECONNECT_MS && caught_signal() == 0; waited += 100) {
        uint64_t at;
        int fd;

        if (!guest_runs(con)) {
            return -ESRCH;
        }
        snprintf(text, sizeof(text), "{\"call\":\"console\",\"domid\":%u,\"from\":%llu}\n",
                 con->domid, (unsigned long long)con->offset);
        fd = con->ctld ? open_stream(con->c, text, &at) : open_tty(con);
        if (fd >= 0) {
            con->fd = fd;
            con->offset = con->ctld ? at : 0;
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    return -ETIMEDOUT;
}

static int attach(struct console *con, bool from_start)
{
    char text[120];

    snprintf(text, sizeof(text), "{\"call\":\"console\",\"domid\":%u,\"%s\":%d}\n", con->domid,
             from_start ? "from" : "last", from_start ? 0 : ATTACH_BYTES);
    con->fd = open_stream(con->c, text, &con->offset);
    con->ctld = con->fd >= 0;
    if (con->fd == -EREMOTEIO) {
        return EXIT_FAILURE;
    }
    if (con->fd < 0) {
        con->fd = open_tty(con);
    }
    if (con->fd < 0) {
        complain(con->c, "ctld is not running, and the store names no terminal for domain %u; start"
                         " it with 'ctld' or 'systemctl start ctld'", con->domid);
        return EXIT_FAILURE;
    }
    return 0;
}

int console_run(struct ctl *c, uint32_t domid, bool from_start)
{
    struct console con = { .c = c, .domid = domid, .input = true };
    int status = attach(&con, from_start), rc;

    if (status != 0) {
        return status;
    }
    catch_signals(c);
    signal(SIGPIPE, SIG_IGN);
    fflush(stdout);
    set_raw(&con);
    do {
        rc = copy(&con);
    } while (rc == 0 && !con.detached && caught_signal() == 0 && guest_runs(&con) &&
             (rc = reconnect(&con)) == 0);
    set_cooked(&con);
    if (con.fd >= 0) {
        close(con.fd);
    }
    if (rc == -ETIMEDOUT && caught_signal() == 0) {
        complain(c, "the console of domain %u was cut off, and ctld does not answer", domid);
        return EXIT_FAILURE;
    }
    return caught_signal() != 0 ? 128 + caught_signal() : 0;
}

static const struct opt console_opts[] = {
    { 't', "type", "pv|serial", "accepted: guests have a pv console" },
    { 'n', "num", "NUMBER", "accepted: guests have console 0" },
    { 1, "history", NULL, "print what is kept, also of a guest that is gone, and end" },
    { 0, NULL, NULL, NULL },
};

static int print_history(struct ctl *c, const char *name)
{
    struct console con = { .c = c };
    char text[400];

    if (strlen(name) > 200 || strpbrk(name, "\"\\\n") != NULL) {
        complain(c, "'%s' is no name of a domain", name);
        return EXIT_FAILURE;
    }
    snprintf(text, sizeof(text), "{\"call\":\"history\",\"domain\":\"%s\"}\n", name);
    con.fd = open_stream(c, text, &con.offset);
    if (con.fd < 0) {
        return con.fd == -EREMOTEIO ? EXIT_FAILURE : require_ctld(c);
    }
    fflush(stdout);
    copy(&con);
    close(con.fd);
    return 0;
}

static int console_cmd_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    int status;

    (void)argc;
    if (opt_has(c, 1)) {
        return print_history(c, argv[0]);
    }
    status = find_domain_info(c, argv[0], &info);
    if (status == 0 && info.domid == 0) {
        complain(c, "domain 0 is the system you are using: its console is here");
        return EXIT_FAILURE;
    }
    return status != 0 ? status : console_run(c, info.domid, !isatty(STDIN_FILENO));
}

const struct cmd cmd_console = {
    .name = "console",
    .args = "DOMAIN",
    .help = "Follow a guest's console and type into it; Ctrl-] ends",
    .opts = console_opts,
    .min = 1,
    .max = 1,
    .run = console_cmd_run,
};
