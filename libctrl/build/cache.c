/* SPDX-License-Identifier: MIT */
/*
 * The cache of unpacked kernels. A name is a 128-bit digest of the packed bytes under a secret
 * key of this host: without the key nobody can make a kernel file that is taken for another one.
 * The directory must belong to us and be writable by nobody else. Entries appear by rename, so a
 * reader sees a whole file or none; the oldest go when all together exceed the limit.
 *
 *   /var/cache/bonsai/key            32 random bytes
 *   /var/cache/bonsai/<digest>.elf   one unpacked kernel
 */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../internal.h"

#define KEY_WORDS 4

static int open_directory(void)
{
    struct stat st;
    int fd;

    mkdir(CTRL_CACHE_PARENT, 0755); /* a small dom0 may have none */
    mkdir(CTRL_CACHE_DIR, 0700);
    fd = open(CTRL_CACHE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        close(fd);
        return -EPERM;
    }
    return fd;
}

static int write_all(int fd, const void *data, size_t size)
{
    const uint8_t *p = data;

    while (size > 0) {
        ssize_t n = write(fd, p, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Pages of zeroes become holes of the file, which cost nothing to pass over later. */
static int write_sparse(int fd, const uint8_t *data, size_t size)
{
    static const uint8_t zeroes[4096];
    size_t at = 0;

    while (at < size) {
        size_t start, n;
        int rc;

        while (size - at >= 4096 && memcmp(data + at, zeroes, 4096) == 0) {
            at += 4096;
        }
        start = at;
        while (at < size && !(size - at >= 4096 && memcmp(data + at, zeroes, 4096) == 0)) {
            n = size - at < 4096 ? size - at : 4096;
            at += n;
        }
        if (lseek(fd, (off_t)start, SEEK_SET) < 0) {
            return -errno;
        }
        rc = write_all(fd, data + start, at - start);
        if (rc < 0) {
            return rc;
        }
    }
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int read_key(int dir, uint64_t key[KEY_WORDS])
{
    const size_t size = KEY_WORDS * sizeof(key[0]);

    for (int attempt = 0; attempt < 2; attempt++) {
        char temporary[32];
        int fd = openat(dir, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd >= 0) {
            bool whole = read(fd, key, size) == (ssize_t)size;

            close(fd);
            if (whole) {
                return 0;
            }
        }
        if (getrandom(key, size, 0) != (ssize_t)size) {
            return -EIO;
        }
        snprintf(temporary, sizeof(temporary), "key.%d", (int)getpid());
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            return -errno;
        }
        if (write_all(fd, key, size) == 0) {
            renameat(dir, temporary, dir, "key");
        }
        close(fd);
    }
    return -EIO;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two lanes of multiply and fold, sixteen bytes at a time; the tail is padded with zeroes. */
static void digest(uint64_t state[2], const uint64_t key[KEY_WORDS], uint8_t *data, size_t size)
{
    memset(data + size, 0, (16 - size % 16) % 16);
    for (size_t i = 0; i < size; i += 16) {
        uint64_t a, b;

        memcpy(&a, data + i, 8);
        memcpy(&b, data + i + 8, 8);
        state[0] = mix(state[0] ^ a ^ key[0], b ^ key[1]) + state[1];
        state[1] = mix(state[1] ^ b ^ key[2], a ^ key[3]) + (state[0] ^ a);
    }
}

int cache_name(int fd, off_t offset, size_t size, char name[CACHE_NAME_SIZE])
{
    const size_t piece = 64 << 10;
    uint64_t key[KEY_WORDS], state[2];
    size_t left = size;
    uint8_t *buffer;
    int dir = open_directory(), rc;

    if (dir < 0) {
        return dir;
    }
    rc = read_key(dir, key);
    close(dir);
    buffer = malloc(piece + 16);
    if (rc < 0 || buffer == NULL) {
        free(buffer);
        return rc < 0 ? rc : -ENOMEM;
    }
    state[0] = key[1] ^ size;
    state[1] = key[2];
    while (rc == 0 && left > 0) {
        ssize_t n = pread(fd, buffer, left < piece ? left : piece, offset);

        if (n <= 0) {
            rc = n < 0 ? -errno : -ENODATA;
            break;
        }
        digest(state, key, buffer, (size_t)n);
        left -= (size_t)n;
        offset += n;
    }
    free(buffer);
    if (rc == 0) {
        state[0] = mix(state[0] ^ key[2], state[1] ^ key[0]);
        state[1] = mix(state[1] ^ key[3], state[0] ^ key[1]);
        snprintf(name, CACHE_NAME_SIZE, "%016llx%016llx.elf", (unsigned long long)state[0],
                 (unsigned long long)state[1]);
    }
    return rc;
}

int cache_find(const char *name)
{
    int dir = open_directory(), fd;

    if (dir < 0) {
        return dir;
    }
    fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        fd = -errno;
    } else {
        futimens(fd, NULL);
    }
    close(dir);
    return fd;
}

/* Remove the entry that was used longest ago; false when there is nothing to remove. */
static bool drop_oldest(int dir, uint64_t *total)
{
    char oldest[CACHE_NAME_SIZE] = "";
    struct timespec when = { 0 };
    struct dirent *e;
    DIR *d = fdopendir(dup(dir));

    *total = 0;
    if (d == NULL) {
        return false;
    }
    rewinddir(d);
    while ((e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name);
        struct stat st;

        if (n < 4 || n >= sizeof(oldest) || strcmp(e->d_name + n - 4, ".elf") != 0 ||
            fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        *total += (uint64_t)st.st_size;
        if (oldest[0] == '\0' || st.st_mtim.tv_sec < when.tv_sec ||
            (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)) {
            memcpy(oldest, e->d_name, n + 1);
            when = st.st_mtim;
        }
    }
    closedir(d);
    if (*total <= CACHE_LIMIT || oldest[0] == '\0') {
        return false;
    }
    return unlinkat(dir, oldest, 0) == 0;
}

void cache_keep(const char *name, const void *data, size_t size)
{
    char temporary[CACHE_NAME_SIZE + 16];
    uint64_t total;
    int dir, fd, rc;

    if (size > CACHE_LIMIT / 2) {
        return;
    }
    dir = open_directory();
    if (dir < 0) {
        return;
    }
    snprintf(temporary, sizeof(temporary), "new.%d", (int)getpid());
    fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        rc = write_sparse(fd, data, size);
        close(fd);
        if (rc < 0 || renameat(dir, temporary, dir, name) < 0) {
            unlinkat(dir, temporary, 0);
        }
    }
    while (drop_oldest(dir, &total)) {
    }
    close(dir);
}
