/* SPDX-License-Identifier: MIT */
/*
 * The config that a running domain was made from, kept as JSON where libxl keeps it, so that
 * either toolstack finds what the other wrote: DATA_DIR/userdata-d.<domid>.<uuid>.libxl-json.
 */
#include "../internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVED_LIMIT (1 << 20)

static int saved_path(struct ctrl *h, uint32_t domid, char *path, size_t size)
{
    struct ctrl_domain_info info;
    char uuid[37];
    int rc = ctrl_domain_info(h, domid, &info);

    if (rc < 0) {
        return rc;
    }
    ctrl_uuid_format(info.uuid, uuid);
    snprintf(path, size, CTRL_DATA_DIR "/userdata-d.%u.%s.libxl-json", domid, uuid);
    return 0;
}

static int read_file(const char *path, char **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    size_t have = 0;
    char *text;

    if (fd < 0) {
        return -errno;
    }
    text = malloc(SAVED_LIMIT + 1);
    while (text != NULL && have < SAVED_LIMIT) {
        ssize_t n = read(fd, text + have, SAVED_LIMIT - have);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            rc = n < 0 ? -errno : 0;
            break;
        }
        have += (size_t)n;
    }
    close(fd);
    if (text == NULL || rc < 0) {
        free(text);
        return text == NULL ? -ENOMEM : rc;
    }
    text[have] = '\0';
    *out = text;
    return 0;
}

int ctrl_domain_config_load(struct ctrl *h, uint32_t domid, struct ctrl_config **out)
{
    char path[160], *text = NULL;
    int rc = saved_path(h, domid, path, sizeof(path));

    if (rc < 0) {
        return rc;
    }
    rc = read_file(path, &text);
    if (rc < 0) {
        return ctrl_fail(h, rc, "no config is kept for domain %u (%s: %s)", domid, path,
                         strerror(-rc));
    }
    rc = ctrl_config_from_json(h, text, out);
    free(text);
    return rc;
}

static int write_file(const char *path, const char *text)
{
    char temporary[176];
    size_t size = strlen(text);
    int fd, rc = 0;

    snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    while (size > 0 && rc == 0) {
        ssize_t n = write(fd, text, size);

        if (n < 0 && errno != EINTR) {
            rc = -errno;
        } else if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    close(fd);
    if (rc == 0 && rename(temporary, path) < 0) {
        rc = -errno;
    }
    if (rc < 0) {
        unlink(temporary);
    }
    return rc;
}

int ctrl_domain_config_save(struct ctrl *h, uint32_t domid, const struct ctrl_config *config)
{
    char path[160], *text = NULL;
    int rc = saved_path(h, domid, path, sizeof(path));

    rc = rc < 0 ? rc : ctrl_config_to_json(h, config, CTRL_DOMID_NONE, &text);
    if (rc < 0) {
        return rc;
    }
    mkdir(CTRL_DATA_DIR, 0755);
    rc = write_file(path, text);
    free(text);
    return rc < 0 ? ctrl_fail(h, rc, "cannot keep the config of domain %u in %s: %s", domid, path,
                              strerror(-rc))
                  : 0;
}
