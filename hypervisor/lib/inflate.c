/* SPDX-License-Identifier: MIT */
/*
 * DEFLATE in a gzip wrapper. A code is looked up by the next ten bits; the few that are longer
 * are found by counting: codes of one length are consecutive numbers, so walking the lengths
 * tells where a code belongs. The bit buffer is filled eight bytes at a time; past the end of the
 * input it is filled with zeros, which are counted and found at the end.
 */
#include "crc.h"
#include "decompress.h"
#include <public/errno.h>
#include <stdbool.h>

#define FAST_BITS   10
#define MAX_BITS    15
#define MAX_SYMBOLS 288

struct huffman {
    uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length; 0: longer, or no code */
    uint16_t count[MAX_BITS + 1];
    uint16_t symbol[MAX_SYMBOLS]; /* in the order of their codes */
};

struct inflate_work {
    struct crc32_tables crc32;
    struct huffman lit, dist;
    uint8_t lengths[320];
};
_Static_assert(sizeof(struct inflate_work) <= DECOMPRESS_WORK_SIZE, "work area");

struct inflate {
    struct inflate_work *w;
    const uint8_t *in, *in_end;
    uint8_t *start, *out, *out_end;
    uint64_t bits;
    unsigned count;   /* bits in the buffer */
    unsigned missing; /* zero bytes that stand for input past the end */
};

static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t dist_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

/* At least 56 bits afterwards. */
static inline void refill(struct inflate *s)
{
    uint64_t w;

    if (s->in_end - s->in >= 8) {
        __builtin_memcpy(&w, s->in, 8);
        s->bits |= w << s->count;
        s->in += (63 - s->count) >> 3;
        s->count |= 56;
        return;
    }
    while (s->count < 56) {
        if (s->in < s->in_end) {
            s->bits |= (uint64_t)*s->in++ << s->count;
        } else {
            s->missing++;
        }
        s->count += 8;
    }
}

static inline unsigned take(struct inflate *s, unsigned n)
{
    unsigned v = (unsigned)(s->bits & ((1ULL << n) - 1));

    s->bits >>= n;
    s->count -= n;
    return v;
}

/*
 * Tables for n code lengths. The set of codes must be complete, or be a single code of length 1,
 * or be empty (then any use of it is an error).
 */
static bool build(struct huffman *h, const uint8_t *lengths, unsigned n)
{
    uint16_t next[MAX_BITS + 2] = {0}, offset[MAX_BITS + 2] = {0};
    int room = 1;

    __builtin_memset(h->fast, 0, sizeof(h->fast));
    __builtin_memset(h->count, 0, sizeof(h->count));
    for (unsigned i = 0; i < n; i++) {
        h->count[lengths[i]]++;
    }
    h->count[0] = 0;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        room = 2 * room - h->count[len];
        if (room < 0) {
            return false;
        }
        next[len + 1] = (uint16_t)((next[len] + h->count[len]) << 1);
        offset[len + 1] = (uint16_t)(offset[len] + h->count[len]);
    }
    if (room > 0 && offset[MAX_BITS + 1] > 1) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned len = lengths[i], code, r = 0;

        if (len == 0) {
            continue;
        }
        h->symbol[offset[len]++] = (uint16_t)i;
        code = next[len]++;
        for (unsigned b = 0; b < len; b++) { /* bits arrive highest first */
            r = r << 1 | (code >> b & 1);
        }
        for (; len <= FAST_BITS && r < 1u << FAST_BITS; r += 1u << len) {
            h->fast[r] = (uint16_t)(i << 4 | len);
        }
    }
    return true;
}

/* The next symbol, or -1. Needs 15 bits in the buffer. */
static inline int decode(struct inflate *s, const struct huffman *h)
{
    unsigned e = h->fast[s->bits & ((1u << FAST_BITS) - 1)];
    int code = 0, first = 0, index = 0;

    if (e != 0) {
        take(s, e & 15);
        return (int)(e >> 4);
    }
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        code |= (int)take(s, 1);
        if (code - first < h->count[len]) {
            return h->symbol[index + code - first];
        }
        index += h->count[len];
        first = (first + h->count[len]) << 1;
        code <<= 1;
    }
    return -1;
}

static bool copy_match(struct inflate *s, unsigned len, size_t dist)
{
    const uint8_t *from;

    if (dist > (size_t)(s->out - s->start) || len > (size_t)(s->out_end - s->out)) {
        return false;
    }
    from = s->out - dist;
    if (dist >= 8 && (size_t)(s->out_end - s->out) >= len + 8) {
        uint8_t *to = s->out;

        s->out += len;
        do {
            uint64_t w;

            __builtin_memcpy(&w, from, 8);
            __builtin_memcpy(to, &w, 8);
            from += 8;
            to += 8;
        } while (to < s->out);
        return true;
    }
    for (; len > 0; len--) {
        *s->out++ = *from++;
    }
    return true;
}

static bool inflate_codes(struct inflate *s)
{
    for (;;) {
        unsigned len;
        int sym;

        refill(s); /* 48 bits are the most that one match takes */
        sym = decode(s, &s->w->lit);
        if (sym < 256) {
            if (sym < 0 || s->out == s->out_end) {
                return false;
            }
            *s->out++ = (uint8_t)sym;
            continue;
        }
        if (sym == 256) {
            return s->missing <= 8;
        }
        if (sym > 285) {
            return false;
        }
        len = length_base[sym - 257] + take(s, length_extra[sym - 257]);
        sym = decode(s, &s->w->dist);
        if (sym < 0 || sym > 29 || s->missing > 8 ||
            !copy_match(s, len, dist_base[sym] + take(s, sym < 4 ? 0 : (unsigned)sym / 2 - 1))) {
            return false;
        }
    }
}

