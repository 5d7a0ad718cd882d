/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 (IEEE 802.3) and CRC-64 (ECMA-182), reflected, eight bytes at a time. The tables are made
 * in the caller's memory.
 */
#ifndef LIB_CRC_H
#define LIB_CRC_H

#include <stddef.h>
#include <stdint.h>

struct crc32_tables {
    uint32_t t[8][256];
};

struct crc64_tables {
    uint64_t t[4][256];
};

void crc32_init(struct crc32_tables *c);
void crc64_init(struct crc64_tables *c);

/* crc: 0 to start, or the result so far */
uint32_t crc32_update(const struct crc32_tables *c, uint32_t crc, const void *data, size_t len);
uint64_t crc64_update(const struct crc64_tables *c, uint64_t crc, const void *data, size_t len);

#endif
