/* SPDX-License-Identifier: MIT */
/*
 * The unpackers against the real packers: right output for text-like, machine-code-like and random
 * data; an error and no stray access (the sanitizer watches exact buffers) for damaged input.
 */
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/decompress.h"
#include <public/errno.h>

#include <cmocka.h>

struct packed {
    uint8_t *data;
    size_t len;
};

typedef struct packed packer(const uint8_t *in, size_t len, int variant);

/* variant: 0 words, 1 code with calls, 2 random, 3 zeros, 4 a mix of them */
static uint8_t *make_data(size_t len, int variant)
{
    uint8_t *d = malloc(len + 1);
    static const char *const words[] = {"kernel ", "page", " table", "\n",
                                        "xen",     "0123", " ",      "of"};

    for (size_t i = 0; i < len;) {
        int v = variant == 4 ? (int)(i / 5000 % 4) : variant;

        if (v == 0) {
            for (const char *w = words[rand() % 8]; *w && i < len; w++) {
                d[i++] = (uint8_t)*w;
            }
        } else if (v == 1) {
            static const uint8_t code[] = {0x48, 0x89, 0xe8, 0xe8, 0, 0, 0, 0xff, 0xe9, 0x0f};
            uint32_t rel = (uint32_t)(rand() % 65536) - 32768;

            d[i++] = code[rand() % 10];
            if (rand() % 3 == 0 && i + 5 < len) {
                d[i++] = 0xe8;
                memcpy(d + i, &rel, 4);
                i += 4;
            }
        } else {
            d[i++] = v == 2 ? (uint8_t)rand() : 0;
        }
    }
    return d;
}

static struct packed pack_gzip(const uint8_t *in, size_t len, int variant)
{
    static const int levels[] = {0, 1, 6, 9};
    struct packed p = {malloc(len + len / 100 + 1000), 0};
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)in, .avail_in = (unsigned)len};

    assert_int_equal(deflateInit2(&z, levels[variant % 4], Z_DEFLATED, 15 + 16, 9,
                                  variant == 5 ? Z_FIXED : Z_DEFAULT_STRATEGY),
                     Z_OK);
    z.next_out = p.data;
    z.avail_out = (unsigned)(len + len / 100 + 1000);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    p.len = z.total_out;
    deflateEnd(&z);
    return p;
}

static struct packed pack_xz(const uint8_t *in, size_t len, int variant)
{
    lzma_options_lzma opt;
    lzma_filter filters[3] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &opt}, {LZMA_VLI_UNKNOWN, NULL}};
    static const lzma_check checks[] = {LZMA_CHECK_CRC32, LZMA_CHECK_CRC64, LZMA_CHECK_NONE};
    size_t max = lzma_stream_buffer_bound(len) + 4;
    struct packed p = {malloc(max), 0};
    uint32_t size = (uint32_t)len;

    lzma_lzma_preset(&opt, variant < 3 ? 6 : 9);
    if (variant == 4) {
        opt.lc = 1;
        opt.lp = 2;
        opt.pb = 1;
    }
    assert_int_equal(lzma_stream_buffer_encode(filters + variant % 2, checks[variant % 3], NULL, in,
                                               len, p.data, &p.len, max),
                     LZMA_OK);
    memcpy(p.data + p.len, &size, 4);
    p.len += 4;
    return p;
}

static struct packed pack_zstd(const uint8_t *in, size_t len, int variant)
{
    static const int levels[] = {-5, 1, 3, 9, 19, 22};
    size_t max = ZSTD_compressBound(len) + 4;
    struct packed p = {malloc(max), 0};
    ZSTD_CCtx *c = ZSTD_createCCtx();
    uint32_t size = (uint32_t)len;

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, levels[variant % 6]);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, variant & 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, variant < 4);
    p.len = ZSTD_compress2(c, p.data, max, in, len);
    assert_false(ZSTD_isError(p.len));
    ZSTD_freeCCtx(c);
    memcpy(p.data + p.len, &size, 4);
    p.len += 4;
    return p;
}

static uint8_t *lz4_length(uint8_t *o, size_t n)
{
    for (; n >= 255; n -= 255) {
        *o++ = 255;
    }
    *o++ = (uint8_t)n;
    return o;
}

/* One series; match 0: only literals. */
static uint8_t *lz4_series(uint8_t *o, const uint8_t *lit, size_t lits, size_t match, size_t dist)
{
    size_t m = match ? match - 4 : 0;

    *o++ = (uint8_t)((lits < 15 ? lits : 15) << 4 | (m < 15 ? m : 15));
    o = lits >= 15 ? lz4_length(o, lits - 15) : o;
    memcpy(o, lit, lits);
    o += lits;
    if (match) {
        *o++ = (uint8_t)dist;
        *o++ = (uint8_t)(dist >> 8);
        o = m >= 15 ? lz4_length(o, m - 15) : o;
    }
    return o;
}

/* A small packer: the last place of each four bytes, found by a hash. */
static struct packed pack_lz4(const uint8_t *in, size_t len, int variant)
{
    static size_t last[4096];
    struct packed p = {malloc(len * 2 + 100), 8};
    uint32_t magic = 0x184c2102, size, w;
    uint8_t *o = p.data + 8;
    size_t at = 0, done = 0;

    (void)variant;
    memset(last, 0, sizeof(last));
    memcpy(p.data, &magic, 4);
    while (at + 12 < len) {
        size_t n = 0, from;

        memcpy(&w, in + at, 4);
        w = w * 2654435761u >> 20;
        from = last[w];
        last[w] = at;
        while (from < at && at - from < 65536 && at + n + 5 < len && in[from + n] == in[at + n]) {
            n++;
        }
        if (n < 4) {
            at++;
            continue;
        }
        o = lz4_series(o, in + done, at - done, n, at - from);
        at += n;
        done = at;
    }
    o = lz4_series(o, in + done, len - done, 0, 0);
    size = (uint32_t)(o - p.data - 8);
    memcpy(p.data + 4, &size, 4);
    size = (uint32_t)len;
    memcpy(o, &size, 4);
    p.len = (size_t)(o - p.data) + 4;
    return p;
}

