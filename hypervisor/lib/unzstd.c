/* SPDX-License-Identifier: MIT */
/*
 * Zstandard frames (RFC 8878): blocks of up to 128 KiB, each stored, one repeated byte, or packed.
 * A packed block has literals (stored or Huffman-coded) and sequences (literal length, match
 * length, offset), whose three codes are FSE states read from one backward bit stream. One frame,
 * no dictionary; skippable frames in front of it are skipped. The output is the window.
 */
#include "decompress.h"
#include "zstd_bits.h"
#include <public/errno.h>

#define ZSTD_MAGIC     0xfd2fb528u
#define ZSTD_SKIPPABLE 0x184d2a50u
#define BLOCK_MAX      (128u << 10)
#define SLACK          32

enum { LL, OF, ML, TABLES };

struct zstd_work {
    struct huf_table huf;
    struct fse_cell table[TABLES][1 << FSE_MAX_LOG];
    struct fse_cell weights[64];
    uint8_t literals[BLOCK_MAX + SLACK];
};
_Static_assert(sizeof(struct zstd_work) <= DECOMPRESS_WORK_SIZE, "work area");

struct zstd {
    struct zstd_work *w;
    uint8_t *start, *out, *out_end;
    const uint8_t *lit, *lit_end, *lit_safe; /* literals; readable memory goes up to lit_safe */
    unsigned log[TABLES];                    /* accuracy + 1 of a table, 0: none yet */
    uint64_t rep[3];
};

static const uint32_t ll_value[36] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,   9,   10,  11,   12,   13,   14,   15,    16,    18,
    20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
static const uint8_t ll_extra[36] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
                                     1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint32_t ml_value[53] = {
    3,  4,  5,  6,  7,  8,  9,  10,  11,  12,  13,   14,   15,   16,   17,    18,    19,   20,
    21, 22, 23, 24, 25, 26, 27, 28,  29,  30,  31,   32,   33,   34,   35,    37,    39,   41,
    43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539};
static const uint8_t ml_extra[53] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
                                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  1,  1,  1, 1,
                                     2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint32_t of_value[32] = {
    1u,       1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,
    1u << 8,  1u << 9,  1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15,
    1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21, 1u << 22, 1u << 23,
    1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};
static const uint8_t of_extra[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                     11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                     22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

/* default distributions */
static const int16_t ll_counts[36] = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
                                      2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const int16_t of_counts[29] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1,  1,  1,  1,  1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};
static const int16_t ml_counts[53] = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};

static const struct {
    struct fse_symbols symbols;
    const int16_t *counts;
    unsigned n, log, max_log;
} kinds[TABLES] = {
    [LL] = {{ll_value, ll_extra, 35}, ll_counts, 36, 6, 9},
    [OF] = {{of_value, of_extra, 31}, of_counts, 29, 5, 8},
    [ML] = {{ml_value, ml_extra, 52}, ml_counts, 53, 6, 9},
};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Huffman-coded literals in one stream or four. */
static bool huffman_literals(struct zstd *s, size_t size, const uint8_t *p, const uint8_t *end,
                             bool four)
{
    uint8_t *out = s->w->literals;
    size_t part = (size + 3) / 4, done = 0;

    if (!four) {
        return huf_decode(&s->w->huf, out, size, p, (size_t)(end - p));
    }
    if (end - p < 6 || size < 6) {
        return false;
    }
    const uint8_t *jump = p;

    p += 6;
    for (unsigned i = 0; i < 4; i++) {
        size_t len = i < 3 ? part : size - done;
        size_t packed = i < 3 ? jump[2 * i] | (size_t)jump[2 * i + 1] << 8 : (size_t)(end - p);

        if (packed > (size_t)(end - p) || done + len > size ||
            !huf_decode(&s->w->huf, out + done, len, p, packed)) {
            return false;
        }
        p += packed;
        done += len;
    }
    return true;
}