static bool inflate_stored(struct inflate *s)
{
    unsigned len;

    take(s, s->count & 7);
    refill(s);
    len = take(s, 16);
    if (take(s, 16) != (len ^ 0xffff)) {
        return false;
    }
    /* give whole bytes back; zeros past the end are not bytes that we could give */
    if (s->missing > 0) {
        return false;
    }
    s->in -= s->count / 8;
    s->bits = 0;
    s->count = 0;
    if (len > (size_t)(s->in_end - s->in) || len > (size_t)(s->out_end - s->out)) {
        return false;
    }
    __builtin_memcpy(s->out, s->in, len);
    s->in += len;
    s->out += len;
    return true;
}

static bool fixed_tables(struct inflate *s)
{
    uint8_t *l = s->w->lengths;

    __builtin_memset(l, 8, 144);
    __builtin_memset(l + 144, 9, 112);
    __builtin_memset(l + 256, 7, 24);
    __builtin_memset(l + 280, 8, 8);
    if (!build(&s->w->lit, l, 288)) {
        return false;
    }
    __builtin_memset(l, 5, 32);
    return build(&s->w->dist, l, 32);
}

/* The code lengths are themselves packed: with a code for lengths and runs. */
static bool dynamic_tables(struct inflate *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t *l = s->w->lengths;
    unsigned nlit, ndist, ncode, i, run;

    refill(s);
    nlit = take(s, 5) + 257;
    ndist = take(s, 5) + 1;
    ncode = take(s, 4) + 4;
    if (nlit > 286 || ndist > 30) {
        return false;
    }
    __builtin_memset(l, 0, 19);
    for (i = 0; i < ncode; i++) {
        refill(s);
        l[order[i]] = (uint8_t)take(s, 3);
    }
    if (!build(&s->w->lit, l, 19)) {
        return false;
    }
    for (i = 0; i < nlit + ndist;) {
        uint8_t value = 0;
        int sym;

        refill(s);
        sym = decode(s, &s->w->lit);
        if (sym < 0 || s->missing > 8 || (sym == 16 && i == 0)) {
            return false;
        }
        if (sym < 16) {
            l[i++] = (uint8_t)sym;
            continue;
        }
        value = sym == 16 ? l[i - 1] : 0;
        run = sym == 16 ? 3 + take(s, 2) : sym == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
        if (run > nlit + ndist - i) {
            return false;
        }
        __builtin_memset(l + i, value, run);
        i += run;
    }
    return l[256] != 0 && build(&s->w->lit, l, nlit) && build(&s->w->dist, l + nlit, ndist);
}

static bool inflate(struct inflate *s)
{
    unsigned final, type;
    bool ok;

    do {
        refill(s);
        final = take(s, 1);
        type = take(s, 2);
        if (type == 0) {
            ok = inflate_stored(s);
        } else if (type == 1) {
            ok = fixed_tables(s) && inflate_codes(s);
        } else {
            ok = type == 2 && dynamic_tables(s) && inflate_codes(s);
        }
    } while (ok && !final && s->missing <= 8);
    return ok;
}

/* Steps over the header; NULL if it is broken. */
static const uint8_t *gzip_header(const uint8_t *p, const uint8_t *end)
{
    unsigned flags, extra;

    if (end - p < 18 || p[0] != 0x1f || p[1] != 0x8b || p[2] != 8 || (p[3] & 0xe0)) {
        return NULL;
    }
    flags = p[3];
    p += 10;
    if (flags & 4) {
        extra = p[0] | (unsigned)p[1] << 8;
        if (end - p < (long)extra + 2) {
            return NULL;
        }
        p += extra + 2;
    }
    for (unsigned text = flags & 0x18; text != 0; text &= text - 1) { /* name, comment */
        while (p < end && *p != 0) {
            p++;
        }
        p++;
    }
    if (flags & 2) {
        p += 2;
    }
    return p < end ? p : NULL;
}

int gunzip(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len)
{
    struct inflate s = {.w = work,
                        .in_end = (const uint8_t *)in + in_len,
                        .start = out,
                        .out = out,
                        .out_end = (uint8_t *)out + out_len};
    uint32_t crc, size;

    if (work_len < sizeof(struct inflate_work)) {
        return -XEN_ENOMEM;
    }
    s.in = gzip_header(in, s.in_end);
    if (!s.in || !inflate(&s)) {
        return -XEN_EINVAL;
    }
    /* whole bytes left in the buffer are the start of the trailer */
    if (s.missing > s.count / 8) {
        return -XEN_EINVAL;
    }
    s.in -= s.count / 8 - s.missing;
    if (s.out != s.out_end || s.in_end - s.in < 8) {
        return -XEN_EINVAL;
    }
    __builtin_memcpy(&crc, s.in, 4);
    __builtin_memcpy(&size, s.in + 4, 4);
    crc32_init(&s.w->crc32);
    return crc == crc32_update(&s.w->crc32, 0, out, out_len) && size == (uint32_t)out_len
               ? 0
               : -XEN_EINVAL;
}