static int unpack(const struct packed *p, uint8_t *out, size_t len)
{
    void *work = malloc(DECOMPRESS_WORK_SIZE);
    int rc = decompress(out, len, p->data, p->len, work, DECOMPRESS_WORK_SIZE);

    free(work);
    return rc;
}

static void round_trips(packer *pack, enum compression kind)
{
    static const size_t sizes[] = {20, 100, 5000, 300000};

    for (int data = 0; data < 5; data++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint8_t *in = make_data(sizes[i], data), *out = malloc(sizes[i]);

            for (int variant = 0; variant < 6; variant++) {
                struct packed p = pack(in, sizes[i], variant);

                assert_int_equal(compression_of(p.data, p.len), kind);
                assert_int_equal(decompressed_size(p.data, p.len), sizes[i]);
                memset(out, 0xaa, sizes[i]);
                assert_int_equal(unpack(&p, out, sizes[i]), 0);
                assert_memory_equal(in, out, sizes[i]);
                free(p.data);
            }
            free(in);
            free(out);
        }
    }
}

/* Damage must be noticed or do nothing; the sanitizer notices the rest. */
static void survives_damage(packer *pack)
{
    const size_t len = 20000;
    uint8_t *in = make_data(len, 4), *out = malloc(len);
    struct packed all[6];

    for (int i = 0; i < 6; i++) {
        all[i] = pack(in, len, i);
    }
    for (int round = 0; round < 3000; round++) {
        struct packed p = all[round % 6], q;

        q.len = round % 3 == 0 ? (size_t)rand() % p.len : p.len;
        q.data = malloc(q.len + (q.len == 0));
        memcpy(q.data, p.data, q.len);
        for (int i = rand() % 3; i > 0 && q.len > 0; i--) {
            q.data[(size_t)rand() % q.len] ^= (uint8_t)(1 << rand() % 8);
        }
        if (compression_of(q.data, q.len) != COMPRESSION_NONE) {
            unpack(&q, out, len - (size_t)(rand() % 4 == 0));
        }
        free(q.data);
    }
    for (int i = 0; i < 6; i++) {
        free(all[i].data);
    }
    free(in);
    free(out);
}

/* A whole file must not pass with one byte of the packed data changed: there are checksums. */
static void damage_is_noticed(packer *pack)
{
    const size_t len = 3000;
    uint8_t *in = make_data(len, 0), *out = malloc(len);
    struct packed p = pack(in, len, 1);

    for (size_t i = 30; i + 34 < p.len; i++) {
        p.data[i] ^= 0x10;
        assert_true(unpack(&p, out, len) != 0 || memcmp(in, out, len) == 0);
        p.data[i] ^= 0x10;
    }
    assert_int_equal(unpack(&p, out, len - 1), -XEN_EINVAL);
    assert_int_equal(unpack(&p, out, len), 0);
    free(p.data);
    free(in);
    free(out);
}

static void gzip_round_trips(void **state)
{
    (void)state;
    round_trips(pack_gzip, COMPRESSION_GZIP);
    damage_is_noticed(pack_gzip);
}

static void gzip_survives_damage(void **state)
{
    (void)state;
    survives_damage(pack_gzip);
}

static void xz_round_trips(void **state)
{
    (void)state;
    round_trips(pack_xz, COMPRESSION_XZ);
    damage_is_noticed(pack_xz);
}

static void xz_survives_damage(void **state)
{
    (void)state;
    survives_damage(pack_xz);
}

static void zstd_round_trips(void **state)
{
    (void)state;
    round_trips(pack_zstd, COMPRESSION_ZSTD);
    damage_is_noticed(pack_zstd);
}

static void zstd_survives_damage(void **state)
{
    (void)state;
    survives_damage(pack_zstd);
}

static void lz4_round_trips(void **state)
{
    (void)state;
    round_trips(pack_lz4, COMPRESSION_LZ4);
}

static void lz4_survives_damage(void **state)
{
    (void)state;
    survives_damage(pack_lz4);
}

static void a_bzimage_gives_its_payload(void **state)
{
    uint8_t image[4096] = {0};
    const void *payload;
    size_t len;
    uint32_t offset = 0x100, size = 64;

    (void)state;
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len), -XEN_EINVAL);
    image[0x1f1] = 1;
    memcpy(image + 0x1fe, "\x55\xaa", 2);
    memcpy(image + 0x202, "HdrS\x0f\x02", 6);
    memcpy(image + 0x248, &offset, 4);
    memcpy(image + 0x24c, &size, 4);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len), 0);
    assert_ptr_equal(payload, image + 1024 + 0x100);
    assert_int_equal(len, 64);
    size = 4096;
    memcpy(image + 0x24c, &size, 4);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len), -XEN_EINVAL);
    memcpy(image, "\177ELF", 4);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len), 0);
    assert_ptr_equal(payload, image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_round_trips),
        cmocka_unit_test(gzip_survives_damage),
        cmocka_unit_test(xz_round_trips),
        cmocka_unit_test(xz_survives_damage),
        cmocka_unit_test(zstd_round_trips),
        cmocka_unit_test(zstd_survives_damage),
        cmocka_unit_test(lz4_round_trips),
        cmocka_unit_test(lz4_survives_damage),
        cmocka_unit_test(a_bzimage_gives_its_payload),
    };

    return cmocka_run_group_tests_name("decompress", tests, NULL, NULL);
}
