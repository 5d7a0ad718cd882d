/* SPDX-License-Identifier: MIT */
/*
 * A machine under the test's control. Time stands still unless fake_run() lets it pass; a vcpu
 * that is put on a processor "runs" (it does nothing but use up time) until it is taken off. The
 * test itself runs on one more processor, FAKE_OUTSIDE, which no guest ever gets.
 * RAM is one reserved mapping; a frame costs something only once it is touched.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include "core/domain.h"

#define FAKE_OUTSIDE (MAX_CPUS - 1)
#define FAKE_MAX_MFN (1ULL << 28) /* 1 TiB */

extern stime_t fake_now;
extern unsigned fake_nr_cpus;
extern uint64_t fake_frames_cleared; /* by arch_clear_page */
extern uint64_t fake_frames_reused;  /* by arch_page_reused */
extern uint64_t fake_pages_freed;    /* by arch_page_freed */
extern unsigned fake_power_offs, fake_reboots;
extern jmp_buf *fake_exit;  /* where calls that never return go; NULL: abort */
extern int fake_step_fails; /* guest_ops.domain_create: fail with this */
extern const struct guest_ops fake_ops;
extern char fake_console[1 << 16]; /* all that was written, cut at the end */

/* Fresh state: `cpus` processors, `frames` free frames from `first` on; scheduler by name. */
void fake_start(unsigned cpus, uint64_t first, uint64_t frames, const char *cmdline);
/* Only clock and processors, no memory, no subsystem. */
void fake_reset(unsigned cpus);
/* Let `ns` pass: timers and softirqs run when they are due. */
void fake_run(stime_t ns);
/* Run what is pending now on all processors. */
void fake_settle(void);
/* A domain with that many vcpus, unpaused, all of them up; one reference is the table's alone. */
struct domain *fake_domain(domid_t id, unsigned vcpus, uint64_t max_pages);
/* Kill it to the end; it must be gone afterwards. */
void fake_kill(struct domain *d);

#endif
