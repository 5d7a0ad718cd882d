/* SPDX-License-Identifier: MIT */
/*
 * The tiny PV kernel that guest tests are written in. A test is one function, guest_main(); it
 * ends by returning a verdict or by one of the macros. The last line on the console is
 * `RESULT success|skip|error|failure`, and then the machine is switched off.
 *
 * It runs without a scheduler, in one address space, never uses IRET at ring 3, and has
 * interrupts (events) masked unless a test unmasks them.
 */
#ifndef GUEST_H
#define GUEST_H

#include <public/xen.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/lib.h"

enum verdict { SUCCESS, SKIP, ERROR, FAILURE };

extern start_info_t *start_info;
extern struct shared_info *shared_info; /* mapped by guest_start() */
enum verdict guest_main(void);
void finish(enum verdict v) __attribute__((noreturn));
void guest_map_shared_info(void);
/* A child domain (child.h) prints and ends by these instead of the console. */
extern void (*guest_sink)(const char *line, int n);
extern void (*guest_finish)(enum verdict v);

#define PAGE_SIZE  4096UL
#define PAGE_SHIFT 12
#define VIRT_BASE  0xffffffff80000000UL
#define VCPU_STACK 16384UL

void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The test's expectation; says file, line and both values when it does not hold. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            print("%s:%d: expected %s\n", __FILE__, __LINE__, #cond);                              \
            finish(FAILURE);                                                                       \
        }                                                                                          \
    } while (0)
#define CHECK_EQ(got, want)                                                                        \
    do {                                                                                           \
        long got_ = (long)(got), want_ = (long)(want);                                             \
        if (got_ != want_) {                                                                       \
            print("%s:%d: %s is %ld, expected %ld\n", __FILE__, __LINE__, #got, got_, want_);      \
            finish(FAILURE);                                                                       \
        }                                                                                          \
    } while (0)
/* As CHECK, but the test goes on, and fails at its end. */
extern unsigned failures;
#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            print("%s:%d: expected %s\n", __FILE__, __LINE__, #cond);                              \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)
#define EXPECT_EQ(got, want)                                                                       \
    do {                                                                                           \
        long got_ = (long)(got), want_ = (long)(want);                                             \
        if (got_ != want_) {                                                                       \
            print("%s:%d: %s is %ld (%#lx), expected %ld\n", __FILE__, __LINE__, #got, got_, got_, \
                  want_);                                                                          \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)
/* What the test itself needs and could not get. */
#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            print("%s:%d: could not set up: %s\n", __FILE__, __LINE__, #cond);                     \
            finish(ERROR);                                                                         \
        }                                                                                          \
    } while (0)

/* Any hypercall; pointers are passed as integers. */
static inline long hypercall(unsigned long nr, unsigned long a1, unsigned long a2,
                             unsigned long a3, unsigned long a4, unsigned long a5)
{
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "0"(nr)
                     : "rcx", "r11", "memory");
    return ret;
}
#define P(ptr)            ((unsigned long)(ptr))
#define HCALL1(nr, a)       hypercall(__HYPERVISOR_##nr, P(a), 0, 0, 0, 0)
#define HCALL2(nr, a, b)    hypercall(__HYPERVISOR_##nr, P(a), P(b), 0, 0, 0)
#define HCALL3(nr, a, b, c) hypercall(__HYPERVISOR_##nr, P(a), P(b), P(c), 0, 0)
#define HCALL4(nr, a, b, c, d) hypercall(__HYPERVISOR_##nr, P(a), P(b), P(c), P(d), 0)

/* errno values of the ABI that tests name */
#define E_PERM   (-1L)
#define E_NOENT  (-2L)
#define E_SRCH   (-3L)
#define E_NXIO   (-6L)
#define E_NOMEM  (-12L)
#define E_FAULT  (-14L)
#define E_BUSY   (-16L)
#define E_EXIST  (-17L)
#define E_NODEV  (-19L)
#define E_INVAL  (-22L)
#define E_NOSPC  (-28L)
#define E_NOSYS  (-38L)
#define E_TIME   (-62L)
#define E_OPNOTSUPP (-95L)

/* Frames: of the kernel's own numbering to the machine's and back. */
uint64_t pfn_to_mfn(uint64_t pfn);
uint64_t mfn_to_pfn(uint64_t mfn);
static inline uint64_t virt_to_pfn(const void *va)
{
    return ((uint64_t)va - VIRT_BASE) >> PAGE_SHIFT;
}
static inline uint64_t virt_to_mfn(const void *va)
{
    return pfn_to_mfn(virt_to_pfn(va));
}

#endif
