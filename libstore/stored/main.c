/* SPDX-License-Identifier: MIT */
/*
 * stored: start-up. Options; the socket; the Xen devices when there are any; the tree; then the
 * process goes to the background, as soon as somebody can connect, and serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "domain.h"
#include "log.h"
#include "loop.h"
#include "quota.h"
#include "state.h"
#include "txn.h"
#include "watch.h"
#include "xendev.h"

static struct {
    const char *pid_file, *log_file, *rundir;
    char socket[256], state[256];
    bool foreground, verbose, no_domains, restart;
    int state_fd;
    char **argv;
} options = {.pid_file = "/run/xenstored.pid", .state_fd = -1};

static const char usage[] =
    "stored: the store, the tree of names and values of this host\n"
    "  -F, --pid-file FILE    where to note the process number (/run/xenstored.pid)\n"
    "  -N, --no-fork          stay in the foreground\n"
    "  -D, --no-domains       sockets only, no Xen devices\n"
    "  -L, --log-file FILE    instead of stderr or syslog\n"
    "  -V, --verbose          every request into the log\n"
    "  -q, --quota NAME=N     a limit of unprivileged domains: nodes, watches, outstanding,\n"
    "                         transactions, node-size, path-max, permissions, bytes\n"
    "  -c, --config FILE      lines of NAME=N; # begins a comment\n"
    "      --restart          go on with what the run before left when it was ended\n"
    "  -h, --help\n"
    "SIGUSR1: run the program anew, keeping everything. SIGTERM: end.\n"
    "XENSTORED_RUNDIR (/run/xenstored) is where the socket lies.\n";

static bool read_config(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool ok = true;

    if (!file) {
        fprintf(stderr, "stored: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof(line), file)) {
        char word[256];

        line[strcspn(line, "#")] = '\0';
        if (sscanf(line, "%255s", word) == 1 && !quota_parse(word, NULL)) {
            fprintf(stderr, "stored: %s: '%s' is no limit; --help names them\n", path, word);
            ok = false;
        }
    }
    fclose(file);
    return ok;
}

static bool take_option(int letter)
{
    switch (letter) {
    case 'F':
        options.pid_file = optarg;
        return true;
    case 'N':
        options.foreground = true;
        return true;
    case 'D':
        options.no_domains = true;
        return true;
    case 'L':
        options.log_file = optarg;
        return true;
    case 'V':
        options.verbose = true;
        return true;
    case 'R':
        options.restart = true;
        return true;
    case 'S':
        options.state_fd = atoi(optarg);
        return true;
    case 'c':
        return read_config(optarg);
    case 'q':
        if (!quota_parse(optarg, NULL)) {
            fprintf(stderr, "stored: '%s' is no limit; --help names them\n", optarg);
            return false;
        }
        return true;
    case 'h':
        fputs(usage, stdout);
        exit(0);
    default:
        return false;
    }
}

static bool parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"pid-file", required_argument, NULL, 'F'}, {"no-fork", no_argument, NULL, 'N'},
        {"no-domains", no_argument, NULL, 'D'},     {"no-domain-init", no_argument, NULL, 'D'},
        {"log-file", required_argument, NULL, 'L'}, {"verbose", no_argument, NULL, 'V'},
        {"quota", required_argument, NULL, 'q'},    {"config", required_argument, NULL, 'c'},
        {"restart", no_argument, NULL, 'R'},        {"state-fd", required_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int letter;

    options.argv = argv;
    while ((letter = getopt_long(argc, argv, "F:NDL:Vq:c:h", longs, NULL)) != -1) {
        if (!take_option(letter)) {
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "stored: '%s' is no option; --help lists them\n", argv[optind]);
        return false;
    }
    options.rundir = getenv("XENSTORED_RUNDIR");
    options.rundir = options.rundir ? options.rundir : "/run/xenstored";
    snprintf(options.socket, sizeof(options.socket), "%s/socket", options.rundir);
    snprintf(options.state, sizeof(options.state), "%s/state", options.rundir);
    return true;
}

/* The folder of the socket, and the name by which older programs know it. */
static bool make_rundir(void)
{
    if (mkdir(options.rundir, 0755) != 0 && errno != EEXIST) {
        log_write(LOG_ERROR, "%s: %s", options.rundir, strerror(errno));
        return false;
    }
    if (strcmp(options.rundir, "/run/xenstored") == 0 &&
        access("/var/run/xenstored", F_OK) != 0) {
        if (symlink("/run/xenstored", "/var/run/xenstored") != 0) {
            log_write(LOG_INFO, "/var/run/xenstored: %s", strerror(errno));
        }
    }
    return true;
}

static void first_tree(void)
{
    static const struct store_perm nobody = {0, STORE_NONE};
    struct change c = {.kind = CHANGE_MKDIR, .path = alloc_copy("/tool/xenstored", 15)};

    txn_live = node_new("", 0, perms_new(&nobody, 1), NULL);
    quota_charge_node(NULL, txn_live, 1);
    txn_change(NULL, domain_local(), &c);
}

