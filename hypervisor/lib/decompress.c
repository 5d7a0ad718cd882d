/* SPDX-License-Identifier: MIT */
/*
 * Which format a packed kernel has, where a bzImage keeps it, and one way into all unpackers.
 * A bzImage is a real-mode boot sector with a setup header, setup code, and then a 32-bit part at
 * whose payload_offset the packed ELF file lies; a 4-byte unpacked size ends the payload.
 */
#include "decompress.h"
#include "lib.h"
#include <public/errno.h>

#define SETUP_SECTS     0x1f1
#define SETUP_BOOT_FLAG 0x1fe
#define SETUP_MAGIC     0x202
#define SETUP_VERSION   0x206
#define SETUP_PAYLOAD   0x248 /* offset and length, since version 2.08 */
#define SETUP_END       0x250

static uint32_t read_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum compression compression_of(const void *data, size_t len)
{
    static const struct {
        uint8_t magic[6], len, kind;
    } kinds[] = {
        {{0x1f, 0x8b, 0x08}, 3, COMPRESSION_GZIP},
        {{0xfd, '7', 'z', 'X', 'Z', 0x00}, 6, COMPRESSION_XZ},
        {{0x28, 0xb5, 0x2f, 0xfd}, 4, COMPRESSION_ZSTD},
        {{0x02, 0x21, 0x4c, 0x18}, 4, COMPRESSION_LZ4},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (len >= kinds[i].len && memcmp(data, kinds[i].magic, kinds[i].len) == 0) {
            return kinds[i].kind;
        }
    }
    return COMPRESSION_NONE;
}

int bzimage_payload(const void *image, size_t len, const void **payload, size_t *payload_len)
{
    const uint8_t *p = image;
    uint64_t start, size;

    *payload = image;
    *payload_len = len;
    if (compression_of(image, len) != COMPRESSION_NONE ||
        (len >= 4 && memcmp(image, "\177ELF", 4) == 0)) {
        return 0;
    }
    if (len < SETUP_END || memcmp(p + SETUP_BOOT_FLAG, "\x55\xaa", 2) != 0 ||
        memcmp(p + SETUP_MAGIC, "HdrS", 4) != 0 ||
        (p[SETUP_VERSION] | p[SETUP_VERSION + 1] << 8) < 0x208) {
        return -XEN_EINVAL;
    }
    start = ((p[SETUP_SECTS] ? p[SETUP_SECTS] : 4) + 1) * 512u;
    start += read_le32(p + SETUP_PAYLOAD);
    size = read_le32(p + SETUP_PAYLOAD + 4);
    if (size < 8 || start > len || size > len - start) {
        return -XEN_EINVAL;
    }
    *payload = p + start;
    *payload_len = size;
    return 0;
}

long decompressed_size(const void *payload, size_t len)
{
    if (compression_of(payload, len) == COMPRESSION_NONE) {
        return (long)len;
    }
    return len < 4 ? -XEN_EINVAL : (long)read_le32((const uint8_t *)payload + len - 4);
}

int decompress(void *out, size_t out_len, const void *in, size_t in_len, void *work,
               size_t work_len)
{
    switch (compression_of(in, in_len)) {
    case COMPRESSION_GZIP:
        return gunzip(out, out_len, in, in_len, work, work_len);
    case COMPRESSION_XZ:
        return unxz(out, out_len, in, in_len, work, work_len);
    case COMPRESSION_ZSTD:
        return unzstd(out, out_len, in, in_len, work, work_len);
    case COMPRESSION_LZ4:
        return unlz4(out, out_len, in, in_len);
    case COMPRESSION_NONE:
        break;
    }
    if (out_len != in_len) {
        return -XEN_EINVAL;
    }
    memcpy(out, in, in_len);
    return 0;
}
