/* SPDX-License-Identifier: MIT */
/*
 * One row per struct, field or constant of the public interface. Two translation units build the
 * same table, one from our headers and one from the reference package; the test compares them.
 */
#ifndef TEST_ABI_TABLE_H
#define TEST_ABI_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct abi_row {
    const char *name;
    uint64_t value; /* size of a struct, offset of a field, value of a constant */
    uint64_t size;  /* of a field, else 0 */
    const char *text;
};

#define T(s)    {"struct " #s, sizeof(struct s), 0, NULL},
#define F(s, f) {#s "." #f, offsetof(struct s, f), sizeof(((struct s *)0)->f), NULL},
#define O(s, f) {#s "." #f, offsetof(struct s, f), 0, NULL},
#define C(n)    {#n, (uint64_t)(n), 0, NULL},
#define S(n)    {#n, 0, 0, n},

extern const struct abi_row abi_ours[];
extern const size_t abi_ours_count;
extern const struct abi_row abi_reference[];
extern const size_t abi_reference_count;

#endif
