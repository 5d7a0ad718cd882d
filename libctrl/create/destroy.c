/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: asked for (shutdown, reboot), waited for, or made (destroy), and the
 * removal of all that store and disk know of it.
 */
#include "../internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BACKENDS "/local/domain/0/backend"

static void remove_backends(struct ctrl *h, struct store *s, uint32_t domid)
{
    char **kinds;
    size_t count;

    if (store_directory(s, 0, BACKENDS, &kinds, &count) < 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ctrl_store_remove(h, BACKENDS "/%s/%u", kinds[i], domid);
    }
    free(kinds);
}

static void remove_files(uint32_t domid, const char *uuid_text)
{
    static const char *const kinds[] = { "libxl-json", "xl" };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char path[160];

        snprintf(path, sizeof(path), CTRL_DATA_DIR "/userdata-d.%u.%s.%s", domid, uuid_text,
                 kinds[i]);
        unlink(path);
    }
}

int destroy_traces(struct ctrl *h, uint32_t domid, const ctrl_uuid uuid)
{
    char uuid_text[37], vm[48], *written;
    struct store *s;
    bool ours;
    int rc;

    ctrl_uuid_format(uuid, uuid_text);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid_text);
    remove_files(domid, uuid_text);
    rc = ctrl_store(h, &s);
    if (rc < 0) {
        return rc;
    }
    rc = ctrl_store_remove(h, "%s", vm);
    /* The number may belong to another domain by now: then its nodes name another uuid. */
    if (ctrl_store_read(h, &written, "/local/domain/%u/vm", domid) == 0) {
        ours = strcmp(written, vm) == 0;
        free(written);
        if (!ours) {
            return rc;
        }
    }
    remove_backends(h, s, domid);
    ctrl_store_remove(h, "/libxl/%u", domid);
    return ctrl_store_remove(h, "/local/domain/%u", domid);
}

int ctrl_domain_destroy(struct ctrl *h, uint32_t domid)
{
    struct ctrl_domain_info info;
    int rc;

    if (domid == 0) {
        return ctrl_fail(h, -EPERM, "domain 0 is the system you are using: it cannot be destroyed");
    }
    rc = ctrl_domain_info(h, domid, &info);
    if (rc < 0) {
        return rc;
    }
    rc = domain_destroy_raw(h, domid);
    if (rc < 0) {
        return rc;
    }
    rc = destroy_traces(h, domid, info.uuid);
    return rc < 0 ? ctrl_fail(h, rc, "domain %u is gone, but the store still knows of it: %s",
                              domid, strerror(-rc))
                  : 0;
}

/* ---- requests to the guest ---- */

static int control_write(struct ctrl *h, uint32_t domid, const char *key, const char *value)
{
    struct ctrl_domain_info info;
    char *old;
    int rc = ctrl_domain_info(h, domid, &info);

    if (rc < 0) {
        return rc;
    }
    if (info.shutdown || info.dying) {
        return ctrl_fail(h, -EINVAL, "domain %u has ended already", domid);
    }
    rc = ctrl_store_read(h, &old, "/local/domain/%u/control/%s", domid, key);
    if (rc == -ENOENT) {
        return ctrl_fail(h, -ENOTSUP, "domain %u takes no requests: it has no control node in the"
                                      " store", domid);
    }
    if (rc < 0) {
        return h->store == NULL ? rc : ctrl_fail(h, rc, "cannot read the store: %s", strerror(-rc));
    }
    free(old);
    return ctrl_store_write(h, value, "/local/domain/%u/control/%s", domid, key);
}

int ctrl_domain_shutdown(struct ctrl *h, uint32_t domid)
{
    return control_write(h, domid, "shutdown", "poweroff");
}

int ctrl_domain_reboot(struct ctrl *h, uint32_t domid)
{
    return control_write(h, domid, "shutdown", "reboot");
}

int ctrl_domain_sysrq(struct ctrl *h, uint32_t domid, char letter)
{
    char text[2] = { letter, '\0' };

    return control_write(h, domid, "sysrq", text);
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleep until the store tells of a death, at most a while; the caller looks again anyway. */
static void wait_event(struct store *s, int64_t left)
{
    char *path, *token;
    int slice = left < 0 || left > 500 ? 500 : (int)left;

    if (s == NULL) {
        poll(NULL, 0, slice < 100 ? slice : 100);
    } else if (store_read_watch(s, slice, &path, &token) == 0) {
        free(path);
    }
}

int ctrl_domain_wait(struct ctrl *h, uint32_t domid, int timeout_ms, struct ctrl_domain_info *info)
{
    int64_t end = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    struct store *s = NULL; /* its own connection: other watches are not ours to eat */
    int rc;

    if (store_open(NULL, &s) < 0) {
        s = NULL;
    } else if (store_watch(s, "@releaseDomain", "wait") < 0) {
        store_close(s);
        s = NULL;
    }
    for (;;) {
        int64_t left = end < 0 ? -1 : end - now_ms();

        rc = ctrl_domain_info(h, domid, info);
        if (rc < 0 || info->shutdown || info->dying) {
            break;
        }
        if (ctrl_cancelled(h)) {
            rc = ctrl_fail(h, -EINTR, "interrupted");
            break;
        }
        if (end >= 0 && left <= 0) {
            rc = ctrl_fail(h, -ETIMEDOUT, "domain %u is still running", domid);
            break;
        }
        wait_event(s, left);
    }
    if (s != NULL) {
        store_close(s);
    }
    return rc;
}
