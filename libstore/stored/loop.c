/* SPDX-License-Identifier: MIT */
/*
 * One thread, one epoll set: the listener, a signal descriptor, the event channels' device and a
 * descriptor for each socket. Rings have none: their events come through the device.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "xendev.h"

static int epoll_fd = -1, signal_fd = -1;
static bool stop, restart;
/* What an epoll entry points to when it is no connection. */
static char mark_listener, mark_signal, mark_evtchn;

static void add(int fd, uint32_t events, void *what)
{
    struct epoll_event e = {.events = events, .data.ptr = what};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
        log_write(LOG_ERROR, "epoll: %s", strerror(errno));
    }
}

bool loop_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (epoll_fd < 0 || signal_fd < 0) {
        log_write(LOG_ERROR, "epoll or signalfd: %s", strerror(errno));
        return false;
    }
    add(signal_fd, EPOLLIN, &mark_signal);
    return true;
}

void loop_add(int fd, struct conn *conn)
{
    add(fd, EPOLLIN, conn);
}

void loop_change(int fd, bool in, bool out, struct conn *conn)
{
    struct epoll_event e = {.events = (in ? EPOLLIN : 0) | (out ? EPOLLOUT : 0),
                            .data.ptr = conn};

    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &e);
}

void loop_remove(int fd)
{
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void loop_ask_restart(void)
{
    restart = true;
}

static void accept_one(void)
{
    int fd = accept4(socket_listener(), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        socket_adopt(fd);
    } else if (errno == EMFILE || errno == ENFILE) {
        log_write(LOG_WARN, "accept: %s", strerror(errno));
        usleep(10000);
    }
}

static void take_signals(void)
{
    struct signalfd_siginfo info;

    while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        stop = stop || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        restart = restart || info.ssi_signo == SIGUSR1;
    }
}

static void take_ports(void)
{
    int port;

    for (int i = 0; i < 64 && (port = xendev_next_event()) >= 0; i++) {
        /* first unmasked, then looked at: what comes between is not lost */
        xendev_unmask((uint32_t)port);
        domain_event((uint32_t)port);
    }
}

static void take(const struct epoll_event *event)
{
    void *what = event->data.ptr;

    if (what == &mark_listener) {
        accept_one();
    } else if (what == &mark_signal) {
        take_signals();
    } else if (what == &mark_evtchn) {
        take_ports();
    } else {
        struct conn *c = what;

        if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            c->input = true;
        }
        if ((event->events & (EPOLLHUP | EPOLLERR)) && !c->want_in) {
            conn_kill(c);
        }
        conn_schedule(c);
    }
}

static void turn(bool wait)
{
    struct epoll_event events[64];
    int n = epoll_wait(epoll_fd, events, 64, !wait ? 0 : conn_blocked() ? 1000 : -1);

    for (int i = 0; i < n; i++) {
        take(&events[i]);
    }
    if (conn_blocked()) {
        conn_tick();
    }
}

enum loop_end loop_run(void)
{
    static bool added;
    bool more = conn_run();

    if (!added) {
        added = true;
        add(socket_listener(), EPOLLIN, &mark_listener);
        if (xendev_there()) {
            add(xendev_evtchn_fd(), EPOLLIN, &mark_evtchn);
        }
    }
    while (!stop && !restart) {
        turn(!more);
        more = conn_run();
    }
    return stop ? LOOP_STOP : LOOP_RESTART;
}

void loop_drain(void)
{
    for (int i = 0; i < 16 && conn_run(); i++) {
    }
    restart = false;
}
