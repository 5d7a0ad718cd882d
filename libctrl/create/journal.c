/* SPDX-License-Identifier: MIT */
/*
 * The record of a creation under way: the file CREATE_DIR/NAME, locked by the process that
 * creates, with the domain's uuid and, once there is one, its number. The lock makes a name
 * unique among creations. A file that nobody holds is what a killed creation left: whoever gets
 * its lock removes that domain and then the file.
 *
 * The file goes only after the last step. A domain that has been unpaused is finished, whatever
 * became of its creator.
 */
#include "create.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_DIR CTRL_RUN_DIR "/create"
#define RECORD_SIZE 64

static int open_directory(void)
{
    int fd;

    mkdir(CTRL_RUN_DIR, 0755);
    mkdir(CREATE_DIR, 0700);
    fd = open(CREATE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Open and lock; -EWOULDBLOCK when somebody holds it, -EAGAIN when it went away meanwhile. */
static int lock_entry(int dir, const char *name, int flags)
{
    struct stat held, there;
    int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    int rc;

    if (fd < 0) {
        return -errno;
    }
    rc = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
    if (rc == 0 && (fstat(fd, &held) < 0 ||
                    fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
                    held.st_ino != there.st_ino)) {
        rc = -EAGAIN;
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

/* Remove what the record speaks of. 1: something was removed; 0: nothing to remove. */
static int clean_up(struct ctrl *h, int fd)
{
    char text[RECORD_SIZE] = "", uuid_text[37] = "";
    uint32_t domid = CTRL_DOMID_NONE, living;
    struct ctrl_domain_info info;
    ctrl_uuid uuid;
    int rc;

    if (pread(fd, text, sizeof(text) - 1, 0) <= 0 ||
        sscanf(text, "%36s %u", uuid_text, &domid) < 1 || ctrl_uuid_parse(uuid_text, uuid) < 0) {
        return 0;
    }
    rc = domain_find_uuid(h, uuid, &living);
    if (rc < 0 && rc != -ESRCH) {
        return rc;
    }
    if (rc == 0) {
        rc = ctrl_domain_info(h, living, &info);
        if (rc < 0) {
            return rc;
        }
        if (!info.paused && !info.dying) {
            return 0;
        }
        rc = domain_destroy_raw(h, living);
        if (rc < 0) {
            return rc;
        }
        domid = living;
    }
    if (domid != CTRL_DOMID_NONE) {
        destroy_traces(h, domid, uuid);
    }
    ctrl_log(h, CTRL_LOG_INFO, "removed what an interrupted creation left (%s)", uuid_text);
    return 1;
}

int journal_open(struct creation *c)
{
    const char *name = c->config->name;
    char text[RECORD_SIZE];
    int dir = open_directory(), fd, rc = 0;

    if (dir < 0) {
        return ctrl_fail(c->h, dir, "cannot use %s: %s", CREATE_DIR,
                         dir == -EACCES ? "only root may create domains" : strerror(-dir));
    }
    do {
        fd = lock_entry(dir, name, O_CREAT);
    } while (fd == -EAGAIN);
    if (fd >= 0) {
        rc = clean_up(c->h, fd);
        if (rc < 0) {
            close(fd);
            fd = -1;
        }
    }
    close(dir);
    if (fd == -EWOULDBLOCK) {
        return ctrl_fail(c->h, -EEXIST, "a domain named '%s' is being created right now", name);
    }
    if (fd < 0) {
        return rc < 0 ? rc : ctrl_fail(c->h, fd, "cannot write %s/%s: %s", CREATE_DIR, name,
                                       strerror(-fd));
    }
    c->journal_fd = fd;
    snprintf(text, sizeof(text), "%s\n", c->uuid_text);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0) {
        return ctrl_fail(c->h, -errno, "cannot write %s/%s: %s", CREATE_DIR, name,
                         strerror(errno));
    }
    return 0;
}

int journal_record(struct creation *c)
{
    char text[RECORD_SIZE];

    snprintf(text, sizeof(text), "%s %u\n", c->uuid_text, c->domid);
    if (pwrite(c->journal_fd, text, strlen(text), 0) < 0) {
        return ctrl_fail(c->h, -errno, "cannot write %s/%s: %s", CREATE_DIR, c->config->name,
                         strerror(errno));
    }
    return 0;
}

void journal_close(struct creation *c)
{
    char path[sizeof(CREATE_DIR) + 256];

    if (c->journal_fd < 0) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", CREATE_DIR, c->config->name);
    unlink(path);
    close(c->journal_fd);
    c->journal_fd = -1;
}

int ctrl_reap(struct ctrl *h, unsigned int *removed)
{
    unsigned int count = 0;
    struct dirent *e;
    int dir = open(CREATE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *d;

    if (removed != NULL) {
        *removed = 0;
    }
    if (dir < 0) {
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    }
    d = fdopendir(dir);
    if (d == NULL) {
        close(dir);
        return ctrl_no_memory(h);
    }
    while (rc >= 0 && (e = readdir(d)) != NULL) {
        int fd;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        fd = lock_entry(dir, e->d_name, 0);
        if (fd < 0) {
            continue;
        }
        rc = clean_up(h, fd);
        count += rc > 0;
        if (rc >= 0) {
            unlinkat(dir, e->d_name, 0);
        }
        close(fd);
    }
    closedir(d);
    if (removed != NULL) {
        *removed = count;
    }
    return rc < 0 ? rc : 0;
}
