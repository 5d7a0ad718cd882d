/* SPDX-License-Identifier: MIT */
/*
 * The .xz container: stream header, blocks (header, LZMA2 data, padding, check), index, footer.
 * Filters: LZMA2 alone, or x86 call filter and LZMA2. Checks: none, CRC32, CRC64. One stream.
 *
 * The x86 filter made the targets of CALL and JMP absolute, so that equal targets look alike; we
 * turn them back in place, after a whole block is unpacked.
 */
#include "crc.h"
#include "decompress.h"
#include "lzma2.h"
#include <public/errno.h>

struct xz_work {
    struct crc32_tables crc32;
    struct crc64_tables crc64;
    struct lzma2 lzma2;
};
_Static_assert(sizeof(struct xz_work) <= DECOMPRESS_WORK_SIZE, "work area");

struct xz {
    struct xz_work *w;
    const uint8_t *in, *end;
    uint8_t *out, *out_end;
    uint8_t check;          /* 0 none, 1 CRC32, 4 CRC64 */
    uint64_t blocks, sizes; /* number of blocks; what the index must repeat, summed up */
};

struct block {
    bool x86;
    uint32_t x86_start;
    uint64_t packed, unpacked; /* UINT64_MAX: not stated */
};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool crc32_is(struct xz *x, const uint8_t *data, size_t len, const uint8_t *stored)
{
    return crc32_update(&x->w->crc32, 0, data, len) == le32(stored);
}

/* Number of seven bits a byte; false past `end` or above 63 bits. */
static bool get_vli(const uint8_t **p, const uint8_t *end, uint64_t *n)
{
    *n = 0;
    for (unsigned shift = 0; shift < 63 && *p < end; shift += 7) {
        uint8_t b = *(*p)++;

        *n |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            return b != 0 || shift == 0;
        }
    }
    return false;
}

static bool is_sign_byte(uint8_t b)
{
    return b == 0x00 || b == 0xff;
}

/* Position of the next E8 or E9 at or after i, eight bytes at a step; `end` if there is none. */
static inline size_t next_branch(const uint8_t *buf, size_t i, size_t end)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t w;

    for (; i + 8 <= end; i += 8) {
        __builtin_memcpy(&w, buf + i, 8);
        w = (w & (ones * 0xfe)) ^ (ones * 0xe8);
        w = (w - ones) & ~w & (ones * 0x80);
        if (w != 0) {
            return i + (size_t)__builtin_ctzll(w) / 8;
        }
    }
    for (; i < end && (buf[i] & 0xfe) != 0xe8; i++) {
    }
    return i;
}

/*
 * `seen` has bit k-1 set when k bytes before i there is an opcode byte that was left alone. The
 * packer did not touch a branch whose operand overlaps more than one such byte, or one whose top
 * bytes are not a sign extension.
 */
static void x86_unfilter(uint8_t *buf, size_t size, uint32_t start)
{
    size_t end = size < 5 ? 0 : size - 4, last = 0, i = 0;
    unsigned seen = 0, k;

    while ((i = next_branch(buf, i, end)) < end) {
        size_t gap = i - last;
        uint32_t target, back;

        seen = gap > 3 || gap == 0 ? 0 : (seen << (gap - 1)) & 7;
        k = seen == 0 ? 0 : 1 + (unsigned)__builtin_ctz(seen);
        last = i;
        if ((seen & (seen - 1)) != 0 || (k != 0 && is_sign_byte(buf[i + 4 - k])) ||
            !is_sign_byte(buf[i + 4])) {
            seen = (seen << 1 | 1) & 7;
            i++;
            continue;
        }
        target = le32(buf + i + 1);
        for (;;) {
            back = target - (start + (uint32_t)i + 5);
            if (k == 0 || !is_sign_byte((uint8_t)(back >> (24 - 8 * k)))) {
                break;
            }
            target = back ^ ((1u << (32 - 8 * k)) - 1);
        }
        back = (back & 0x1ffffff) | (0u - (back & 0x1000000));
        __builtin_memcpy(buf + i + 1, &back, 4);
        i += 5;
        seen = 0;
    }
}

/* One entry of the filter chain; `final` is the last, which must be LZMA2. */
static int parse_filter(const uint8_t **p, const uint8_t *end, bool final, struct block *b)
{
    uint64_t id, size;

    if (!get_vli(p, end, &id) || !get_vli(p, end, &size) || size > (uint64_t)(end - *p)) {
        return -XEN_EINVAL;
    }
    if (final) {
        if (id != 0x21 || size != 1 || **p > 40) {
            return id == 0x21 ? -XEN_EINVAL : -XEN_EOPNOTSUPP;
        }
    } else {
        if (id != 0x04 || (size != 0 && size != 4)) {
            return -XEN_EOPNOTSUPP;
        }
        b->x86 = true;
        b->x86_start = size == 4 ? le32(*p) : 0;
    }
    *p += size;
    return 0;
}

