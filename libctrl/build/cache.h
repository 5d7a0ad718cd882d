/* SPDX-License-Identifier: MIT */
/*
 * Unpacked kernels kept on disk under a name made from the packed bytes.
 */
#ifndef CTRL_CACHE_H
#define CTRL_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CACHE_NAME_SIZE 48
#define CACHE_LIMIT ((uint64_t)1 << 30)

/*
 * The name for `size` bytes at `offset` of fd. 0, or a negative errno when there can be no cache
 * (no directory, not ours), in which case the caller does without.
 */
int cache_name(int fd, off_t offset, size_t size, char name[CACHE_NAME_SIZE]);

/* A descriptor of the cached file, or a negative errno. */
int cache_find(const char *name);

/* Keep data under that name; on any failure there is just no new entry. */
void cache_keep(const char *name, const void *data, size_t size);

#endif
