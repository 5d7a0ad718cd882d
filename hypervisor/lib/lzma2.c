/* SPDX-License-Identifier: MIT */
/*
 * LZMA is an adaptive binary range coder. Each decision has a probability of 11 bits that moves
 * by 1/32 of the rest towards what was seen. `range` is split by the probability of a 0; `code`
 * says on which side the next bit lies. Symbols are literals, matches (length, distance), or
 * repeats of one of the last four distances.
 *
 * Speed: the coder's registers are a local struct that the compiler keeps in registers, all
 * helpers are inlined into one loop, trees of fixed depth are unrolled. One symbol consumes at
 * most 20 bytes, so the input is checked once a symbol against a limit 21 bytes before its end.
 * A chunk that reads past its own end is noticed when its input position is compared afterwards.
 */
#include "lzma2.h"

#define INLINE static inline __attribute__((always_inline))

#define MAX_SYMBOL_INPUT 21
#define TOP              (1u << 24)
#define PROB_BITS        11
#define PROB_INIT        (1u << (PROB_BITS - 1))
#define MOVE_BITS        5
#define MIN_MATCH        2

struct rc {
    const uint8_t *in;
    uint32_t range, code;
};

INLINE void rc_normalise(struct rc *rc)
{
    if (__builtin_expect(rc->range < TOP, 0)) {
        rc->range <<= 8;
        rc->code = (rc->code << 8) | *rc->in++;
    }
}

INLINE unsigned rc_bit(struct rc *rc, uint16_t *prob)
{
    uint32_t p = *prob, bound;

    rc_normalise(rc);
    bound = (rc->range >> PROB_BITS) * p;
    if (rc->code < bound) {
        rc->range = bound;
        *prob = (uint16_t)(p + (((1u << PROB_BITS) - p) >> MOVE_BITS));
        return 0;
    }
    rc->range -= bound;
    rc->code -= bound;
    *prob = (uint16_t)(p - (p >> MOVE_BITS));
    return 1;
}

/* One step down a tree: the bit is appended to the node's number. */
INLINE unsigned rc_step(struct rc *rc, uint16_t *tree, unsigned node)
{
    if (rc_bit(rc, &tree[node])) {
        return 2 * node + 1;
    }
    return 2 * node;
}

INLINE unsigned rc_tree3(struct rc *rc, uint16_t *tree)
{
    unsigned n = rc_step(rc, tree, 1);

    n = rc_step(rc, tree, n);
    return rc_step(rc, tree, n) - 8;
}

INLINE unsigned rc_tree6(struct rc *rc, uint16_t *tree)
{
    unsigned n = rc_step(rc, tree, 1);

    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    return rc_step(rc, tree, n) - 64;
}

INLINE unsigned rc_tree8(struct rc *rc, uint16_t *tree)
{
    unsigned n = rc_step(rc, tree, 1);

    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    n = rc_step(rc, tree, n);
    return rc_step(rc, tree, n) - 256;
}

/* Tree whose bits come lowest first. */
INLINE uint32_t rc_reverse(struct rc *rc, uint16_t *tree, unsigned bits)
{
    uint32_t value = 0;
    unsigned node = 1;

    for (unsigned i = 0; i < bits; i++) {
        if (rc_bit(rc, &tree[node])) {
            node = 2 * node + 1;
            value |= 1u << i;
        } else {
            node = 2 * node;
        }
    }
    return value;
}

/* Bits of probability one half each. */
INLINE uint32_t rc_direct(struct rc *rc, unsigned bits)
{
    uint32_t value = 0, mask;

    do {
        rc_normalise(rc);
        rc->range >>= 1;
        rc->code -= rc->range;
        mask = 0u - (rc->code >> 31); /* all ones: it was a 0 */
        rc->code += rc->range & mask;
        value = 2 * value + 1 + mask;
    } while (--bits > 0);
    return value;
}

/* A literal after a match: the byte at the last distance steers the tree until they differ. */
INLINE unsigned rc_matched_literal(struct rc *rc, uint16_t *tree, unsigned match)
{
    unsigned offset = 0x100, n = 1, want;

    do {
        match <<= 1;
        want = match & offset;
        if (rc_bit(rc, &tree[offset + want + n])) {
            n = 2 * n + 1;
            offset &= want;
        } else {
            n = 2 * n;
            offset &= ~want;
        }
    } while (n < 0x100);
    return n;
}

