/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in the legacy frame that kernels use: a magic number, then blocks, each with its packed
 * size in four bytes and up to 8 MiB of output. A block is a series of (literals, match).
 */
#include "decompress.h"
#include <public/errno.h>
#include <stdbool.h>

#define LZ4_MAGIC     0x184c2102u
#define LZ4_BLOCK_MAX (8u << 20)

struct lz4 {
    const uint8_t *in, *in_end;
    uint8_t *start, *out, *out_end; /* of this block */
};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A length of 15 goes on in bytes of 255. */
static bool long_length(struct lz4 *s, size_t *len)
{
    uint8_t b;

    do {
        if (s->in == s->in_end) {
            return false;
        }
        b = *s->in++;
        *len += b;
    } while (b == 255);
    return true;
}

static bool unlz4_block(struct lz4 *s)
{
    while (s->in < s->in_end) {
        uint8_t token = *s->in++;
        size_t len = token >> 4, dist;
        const uint8_t *from;

        if ((len == 15 && !long_length(s, &len)) || len > (size_t)(s->in_end - s->in) ||
            len > (size_t)(s->out_end - s->out)) {
            return false;
        }
        __builtin_memcpy(s->out, s->in, len);
        s->in += len;
        s->out += len;
        if (s->in == s->in_end) { /* the last series has no match */
            return true;
        }
        if (s->in_end - s->in < 2) {
            return false;
        }
        dist = s->in[0] | (size_t)s->in[1] << 8;
        s->in += 2;
        len = token & 15;
        if ((len == 15 && !long_length(s, &len)) || dist == 0 ||
            dist > (size_t)(s->out - s->start) || len + 4 > (size_t)(s->out_end - s->out)) {
            return false;
        }
        from = s->out - dist;
        for (len += 4; len > 0; len--) {
            *s->out++ = *from++;
        }
    }
    return false;
}

int unlz4(void *out, size_t out_len, const void *in, size_t in_len)
{
    const uint8_t *p = in, *end = p + in_len;
    uint8_t *o = out, *o_end = o + out_len;

    if (in_len < 8 || le32(p) != LZ4_MAGIC) {
        return -XEN_EINVAL;
    }
    for (p += 4; o < o_end && end - p >= 4;) {
        uint32_t size = le32(p);
        struct lz4 s;

        p += 4;
        if (size == LZ4_MAGIC) { /* frames may follow each other */
            continue;
        }
        if (size == 0 || size > (size_t)(end - p)) {
            return -XEN_EINVAL;
        }
        s = (struct lz4){p, p + size, o, o, o_end};
        if ((size_t)(o_end - o) > LZ4_BLOCK_MAX) {
            s.out_end = o + LZ4_BLOCK_MAX;
        }
        if (!unlz4_block(&s)) {
            return -XEN_EINVAL;
        }
        p += size;
        o = s.out;
    }
    return o == o_end ? 0 : -XEN_EINVAL;
}
