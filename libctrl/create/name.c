/* SPDX-License-Identifier: MIT */
/*
 * Names, numbers and uuids of domains. Names live in the store alone; the names of many domains
 * are asked for in one batch.
 */
#include "../internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uuid.h>

#define NAME_LIMIT 200

void ctrl_uuid_format(const ctrl_uuid uuid, char out[37])
{
    uuid_unparse_lower(uuid, out);
}

int ctrl_uuid_parse(const char *text, ctrl_uuid uuid)
{
    return uuid_parse(text, uuid) < 0 ? -EINVAL : 0;
}

int name_check(struct ctrl *h, const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return ctrl_fail(h, -EINVAL, "the config gives no name: add name = \"...\"");
    }
    if (strlen(name) > NAME_LIMIT) {
        return ctrl_fail(h, -EINVAL, "a name has at most %d characters", NAME_LIMIT);
    }
    for (const char *p = name; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 127 || *p == '/') {
            return ctrl_fail(h, -EINVAL, "a name may not contain '/' or control characters");
        }
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return ctrl_fail(h, -EINVAL, "'%s' is no name for a domain", name);
    }
    return 0;
}

/* One block: pointers first, then the strings they point to. */
static char **pack(struct store_batch *rows, size_t count)
{
    size_t bytes = (count + 1) * sizeof(char *);
    char **names, *text;

    for (size_t i = 0; i < count; i++) {
        bytes += rows[i].result != NULL ? strlen(rows[i].result) + 1 : 0;
    }
    names = malloc(bytes);
    if (names == NULL) {
        return NULL;
    }
    text = (char *)(names + count + 1);
    for (size_t i = 0; i < count; i++) {
        names[i] = NULL;
        if (rows[i].result != NULL) {
            names[i] = strcpy(text, rows[i].result);
            text += strlen(text) + 1;
        }
    }
    names[count] = NULL;
    return names;
}

int ctrl_domain_names(struct ctrl *h, const struct ctrl_domain_info *list, size_t count,
                      char ***names)
{
    struct store_batch *rows;
    struct store *s;
    char (*paths)[40];
    int rc = ctrl_store(h, &s);

    *names = NULL;
    if (rc < 0) {
        return rc;
    }
    rows = calloc(count + 1, sizeof(*rows));
    paths = calloc(count + 1, sizeof(*paths));
    if (rows == NULL || paths == NULL) {
        free(rows);
        free(paths);
        return ctrl_no_memory(h);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/local/domain/%u/name", list[i].domid);
        rows[i].kind = STORE_BATCH_READ;
        rows[i].path = paths[i];
    }
    store_batch(s, 0, rows, count);
    *names = pack(rows, count);
    rc = *names == NULL ? ctrl_no_memory(h) : 0;
    for (size_t i = 0; i < count; i++) {
        free(rows[i].result);
    }
    free(rows);
    free(paths);
    return rc;
}

int ctrl_domain_name(struct ctrl *h, uint32_t domid, char **name)
{
    int rc = ctrl_store_read(h, name, "/local/domain/%u/name", domid);

    return rc == -ENOENT ? ctrl_fail(h, rc, "%u is an invalid domain identifier", domid) : rc;
}

/* The domain of that name among those that exist; -ESRCH without a sentence. */
static int find_name(struct ctrl *h, const char *name, uint32_t except, uint32_t *domid)
{
    struct ctrl_domain_info *list;
    char **names;
    size_t count;
    int rc = ctrl_domain_list(h, &list, &count);

    if (rc < 0) {
        return rc;
    }
    rc = ctrl_domain_names(h, list, count, &names);
    if (rc == 0) {
        rc = -ESRCH;
        for (size_t i = 0; i < count && rc != 0; i++) {
            if (names[i] != NULL && list[i].domid != except && strcmp(names[i], name) == 0) {
                *domid = list[i].domid;
                rc = 0;
            }
        }
        free(names);
    }
    free(list);
    return rc;
}

int name_unused(struct ctrl *h, const char *name, uint32_t except)
{
    uint32_t other;
    int rc = find_name(h, name, except, &other);

    if (rc == 0) {
        return ctrl_fail(h, -EEXIST, "the name '%s' is in use by domain %u", name, other);
    }
    return rc == -ESRCH ? 0 : rc;
}

int ctrl_domain_find(struct ctrl *h, const char *name_or_id, uint32_t *domid)
{
    size_t digits = strspn(name_or_id, "0123456789");
    int rc;

    if (digits > 0 && digits < 10 && name_or_id[digits] == '\0') {
        *domid = (uint32_t)strtoul(name_or_id, NULL, 10);
        return 0;
    }
    rc = find_name(h, name_or_id, CTRL_DOMID_NONE, domid);
    return rc == -ESRCH ? ctrl_fail(h, rc, "%s is an invalid domain identifier", name_or_id) : rc;
}

int ctrl_domain_rename(struct ctrl *h, uint32_t domid, const char *name)
{
    char uuid[37];
    struct ctrl_config *config;
    struct ctrl_domain_info info;
    int rc = name_check(h, name);

    rc = rc < 0 ? rc : ctrl_domain_info(h, domid, &info);
    rc = rc < 0 ? rc : name_unused(h, name, domid);
    rc = rc < 0 ? rc : ctrl_store_write(h, name, "/local/domain/%u/name", domid);
    if (rc < 0) {
        return rc;
    }
    ctrl_uuid_format(info.uuid, uuid);
    rc = ctrl_store_write(h, name, "/vm/%s/name", uuid);
    if (rc == 0 && ctrl_domain_config_load(h, domid, &config) == 0) {
        char *copy = strdup(name);

        if (copy != NULL) {
            free(config->name);
            config->name = copy;
            ctrl_domain_config_save(h, domid, config);
        }
        ctrl_config_free(config);
    }
    return rc;
}

int ctrl_domain_start_time(struct ctrl *h, uint32_t domid, int64_t *seconds)
{
    char *vm, *value = NULL;
    int rc = ctrl_store_read(h, &vm, "/local/domain/%u/vm", domid);

    if (rc == 0) {
        rc = ctrl_store_read(h, &value, "%s/start_time", vm);
        free(vm);
    }
    if (rc < 0) {
        return ctrl_fail(h, rc, "the store does not know when domain %u was started", domid);
    }
    *seconds = strtoll(value, NULL, 10);
    free(value);
    return 0;
}
