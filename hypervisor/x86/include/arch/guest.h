/* SPDX-License-Identifier: MIT */
/*
 * Small objects of known size between the hypervisor and the guest whose address space is loaded,
 * without a call: the range is checked and clamped as in x86/mm/guest_copy.c, then each word is
 * one instruction that may fault. Whoever gets false calls guest_read or guest_write, which begin
 * anew and know what to do about faults.
 */
#ifndef ARCH_GUEST_H
#define ARCH_GUEST_H

#include <public/xen.h>
#include "x86/mm/layout.h"

#define ARCH_GUEST_MAX 72 /* the frame of the iret call */

extern bool smap_for_pv; /* x86/cpu/cpu.c */

/* The end of the lower half of a canonical address space. */
#define GUEST_LOW_END 0x0000800000000000ULL

/*
 * The same address, or all ones if it lies between the low half and the guest's high half; no
 * branch, so it holds in speculation too.
 */
static inline void *guest_clamp(uint64_t va)
{
    uint64_t mask;

    __asm__("cmp %2, %1\n\tsbb %0, %0"
            : "=r"(mask)
            : "r"(va - GUEST_LOW_END), "r"((uint64_t)(HV_VIRT_END - GUEST_LOW_END))
            : "cc");
    return (void *)(va | mask);
}

#define GUEST_FAULT_TO                                                                             \
    "\n.pushsection .ex_table, \"a\"\n.balign 4\n.long 1b - .\n.long %l2 - .\n.popsection"

#define GUEST_ACCESSORS(bits)                                                                      \
    static inline bool guest_load_##bits(void *to, const char *from)                               \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
                                                                                                   \
        __asm__ goto("1: mov %1, %0" GUEST_FAULT_TO                                                \
                     : "=r"(v)                                                                     \
                     : "m"(*(const uint##bits##_t *)(const void *)from)                            \
                     :                                                                             \
                     : fault);                                                                     \
        __builtin_memcpy(to, &v, sizeof(v));                                                       \
        return true;                                                                               \
    fault:                                                                                         \
        return false;                                                                              \
    }                                                                                              \
    static inline bool guest_store_##bits(char *to, const void *from)                              \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
                                                                                                   \
        __builtin_memcpy(&v, from, sizeof(v));                                                     \
        __asm__ goto("1: mov %0, %1" GUEST_FAULT_TO                                                \
                     :                                                                             \
                     : "r"(v), "m"(*(uint##bits##_t *)(void *)to)                                  \
                     : "memory"                                                                    \
                     : fault);                                                                     \
        return true;                                                                               \
    fault:                                                                                         \
        return false;                                                                              \
    }
GUEST_ACCESSORS(64)
GUEST_ACCESSORS(32)
GUEST_ACCESSORS(16)
GUEST_ACCESSORS(8)

static inline bool guest_small_ok(uint64_t va, size_t len)
{
    return va <= GUEST_LOW_END - len || (va >= HV_VIRT_END && va < -(uint64_t)len);
}

#define GUEST_WORD(op, bits, to, from, at)                                                         \
    if (good_) {                                                                                   \
        good_ = op##_##bits((to) + (at), (from) + (at));                                           \
    }

/* All of it by words, the rest by one each of 4, 2 and 1 bytes: all conditions are constants. */
#define GUEST_WORDS(op, to, from, len)                                                             \
    ({                                                                                             \
        bool good_ = true;                                                                         \
        if (__builtin_expect(smap_for_pv, 0)) {                                                    \
            __asm__ volatile("stac" : : : "memory");                                               \
        }                                                                                          \
        if ((len) >= 8) {                                                                          \
            GUEST_WORD(op, 64, to, from, 0)                                                        \
        }                                                                                          \
        if ((len) >= 16) {                                                                         \
            GUEST_WORD(op, 64, to, from, 8)                                                        \
        }                                                                                          \
        if ((len) >= 24) {                                                                         \
            GUEST_WORD(op, 64, to, from, 16)                                                       \
        }                                                                                          \
        if ((len) >= 32) {                                                                         \
            GUEST_WORD(op, 64, to, from, 24)                                                       \
        }                                                                                          \
        if ((len) >= 40) {                                                                         \
            GUEST_WORD(op, 64, to, from, 32)                                                       \
        }                                                                                          \
        if ((len) >= 48) {                                                                         \
            GUEST_WORD(op, 64, to, from, 40)                                                       \
        }                                                                                          \
        if ((len) >= 56) {                                                                         \
            GUEST_WORD(op, 64, to, from, 48)                                                       \
        }                                                                                          \
        if ((len) >= 64) {                                                                         \
            GUEST_WORD(op, 64, to, from, 56)                                                       \
        }                                                                                          \
        if ((len) >= 72) {                                                                         \
            GUEST_WORD(op, 64, to, from, 64)                                                       \
        }                                                                                          \
        if ((len) & 4) {                                                                           \
            GUEST_WORD(op, 32, to, from, (len) & ~7UL)                                             \
        }                                                                                          \
        if ((len) & 2) {                                                                           \
            GUEST_WORD(op, 16, to, from, (len) & ~3UL)                                             \
        }                                                                                          \
        if ((len) & 1) {                                                                           \
            GUEST_WORD(op, 8, to, from, (len) & ~1UL)                                              \
        }                                                                                          \
        if (__builtin_expect(smap_for_pv, 0)) {                                                    \
            __asm__ volatile("clac" : : : "memory");                                               \
        }                                                                                          \
        good_;                                                                                     \
    })

static inline __attribute__((always_inline)) bool arch_guest_load(void *dst, guest_ptr_t src,
                                                                  size_t len)
{
    char *to = dst;
    const char *from = guest_clamp(src.va);

    return len <= ARCH_GUEST_MAX && guest_small_ok(src.va, len) &&
           GUEST_WORDS(guest_load, to, from, len);
}

static inline __attribute__((always_inline)) bool arch_guest_store(guest_ptr_t dst,
                                                                   const void *src, size_t len)
{
    char *to = guest_clamp(dst.va);
    const char *from = src;

    return len <= ARCH_GUEST_MAX && guest_small_ok(dst.va, len) &&
           GUEST_WORDS(guest_store, to, from, len);
}

#endif
