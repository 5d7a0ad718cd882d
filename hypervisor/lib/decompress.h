/* SPDX-License-Identifier: MIT */
/*
 * Unpacking of kernel images. Nothing here allocates: the caller gives the packed bytes, an output
 * buffer of exactly the unpacked size, and DECOMPRESS_WORK_SIZE bytes of scratch memory.
 * All input is hostile: any bytes give either the right output or an error, and no access
 * outside the three buffers.
 */
#ifndef LIB_DECOMPRESS_H
#define LIB_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>

enum compression {
    COMPRESSION_NONE, /* ELF, or nothing that we know */
    COMPRESSION_GZIP,
    COMPRESSION_XZ,
    COMPRESSION_ZSTD,
    COMPRESSION_LZ4, /* the legacy frame format */
};

#define DECOMPRESS_WORK_SIZE (224 * 1024) /* aligned to 8 bytes */

/* By the first bytes. */
enum compression compression_of(const void *data, size_t len);

/*
 * Where a bzImage keeps its packed kernel, the 4-byte size that follows it included. An image
 * that is an ELF file or a bare packed file is its own payload. -XEN_EINVAL: neither.
 */
int bzimage_payload(const void *image, size_t len, const void **payload, size_t *payload_len);

/* Unpacked size as the last four bytes of a payload say it; len itself for COMPRESSION_NONE. */
long decompressed_size(const void *payload, size_t len);

/* 0, -XEN_EINVAL (corrupt, or another size than out_len), -XEN_EOPNOTSUPP, -XEN_ENOMEM (work). */
int decompress(void *out, size_t out_len, const void *in, size_t in_len, void *work,
               size_t work_len);

/* The formats. Each returns 0 or an error as above; bytes after the packed data are ignored. */
int gunzip(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len);
int unxz(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len);
int unzstd(void *out, size_t out_len, const void *in, size_t in_len, void *work, size_t work_len);
int unlz4(void *out, size_t out_len, const void *in, size_t in_len);

#endif
