/* SPDX-License-Identifier: MIT */
/*
 * Decompression by the distribution's own libraries. They are loaded when a compressed kernel
 * is met for the first time, not at start-up: most runs of a tool need none of them, and binding
 * four libraries costs more than everything that `list` does.
 */
#include "unpack.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define LZ4_LEGACY_BLOCK ((size_t)8 << 20)

/* Look a function of a loaded library up; the local name hides the declared one. */
#define BIND(lib, name) __typeof__(&name) name##_p = (__typeof__(&name))dlsym(lib, #name)

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static int reserve(struct unpacked *out, size_t room)
{
    void *p;

    if (room <= out->room) {
        return 0;
    }
    if (room > UNPACK_LIMIT) {
        return -EFBIG;
    }
    room = (room + 4095) & ~(size_t)4095;
    p = out->data == NULL ? mmap(NULL, room, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                          : mremap(out->data, out->room, room, MREMAP_MAYMOVE);
    if (p == MAP_FAILED) {
        return -ENOMEM;
    }
    out->data = p;
    out->room = room;
    return 0;
}

/* Room for at least one more byte. */
static int grow(struct unpacked *out)
{
    size_t want;

    if (out->size < out->room) {
        return 0;
    }
    if (out->room == UNPACK_LIMIT) {
        return -EFBIG;
    }
    want = out->room < ((size_t)1 << 20) ? (size_t)4 << 20 : 2 * out->room;
    return reserve(out, want < UNPACK_LIMIT ? want : UNPACK_LIMIT);
}

static int un_gzip(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, inflateInit2_);
    BIND(lib, inflate);
    BIND(lib, inflateEnd);
    z_stream z = { .next_in = (uint8_t *)in, .avail_in = (uInt)size };
    int rc = 0, status = Z_OK;

    if (!inflateInit2__p || !inflate_p || !inflateEnd_p) {
        return -ELIBACC;
    }
    if (inflateInit2__p(&z, 15 + 16, ZLIB_VERSION, (int)sizeof(z)) != Z_OK) {
        return -ENOMEM;
    }
    while (rc == 0 && status != Z_STREAM_END) {
        rc = grow(out);
        if (rc < 0) {
            break;
        }
        z.next_out = out->data + out->size;
        z.avail_out = (uInt)(out->room - out->size);
        status = inflate_p(&z, Z_NO_FLUSH);
        out->size = out->room - z.avail_out;
        if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && z.avail_out > 0)) {
            rc = -ENODATA;
        } else if (status != Z_OK && status != Z_STREAM_END) {
            rc = status == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
        }
    }
    inflateEnd_p(&z);
    return rc;
}

static int lzma_run(void *lib, lzma_stream *z, struct unpacked *out)
{
    BIND(lib, lzma_code);
    BIND(lib, lzma_end);
    lzma_ret status = LZMA_OK;
    int rc = 0;

    if (!lzma_code_p || !lzma_end_p) {
        return -ELIBACC;
    }
    while (rc == 0 && status != LZMA_STREAM_END) {
        rc = grow(out);
        if (rc < 0) {
            break;
        }
        z->next_out = out->data + out->size;
        z->avail_out = out->room - out->size;
        status = lzma_code_p(z, LZMA_RUN);
        out->size = out->room - z->avail_out;
        if (status == LZMA_BUF_ERROR || (status == LZMA_OK && z->avail_in == 0 && z->avail_out)) {
            rc = -ENODATA;
        } else if (status == LZMA_MEM_ERROR || status == LZMA_MEMLIMIT_ERROR) {
            rc = -ENOMEM;
        } else if (status != LZMA_OK && status != LZMA_STREAM_END) {
            rc = -EBADMSG;
        }
    }
    lzma_end_p(z);
    return rc;
}

static int un_xz(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, lzma_stream_decoder);
    lzma_stream z = LZMA_STREAM_INIT;

    z.next_in = in;
    z.avail_in = size;
    if (!lzma_stream_decoder_p) {
        return -ELIBACC;
    }
    if (lzma_stream_decoder_p(&z, UNPACK_LIMIT, 0) != LZMA_OK) {
        return -ENOMEM;
    }
    return lzma_run(lib, &z, out);
}

static int un_lzma(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, lzma_alone_decoder);
    lzma_stream z = LZMA_STREAM_INIT;

    z.next_in = in;
    z.avail_in = size;
    if (!lzma_alone_decoder_p) {
        return -ELIBACC;
    }
    if (lzma_alone_decoder_p(&z, UNPACK_LIMIT) != LZMA_OK) {
        return -ENOMEM;
    }
    return lzma_run(lib, &z, out);
}

/* The format of `lz4 -l`, which Linux uses: a magic, then blocks with their packed size. */
static int un_lz4_legacy(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, LZ4_decompress_safe);
    size_t at = 4;

    if (!LZ4_decompress_safe_p) {
        return -ELIBACC;
    }
    while (at < size) {
        uint32_t block;
        size_t room;
        int n, rc;

        if (size - at < 4) {
            return -ENODATA;
        }
        block = load32(in + at);
        at += 4;
        if (block > INT32_MAX || block > LZ4_LEGACY_BLOCK + LZ4_LEGACY_BLOCK / 128) {
            return -EBADMSG;
        }
        if (block > size - at) {
            return -ENODATA;
        }
        rc = reserve(out, out->size + LZ4_LEGACY_BLOCK);
        if (rc < 0) {
            return rc;
        }
        room = out->room - out->size;
        n = LZ4_decompress_safe_p((const char *)in + at, (char *)out->data + out->size,
                                  (int)block, (int)(room < LZ4_LEGACY_BLOCK ? room
                                                                           : LZ4_LEGACY_BLOCK));
        if (n < 0) {
            return -EBADMSG;
        }
        out->size += (size_t)n;
        at += block;
    }
    return out->size > 0 ? 0 : -ENODATA;
}

