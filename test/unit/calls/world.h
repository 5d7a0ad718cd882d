/* SPDX-License-Identifier: MIT */
/*
 * A small world for tests of core/: 8 MiB of frames under the real page allocator, a few PV-like
 * domains, guest memory that is the test's own, and hypercalls made by a function call. A guest
 * pointer is a plain address; those in the first page fault, and so does the one set by the test.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/calls.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/grant.h"
#include "core/hypercall.h"
#include "core/memory.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define WORLD_FRAMES 2048
#define WORLD_FIRST  16 /* frames below are nobody's */

struct world_mapping {
    uint64_t host_addr;
    mfn_t mfn;
    bool writable;
};

extern struct vcpu *world_current;
extern unsigned world_kicks, world_wakes, world_pirqs;
extern uint64_t world_fault_at;     /* guest_write to this address fails; 0: none */
extern bool world_map_fails;        /* arch_grant_map answers -EINVAL */
extern struct world_mapping world_mapped[64];
extern unsigned world_nr_mapped;
extern unsigned world_preempt_after; /* preempt_needed() becomes true after so many guest reads */

void world_reset(void);
/* A domain with this number of vcpus and room for 1024 pages; it stays until world_reset(). */
struct domain *world_domain(domid_t id, uint32_t rights, unsigned vcpus);
void world_run_as(struct domain *d, unsigned vcpu);
/* One page of the domain's, by page_alloc_domain. */
struct page *world_page(struct domain *d);
void *world_va(const struct page *pg);
/* Make a call, and again as long as it asks to be continued. */
long world_call(hypercall_fn fn, uint64_t a1, uint64_t a2, uint64_t a3);
uint64_t world_random(void);

#define P(x) ((uint64_t)(uintptr_t)(x))

#endif
