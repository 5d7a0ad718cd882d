/* SPDX-License-Identifier: MIT */
/*
 * load SECONDS: keeps a kernel busy in the ways that trouble a hypervisor, and checks each answer.
 *
 * Each kind of work is a process of its own that repeats one round until the time is over: forks
 * (copy on write), page faults (fresh pages, protection changed under a signal handler), mappings
 * (a file seen through two of them), signals (timers, and a partner that answers), threads (locks,
 * thread-local data, floating point kept apart), clocks (that never go back on any processor).
 * A round returns false when an answer was wrong. The last line is `load: ok` or `load: FAILED`.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static unsigned rnd(void)
{
    static uint64_t state;

    if (state == 0) {
        state = (uint64_t)getpid() * 0x9e3779b97f4a7c15u + 1;
    }
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33);
}

/* --- forks ------------------------------------------------------------------------------------ */

static bool ends_with(pid_t pid, int wanted)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == wanted;
}

/* The child's writes stay in the child, and the parent's page is what it was. */
static bool round_fork(void)
{
    static uint64_t page[64][PAGE / 8];
    unsigned at = rnd() % 64;
    uint64_t mark = page[at][7] + 1;
    int code = (int)(rnd() % 100);
    pid_t pid;

    page[at][7] = mark;
    pid = fork();
    if (pid == 0) {
        bool same = page[at][7] == mark;

        for (unsigned i = 0; i < 64; i++) {
            page[i][7] = ~0ull;
        }
        _exit(same ? code : 127);
    }
    return pid > 0 && ends_with(pid, code) && page[at][7] == mark;
}

/* --- page faults ------------------------------------------------------------------------------ */

static sigjmp_buf refused;

static void on_fault(int sig)
{
    (void)sig;
    siglongjmp(refused, 1);
}

/* True when a write to address is refused by a signal. */
static bool write_faults(volatile char *address)
{
    if (sigsetjmp(refused, 1) != 0) {
        return true;
    }
    *address = 1;
    return false;
}

static bool round_fault(void)
{
    const size_t pages = 256;
    uint64_t *m = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    unsigned at = rnd() % (unsigned)pages;
    bool good = m != MAP_FAILED;

    if (!good) {
        return false;
    }
    signal(SIGSEGV, on_fault);
    for (size_t i = 0; i < pages; i++) {
        good = good && m[i * PAGE / 8] == 0; /* fresh pages hold zeroes */
        m[i * PAGE / 8] = i ^ 0x5a5a;
    }
    good = good && mprotect(m + (size_t)at * PAGE / 8, PAGE, PROT_READ) == 0 &&
           write_faults((char *)m + (size_t)at * PAGE) &&
           mprotect(m + (size_t)at * PAGE / 8, PAGE, PROT_READ | PROT_WRITE) == 0;
    for (size_t i = 0; i < pages; i++) {
        good = good && m[i * PAGE / 8] == (i ^ 0x5a5a);
    }
    return good && madvise(m, pages * PAGE, MADV_DONTNEED) == 0 && m[PAGE / 8] == 0 &&
           munmap(m, pages * PAGE) == 0 && write_faults((char *)m);
}

/* --- mappings --------------------------------------------------------------------------------- */

static bool round_map(void)
{
    const size_t size = 64 * PAGE;
    int fd = memfd_create("load", 0);
    char *a, *b;
    bool good;

    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        return false;
    }
    a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    good = a != MAP_FAILED && b != MAP_FAILED;
    for (size_t i = 0; good && i < size; i += PAGE) {
        a[i] = (char)(i / PAGE + 1);
        good = b[i] == (char)(i / PAGE + 1);
    }
    if (good) {
        char *c = mremap(a, size, 2 * size, MREMAP_MAYMOVE);

        good = c != MAP_FAILED && c[0] == 1 && munmap(c, 2 * size) == 0;
        good = munmap(b, size) == 0 && good;
    }
    close(fd);
    return good;
}