static int un_lz4_frame(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, LZ4F_createDecompressionContext);
    BIND(lib, LZ4F_freeDecompressionContext);
    BIND(lib, LZ4F_decompress);
    BIND(lib, LZ4F_isError);
    LZ4F_dctx *context;
    size_t at = 0, left = 1;
    int rc = 0;

    if (!LZ4F_createDecompressionContext_p || !LZ4F_freeDecompressionContext_p ||
        !LZ4F_decompress_p || !LZ4F_isError_p) {
        return -ELIBACC;
    }
    if (LZ4F_isError_p(LZ4F_createDecompressionContext_p(&context, LZ4F_VERSION))) {
        return -ENOMEM;
    }
    while (rc == 0 && left != 0) {
        size_t used = size - at, made;

        rc = grow(out);
        if (rc < 0) {
            break;
        }
        made = out->room - out->size;
        left = LZ4F_decompress_p(context, out->data + out->size, &made, in + at, &used, NULL);
        if (LZ4F_isError_p(left)) {
            rc = -EBADMSG;
        } else if (left != 0 && used == 0 && made == 0) {
            rc = -ENODATA;
        }
        out->size += rc == 0 ? made : 0;
        at += rc == 0 ? used : 0;
    }
    LZ4F_freeDecompressionContext_p(context);
    return rc;
}

static int un_zstd(void *lib, const uint8_t *in, size_t size, struct unpacked *out)
{
    BIND(lib, ZSTD_createDStream);
    BIND(lib, ZSTD_freeDStream);
    BIND(lib, ZSTD_decompressStream);
    BIND(lib, ZSTD_isError);
    ZSTD_inBuffer from = { in, size, 0 };
    ZSTD_DStream *z;
    size_t left = 1;
    int rc = 0;

    if (!ZSTD_createDStream_p || !ZSTD_freeDStream_p || !ZSTD_decompressStream_p ||
        !ZSTD_isError_p) {
        return -ELIBACC;
    }
    z = ZSTD_createDStream_p();
    if (z == NULL) {
        return -ENOMEM;
    }
    while (rc == 0 && left != 0) {
        ZSTD_outBuffer to;
        size_t before = from.pos;

        rc = grow(out);
        if (rc < 0) {
            break;
        }
        to = (ZSTD_outBuffer){ out->data, out->room, out->size };
        left = ZSTD_decompressStream_p(z, &to, &from);
        if (ZSTD_isError_p(left)) {
            rc = -EBADMSG;
        } else if (left != 0 && from.pos == before && to.pos == out->size) {
            rc = -ENODATA;
        }
        out->size = to.pos;
    }
    ZSTD_freeDStream_p(z);
    return rc;
}

static const struct format {
    const char *name;
    const char *library;
    uint8_t magic[6];
    uint8_t magic_size;
    bool repeats_size; /* in a bzImage, four bytes with the size follow */
    int (*run)(void *lib, const uint8_t *in, size_t size, struct unpacked *out);
} formats[] = {
    { "gzip", "libz.so.1", { 0x1f, 0x8b }, 2, false, un_gzip },
    { "xz", "liblzma.so.5", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, true, un_xz },
    { "lzma", "liblzma.so.5", { 0x5d, 0, 0 }, 3, true, un_lzma },
    { "lz4", "liblz4.so.1", { 0x02, 0x21, 0x4c, 0x18 }, 4, true, un_lz4_legacy },
    { "lz4", "liblz4.so.1", { 0x04, 0x22, 0x4d, 0x18 }, 4, true, un_lz4_frame },
    { "zstd", "libzstd.so.1", { 0x28, 0xb5, 0x2f, 0xfd }, 4, true, un_zstd },
    { "bzip2", NULL, { 'B', 'Z', 'h' }, 3, true, NULL },
    { "lzo", NULL, { 0x89, 'L', 'Z', 'O', 0, 0x0d }, 6, true, NULL },
};

static const struct format *find_format(const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const struct format *f = &formats[i];

        if (size >= f->magic_size && memcmp(in, f->magic, f->magic_size) == 0) {
            return f;
        }
    }
    return NULL;
}

const char *unpack_format(const uint8_t *in, size_t size)
{
    const struct format *f = find_format(in, size);

    return f != NULL ? f->name : NULL;
}

int unpack(const uint8_t *in, size_t size, int sized, struct unpacked *out)
{
    const struct format *f = find_format(in, size);
    void *lib;
    int rc = 0;

    *out = (struct unpacked){ 0 };
    if (f == NULL || f->run == NULL) {
        return -ENOSYS;
    }
    if (size > UNPACK_LIMIT) {
        return -EFBIG;
    }
    lib = dlopen(f->library, RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) {
        return -ELIBACC;
    }
    if (sized && f->repeats_size) {
        if (size < (size_t)f->magic_size + 4) {
            dlclose(lib);
            return -ENODATA;
        }
        size -= 4;
        /* A hint only; a lie costs address space, not memory. */
        if (load32(in + size) <= UNPACK_LIMIT) {
            rc = reserve(out, (size_t)load32(in + size) + 1);
        }
    }
    if (rc == 0) {
        rc = f->run(lib, in, size, out);
    }
    dlclose(lib);
    if (rc < 0) {
        unpack_free(out);
    }
    return rc;
}

void unpack_free(struct unpacked *out)
{
    if (out->data != NULL) {
        munmap(out->data, out->room);
    }
    *out = (struct unpacked){ 0 };
}
