/* SPDX-License-Identifier: MIT */
/*
 * A second domain for tests: a kernel in dom0's place builds a child from a copy of its own image.
 * The child has the same addresses; it starts at a function of the test (its child_main) with a
 * start_info, a p2m and page tables as a domain builder would make them, and shares one page,
 * struct comm, with the parent, which maps it as a foreign frame. What the child prints goes into
 * that page, and the parent's child_wait() puts it on the console.
 *
 * The image is copied as it is when the child is built: static variables have their values of then.
 * The child must not touch the parent's `struct child`.
 */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include "domctl.h"

#define CHILD_PAGES     1024 /* 4 MiB, when nothing else is asked for */
#define CHILD_MAX_PAGES 8192
#define CHILD_SLOTS     8 /* children with a mapped comm page at once */
#define CHILD_TEXT      2048

enum child_state { CHILD_NEW, CHILD_RUNS, CHILD_DONE };

struct comm {
    volatile uint32_t state;   /* enum child_state */
    volatile uint32_t verdict; /* enum verdict, when done */
    volatile uint32_t step;    /* the child's progress */
    volatile uint32_t order;   /* the parent's wish */
    volatile uint64_t arg[32]; /* from the parent */
    volatile uint64_t out[32]; /* from the child */
    volatile uint32_t printed; /* bytes of text[] */
    char text[CHILD_TEXT];
};

struct child {
    domid_t id;
    unsigned slot, pages, vcpus;
    uint64_t root; /* machine frame of the L4 table */
    uint64_t start_info, free_pfn;
    struct comm *comm;
    uint64_t mfns[CHILD_MAX_PAGES];
};

extern struct comm *comm; /* in the child: its own page */
extern bool is_child;

/*
 * Makes the domain, paused, ready to run entry(). pages 0: CHILD_PAGES. What fails ends the
 * test with ERROR.
 */
void child_build(struct child *c, enum verdict (*entry)(void), unsigned pages, unsigned vcpus);
/* The steps of child_build(), for tests that do one of them wrongly. */
void child_make(struct child *c, unsigned pages, unsigned vcpus); /* domain, memory, image */
void child_context(const struct child *c, enum verdict (*entry)(void), vcpu_guest_context_t *ctx);
long child_set_context(const struct child *c, unsigned vcpu, vcpu_guest_context_t *ctx);

/* The child's frame, through a window of the parent: one at a time, until the next call. */
void *child_map(const struct child *c, uint64_t pfn);
void child_unmap(void);

void child_run(struct child *c); /* unpause */
/* Until it is done or its domain has shut down; after ms milliseconds: false. */
bool child_wait(struct child *c, unsigned ms);
bool child_wait_step(struct child *c, unsigned step, unsigned ms);
void child_print(struct child *c); /* what it has printed */
/* Shut down by itself or killed? *reason: SHUTDOWN_*. */
bool child_is_shut(const struct child *c, unsigned *reason);
/* Waits for the end, expects verdict SUCCESS. */
void child_expect_success(struct child *c, unsigned ms);
long child_destroy(struct child *c);

/* In the child: */
void child_wait_order(unsigned order);
uint64_t child_free_pfn(void); /* first frame that nothing uses, up to nr_pages */

#endif
