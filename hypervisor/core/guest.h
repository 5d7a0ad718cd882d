/* SPDX-License-Identifier: MIT */
/*
 * The one door to guest memory. guest_ptr_t (public/xen.h) is an address in the current vcpu's
 * address space that nobody can dereference; these functions check that the whole range lies
 * outside the hypervisor's part and copy with faults caught. A handler copies its arguments in
 * once, checks the copy, and works on the copy.
 */
#ifndef CORE_GUEST_H
#define CORE_GUEST_H

#include <arch/guest.h>
#include <public/xen.h>
#include "core/types.h"

/* 0 or -EFAULT; on failure the destination may be partly written (guest_read zeroes the rest). */
int guest_read(void *dst, guest_ptr_t src, size_t len) __attribute__((warn_unused_result));
int guest_write(guest_ptr_t dst, const void *src, size_t len) __attribute__((warn_unused_result));
int guest_clear(guest_ptr_t dst, size_t len) __attribute__((warn_unused_result));
/* Is [p, p+len) a range that guest_read may try at all (canonical, not the hypervisor's)? */
bool guest_range_ok(guest_ptr_t p, size_t len);

static inline bool guest_ptr_null(guest_ptr_t p)
{
    return p.va == 0;
}

/* Address of element i of an array of objects of this size; saturates so that the copy fails. */
static inline guest_ptr_t guest_index(guest_ptr_t p, uint64_t i, size_t size)
{
    uint64_t off;

    if (__builtin_mul_overflow(i, (uint64_t)size, &off) ||
        __builtin_add_overflow(p.va, off, &p.va)) {
        p.va = 0xffff800000000000ULL; /* the hypervisor's: refused */
    }
    return p;
}

/* The same; a small size that the compiler knows goes without a call. */
static inline __attribute__((always_inline, warn_unused_result)) int
guest_read_small(void *dst, guest_ptr_t src, size_t len)
{
    if (__builtin_constant_p(len) && __builtin_expect(arch_guest_load(dst, src, len), 1)) {
        return 0;
    }
    return guest_read(dst, src, len);
}

static inline __attribute__((always_inline, warn_unused_result)) int
guest_write_small(guest_ptr_t dst, const void *src, size_t len)
{
    if (__builtin_constant_p(len) && __builtin_expect(arch_guest_store(dst, src, len), 1)) {
        return 0;
    }
    return guest_write(dst, src, len);
}

/* Typed helpers: the size comes from the object. */
#define guest_get(obj, p)        guest_read_small((obj), (p), sizeof(*(obj)))
#define guest_put(p, obj)        guest_write_small((p), (obj), sizeof(*(obj)))
#define guest_get_at(obj, p, i) \
    guest_read_small((obj), guest_index((p), (i), sizeof(*(obj))), sizeof(*(obj)))
#define guest_put_at(p, i, obj) \
    guest_write_small(guest_index((p), (i), sizeof(*(obj))), (obj), sizeof(*(obj)))

#endif
