/* SPDX-License-Identifier: MIT */
/*
 * What a test in dom0's place asks of domctl and sysctl: short forms of the calls that the tests
 * of several domains share, the machine's free memory, and time.
 */
#ifndef GUEST_DOMCTL_H
#define GUEST_DOMCTL_H

#include <public/domctl.h>
#include <public/sysctl.h>
#include "guest.h"
#include "time.h"

#define GP(p) ((guest_ptr_t){(uint64_t)(p)})

/* more errno values of the ABI */
#define E_2BIG    (-7L)
#define E_AGAIN   (-11L)
#define E_ACCES   (-13L)
#define E_XDEV    (-18L)
#define E_RANGE   (-34L)
#define E_NODATA  (-61L)
#define E_RESTART (-85L)

/* Fills in command, version and domain; the call goes again while it is asked to. */
long domctl(uint32_t cmd, domid_t domain, struct xen_domctl *op);
long sysctl(uint32_t cmd, struct xen_sysctl *op);

extern struct xen_domctl_createdomain domain_config; /* what domain_create() asks for */
/* A domain without memory. *id: wanted (0: any) and given. */
long domain_create(domid_t *id, unsigned max_vcpus);
long domain_vcpus(domid_t id, unsigned max_vcpus);
long domain_max_kib(domid_t id, uint64_t kib);
/* Frames pfn .. pfn + n - 1 of the domain; their machine frames go to mfns[]. */
long domain_populate(domid_t id, uint64_t pfn, uint64_t n, uint64_t *mfns);
long domain_simple(uint32_t cmd, domid_t id); /* pause, unpause, destroy, resume */
long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info); /* this one or -ESRCH */
/* Kills the domain and waits until its number is free: 0, or -EBUSY after a second. */
long domain_destroy(domid_t id);
long domain_pin_cpu(domid_t id, unsigned vcpu, uint64_t cpus); /* hard affinity */
long domain_weight(domid_t id, unsigned weight, unsigned cap);
uint64_t domain_cpu_ns(domid_t id);
unsigned domain_count(void);

uint64_t free_pages(void); /* of the machine, with those that wait for scrubbing */
/* Does it come up to this within a second? Domains are taken apart in the background. */
bool free_pages_reach(uint64_t wanted);
/* The hypervisor's own heap grows and shrinks by some pages. */
#define HEAP_SLACK 64
unsigned nr_cpus(void);
void sleep_ms(unsigned ms);

#endif
