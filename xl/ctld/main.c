/* SPDX-License-Identifier: MIT */
/*
 * Start-up and the loop. The program goes to the background when it is ready: its parent waits for
 * that, so that whoever starts it may rely on it afterwards. One event is taken at a time, hence a
 * handler may free whatever it likes.
 */
#include "ctld.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_DIR "/var/log/bonsai"
#define LOG_FILE LOG_DIR "/ctld.log"
#define LOCK_FILE "/run/bonsai/ctld.lock"
#define SLOW_SECONDS 2
#define STORE_WAIT_MS 10000

static void write_log(const char *format, va_list args)
{
    char stamp[32], text[600];
    time_t now = time(NULL);
    struct tm tm;

    strftime(stamp, sizeof(stamp), "%F %T", localtime_r(&now, &tm));
    vsnprintf(text, sizeof(text), format, args);
    fprintf(stderr, "%s ctld: %s\n", stamp, text);
}

void say(const struct ctld *d, const char *format, ...)
{
    va_list args;

    (void)d;
    va_start(args, format);
    write_log(format, args);
    va_end(args);
}

void trace(const struct ctld *d, const char *format, ...)
{
    va_list args;

    if (!d->options.verbose) {
        return;
    }
    va_start(args, format);
    write_log(format, args);
    va_end(args);
}

/* ---- epoll ---- */

static int source_control(struct ctld *d, int op, struct source *s, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .ptr = s } };

    s->events = events;
    return epoll_ctl(d->epoll, op, s->fd, &event) < 0 ? -errno : 0;
}

int source_add(struct ctld *d, struct source *s, uint32_t events)
{
    return source_control(d, EPOLL_CTL_ADD, s, events);
}

void source_change(struct ctld *d, struct source *s, uint32_t events)
{
    if (s->events != events) {
        source_control(d, EPOLL_CTL_MOD, s, events);
    }
}

void source_remove(struct ctld *d, struct source *s)
{
    epoll_ctl(d->epoll, EPOLL_CTL_DEL, s->fd, NULL);
}

/* ---- timers and signals ---- */

void need_tick(struct ctld *d)
{
    struct itimerspec once = { .it_value = { .tv_nsec = 100 * 1000 * 1000 } };

    if (!d->ticking) {
        d->ticking = timerfd_settime(d->tick_source.fd, 0, &once, NULL) == 0;
    }
}

static void tick_ready(struct ctld *d, void *object, uint32_t events)
{
    uint64_t count;

    (void)object;
    (void)events;
    if (read(d->tick_source.fd, &count, sizeof(count)) > 0) {
        d->ticking = false;
        console_tick(d);
    }
}

/* Every two seconds: domains whose events were missed, and what killed creations have left. */
static void slow_ready(struct ctld *d, void *object, uint32_t events)
{
    unsigned int removed = 0;
    uint64_t count;

    (void)object;
    (void)events;
    if (read(d->slow_source.fd, &count, sizeof(count)) <= 0) {
        return;
    }
    if (d->store == NULL && store_connect(d) < 0) {
        store_lost(d);
        return;
    }
    if (ctrl_reap(d->h, &removed) == 0 && removed > 0) {
        say(d, "removed what %u interrupted creation%s had left", removed, removed > 1 ? "s" : "");
    }
    d->rescan = true;
}

static void signal_ready(struct ctld *d, void *object, uint32_t events)
{
    struct signalfd_siginfo info;
    pid_t pid;
    int status;

    (void)object;
    (void)events;
    if (read(d->signal_source.fd, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    if (info.ssi_signo != SIGCHLD) {
        d->stop = true;
        return;
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        lifecycle_worker_ended(d, pid, status);
    }
}

static void evtchn_ready(struct ctld *d, void *object, uint32_t events)
{
    (void)object;
    (void)events;
    console_events(d);
}

static int open_timers(struct ctld *d)
{
    struct itimerspec slow = { .it_value = { .tv_sec = SLOW_SECONDS },
                               .it_interval = { .tv_sec = SLOW_SECONDS } };
    int tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int slow_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int rc;

    if (tick < 0 || slow_fd < 0 || timerfd_settime(slow_fd, 0, &slow, NULL) < 0) {
        return -errno;
    }
    d->tick_source = (struct source){ .fd = tick, .ready = tick_ready };
    d->slow_source = (struct source){ .fd = slow_fd, .ready = slow_ready };
    rc = source_add(d, &d->tick_source, EPOLLIN);
    return rc < 0 ? rc : source_add(d, &d->slow_source, EPOLLIN);
}

static int open_signals(struct ctld *d)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    d->signal_source = (struct source){
        .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = signal_ready,
    };
    return d->signal_source.fd < 0 ? -errno : source_add(d, &d->signal_source, EPOLLIN);
}

/* ---- start-up ---- */

/* One ctld at a time; the descriptor stays open for as long as we live. */
static int take_lock(struct ctld *d)
{
    int fd;

    mkdir("/run/bonsai", 0755);
    mkdir(STATE_DIR, 0700);
    fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        say(d, "cannot write %s: %s", LOCK_FILE,
            errno == EACCES ? "only root may run ctld" : strerror(errno));
        return -EACCES;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        say(d, "another ctld is running");
        return -EBUSY;
    }
    return 0;
}

