/* SPDX-License-Identifier: MIT */
/*
 * Sets of small numbers as arrays of 64-bit words. Nothing here is atomic, except what says so.
 * All searches return `bits` when nothing is found.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits)         (((bits) + 63) / 64)
#define BITMAP_DECLARE(name, bits) uint64_t name[BITMAP_WORDS(bits)]

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ULL << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ULL << (bit % 64));
}

/* Returns the old value. */
static inline bool bitmap_test_and_set_atomic(uint64_t *map, size_t bit)
{
    uint64_t mask = 1ULL << (bit % 64);

    return __atomic_fetch_or(&map[bit / 64], mask, __ATOMIC_SEQ_CST) & mask;
}

static inline bool bitmap_test_and_clear_atomic(uint64_t *map, size_t bit)
{
    uint64_t mask = 1ULL << (bit % 64);

    return __atomic_fetch_and(&map[bit / 64], ~mask, __ATOMIC_SEQ_CST) & mask;
}

static inline void bitmap_zero(uint64_t *map, size_t bits)
{
    for (size_t i = 0; i < BITMAP_WORDS(bits); i++) {
        map[i] = 0;
    }
}

static inline void bitmap_set_range(uint64_t *map, size_t start, size_t count)
{
    for (size_t i = start; i < start + count; i++) {
        bitmap_set(map, i);
    }
}

static inline void bitmap_clear_range(uint64_t *map, size_t start, size_t count)
{
    for (size_t i = start; i < start + count; i++) {
        bitmap_clear(map, i);
    }
}

/* First bit at or after `from` that differs from the pattern `flip` (0: set, ~0: clear). */
static inline size_t bitmap_scan(const uint64_t *map, size_t bits, size_t from, uint64_t flip)
{
    while (from < bits) {
        uint64_t word = (map[from / 64] ^ flip) >> (from % 64);

        if (word != 0) {
            from += (size_t)__builtin_ctzll(word);
            return from < bits ? from : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

static inline size_t bitmap_next(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_scan(map, bits, from, 0);
}

static inline size_t bitmap_next_zero(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_scan(map, bits, from, ~0ULL);
}

static inline size_t bitmap_first(const uint64_t *map, size_t bits)
{
    return bitmap_next(map, bits, 0);
}

static inline size_t bitmap_first_zero(const uint64_t *map, size_t bits)
{
    return bitmap_next_zero(map, bits, 0);
}

static inline bool bitmap_empty(const uint64_t *map, size_t bits)
{
    return bitmap_first(map, bits) == bits;
}

static inline bool bitmap_full(const uint64_t *map, size_t bits)
{
    return bitmap_first_zero(map, bits) == bits;
}

static inline size_t bitmap_weight(const uint64_t *map, size_t bits)
{
    size_t n = 0;

    for (size_t i = bitmap_first(map, bits); i < bits; i = bitmap_next(map, bits, i + 1)) {
        n++;
    }
    return n;
}

#define bitmap_for_each(i, map, bits)                                                              \
    for ((i) = bitmap_first(map, bits); (i) < (bits); (i) = bitmap_next(map, bits, (i) + 1))

#endif
