/* SPDX-License-Identifier: MIT */
/*
 * Loading in a process of its own. A page of another domain costs a PV dom0 more to unmap than to
 * map and fill: each entry is cleared by a write that the hypervisor must emulate. A process that
 * ends drops its tables as a whole, at a tenth of that. The child sends no signal when it ends,
 * calls nothing but system calls, and leaves its result on a page that both share.
 */
#include "pv.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../internal.h"

struct outcome {
    int rc;
    char error[sizeof(((struct ctrl *)0)->error)];
};

static _Noreturn void child(struct pv_builder *b, int (*work)(struct pv_builder *b),
                            struct outcome *outcome, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    b->short_lived = true;
    outcome->rc = work(b);
    memcpy(outcome->error, b->h->error, sizeof(outcome->error));
    _exit(0);
}

static void wait_child(struct ctrl *h, pid_t pid)
{
    int status;

    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
        if (ctrl_cancelled(h)) {
            kill(pid, SIGKILL);
        }
    }
}

int pv_in_child(struct pv_builder *b, int (*work)(struct pv_builder *b))
{
    struct outcome *outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t parent = getpid(), pid;
    int rc;

    if (outcome == MAP_FAILED) {
        return ctrl_no_memory(b->h);
    }
    outcome->rc = -EINTR;
    strcpy(outcome->error, "interrupted while the kernel was loaded");
    pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        child(b, work, outcome, parent);
    }
    if (pid < 0) {
        munmap(outcome, sizeof(*outcome));
        return work(b);
    }
    wait_child(b->h, pid);
    rc = outcome->rc;
    if (rc < 0) {
        memcpy(b->h->error, outcome->error, sizeof(outcome->error));
    }
    munmap(outcome, sizeof(*outcome));
    return rc;
}