INLINE unsigned rc_length(struct rc *rc, struct lzma_len_probs *l, unsigned pos_state)
{
    if (!rc_bit(rc, &l->choice)) {
        return MIN_MATCH + rc_tree3(rc, l->low[pos_state]);
    }
    if (!rc_bit(rc, &l->choice2)) {
        return MIN_MATCH + 8 + rc_tree3(rc, l->mid[pos_state]);
    }
    return MIN_MATCH + 16 + rc_tree8(rc, l->high);
}

/* Distance minus one of a new match. */
INLINE uint32_t rc_distance(struct rc *rc, struct lzma_probs *p, unsigned len)
{
    unsigned slot, bits;
    uint32_t dist;

    slot = rc_tree6(rc, p->dist_slot[len < 5 ? len - MIN_MATCH : 3]);
    if (slot < 4) {
        return slot;
    }
    bits = (slot >> 1) - 1;
    dist = (2 | (slot & 1)) << bits;
    if (slot < 14) {
        return dist + rc_reverse(rc, p->dist_special + dist - slot, bits);
    }
    dist += rc_direct(rc, bits - 4) << 4;
    return dist + rc_reverse(rc, p->dist_align, 4);
}

/* Copies in words may run up to 7 bytes past the match; `slack` says that there is room. */
INLINE void copy_match(uint8_t *out, uint32_t dist, unsigned len, bool slack)
{
    const uint8_t *from = out - dist;
    uint8_t *end = out + len;
    uint64_t word;

    if (dist >= 8 && slack) {
        do {
            __builtin_memcpy(&word, from, 8);
            __builtin_memcpy(out, &word, 8);
            from += 8;
            out += 8;
        } while (out < end);
    } else {
        do {
            *out++ = *from++;
        } while (out < end);
    }
}

/*
 * A match or repeat: sets the distances and the state, returns the length. A repeat of length 1
 * may go over any distance; others are at least 2 long.
 */
INLINE unsigned decode_match(struct rc *rc, struct lzma_probs *p, uint32_t rep[4], unsigned *state,
                             unsigned pos_state)
{
    unsigned st = *state, len;
    uint32_t dist;

    if (!rc_bit(rc, &p->is_rep[st])) {
        len = rc_length(rc, &p->match_len, pos_state);
        dist = rc_distance(rc, p, len);
        rep[3] = rep[2];
        rep[2] = rep[1];
        rep[1] = rep[0];
        rep[0] = dist;
        *state = st < 7 ? 7 : 10;
        return len;
    }
    if (!rc_bit(rc, &p->is_rep0[st])) {
        if (!rc_bit(rc, &p->is_rep0_long[st][pos_state])) {
            *state = st < 7 ? 9 : 11;
            return 1;
        }
    } else {
        if (!rc_bit(rc, &p->is_rep1[st])) {
            dist = rep[1];
        } else {
            if (!rc_bit(rc, &p->is_rep2[st])) {
                dist = rep[2];
            } else {
                dist = rep[3];
                rep[3] = rep[2];
            }
            rep[2] = rep[1];
        }
        rep[1] = rep[0];
        rep[0] = dist;
    }
    *state = st < 7 ? 8 : 11;
    return rc_length(rc, &p->rep_len, pos_state);
}

INLINE uint8_t decode_literal(struct rc *rc, struct lzma2 *s, const uint8_t *out, size_t pos,
                              unsigned *state, uint32_t rep0)
{
    unsigned prev = pos > 0 ? out[-1] : 0, st = *state;
    unsigned ctx = (((unsigned)pos & s->lp_mask) << s->lc) + (prev >> (8 - s->lc));
    uint16_t *tree = s->probs.literal + 0x300 * (size_t)ctx;

    if (st < 7) {
        *state = st < 4 ? 0 : st - 3;
        return (uint8_t)rc_tree8(rc, tree);
    }
    *state = st < 10 ? st - 3 : st - 6;
    return (uint8_t)rc_matched_literal(rc, tree, out[-(ptrdiff_t)rep0 - 1]);
}