static int parse_block_header(struct xz *x, struct block *b)
{
    size_t size = ((size_t)x->in[0] + 1) * 4;
    const uint8_t *p = x->in + 2, *end = x->in + size - 4;
    unsigned flags, filters;
    int rc;

    *b = (struct block){.packed = UINT64_MAX, .unpacked = UINT64_MAX};
    if ((size_t)(x->end - x->in) < size || size < 8 || !crc32_is(x, x->in, size - 4, end)) {
        return -XEN_EINVAL;
    }
    flags = x->in[1];
    filters = (flags & 3) + 1;
    if ((flags & 0x3c) != 0 || filters > 2) {
        return -XEN_EOPNOTSUPP;
    }
    if (((flags & 0x40) && !get_vli(&p, end, &b->packed)) ||
        ((flags & 0x80) && !get_vli(&p, end, &b->unpacked))) {
        return -XEN_EINVAL;
    }
    for (unsigned i = 0; i < filters; i++) {
        rc = parse_filter(&p, end, i + 1 == filters, b);
        if (rc) {
            return rc;
        }
    }
    for (; p < end; p++) {
        if (*p != 0) {
            return -XEN_EINVAL;
        }
    }
    x->in += size;
    return 0;
}

static size_t check_size(uint8_t check)
{
    return check == 0 ? 0 : check == 1 ? 4 : 8;
}

static bool block_check(struct xz *x, const uint8_t *data, size_t len)
{
    uint64_t crc;

    if ((size_t)(x->end - x->in) < check_size(x->check)) {
        return false;
    }
    if (x->check == 1) {
        return crc32_is(x, data, len, x->in);
    }
    if (x->check == 4) {
        crc = crc64_update(&x->w->crc64, 0, data, len);
        return crc == ((uint64_t)le32(x->in + 4) << 32 | le32(x->in));
    }
    return true;
}

static int decode_block(struct xz *x)
{
    const uint8_t *header = x->in, *packed;
    uint8_t *data = x->out;
    struct block b;
    int rc = parse_block_header(x, &b);

    if (rc) {
        return rc;
    }
    packed = x->in;
    if (!lzma2_decode(&x->w->lzma2, &x->in, x->end, &x->out, x->out_end)) {
        return -XEN_EINVAL;
    }
    if ((b.packed != UINT64_MAX && b.packed != (uint64_t)(x->in - packed)) ||
        (b.unpacked != UINT64_MAX && b.unpacked != (uint64_t)(x->out - data))) {
        return -XEN_EINVAL;
    }
    x->blocks++;
    x->sizes += (uint64_t)(x->in - header) + check_size(x->check);
    x->sizes += (uint64_t)(x->out - data) << 1; /* so that the two cannot be exchanged */
    while ((x->in - header) % 4 != 0) {
        if (x->in >= x->end || *x->in++ != 0) {
            return -XEN_EINVAL;
        }
    }
    if (b.x86) {
        x86_unfilter(data, (size_t)(x->out - data), b.x86_start);
    }
    if (!block_check(x, data, (size_t)(x->out - data))) {
        return -XEN_EINVAL;
    }
    x->in += check_size(x->check);
    return 0;
}

/* The index lists the blocks again; the footer gives its length and repeats the flags. */
static bool check_index(struct xz *x, const uint8_t *stream_flags)
{
    const uint8_t *index = x->in, *p = x->in + 1, *end = x->end;
    uint64_t n, packed, unpacked, sizes = 0;

    if (!get_vli(&p, end, &n) || n != x->blocks) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!get_vli(&p, end, &packed) || !get_vli(&p, end, &unpacked)) {
            return false;
        }
        sizes += packed + (unpacked << 1);
    }
    while ((p - index) % 4 != 0) {
        if (p >= end || *p++ != 0) {
            return false;
        }
    }
    if (sizes != x->sizes || end - p < 16 || !crc32_is(x, index, (size_t)(p - index), p)) {
        return false;
    }
    p += 4;
    return crc32_is(x, p + 4, 6, p) && ((uint64_t)le32(p + 4) + 1) * 4 == (uint64_t)(p - index) &&
           p[8] == stream_flags[0] && p[9] == stream_flags[1] && p[10] == 'Y' && p[11] == 'Z';
}

int unxz(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len)
{
    static const uint8_t magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};
    const uint8_t *start = in;
    struct xz x = {.w = work,
                   .in = start + 12,
                   .end = start + in_len,
                   .out = out,
                   .out_end = (uint8_t *)out + out_len};
    int rc;

    if (work_len < sizeof(struct xz_work)) {
        return -XEN_ENOMEM;
    }
    crc32_init(&x.w->crc32);
    if (in_len < 32 || __builtin_memcmp(in, magic, 6) != 0 || start[6] != 0 ||
        !crc32_is(&x, start + 6, 2, start + 8)) {
        return -XEN_EINVAL;
    }
    x.check = start[7];
    if (x.check != 0 && x.check != 1 && x.check != 4) {
        return -XEN_EOPNOTSUPP;
    }
    if (x.check == 4) {
        crc64_init(&x.w->crc64);
    }
    while (x.in < x.end && *x.in != 0) {
        rc = decode_block(&x);
        if (rc) {
            return rc;
        }
    }
    if (x.in >= x.end || x.out != x.out_end || !check_index(&x, start + 6)) {
        return -XEN_EINVAL;
    }
    return 0;
}
