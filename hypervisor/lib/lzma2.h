/* SPDX-License-Identifier: MIT */
/*
 * LZMA2: the packing inside .xz files. Output goes to one flat buffer, which is the dictionary.
 */
#ifndef LIB_LZMA2_H
#define LIB_LZMA2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LZMA_STATES     12
#define LZMA_POS_STATES 16

struct lzma_len_probs {
    uint16_t choice, choice2;
    uint16_t low[LZMA_POS_STATES][8], mid[LZMA_POS_STATES][8], high[256];
};

struct lzma_probs {
    uint16_t is_match[LZMA_STATES][LZMA_POS_STATES];
    uint16_t is_rep[LZMA_STATES], is_rep0[LZMA_STATES], is_rep1[LZMA_STATES];
    uint16_t is_rep2[LZMA_STATES], is_rep0_long[LZMA_STATES][LZMA_POS_STATES];
    uint16_t dist_slot[4][64], dist_special[128], dist_align[16];
    struct lzma_len_probs match_len, rep_len;
    uint16_t literal[16 * 0x300]; /* lc + lp is at most 4 in LZMA2 */
};

/* What lives from one chunk to the next. */
struct lzma2 {
    struct lzma_probs probs;
    uint32_t rep[4], state;
    uint32_t lc, lp_mask, pb_mask;
    const uint8_t *buf_end; /* of all input */
    uint8_t *dict;          /* where the dictionary starts in the output */
};

/*
 * Unpack up to the end mark. *in and *out are moved. The input has to go on for at least 21 bytes
 * after the packed data, which every whole .xz file does. False: corrupt, or the output is full.
 */
bool lzma2_decode(struct lzma2 *s, const uint8_t **in, const uint8_t *in_end, uint8_t **out,
                  uint8_t *out_end);

#endif
