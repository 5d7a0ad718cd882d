/* SPDX-License-Identifier: MIT */
/*
 * Kinds of numbers that must not be mixed: a machine frame, a guest's frame, a machine address.
 * A gfn of a PV guest is the machine frame that it names; it becomes a struct page only by
 * arch_get_page(), which checks it. Processor sets are one word: MAX_CPUS is 64.
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} mfn_t;

typedef struct {
    uint64_t v;
} gfn_t;

typedef uint64_t paddr_t;   /* machine address in bytes */
typedef int64_t stime_t;    /* system time: ns since boot */
typedef uint64_t cpumask_t; /* bit n: processor n */

/* Short steps of the longest lists: a release puts them into callers in other files, too. */
#define HOT   inline __attribute__((always_inline))
#define APART __attribute__((noinline)) /* the long way out of one of them */

#define MFN(n)      ((mfn_t){(n)})
#define GFN(n)      ((gfn_t){(n)})
#define INVALID_MFN MFN(~0ULL)
#define INVALID_GFN GFN(~0ULL)

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define MAX_CPUS          64
#define MAX_VCPUS         64   /* of one domain */
#define MAX_DOMAINS       4096 /* alive at once, beside the special ones */
#define MAX_NODES         8
#define CPUMASK_ALL       (~0ULL)
#define SECONDS(n)        ((stime_t)(n)*1000000000LL)
#define MILLISECS(n)      ((stime_t)(n)*1000000LL)
#define MICROSECS(n)      ((stime_t)(n)*1000LL)
#define STIME_MAX         INT64_MAX

static inline paddr_t mfn_to_paddr(mfn_t m)
{
    return m.v << PAGE_SHIFT;
}

static inline mfn_t paddr_to_mfn(paddr_t p)
{
    return MFN(p >> PAGE_SHIFT);
}

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.v == b.v;
}

#endif
