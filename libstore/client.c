/* SPDX-License-Identifier: MIT */
/* Requests and replies of a client. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int store_open(const char *path, struct store **out)
{
    struct store *s = calloc(1, sizeof(*s));
    int rc;

    if (!s) {
        return -ENOMEM;
    }
    s->last = &s->first;
    rc = transport_open(path, s);
    if (rc < 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s) {
        client_drop_watches(s);
        close(s->fd);
        free(s);
    }
}

int store_fd(const struct store *s)
{
    return s->fd;
}

static int send_request(struct store *s, uint32_t txn, uint32_t type, const void *payload,
                        size_t length, uint32_t *id)
{
    struct xsd_sockmsg msg = {.type = type, .tx_id = txn, .len = (uint32_t)length};

    if (s->broken) {
        return -EPIPE;
    }
    if (length > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    msg.req_id = *id = ++s->next_id;
    return transport_send(s, &msg, payload);
}

int client_reply(struct store *s, uint32_t type, uint32_t id, char *payload, size_t *length)
{
    struct xsd_sockmsg msg;
    int rc;

    for (;;) {
        rc = transport_receive(s, &msg, payload, -1);
        if (rc < 0) {
            return rc;
        }
        if (msg.type != XS_WATCH_EVENT) {
            break;
        }
        rc = client_queue_watch(s, payload, msg.len);
        if (rc < 0) {
            return rc;
        }
    }
    if (msg.req_id != id || (msg.type != type && msg.type != XS_ERROR)) {
        s->broken = true;
        return -EPROTO;
    }
    if (msg.type == XS_ERROR) {
        return -wire_error_number(payload, msg.len);
    }
    *length = msg.len;
    return 0;
}

int client_request(struct store *s, uint32_t txn, uint32_t type, const void *payload,
                   size_t length, char *reply, size_t *reply_length)
{
    char scratch[XENSTORE_PAYLOAD_MAX];
    size_t ignored;
    uint32_t id;
    int rc = send_request(s, txn, type, payload, length, &id);

    if (rc < 0) {
        return rc;
    }
    return client_reply(s, type, id, reply ? reply : scratch,
                        reply_length ? reply_length : &ignored);
}

static int path_request(struct store *s, uint32_t txn, uint32_t type, const char *path,
                        char *reply, size_t *reply_length)
{
    return client_request(s, txn, type, path, strlen(path) + 1, reply, reply_length);
}

/* A copy of a reply with a NUL behind it. */
static char *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

/* --- nodes ------------------------------------------------------------------------------------ */

int store_read(struct store *s, uint32_t txn, const char *path, char **value, size_t *length)
{
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = path_request(s, txn, XS_READ, path, reply, &n);

    if (rc < 0) {
        return rc;
    }
    *value = copy_text(reply, n);
    if (!*value) {
        return -ENOMEM;
    }
    if (length) {
        *length = n;
    }
    return 0;
}

static int write_payload(char *payload, const char *path, const void *value, size_t length,
                         size_t *total)
{
    size_t lp = strlen(path) + 1;

    if (lp > XENSTORE_PAYLOAD_MAX || length > XENSTORE_PAYLOAD_MAX - lp) {
        return -E2BIG;
    }
    memcpy(payload, path, lp);
    memcpy(payload + lp, value, length);
    *total = lp + length;
    return 0;
}

int store_write(struct store *s, uint32_t txn, const char *path, const void *value, size_t length)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t total;
    int rc = write_payload(payload, path, value, length, &total);

    return rc < 0 ? rc : client_request(s, txn, XS_WRITE, payload, total, NULL, NULL);
}

int store_write_string(struct store *s, uint32_t txn, const char *path, const char *value)
{
    return store_write(s, txn, path, value, strlen(value));
}

int store_mkdir(struct store *s, uint32_t txn, const char *path)
{
    return path_request(s, txn, XS_MKDIR, path, NULL, NULL);
}

int store_rm(struct store *s, uint32_t txn, const char *path)
{
    return path_request(s, txn, XS_RM, path, NULL, NULL);
}

/* --- directories ------------------------------------------------------------------------------ */

/* One block: the pointers, then the names. */
static int split_names(const char *text, size_t length, char ***names, size_t *count)
{
    size_t n = wire_count_strings(text, length), head = (n + 1) * sizeof(char *);
    char **block = malloc(head + length + 1), *p;

    if (!block) {
        return -ENOMEM;
    }
    p = (char *)block + head;
    memcpy(p, text, length);
    for (size_t i = 0; i < n; i++) {
        block[i] = p;
        p += strlen(p) + 1;
    }
    block[n] = NULL;
    *names = block;
    *count = n;
    return 0;
}

struct listing {
    char *text;
    size_t length;
    char generation[32];
};

static int append(struct listing *l, const char *text, size_t length)
{
    char *more = realloc(l->text, l->length + length);

    if (!more && length > 0) {
        return -ENOMEM;
    }
    l->text = more;
    memcpy(l->text + l->length, text, length);
    l->length += length;
    return 0;
}