/* Ports and rings; without Xen the store serves its socket alone. */
static bool open_domains(int evtchn)
{
    int error;

    if (options.no_domains) {
        return true;
    }
    error = xendev_open(evtchn);
    if (error) {
        log_write(LOG_INFO, "no Xen devices (%s): the socket alone is served",
                  strerror(-error));
        return true;
    }
    return true;
}

static void open_rings(bool fresh)
{
    if (!xendev_there()) {
        return;
    }
    if (!domain_watch_exceptions(fresh ? 0 : domain_exceptions_port())) {
        log_write(LOG_WARN, "VIRQ_DOM_EXC cannot be bound: deaths of domains go unnoticed");
    }
    if (fresh && !domain_introduce_own()) {
        log_write(LOG_INFO, "the kernel has no store ring of its own here");
    }
}

static bool start(void)
{
    int evtchn = -1, listener = -1, fd = options.state_fd;
    bool fresh;

    if (fd < 0 && options.restart) {
        fd = open(options.state, O_RDWR | O_CLOEXEC);
    }
    fresh = fd < 0;
    if (fresh) {
        first_tree();
    } else if (!state_load(fd, &evtchn, &listener)) {
        log_write(LOG_ERROR, "the state of the run before cannot be read");
        return false;
    }
    if (!loop_open() || !make_rundir() || !open_domains(evtchn)) {
        return false;
    }
    if (listener >= 0) {
        socket_adopt_listener(listener);
    } else if (!socket_listen(options.socket)) {
        return false;
    }
    open_rings(fresh);
    if (!fresh) {
        state_connect();
        domain_check_all();
        close(fd);
        unlink(options.state);
    }
    return true;
}

/* The parent ends once the child serves, with its exit code; returns in the child. */
static int background(void)
{
    int ready[2];
    char ok = 1;
    pid_t pid;

    if (pipe2(ready, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        log_write(LOG_ERROR, "fork: %s", strerror(errno));
        exit(1);
    }
    if (pid > 0) {
        close(ready[1]);
        _exit(read(ready[0], &ok, 1) == 1 ? ok : 1);
    }
    close(ready[0]);
    setsid();
    return ready[1];
}

static void leave_terminal(int ready)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char ok = 0;

    if (chdir("/") != 0 || null < 0) {
        log_write(LOG_WARN, "/dev/null: %s", strerror(errno));
    }
    log_detach();
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    if (null > 2) {
        close(null);
    }
    if (write(ready, &ok, 1) != 1) {
        log_write(LOG_WARN, "the starting process is gone");
    }
    close(ready);
}

static void write_pid(void)
{
    FILE *file = fopen(options.pid_file, "we");

    if (!file) {
        log_write(LOG_WARN, "%s: %s", options.pid_file, strerror(errno));
        return;
    }
    fprintf(file, "%d\n", getpid());
    fclose(file);
}

/* Becomes a new process image with the same number, descriptors and state. */
static void run_anew(void)
{
    static const char gone[] = " (deleted)"; /* a newer one lies at the same place */
    char number[16], *argv[64], program[512] = "";
    int fd = memfd_create("stored", 0), n = 0;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (fd < 0 || !state_save(fd, true)) {
        log_write(LOG_ERROR, "restart: the state cannot be written, going on as before");
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    snprintf(number, sizeof(number), "%d", fd);
    argv[n++] = options.argv[0];
    for (int i = 1; options.argv[i] && n < 60; i++) {
        if (strcmp(options.argv[i], "--state-fd") == 0) {
            i += options.argv[i + 1] != NULL;
        } else if (strcmp(options.argv[i], "--restart") != 0) {
            argv[n++] = options.argv[i];
        }
    }
    argv[n++] = "--state-fd";
    argv[n++] = number;
    argv[n] = NULL;
    if (length > (ssize_t)strlen(gone) &&
        strcmp(program + length - strlen(gone), gone) == 0) {
        program[length - (ssize_t)strlen(gone)] = '\0';
    }
    execv(program, argv);
    log_write(LOG_ERROR, "restart: %s, going on as before", strerror(errno));
    close(fd);
}

static void leave(void)
{
    int fd = open(options.state, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || !state_save(fd, false)) {
        log_write(LOG_WARN, "%s: the state could not be written", options.state);
    }
    unlink(options.socket);
    unlink(options.pid_file);
}

int main(int argc, char **argv)
{
    int ready = -1;

    if (!parse(argc, argv)) {
        return 2;
    }
    if (!log_open(options.log_file, options.verbose)) {
        fprintf(stderr, "stored: %s: %s\n", options.log_file, strerror(errno));
        return 1;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!options.foreground && options.state_fd < 0) {
        ready = background();
    }
    if (!start()) {
        return 1;
    }
    write_pid();
    if (ready >= 0) {
        leave_terminal(ready);
    } else if (!options.foreground) {
        log_detach();
    }
    while (loop_run() == LOOP_RESTART) {
        loop_drain();
        run_anew();
    }
    loop_drain();
    leave();
    return 0;
}
