/* SPDX-License-Identifier: MIT */
/*
 * Markers: mark(n) executes a long no-operation whose displacement holds n, which the plugin sees.
 * An instruction's displacement is constant, so there is one such instruction for each number.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_BYTES "\x0f\x1f\x84\x00" /* nopl displacement(%rax,%rax) */
#define MARK_SIZE  8
#define MARK_MAGIC 0x6be50000U
#define MARK_MASK  0xffff0000U
#define MARKS      512

/* Goes into one file of each program that uses mark(). */
#define MARK_CODE                                                                                  \
    __asm__(".pushsection .text\n"                                                                 \
            ".balign 16\n"                                                                         \
            "mark_table:\n"                                                                        \
            ".set mark_number, 0\n"                                                                \
            ".rept 512\n"                                                                          \
            "    .byte 0x0f, 0x1f, 0x84, 0x00\n"                                                   \
            "    .long 0x6be50000 + mark_number\n"                                                 \
            "    ret\n"                                                                            \
            "    .balign 16\n"                                                                     \
            "    .set mark_number, mark_number + 1\n"                                              \
            ".endr\n"                                                                              \
            ".popsection\n")

extern const char mark_table[];

static inline void mark(unsigned n)
{
    ((void (*)(void))(mark_table + 16UL * (n % MARKS)))();
}

#endif