/* The first half of a packed block. Moves *p behind it. */
static bool read_literals(struct zstd *s, const uint8_t **pp, const uint8_t *end)
{
    const uint8_t *p = *pp;
    unsigned type, format, bytes, bits;
    uint64_t word = 0;
    size_t size, packed;

    if (end - p < 1) {
        return false;
    }
    type = *p & 3;
    format = *p >> 2 & 3;
    bytes = type < 2 ? (format & 1 ? 2 + format / 2 : 1) : format < 2 ? 3 : format + 2;
    if ((size_t)(end - p) < bytes) {
        return false;
    }
    for (unsigned i = 0; i < bytes; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    p += bytes;
    s->lit = s->w->literals;
    s->lit_safe = s->w->literals + sizeof(s->w->literals);
    if (type < 2) {
        size = word >> (format & 1 ? 4 : 3);
        packed = type == 0 ? size : 1;
        if (size > BLOCK_MAX || packed > (size_t)(end - p)) {
            return false;
        }
        if (type == 0) {
            s->lit = p;
            s->lit_safe = end;
        } else {
            __builtin_memset(s->w->literals, *p, size);
        }
    } else {
        bits = format < 2 ? 10 : format == 2 ? 14 : 18;
        size = word >> 4 & ((1u << bits) - 1);
        packed = word >> (4 + bits) & ((1u << bits) - 1);
        if (size > BLOCK_MAX || packed > (size_t)(end - p)) {
            return false;
        }
        const uint8_t *data = p;

        if (type == 2 && !huf_read_table(&s->w->huf, s->w->weights, &data, p + packed)) {
            return false;
        }
        if (!huffman_literals(s, size, data, p + packed, format != 0)) {
            return false;
        }
    }
    s->lit_end = s->lit + size;
    *pp = p + packed;
    return true;
}

/* Mode of one of the three tables: default, one symbol, described here, as before. */
static bool read_sequence_table(struct zstd *s, unsigned t, unsigned mode, const uint8_t **p,
                                const uint8_t *end)
{
    struct fse_cell *table = s->w->table[t];
    const struct fse_symbols *sym = &kinds[t].symbols;

    switch (mode) {
    case 0:
        fse_build(table, kinds[t].log, kinds[t].counts, kinds[t].n, sym);
        s->log[t] = kinds[t].log + 1;
        return true;
    case 1:
        if (*p == end || **p > sym->max) {
            return false;
        }
        table[0] = (struct fse_cell){.base = sym->value[**p], .extra = sym->extra[**p]};
        (*p)++;
        s->log[t] = 1;
        return true;
    case 2:
        s->log[t] = 0;
        if (!fse_read_table(table, &s->log[t], kinds[t].max_log, sym, p, end)) {
            s->log[t] = 0;
            return false;
        }
        s->log[t]++;
        return true;
    default:
        return s->log[t] != 0;
    }
}

/* Short copies in words where both sides have room for them. */
static inline void copy_literals(struct zstd *s, size_t len)
{
    uint64_t a, b;

    if (len <= 16 && s->lit_safe - s->lit >= 16 && s->out_end - s->out >= 16) {
        __builtin_memcpy(&a, s->lit, 8);
        __builtin_memcpy(&b, s->lit + 8, 8);
        __builtin_memcpy(s->out, &a, 8);
        __builtin_memcpy(s->out + 8, &b, 8);
    } else {
        __builtin_memcpy(s->out, s->lit, len);
    }
    s->lit += len;
    s->out += len;
}

static inline void copy_match(struct zstd *s, size_t dist, size_t len)
{
    const uint8_t *from = s->out - dist;
    uint8_t *to = s->out, *end = to + len;
    uint64_t w;

    s->out = end;
    if (dist >= 8 && s->out_end - end >= 8) {
        do {
            __builtin_memcpy(&w, from, 8);
            __builtin_memcpy(to, &w, 8);
            from += 8;
            to += 8;
        } while (to < end);
        return;
    }
    while (to < end) {
        *to++ = *from++;
    }
}

/* Offsets 1 to 3 mean one of the last three; with no literals they mean the next ones. */
static inline uint64_t resolve_offset(uint64_t rep[3], uint64_t code, bool no_literals)
{
    uint64_t offset;
    unsigned which;

    if (code > 3) {
        offset = code - 3;
        rep[2] = rep[1];
        rep[1] = rep[0];
        rep[0] = offset;
        return offset;
    }
    which = (unsigned)code - 1 + no_literals;
    if (which == 0) {
        return rep[0];
    }
    offset = which == 3 ? rep[0] - 1 : rep[which];
    if (which > 1) {
        rep[2] = rep[1];
    }
    rep[1] = rep[0];
    rep[0] = offset;
    return offset;
}

static bool run_sequences(struct zstd *s, unsigned count, const uint8_t *p, const uint8_t *end)
{
    const struct fse_cell *ll = s->w->table[LL], *of = s->w->table[OF], *ml = s->w->table[ML];
    struct zbits b;
    size_t st[TABLES];

    if (!zbits_init(&b, p, (size_t)(end - p))) {
        return false;
    }
    for (unsigned t = 0; t < TABLES; t++) {
        st[t] = zbits_take(&b, s->log[t] - 1);
    }
    while (count-- > 0) {
        const struct fse_cell *l = &ll[st[LL]], *o = &of[st[OF]], *m = &ml[st[ML]];
        uint64_t offset, mlen, llen;

        zbits_reload(&b);
        offset = o->base + zbits_take(&b, o->extra);
        mlen = m->base + zbits_take(&b, m->extra);
        zbits_reload(&b);
        llen = l->base + zbits_take(&b, l->extra);
        if (count > 0) {
            st[LL] = l->next + zbits_take(&b, l->bits);
            st[ML] = m->next + zbits_take(&b, m->bits);
            st[OF] = o->next + zbits_take(&b, o->bits);
        }
        offset = resolve_offset(s->rep, offset, llen == 0);
        if (zbits_overrun(&b) || llen > (size_t)(s->lit_end - s->lit) ||
            llen + mlen > (size_t)(s->out_end - s->out) || offset == 0 ||
            offset > (size_t)(s->out - s->start) + llen) {
            return false;
        }
        copy_literals(s, llen);
        copy_match(s, offset, mlen);
    }
    zbits_reload(&b);
    return zbits_finished(&b);
}

static bool packed_block(struct zstd *s, const uint8_t *p, const uint8_t *end)
{
    unsigned count, modes;
    size_t rest;

    if (!read_literals(s, &p, end) || p == end) {
        return false;
    }
    count = *p++;
    if (count >= 128) {
        if (end - p < (count == 255 ? 2 : 1)) {
            return false;
        }
        count = count == 255 ? (p[0] | (unsigned)p[1] << 8) + 0x7f00 : (count - 128) << 8 | p[0];
        p += count >= 0x7f00 ? 2 : 1;
    }
    if (count > 0) {
        if (p == end || (*p & 3) != 0) {
            return false;
        }
        modes = *p++;
        for (unsigned t = 0; t < TABLES; t++) {
            if (!read_sequence_table(s, t, modes >> (6 - 2 * t) & 3, &p, end)) {
                return false;
            }
        }
        if (!run_sequences(s, count, p, end)) {
            return false;
        }
    }
    rest = (size_t)(s->lit_end - s->lit);
    if (rest > (size_t)(s->out_end - s->out)) {
        return false;
    }
    __builtin_memcpy(s->out, s->lit, rest);
    s->out += rest;
    return true;
}

/* All blocks of a frame; returns what follows the last one, or NULL. */
static const uint8_t *read_blocks(struct zstd *s, const uint8_t *p, const uint8_t *end)
{
    uint32_t head;

    do {
        size_t size, packed, room = (size_t)(s->out_end - s->out);

        if (end - p < 3) {
            return NULL;
        }
        head = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
        p += 3;
        size = head >> 3;
        packed = (head >> 1 & 3) == 1 ? 1 : size;
        if (size > BLOCK_MAX || packed > (size_t)(end - p)) {
            return NULL;
        }
        switch (head >> 1 & 3) {
        case 0:
        case 1:
            if (size > room) {
                return NULL;
            }
            if (head & 2) {
                __builtin_memset(s->out, *p, size);
            } else {
                __builtin_memcpy(s->out, p, size);
            }
            s->out += size;
            break;
        case 2:
            if (!packed_block(s, p, p + packed)) {
                return NULL;
            }
            break;
        default:
            return NULL;
        }
        p += packed;
    } while (!(head & 1));
    return p;
}

/* XXH64 with seed 0, of which a frame stores the low half. */
static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint64_t xxh64(const uint8_t *p, size_t len)
{
    const uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9,
                   p4 = 0x85EBCA77C2B2AE63, p5 = 0x27D4EB2F165667C5;
    uint64_t v[4] = {p1 + p2, p2, 0, 0 - p1}, h = p5, w;
    size_t left = len;

    if (len >= 32) {
        for (; left >= 32; left -= 32) {
            for (int i = 0; i < 4; i++, p += 8) {
                __builtin_memcpy(&w, p, 8);
                v[i] = rotl(v[i] + w * p2, 31) * p1;
            }
        }
        h = rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18);
        for (int i = 0; i < 4; i++) {
            h = (h ^ (rotl(v[i] * p2, 31) * p1)) * p1 + p4;
        }
    }
    h += len;
    for (; left >= 8; left -= 8, p += 8) {
        __builtin_memcpy(&w, p, 8);
        h = rotl(h ^ (rotl(w * p2, 31) * p1), 27) * p1 + p4;
    }
    if (left >= 4) {
        h = rotl(h ^ (le32(p) * p1), 23) * p2 + p3;
        p += 4;
        left -= 4;
    }
    for (; left > 0; left--) {
        h = rotl(h ^ (*p++ * p5), 11) * p1;
    }
    h = (h ^ (h >> 33)) * p2;
    h = (h ^ (h >> 29)) * p3;
    return h ^ (h >> 32);
}

