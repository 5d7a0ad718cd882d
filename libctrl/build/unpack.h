/* SPDX-License-Identifier: MIT */
/*
 * Decompression into growing memory, for kernel files. Pure: no handle, no files.
 */
#ifndef CTRL_UNPACK_H
#define CTRL_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#define UNPACK_LIMIT ((size_t)512 << 20)

struct unpacked {
    uint8_t *data; /* a mapping; NULL when empty */
    size_t size;
    size_t room;
};

/* "gzip", "xz", ... when the bytes begin like that format; NULL otherwise. */
const char *unpack_format(const uint8_t *in, size_t size);

/*
 * Unpack all of `in`. With `sized`, four bytes that repeat the unpacked size follow the stream, as
 * in a bzImage. -ENODATA: truncated; -EBADMSG: damaged; -EFBIG: larger than UNPACK_LIMIT;
 * -ENOSYS: no decoder for it; -ELIBACC: the decoder's library is not installed.
 */
int unpack(const uint8_t *in, size_t size, int sized, struct unpacked *out);
void unpack_free(struct unpacked *out);

#endif