/* --- signals ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

/* A timer's signals arrive, and a partner that is told to end does. */
static bool round_signal(void)
{
    struct itimerval every = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    sigset_t usr1;
    pid_t pid;
    int got, status;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    signal(SIGALRM, on_tick);
    ticks = 0;
    setitimer(ITIMER_REAL, &every, NULL);
    while (ticks < 5) {
        pause();
    }
    setitimer(ITIMER_REAL, &off, NULL);
    pid = fork();
    if (pid == 0) {
        kill(getppid(), SIGUSR1);
        for (;;) {
            pause();
        }
    }
    if (pid < 0 || sigwait(&usr1, &got) != 0 || got != SIGUSR1) {
        return false;
    }
    kill(pid, SIGTERM);
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
}

/* --- threads ---------------------------------------------------------------------------------- */

#define THREADS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static unsigned turn, sum;
static __thread unsigned long own;

/* Threads take turns; between them each computes what only undisturbed registers get right. */
static void *thread(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;
    double x = id + 1.0;
    bool good = true;

    own = id * 1000ul;
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned k = 0; k < 2000; k++) {
            x = sqrt(x * x + 0.0);
        }
        pthread_mutex_lock(&lock);
        while (turn % THREADS != id) {
            pthread_cond_wait(&turn_changed, &lock);
        }
        turn++;
        sum++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&lock);
        own++;
    }
    good = own == id * 1000ul + 20 && fabs(x - (id + 1.0)) < 1e-9;
    return (void *)(uintptr_t)good;
}

static bool round_thread(void)
{
    pthread_t t[THREADS];
    bool good = true;

    turn = sum = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&t[i], NULL, thread, (void *)(uintptr_t)i) != 0) {
            return false;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result = NULL;

        good = pthread_join(t[i], &result) == 0 && result != NULL && good;
    }
    return good && sum == THREADS * 20;
}

/* --- clocks ----------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool round_clock(void)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    struct timespec ms = {0, 1000000};
    uint64_t last = now_ns(), start;

    for (int i = 0; i < 200; i++) {
        cpu_set_t set;
        uint64_t t;

        CPU_ZERO(&set);
        CPU_SET(i % cpus, &set);
        sched_setaffinity(0, sizeof(set), &set);
        t = now_ns();
        if (t < last) {
            printf("load: the clock went back by %llu ns\n", (unsigned long long)(last - t));
            return false;
        }
        last = t;
    }
    start = now_ns();
    nanosleep(&ms, NULL);
    return now_ns() - start >= 1000000;
}

/* --- all together ----------------------------------------------------------------------------- */

static const struct work {
    const char *name;
    bool (*round)(void);
} works[] = {
    {"fork", round_fork},     {"fault", round_fault},   {"map", round_map},
    {"signal", round_signal}, {"thread", round_thread}, {"clock", round_clock},
};
#define WORKS (sizeof(works) / sizeof(works[0]))

static int repeat(const struct work *w, unsigned seconds)
{
    uint64_t end = now_ns() + seconds * 1000000000ull;
    unsigned long rounds = 0;

    while (now_ns() < end) {
        if (!w->round()) {
            printf("load: %s: wrong in round %lu: %s\n", w->name, rounds, strerror(errno));
            fflush(stdout);
            return 1;
        }
        rounds++;
    }
    printf("load: %s: %lu rounds\n", w->name, rounds);
    fflush(stdout);
    return rounds == 0;
}

int main(int argc, char **argv)
{
    unsigned seconds = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
    pid_t pid[WORKS];
    bool good = true;

    if (seconds == 0) {
        fprintf(stderr, "usage: load SECONDS\n");
        return 2;
    }
    for (size_t i = 0; i < WORKS; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            _exit(repeat(&works[i], seconds));
        }
        good = pid[i] > 0 && good;
    }
    for (size_t i = 0; i < WORKS; i++) {
        good = ends_with(pid[i], 0) && good;
    }
    puts(good ? "load: ok" : "load: FAILED");
    return good ? 0 : 1;
}
