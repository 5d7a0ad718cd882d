/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table: number, name, handler, who may call, how many arguments. Sub-operations
 * of domctl, sysctl, memory_op, ... are tables of the same manner beside their objects: the
 * privilege check is always a column, never an `if` in a handler.
 */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include "core/domain.h"

/* Column "who may call" (core/access.c). */
typedef bool (*access_fn)(const struct domain *caller);
bool access_any(const struct domain *caller);
bool access_control(const struct domain *caller);  /* RIGHT_CONTROL */
bool access_hardware(const struct domain *caller); /* RIGHT_HARDWARE */
bool access_console(const struct domain *caller);
/* May the caller act on target (itself, or by RIGHT_CONTROL)? */
bool access_target(const struct domain *caller, const struct domain *target);

typedef long (*hypercall_fn)(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                             uint64_t a6);

struct hypercall_row {
    unsigned nr;
    const char *name;
    hypercall_fn fn;
    access_fn access;
    unsigned nr_args;
};

#define HYPERCALL_MAX 64

/* Rows that the machine adds: mmu_update, physdev_op, ... */
extern const struct hypercall_row arch_hypercalls[];
extern const unsigned arch_hypercall_count;

/* Built at start from the generic rows and arch_hypercalls[]; a missing row answers -ENOSYS. */
void hypercall_subsys_init(void);
/*
 * The handlers, behind gates where a row asks who calls; the machine's entry path and multicall
 * call them. When a handler asks to be continued, v->cont.pending is set, and they see to it that
 * the call is made again.
 */
extern hypercall_fn hypercall_table[HYPERCALL_MAX];

/* Save where we are: the call `nr` will be made again with these arguments. Returns 0. */
long hypercall_continue(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                        uint64_t a5, uint64_t a6);

#define GUEST_PTR(x) ((guest_ptr_t){(x)})

#endif
