/* SPDX-License-Identifier: MIT */
/*
 * What a guest has printed, kept in a file in memory (STATE_DIR is on a tmpfs) that is mapped and
 * written in place. A restarted ctld maps it again; the file of a guest that is gone stays until
 * newer ones push it out.
 */
#include "ctld.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(struct history_head) <= HISTORY_DATA, "the head fits before the data");

static int map_file(struct history *hist, int fd, size_t mapped)
{
    void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) {
        return -errno;
    }
    hist->head = p;
    hist->data = (char *)p + HISTORY_DATA;
    hist->mapped = mapped;
    return 0;
}

/* Map a file that is there already, if it is sound. */
static int map_existing(struct history *hist, int fd)
{
    struct stat st;
    int rc;

    if (fstat(fd, &st) < 0 || st.st_size <= HISTORY_DATA || st.st_size > 1 << 26) {
        return -EINVAL;
    }
    rc = map_file(hist, fd, (size_t)st.st_size);
    if (rc < 0) {
        return rc;
    }
    if (hist->head->magic != HISTORY_MAGIC || hist->head->size != st.st_size - HISTORY_DATA) {
        history_close(hist);
        return -EINVAL;
    }
    return 0;
}

int history_open(struct history *hist, uint32_t domid, const ctrl_uuid uuid, const char *name,
                 uint32_t size)
{
    char path[128], text[37];
    int fd, rc;

    ctrl_uuid_format(uuid, text);
    snprintf(path, sizeof(path), STATE_DIR "/%u.%s", domid, text);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    rc = map_existing(hist, fd);
    if (rc < 0) {
        rc = ftruncate(fd, 0) < 0 || ftruncate(fd, HISTORY_DATA + (off_t)size) < 0
                 ? -errno : map_file(hist, fd, HISTORY_DATA + size);
        if (rc == 0) {
            hist->head->size = size;
            hist->head->domid = domid;
            memcpy(hist->head->uuid, uuid, 16);
            snprintf(hist->head->name, sizeof(hist->head->name), "%s", name);
            hist->head->magic = HISTORY_MAGIC;
        }
    }
    close(fd);
    return rc;
}

void history_close(struct history *hist)
{
    if (hist->head != NULL) {
        munmap(hist->head, hist->mapped);
    }
    *hist = (struct history){ 0 };
}

void history_write(struct history *hist, const char *data, size_t length)
{
    struct history_head *head = hist->head;

    while (head != NULL && length > 0) {
        size_t at = head->total % head->size, room = head->size - at;
        size_t n = length < room ? length : room;

        memcpy(hist->data + at, data, n);
        head->total += n;
        data += n;
        length -= n;
    }
}

size_t history_read(const struct history *hist, uint64_t *offset, char *data, size_t length)
{
    const struct history_head *head = hist->head;
    size_t at, n;

    if (head == NULL) {
        return 0;
    }
    if (*offset > head->total) {
        *offset = head->total;
    }
    if (head->total - *offset > head->size) {
        *offset = head->total - head->size;
    }
    at = *offset % head->size;
    n = head->total - *offset;
    n = n < length ? n : length;
    n = n < head->size - at ? n : head->size - at;
    memcpy(data, hist->data + at, n);
    *offset += n;
    return n;
}

/* Files by their time, newest first, each mapped in turn; `visit` says whether to go on. */
static void for_each_file(bool (*visit)(struct history *hist, const char *path, void *data),
                          void *data)
{
    struct dirent **names;
    int count = scandir(STATE_DIR, &names, NULL, NULL);
    bool more = true;

    for (int i = 0; i < count; i++) {
        struct history hist = { 0 };
        char path[300];
        int fd;

        snprintf(path, sizeof(path), STATE_DIR "/%s", names[i]->d_name);
        fd = names[i]->d_name[0] != '.' && more ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (fd >= 0 && map_existing(&hist, fd) == 0) {
            more = visit(&hist, path, data);
            history_close(&hist);
        }
        if (fd >= 0) {
            close(fd);
        }
        free(names[i]);
    }
    if (count >= 0) {
        free(names);
    }
}

struct search {
    const char *name;
    uint32_t best;
    char path[300];
    unsigned int gone;
    bool any_name;
    bool oldest;
};

static bool search_visit(struct history *hist, const char *path, void *data)
{
    struct search *s = data;
    uint32_t domid = hist->head->domid;
    char number[12];

    snprintf(number, sizeof(number), "%u", domid);
    if (hist->head->gone == 0 || (!s->any_name && strcmp(hist->head->name, s->name) != 0 &&
                                  strcmp(number, s->name) != 0)) {
        return true;
    }
    s->gone++;
    /* Numbers grow with time, so they tell older from newer. */
    if (s->path[0] == '\0' || (s->oldest ? domid < s->best : domid > s->best)) {
        s->best = domid;
        snprintf(s->path, sizeof(s->path), "%s", path);
    }
    return true;
}

int history_find(struct history *hist, const char *name)
{
    struct search s = { .name = name };
    int fd, rc;

    for_each_file(search_visit, &s);
    if (s.path[0] == '\0') {
        return -ENOENT;
    }
    fd = open(s.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -errno;
    }
    rc = map_existing(hist, fd);
    close(fd);
    return rc;
}

void history_trim(unsigned int keep)
{
    for (;;) {
        struct search s = { .any_name = true, .oldest = true };

        for_each_file(search_visit, &s);
        if (s.gone <= keep || unlink(s.path) < 0) {
            return;
        }
    }
}
