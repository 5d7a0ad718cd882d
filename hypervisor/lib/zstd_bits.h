/* SPDX-License-Identifier: MIT */
/*
 * Zstandard's entropy layer: bit streams that are read from their end to their start, FSE tables
 * and Huffman tables (RFC 8878, section 4).
 */
#ifndef LIB_ZSTD_BITS_H
#define LIB_ZSTD_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * `word` is the 64 bits at ptr; the top `used` of them are consumed. Between two reloads at most
 * 57 bits may be read. used > 64 means that more was read than there is.
 */
struct zbits {
    const uint8_t *start, *ptr;
    uint64_t word;
    unsigned used;
};

/* One cell: the symbol's value and extra bits, and how to find the next state. */
struct fse_cell {
    uint32_t base;
    uint16_t next;
    uint8_t bits, extra;
};

#define HUF_MAX_BITS 11
#define FSE_MAX_LOG  9

struct huf_table {
    uint16_t cell[1 << HUF_MAX_BITS]; /* symbol << 8 | bits */
    unsigned bits;                    /* 0: there is no table */
};

bool zbits_init(struct zbits *b, const uint8_t *start, size_t size);

/* Decoded value and number of extra bits of each symbol; extra NULL: none, value NULL: itself. */
struct fse_symbols {
    const uint32_t *value;
    const uint8_t *extra;
    unsigned max; /* highest symbol */
};

/*
 * Read a table description at *p. *log is its accuracy, at most max_log. False: corrupt.
 */
bool fse_read_table(struct fse_cell *table, unsigned *log, unsigned max_log,
                    const struct fse_symbols *s, const uint8_t **p, const uint8_t *end);
void fse_build(struct fse_cell *table, unsigned log, const int16_t *counts, unsigned n,
               const struct fse_symbols *s);
/* Read a Huffman tree description at *p. tmp: scratch of 64 cells. */
bool huf_read_table(struct huf_table *h, struct fse_cell *tmp, const uint8_t **p,
                    const uint8_t *end);
/* Exactly len symbols from a stream of size bytes. */
bool huf_decode(const struct huf_table *h, uint8_t *out, size_t len, const uint8_t *in,
                size_t size);

static inline void zbits_reload(struct zbits *b)
{
    size_t left = (size_t)(b->ptr - b->start), n = b->used / 8;

    if (left < 8 && n > left) {
        n = left;
    }
    b->ptr -= n;
    b->used -= (unsigned)n * 8;
    if (n > 0) {
        __builtin_memcpy(&b->word, b->ptr, 8);
    }
}

static inline uint64_t zbits_peek(const struct zbits *b, unsigned n)
{
    return (b->word << (b->used & 63)) >> 1 >> (63 - n);
}

static inline uint64_t zbits_take(struct zbits *b, unsigned n)
{
    uint64_t v = zbits_peek(b, n);

    b->used += n;
    return v;
}

static inline bool zbits_overrun(const struct zbits *b)
{
    return b->used > 64;
}

/* Everything was read, and no more. */
static inline bool zbits_finished(const struct zbits *b)
{
    return b->ptr == b->start && b->used == 64;
}

#endif