/* Symbols of one chunk, until the output is at out_end. */
static bool decode_symbols(struct lzma2 *s, struct rc *rcp, uint8_t *out, uint8_t *out_end,
                           const uint8_t *buf_end)
{
    struct rc rc = *rcp;
    struct lzma_probs *p = &s->probs;
    uint32_t rep[4] = {s->rep[0], s->rep[1], s->rep[2], s->rep[3]};
    const uint8_t *limit = buf_end - MAX_SYMBOL_INPUT;
    uint8_t *dict = s->dict;
    unsigned state = s->state, len;
    size_t pos_mask = s->pb_mask;

    while (out < out_end) {
        size_t pos = (size_t)(out - dict), pos_state = pos & pos_mask;

        if (rc.in > limit) {
            return false;
        }
        if (!rc_bit(&rc, &p->is_match[state][pos_state])) {
            if (state >= 7 && rep[0] >= pos) {
                return false;
            }
            *out = decode_literal(&rc, s, out, pos, &state, rep[0]);
            out++;
            continue;
        }
        len = decode_match(&rc, p, rep, &state, (unsigned)pos_state);
        if (rep[0] >= pos || len > (size_t)(out_end - out)) {
            return false;
        }
        copy_match(out, rep[0] + 1, len, (size_t)(out_end - out) >= len + 8);
        out += len;
    }
    rc_normalise(&rc);
    for (int i = 0; i < 4; i++) {
        s->rep[i] = rep[i];
    }
    s->state = state;
    *rcp = rc;
    return true;
}

static void reset_state(struct lzma2 *s)
{
    uint16_t *p = (uint16_t *)(void *)&s->probs;

    for (size_t i = 0; i < sizeof(s->probs) / sizeof(*p); i++) {
        p[i] = PROB_INIT;
    }
    s->rep[0] = s->rep[1] = s->rep[2] = s->rep[3] = 0;
    s->state = 0;
}

static bool set_properties(struct lzma2 *s, uint8_t props)
{
    unsigned lc = props % 9, lp = props / 9 % 5, pb = props / 45;

    if (props > 224 || lc + lp > 4) {
        return false;
    }
    s->lc = lc;
    s->lp_mask = (1u << lp) - 1;
    s->pb_mask = (1u << pb) - 1;
    return true;
}

/* A packed chunk of `size` bytes that gives `len` bytes. */
static bool decode_chunk(struct lzma2 *s, const uint8_t *in, size_t size, uint8_t *out, size_t len,
                         const uint8_t *in_end)
{
    struct rc rc = {in + 5, 0xffffffff, 0};

    /* the coder starts with a zero byte and four bytes of code */
    if (size < 5 || in[0] != 0 || (size_t)(in_end - in) < size + MAX_SYMBOL_INPUT) {
        return false;
    }
    rc.code = (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | in[4];
    return decode_symbols(s, &rc, out, out + len, in_end) && rc.in == in + size && rc.code == 0;
}

enum { NEED_DICT = 1, NEED_PROPS = 2, NEED_STATE = 4 };

/* What a chunk resets, by its control byte; false if it leaves out what had to come. */
static bool chunk_resets(struct lzma2 *s, uint8_t control, uint8_t *out, unsigned *need)
{
    if (control >= 0xe0 || control == 1) {
        s->dict = out;
        *need = (*need & ~(unsigned)NEED_DICT) | (control == 1 ? 0 : NEED_PROPS | NEED_STATE);
    } else if (*need & NEED_DICT) {
        return false;
    }
    return control < 0x80 ? control <= 2 : true;
}

bool lzma2_decode(struct lzma2 *s, const uint8_t **inp, const uint8_t *in_end, uint8_t **outp,
                  uint8_t *out_end)
{
    const uint8_t *in = *inp;
    uint8_t *out = *outp;
    unsigned need = NEED_DICT | NEED_PROPS | NEED_STATE;
    size_t size, len;

    while (in_end - in >= 6 && *in != 0) {
        uint8_t control = *in;

        if (!chunk_resets(s, control, out, &need)) {
            return false;
        }
        len = ((size_t)in[1] << 8 | in[2]) + 1;
        if (control < 0x80) { /* stored */
            in += 3;
            if (len > (size_t)(out_end - out) || len > (size_t)(in_end - in)) {
                return false;
            }
            __builtin_memcpy(out, in, len);
            in += len;
            out += len;
            continue;
        }
        len += (size_t)(control & 0x1f) << 16;
        size = ((size_t)in[3] << 8 | in[4]) + 1;
        in += 5;
        if (control >= 0xc0) {
            if (!set_properties(s, *in++)) {
                return false;
            }
            need &= ~(unsigned)NEED_PROPS;
        }
        if (control >= 0xa0) {
            reset_state(s);
            need &= ~(unsigned)NEED_STATE;
        }
        if (need != 0 || len > (size_t)(out_end - out) ||
            !decode_chunk(s, in, size, out, len, in_end)) {
            return false;
        }
        in += size;
        out += len;
    }
    if (in >= in_end || *in != 0) {
        return false;
    }
    *inp = in + 1;
    *outp = out;
    return true;
}
