/* SPDX-License-Identifier: MIT */
/* Any bytes as a packed kernel and as an ELF file. The first two bytes choose the output size. */
#include <stdlib.h>
#include <string.h>

#include "lib/decompress.h"
#include "lib/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image elf;
    static uint64_t work[DECOMPRESS_WORK_SIZE / 8];
    const void *payload;
    size_t len, out_len;
    uint8_t *exact, *out;

    if (size < 2) {
        return 0;
    }
    out_len = data[0] | (size_t)data[1] << 8;
    size -= 2;
    exact = malloc(size + 1);
    out = malloc(out_len + 1);
    memcpy(exact, data + 2, size);
    if (bzimage_payload(exact, size, &payload, &len) == 0) {
        decompressed_size(payload, len);
        decompress(out, out_len, payload, len, work, sizeof(work));
    }
    elf_parse(&elf, exact, size);
    free(exact);
    free(out);
    return 0;
}