static int wait_store(struct ctld *d)
{
    struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
    int rc = -ENOENT;

    for (int waited = 0; waited < STORE_WAIT_MS; waited += 100) {
        rc = store_connect(d);
        if (rc == 0 || rc == -EPERM) {
            break;
        }
        nanosleep(&pause, NULL);
        store_lost(d);
    }
    if (rc < 0) {
        store_connect(d); /* for its sentence */
        say(d, "%s", ctrl_error(d->h));
    }
    return rc;
}

static int start(struct ctld *d)
{
    int rc = take_lock(d);

    if (rc < 0) {
        return rc;
    }
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll < 0 || ctrl_open(&d->hw) < 0 || ctrl_open(&d->h) < 0) {
        say(d, "cannot start: %s", strerror(errno));
        return -ENOMEM;
    }
    rc = ctrl_probe(d->hw);
    rc = rc < 0 ? rc : ctrl_evtchn_open(d->hw, &d->evtchn);
    if (rc < 0) {
        say(d, "%s", ctrl_error(d->hw));
        return rc;
    }
    d->evtchn_source = (struct source){ .fd = ctrl_evtchn_fd(d->evtchn), .ready = evtchn_ready };
    rc = source_add(d, &d->evtchn_source, EPOLLIN);
    rc = rc < 0 ? rc : open_signals(d);
    rc = rc < 0 ? rc : open_timers(d);
    rc = rc < 0 ? rc : wait_store(d);
    rc = rc < 0 ? rc : rpc_open(d);
    if (rc == 0) {
        domains_scan(d);
    }
    return rc;
}

/* The events that came in while the store answered other requests wake nobody: look first. */
static void take_watches(struct ctld *d)
{
    while (d->store != NULL) {
        char *path, *token;
        int rc = store_read_watch(d->store, 0, &path, &token);

        if (rc == -EAGAIN || rc == -ETIMEDOUT) {
            return;
        }
        if (rc < 0) {
            store_lost(d);
            return;
        }
        free(path);
        d->rescan = true;
    }
}

static void loop(struct ctld *d)
{
    while (!d->stop) {
        struct epoll_event event;

        take_watches(d);
        if (d->rescan) {
            domains_scan(d);
            continue;
        }
        if (epoll_wait(d->epoll, &event, 1, -1) == 1) {
            struct source *s = event.data.ptr;

            s->ready(d, s->object, event.events);
        }
    }
}

/* In the parent: wait for the child's word; its exit status is ours. */
static int await_child(int fd)
{
    char byte;

    return read(fd, &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void to_background(int ready)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

    mkdir(LOG_DIR, 0755);
    log = open(LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(log >= 0 ? log : null, STDERR_FILENO);
    if (write(ready, "", 1) != 1) {
        _exit(EXIT_FAILURE);
    }
    close(ready);
}

int main(int argc, char **argv)
{
    struct ctld d = { 0 };
    int ready[2] = { -1, -1 };

    if (options_parse(&d.options, argc, argv) < 0) {
        return 2;
    }
    if (!d.options.foreground) {
        pid_t pid = pipe(ready) < 0 ? -1 : fork();

        if (pid < 0) {
            perror("ctld");
            return EXIT_FAILURE;
        }
        if (pid > 0) {
            close(ready[1]);
            return await_child(ready[0]);
        }
        close(ready[0]);
        setsid();
        if (chdir("/") < 0) {
            perror("ctld: /");
        }
    }
    if (start(&d) < 0) {
        return EXIT_FAILURE;
    }
    if (!d.options.foreground) {
        to_background(ready[1]);
    }
    say(&d, "ready");
    loop(&d);
    rpc_close(&d);
    say(&d, "ends");
    return EXIT_SUCCESS;
}