/* One part: a generation, then names; an empty name at the end says that this was the last. */
static int next_part(struct store *s, uint32_t txn, const char *path, struct listing *l, bool *end)
{
    char payload[XENSTORE_PAYLOAD_MAX], reply[XENSTORE_PAYLOAD_MAX];
    int head = snprintf(payload, sizeof(payload), "%s%c%zu", path, '\0', l->length);
    size_t n, used;
    int rc;

    if (head < 0 || (size_t)head + 1 > sizeof(payload)) {
        return -E2BIG;
    }
    rc = client_request(s, txn, XS_DIRECTORY_PART, payload, (size_t)head + 1, reply, &n);
    if (rc < 0) {
        return rc;
    }
    used = strnlen(reply, n) + 1;
    if (used > n || used > sizeof(l->generation)) {
        return -EPROTO;
    }
    if (l->length == 0) {
        memcpy(l->generation, reply, used);
    } else if (strcmp(l->generation, reply) != 0) {
        l->length = 0; /* it changed meanwhile: from the start */
        *end = false;
        return 0;
    }
    *end = n - used >= 1 && reply[n - 1] == '\0' && (n - used == 1 || reply[n - 2] == '\0');
    return append(l, reply + used, n - used - (*end ? 1 : 0));
}

static int directory_parts(struct store *s, uint32_t txn, const char *path, char ***names,
                           size_t *count)
{
    struct listing l = {0};
    bool end = false;
    int rc = 0;

    while (rc == 0 && !end) {
        rc = next_part(s, txn, path, &l, &end);
    }
    if (rc == 0) {
        rc = split_names(l.text ? l.text : "", l.length, names, count);
    }
    free(l.text);
    return rc;
}

int store_directory(struct store *s, uint32_t txn, const char *path, char ***names, size_t *count)
{
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = path_request(s, txn, XS_DIRECTORY, path, reply, &n);

    if (rc == -E2BIG) {
        return directory_parts(s, txn, path, names, count);
    }
    return rc < 0 ? rc : split_names(reply, n, names, count);
}

/* --- permissions ------------------------------------------------------------------------------ */

int store_get_perms(struct store *s, uint32_t txn, const char *path, struct store_perm **perms,
                    size_t *count)
{
    char reply[XENSTORE_PAYLOAD_MAX], *p = reply;
    struct store_perm *list;
    size_t n, strings;
    int rc = path_request(s, txn, XS_GET_PERMS, path, reply, &n);

    if (rc < 0) {
        return rc;
    }
    strings = wire_count_strings(reply, n);
    list = calloc(strings + 1, sizeof(*list));
    if (!list) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < strings; i++) {
        if (!wire_parse_perm(p, &list[i])) {
            free(list);
            return -EPROTO;
        }
        p += strlen(p) + 1;
    }
    *perms = list;
    *count = strings;
    return 0;
}

static int perms_payload(char *payload, const char *path, const struct store_perm *perms,
                         size_t count, size_t *total)
{
    size_t n = strlen(path) + 1;

    if (n > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    memcpy(payload, path, n);
    for (size_t i = 0; i < count; i++) {
        if (n + 8 > XENSTORE_PAYLOAD_MAX) {
            return -E2BIG;
        }
        n += wire_format_perm(&perms[i], payload + n, 8) + 1;
    }
    *total = n;
    return 0;
}

int store_set_perms(struct store *s, uint32_t txn, const char *path, const struct store_perm *perms,
                    size_t count)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t total;
    int rc = perms_payload(payload, path, perms, count, &total);

    return rc < 0 ? rc : client_request(s, txn, XS_SET_PERMS, payload, total, NULL, NULL);
}

/* --- transactions ----------------------------------------------------------------------------- */

int store_transaction_start(struct store *s, uint32_t *txn)
{
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = client_request(s, 0, XS_TRANSACTION_START, "", 1, reply, &n);

    if (rc < 0) {
        return rc;
    }
    reply[n < sizeof(reply) ? n : sizeof(reply) - 1] = '\0';
    *txn = (uint32_t)strtoul(reply, NULL, 10);
    return *txn == 0 ? -EPROTO : 0;
}

int store_transaction_end(struct store *s, uint32_t txn, bool commit)
{
    return client_request(s, txn, XS_TRANSACTION_END, commit ? "T" : "F", 2, NULL, NULL);
}

/* --- domains, control ------------------------------------------------------------------------- */

int store_introduce(struct store *s, uint32_t domid, uint64_t gfn, uint32_t port)
{
    char payload[64];
    int n = snprintf(payload, sizeof(payload), "%u%c%llu%c%u", domid, '\0',
                     (unsigned long long)gfn, '\0', port);

    return client_request(s, 0, XS_INTRODUCE, payload, (size_t)n + 1, NULL, NULL);
}