/* Steps over a frame header; NULL if it is broken. */
static const uint8_t *frame_header(const uint8_t *p, const uint8_t *end, bool *checksum)
{
    static const uint8_t id_sizes[4] = {0, 1, 2, 4}, content_sizes[4] = {0, 2, 4, 8};
    unsigned flags;
    size_t size;

    if (end - p < 6) {
        return NULL;
    }
    flags = p[4];
    size = 5u + !(flags & 0x20) + id_sizes[flags & 3] + content_sizes[flags >> 6];
    size += (flags >> 6) == 0 && (flags & 0x20);
    *checksum = flags & 4;
    return (flags & 0x08) || (flags & 3) || (size_t)(end - p) < size ? NULL : p + size;
}

int unzstd(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len)
{
    struct zstd s = {
        .w = work, .start = out, .out = out, .out_end = (uint8_t *)out + out_len, .rep = {1, 4, 8}};
    const uint8_t *p = in, *end = p + in_len;
    bool checksum;

    if (work_len < sizeof(struct zstd_work)) {
        return -XEN_ENOMEM;
    }
    s.w->huf.bits = 0;
    while (end - p >= 8 && (le32(p) & 0xfffffff0u) == ZSTD_SKIPPABLE) {
        if (le32(p + 4) > (size_t)(end - p) - 8) {
            return -XEN_EINVAL;
        }
        p += 8 + le32(p + 4);
    }
    if (end - p < 8 || le32(p) != ZSTD_MAGIC) {
        return -XEN_EINVAL;
    }
    p = frame_header(p, end, &checksum);
    p = p ? read_blocks(&s, p, end) : NULL;
    if (!p || s.out != s.out_end) {
        return -XEN_EINVAL;
    }
    if (checksum && (end - p < 4 || le32(p) != (uint32_t)xxh64(out, out_len))) {
        return -XEN_EINVAL;
    }
    return 0;
}
