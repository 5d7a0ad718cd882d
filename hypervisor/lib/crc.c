/* SPDX-License-Identifier: MIT */
/*
 * Slicing: table k holds the remainder of a byte followed by k zero bytes, so that the bytes of a
 * word are looked up independently of each other and combined by XOR.
 */
#include "crc.h"

#define CRC32_POLY 0xEDB88320u
#define CRC64_POLY 0xC96C5795D7870F42ull

void crc32_init(struct crc32_tables *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;

        for (int bit = 0; bit < 8; bit++) {
            r = (r >> 1) ^ (CRC32_POLY & -(r & 1));
        }
        c->t[0][i] = r;
    }
    for (int k = 1; k < 8; k++) {
        for (int i = 0; i < 256; i++) {
            uint32_t r = c->t[k - 1][i];

            c->t[k][i] = (r >> 8) ^ c->t[0][r & 0xff];
        }
    }
}

void crc64_init(struct crc64_tables *c)
{
    for (uint64_t i = 0; i < 256; i++) {
        uint64_t r = i;

        for (int bit = 0; bit < 8; bit++) {
            r = (r >> 1) ^ (CRC64_POLY & -(r & 1));
        }
        c->t[0][i] = r;
    }
    for (int k = 1; k < 4; k++) {
        for (int i = 0; i < 256; i++) {
            uint64_t r = c->t[k - 1][i];

            c->t[k][i] = (r >> 8) ^ c->t[0][r & 0xff];
        }
    }
}

uint32_t crc32_update(const struct crc32_tables *c, uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t w;

        __builtin_memcpy(&w, p, 8);
        w ^= crc;
        crc = c->t[7][w & 0xff] ^ c->t[6][(w >> 8) & 0xff] ^ c->t[5][(w >> 16) & 0xff] ^
              c->t[4][(w >> 24) & 0xff] ^ c->t[3][(w >> 32) & 0xff] ^ c->t[2][(w >> 40) & 0xff] ^
              c->t[1][(w >> 48) & 0xff] ^ c->t[0][w >> 56];
    }
    for (; len > 0; len--) {
        crc = (crc >> 8) ^ c->t[0][(crc ^ *p++) & 0xff];
    }
    return ~crc;
}

uint64_t crc64_update(const struct crc64_tables *c, uint64_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; len >= 4; len -= 4, p += 4) {
        uint32_t w;

        __builtin_memcpy(&w, p, 4);
        w ^= (uint32_t)crc;
        crc = (crc >> 32) ^ c->t[3][w & 0xff] ^ c->t[2][(w >> 8) & 0xff] ^
              c->t[1][(w >> 16) & 0xff] ^ c->t[0][w >> 24];
    }
    for (; len > 0; len--) {
        crc = (crc >> 8) ^ c->t[0][(crc ^ *p++) & 0xff];
    }
    return ~crc;
}
