/* SPDX-License-Identifier: MIT */
/*
 * FSE: a state is a cell of a table of 2^log cells; symbols own as many cells as their
 * probability, spread over the table. A cell tells how many bits to read and what to add to get
 * the next state. Huffman codes are given by weights, which are FSE-packed or 4 bits each.
 */
#include "zstd_bits.h"

bool zbits_init(struct zbits *b, const uint8_t *start, size_t size)
{
    uint8_t last;

    if (size == 0 || start[size - 1] == 0) {
        return false;
    }
    last = start[size - 1];
    b->start = start;
    b->used = (unsigned)__builtin_clz(last) - 24 + 1; /* the highest 1 only marks the end */
    if (size >= 8) {
        b->ptr = start + size - 8;
        __builtin_memcpy(&b->word, b->ptr, 8);
        return true;
    }
    b->ptr = start;
    b->word = 0;
    for (size_t i = 0; i < size; i++) {
        b->word |= (uint64_t)start[i] << (8 * i);
    }
    b->used += 64 - 8 * (unsigned)size;
    return true;
}

void fse_build(struct fse_cell *table, unsigned log, const int16_t *counts, unsigned n,
               const struct fse_symbols *s)
{
    unsigned size = 1u << log, step = (size >> 1) + (size >> 3) + 3, pos = 0, high = size;
    uint16_t next[64];

    for (unsigned i = 0; i < n; i++) { /* less than one cell: one at the end of the table */
        next[i] = counts[i] < 0 ? 1 : (uint16_t)counts[i];
        if (counts[i] < 0) {
            table[--high].next = (uint16_t)i;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        for (int k = 0; k < counts[i]; k++) {
            table[pos].next = (uint16_t)i;
            do {
                pos = (pos + step) & (size - 1);
            } while (pos >= high);
        }
    }
    for (unsigned i = 0; i < size; i++) {
        unsigned sym = table[i].next, x = next[sym]++;
        unsigned bits = log - (31 - (unsigned)__builtin_clz(x));

        table[i].bits = (uint8_t)bits;
        table[i].next = (uint16_t)((x << bits) - size);
        table[i].base = s->value ? s->value[sym] : sym;
        table[i].extra = s->extra ? s->extra[sym] : 0;
    }
}

/* Forward bits, lowest first, zeros past the end; for table descriptions only. */
static unsigned forward_bits(const uint8_t *p, const uint8_t *end, size_t pos)
{
    uint32_t w = 0;

    p += pos / 8 < (size_t)(end - p) ? pos / 8 : (size_t)(end - p);
    for (unsigned i = 0; i < 4 && p < end; i++) {
        w |= (uint32_t)*p++ << (8 * i);
    }
    return w >> (pos % 8);
}

/* Runs of absent symbols: two bits each, 3 means that another two follow. */
static size_t skip_zeros(const uint8_t *p, const uint8_t *end, size_t pos, unsigned *sym,
                         unsigned max, int16_t *counts)
{
    unsigned run;

    do {
        run = forward_bits(p, end, pos) & 3;
        pos += 2;
        for (unsigned i = 0; i < run && *sym <= max; i++) {
            counts[(*sym)++] = 0;
        }
    } while (run == 3 && *sym <= max);
    return pos;
}

bool fse_read_table(struct fse_cell *table, unsigned *log, unsigned max_log,
                    const struct fse_symbols *s, const uint8_t **p, const uint8_t *end)
{
    int16_t counts[64];
    unsigned sym = 0, bits, range;
    int left;
    size_t pos = 4;

    if (*p == end || (**p & 15) + 5u > max_log) {
        return false;
    }
    *log = (**p & 15) + 5;
    left = 1 << *log; /* cells that are not given away */
    while (left > 0 && sym <= s->max) {
        /* values 0..left+1; the short ones take a bit less */
        unsigned value, spare, word = forward_bits(*p, end, pos);

        range = (unsigned)left + 1;
        bits = 32 - (unsigned)__builtin_clz(range);
        spare = (1u << bits) - 1 - range;
        value = word & ((1u << (bits - 1)) - 1);
        if (value < spare) {
            pos += bits - 1;
        } else {
            value = word & ((1u << bits) - 1);
            value -= value >= 1u << (bits - 1) ? spare : 0;
            pos += bits;
        }
        counts[sym++] = (int16_t)((int)value - 1);
        left -= value == 0 ? 1 : (int)value - 1;
        if (value == 1) {
            pos = skip_zeros(*p, end, pos, &sym, s->max, counts);
        }
    }
    pos = (pos + 7) / 8;
    if (left != 0 || pos > (size_t)(end - *p)) {
        return false;
    }
    *p += pos;
    fse_build(table, *log, counts, sym, s);
    return true;
}

/* Weights packed by FSE with two states in turn, until the stream is used up. */
static int packed_weights(uint8_t *w, struct fse_cell *t, const uint8_t *p, const uint8_t *end)
{
    static const struct fse_symbols plain = {.max = 12};
    struct zbits b;
    unsigned log, n = 0, state[2], which = 0;

    if (!fse_read_table(t, &log, 6, &plain, &p, end) || !zbits_init(&b, p, (size_t)(end - p))) {
        return -1;
    }
    state[0] = (unsigned)zbits_take(&b, log);
    state[1] = (unsigned)zbits_take(&b, log);
    for (;;) {
        zbits_reload(&b);
        if (zbits_overrun(&b) || n > 253) {
            return -1;
        }
        w[n++] = (uint8_t)t[state[which]].base;
        state[which] = t[state[which]].next + (unsigned)zbits_take(&b, t[state[which]].bits);
        which ^= 1;
        if (zbits_overrun(&b)) { /* the last state gives its symbol without an update */
            w[n++] = (uint8_t)t[state[which]].base;
            return (int)n;
        }
    }
}

/* From weights to cells; the last weight is what is missing to a power of two. */
static bool huf_build(struct huf_table *h, uint8_t *w, unsigned n)
{
    uint32_t sum = 0, rest, at = 0;
    unsigned bits;

    h->bits = 0;
    for (unsigned i = 0; i < n; i++) {
        if (w[i] > HUF_MAX_BITS) {
            return false;
        }
        sum += w[i] ? 1u << (w[i] - 1) : 0;
    }
    if (sum == 0) {
        return false;
    }
    bits = 32 - (unsigned)__builtin_clz(sum);
    rest = (1u << bits) - sum;
    if (bits > HUF_MAX_BITS || (rest & (rest - 1)) != 0) {
        return false;
    }
    w[n++] = (uint8_t)(32 - __builtin_clz(rest));
    for (unsigned weight = 1; weight <= bits; weight++) {
        for (unsigned i = 0; i < n; i++) {
            if (w[i] != weight) {
                continue;
            }
            for (unsigned k = 0; k < 1u << (weight - 1); k++) {
                h->cell[at++] = (uint16_t)(i << 8 | (bits + 1 - weight));
            }
        }
    }
    h->bits = bits;
    return at == 1u << bits;
}

bool huf_read_table(struct huf_table *h, struct fse_cell *tmp, const uint8_t **p,
                    const uint8_t *end)
{
    uint8_t w[256];
    size_t size;
    int n;

    h->bits = 0;
    if (*p == end) {
        return false;
    }
    size = *(*p)++;
    if (size >= 128) {
        n = (int)size - 127;
        size = ((size_t)n + 1) / 2;
        if (size > (size_t)(end - *p)) {
            return false;
        }
        for (int i = 0; i < n; i++) {
            w[i] = i % 2 ? (*p)[i / 2] & 15 : (*p)[i / 2] >> 4;
        }
    } else {
        if (size > (size_t)(end - *p)) {
            return false;
        }
        n = packed_weights(w, tmp, *p, *p + size);
    }
    *p += size;
    return n > 0 && huf_build(h, w, (unsigned)n);
}

bool huf_decode(const struct huf_table *h, uint8_t *out, size_t len, const uint8_t *in, size_t size)
{
    struct zbits b;
    uint8_t *end = out + len;
    unsigned bits = h->bits, cell;

    if (bits == 0 || !zbits_init(&b, in, size)) {
        return false;
    }
    while (end - out >= 5) { /* five codes are at most 55 bits */
        zbits_reload(&b);
        for (int i = 0; i < 5; i++) {
            cell = h->cell[zbits_peek(&b, bits)];
            b.used += cell & 0xff;
            *out++ = (uint8_t)(cell >> 8);
        }
        if (zbits_overrun(&b)) {
            return false;
        }
    }
    zbits_reload(&b);
    while (out < end) {
        cell = h->cell[zbits_peek(&b, bits)];
        b.used += cell & 0xff;
        *out++ = (uint8_t)(cell >> 8);
    }
    zbits_reload(&b);
    return zbits_finished(&b);
}
