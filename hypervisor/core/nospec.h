/* SPDX-License-Identifier: MIT */
/*
 * An index from a guest that passed its check is clamped before it is used, so that a processor
 * that runs ahead of the check reads element 0 and not memory of its choice.
 */
#ifndef CORE_NOSPEC_H
#define CORE_NOSPEC_H

#include <stdint.h>

/* i if i < n, else 0, without a branch. */
static inline uint64_t index_nospec(uint64_t i, uint64_t n)
{
    int64_t mask;

    __asm__ volatile("" : "+r"(i)); /* the compiler must not know that i < n */
    mask = ~(int64_t)(i | (n - 1 - i)) >> 63;
    return i & (uint64_t)mask;
}

#endif
