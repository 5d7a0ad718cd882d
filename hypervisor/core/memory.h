/* SPDX-License-Identifier: MIT */
/*
 * memory_op: rows of operation, handler and who may call. The command word holds the operation in
 * its low six bits and above them where a preempted call goes on.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <public/memory.h>
#include "core/hypercall.h"

#define MEMOP_BITS 6
#define MEMOP_MASK ((1u << MEMOP_BITS) - 1)

/* Largest order in one step: the work between two looks at preempt_needed() is bounded by it. */
#define MEM_ORDER_GUEST    9
#define MEM_ORDER_HARDWARE 12

struct memory_call {
    guest_ptr_t arg;
    uint64_t start; /* of a continued call, 0 at first */
    uint64_t cmd;   /* the operation alone */
};

typedef long (*memory_fn)(const struct memory_call *c);

unsigned memory_max_order(const struct domain *caller);
/* A domain that the caller may act on (DOMID_SELF too), referenced; *rc: -ESRCH or -EPERM. */
struct domain *memory_target(domid_t id, long *rc);
/* What mem_flags ask of the allocator: false if they cannot be served. */
struct memory_placement {
    unsigned width, flags;
    int node;
};
bool memory_placement_from(unsigned mem_flags, struct memory_placement *p);
/* Make the call again from `start` on. */
long memory_continue(const struct memory_call *c, uint64_t start);

/* memory.c */
long memory_reservation(const struct memory_call *c);
/* memory_exchange.c */
long memory_exchange(const struct memory_call *c);
/* memory_map.c */
long memory_current(const struct memory_call *c);
long memory_maximum(const struct memory_call *c);
long memory_max_gpfn(const struct memory_call *c);
long memory_claim(const struct memory_call *c);
long memory_acquire_resource(const struct memory_call *c);
long memory_add_to_physmap(const struct memory_call *c);
long memory_add_to_physmap_batch(const struct memory_call *c);
long memory_remove_from_physmap(const struct memory_call *c);
long memory_reserved_device_map(const struct memory_call *c);

#endif
