/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer where the compiler has none: feeds files named on the command line, or
 * else a number of random inputs with a fixed seed,
 * for at most 20 seconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed_file(const char *name)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(name, "rb");
    size_t n;

    if (!f) {
        perror(name);
        return 1;
    }
    n = fread(data, 1, sizeof(data), f);
    fclose(f);
    return LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
    uint8_t data[512];
    int rc = 0;
    time_t end = time(NULL) + 20;

    for (int i = 1; i < argc; i++) {
        rc |= feed_file(argv[i]);
    }
    for (int round = 0; argc == 1 && round < 1000000 && time(NULL) < end; round++) {
        size_t n = (size_t)rand() % sizeof(data);

        for (size_t i = 0; i < n; i++) {
            data[i] = (uint8_t)rand();
        }
        rc |= LLVMFuzzerTestOneInput(data, n);
    }
    return rc;
}