static int domain_request(struct store *s, uint32_t type, uint32_t domid, char *reply, size_t *n)
{
    char payload[16];

    snprintf(payload, sizeof(payload), "%u", domid);
    return path_request(s, 0, type, payload, reply, n);
}

int store_release(struct store *s, uint32_t domid)
{
    return domain_request(s, XS_RELEASE, domid, NULL, NULL);
}

int store_resume(struct store *s, uint32_t domid)
{
    return domain_request(s, XS_RESUME, domid, NULL, NULL);
}

int store_set_target(struct store *s, uint32_t domid, uint32_t target)
{
    char payload[32];
    int n = snprintf(payload, sizeof(payload), "%u%c%u", domid, '\0', target);

    return client_request(s, 0, XS_SET_TARGET, payload, (size_t)n + 1, NULL, NULL);
}

int store_is_introduced(struct store *s, uint32_t domid, bool *yes)
{
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = domain_request(s, XS_IS_DOMAIN_INTRODUCED, domid, reply, &n);

    if (rc == 0) {
        *yes = n > 0 && reply[0] == 'T';
    }
    return rc;
}

int store_get_domain_path(struct store *s, uint32_t domid, char **path)
{
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = domain_request(s, XS_GET_DOMAIN_PATH, domid, reply, &n);

    if (rc < 0) {
        return rc;
    }
    *path = copy_text(reply, n);
    return *path ? 0 : -ENOMEM;
}

int store_control(struct store *s, const char *const *argv, size_t argc, char **reply)
{
    char payload[XENSTORE_PAYLOAD_MAX], answer[XENSTORE_PAYLOAD_MAX];
    size_t total = 0, n;
    int rc;

    for (size_t i = 0; i < argc; i++) {
        size_t l = strlen(argv[i]) + 1;

        if (l > sizeof(payload) - total) {
            return -E2BIG;
        }
        memcpy(payload + total, argv[i], l);
        total += l;
    }
    rc = client_request(s, 0, XS_CONTROL, payload, total, answer, &n);
    if (rc < 0) {
        return rc;
    }
    *reply = copy_text(answer, n);
    return *reply ? 0 : -ENOMEM;
}

/* --- batches ---------------------------------------------------------------------------------- */

static int batch_send(struct store *s, uint32_t txn, const struct store_batch *row, uint32_t *id)
{
    static const uint32_t types[] = {
        [STORE_BATCH_WRITE] = XS_WRITE,         [STORE_BATCH_MKDIR] = XS_MKDIR,
        [STORE_BATCH_RM] = XS_RM,               [STORE_BATCH_SET_PERMS] = XS_SET_PERMS,
        [STORE_BATCH_READ] = XS_READ,
    };
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t total;
    int rc;

    switch (row->kind) {
    case STORE_BATCH_WRITE:
        rc = write_payload(payload, row->path, row->value, row->length, &total);
        break;
    case STORE_BATCH_SET_PERMS:
        rc = perms_payload(payload, row->path, row->perms, row->nr_perms, &total);
        break;
    default:
        rc = write_payload(payload, row->path, "", 0, &total);
        break;
    }
    return rc < 0 ? rc : send_request(s, txn, types[row->kind], payload, total, id);
}

static int batch_receive(struct store *s, struct store_batch *row, uint32_t id)
{
    static const uint32_t types[] = {
        [STORE_BATCH_WRITE] = XS_WRITE,         [STORE_BATCH_MKDIR] = XS_MKDIR,
        [STORE_BATCH_RM] = XS_RM,               [STORE_BATCH_SET_PERMS] = XS_SET_PERMS,
        [STORE_BATCH_READ] = XS_READ,
    };
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t n;
    int rc = client_reply(s, types[row->kind], id, reply, &n);

    if (rc == 0 && row->kind == STORE_BATCH_READ) {
        row->result = copy_text(reply, n);
        row->length = n;
        rc = row->result ? 0 : -ENOMEM;
    }
    return rc;
}

/* As many requests as a daemon surely takes without our reading a reply. */
#define BATCH_WINDOW 16

int store_batch(struct store *s, uint32_t txn, struct store_batch *rows, size_t count)
{
    uint32_t ids[BATCH_WINDOW];
    int first = 0;

    for (size_t base = 0; base < count; base += BATCH_WINDOW) {
        size_t n = count - base < BATCH_WINDOW ? count - base : BATCH_WINDOW;

        for (size_t i = 0; i < n; i++) {
            rows[base + i].error = batch_send(s, txn, &rows[base + i], &ids[i]);
            if (rows[base + i].error < 0) {
                ids[i] = 0;
            }
        }
        for (size_t i = 0; i < n; i++) {
            struct store_batch *row = &rows[base + i];

            if (ids[i] != 0) {
                row->error = batch_receive(s, row, ids[i]);
            }
            if (row->error < 0 && first == 0) {
                first = row->error;
            }
        }
    }
    return first;
}
