/* SPDX-License-Identifier: MIT */
/*
 * A request's life: its row in the table is looked up; the row says whether privilege is needed
 * and whether it may stand in a transaction; the handler answers 0 with a reply, or an errno that
 * travels back by name.
 */
#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "log.h"
#include "path.h"
#include "txn.h"
#include "watch.h"

typedef int handler_fn(struct request *request);

enum {
    ROW_PRIVILEGED = 1,
    ROW_NO_TXN = 2, /* tx_id is ignored; else it must be 0 or a transaction of the connection */
    ROW_ONE = 4, /* the payload is one string and nothing else */
};

const char *request_string(const struct request *request, size_t n)
{
    const char *p = request->payload, *end = p + request->length;

    while (n-- > 0 && p < end) {
        p += strnlen(p, (size_t)(end - p)) + 1;
    }
    return p < end && memchr(p, '\0', (size_t)(end - p)) ? p : NULL;
}

int request_ack(struct request *request)
{
    memcpy(request->reply, "OK", 3);
    request->reply_length = 3;
    return 0;
}

static const struct node *root_of(const struct request *request)
{
    return request->txn ? request->txn->work : txn_live;
}

/* The limit of paths is for what stands behind the name of a domain's own folder. */
static size_t counted_length(const char *path)
{
    static const char folder[] = "/local/domain/";
    size_t digits, head = sizeof(folder) - 1;

    if (strncmp(path, folder, head) != 0) {
        return strlen(path);
    }
    digits = strspn(path + head, "0123456789");
    return strlen(path) - (digits > 0 && path[head + digits] == '/' ? head + digits + 1 : 0);
}

/* The first string as an absolute path in `path` (XENSTORE_ABS_PATH_MAX + 1 bytes). */
static int path_of(const struct request *request, bool special, char *path, size_t *strip)
{
    const char *text = request_string(request, 0);
    struct conn *c = request->conn;
    int error;

    if (!text) {
        return EINVAL;
    }
    error = path_resolve(text, c->prefix, special, path, strip);
    if (error) {
        return error;
    }
    return quota_allows(&c->domain->party, QUOTA_PATH, counted_length(path)) ? 0 : EINVAL;
}

/* A readable node at the first string; what was looked at is noted in the transaction. */
static int readable(struct request *request, bool listing, const struct node **node)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    size_t strip;
    int error = path_of(request, false, path, &strip);

    if (!error && request->txn) {
        error = txn_look(request->txn, path, listing);
    }
    if (!error) {
        *node = node_get(root_of(request), &request->conn->domain->party, path, PERM_READ, &error);
    }
    return error;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int do_read(struct request *request)
{
    const struct node *n;
    int error = readable(request, false, &n);

    if (error || !n->value) {
        return error;
    }
    memcpy(request->reply, n->value->data, n->value->length);
    request->reply_length = n->value->length;
    return 0;
}

static int do_directory(struct request *request)
{
    struct walk walk;
    const struct node *n, *child;
    int error = readable(request, true, &n);

    if (error) {
        return error;
    }
    walk_begin(&walk, n, "", false);
    while (!error && (child = walk_next(&walk)) != NULL) {
        size_t length = child->name->length + 1;

        if (length > sizeof(request->reply) - request->reply_length) {
            error = E2BIG;
            break;
        }
        memcpy(request->reply + request->reply_length, child->name->data, length);
        request->reply_length += length;
    }
    walk_end(&walk);
    return error;
}

/* Names from a byte offset of the whole listing on, behind the listing's serial. */
static int do_directory_part(struct request *request)
{
    const char *text = request_string(request, 1);
    struct walk walk;
    const struct node *n, *child;
    size_t offset, at = 0, used;
    char *end;
    int error = text ? readable(request, true, &n) : EINVAL;

    if (error) {
        return error;
    }
    offset = strtoul(text, &end, 10);
    if (*end || *text < '0' || *text > '9') {
        return EINVAL;
    }
    used = (size_t)snprintf(request->reply, sizeof(request->reply), "%" PRIu64, n->listed) + 1;
    walk_begin(&walk, n, "", false);
    while ((child = walk_next(&walk)) != NULL) {
        size_t length = child->name->length + 1;

        if (at >= offset) {
            if (length > sizeof(request->reply) - used) {
                break;
            }
            memcpy(request->reply + used, child->name->data, length);
            used += length;
        }
        at += length;
    }
    walk_end(&walk);
    if (!child && used < sizeof(request->reply)) {
        request->reply[used++] = '\0';
    }
    request->reply_length = used;
    return 0;
}

static int do_get_perms(struct request *request)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    const struct perms *perms;
    const struct node *n;
    size_t strip;
    int error = path_of(request, true, path, &strip);

    if (error) {
        return error;
    }
    if (path[0] == '@') {
        perms = watch_special_perms(path);
        error = !perms ? ENOENT
                : perms_access(perms, &request->conn->domain->party) & PERM_READ ? 0 : EACCES;
    } else {
        error = readable(request, false, &n);
        perms = error ? NULL : n->perms;
    }
    for (uint32_t i = 0; !error && i < perms->count; i++) {
        char *at = request->reply + request->reply_length;

        if (sizeof(request->reply) - request->reply_length < 16) {
            return E2BIG;
        }
        request->reply_length += wire_format_perm(&perms->list[i], at, 16) + 1;
    }
    return error;
}

/* --- changing --------------------------------------------------------------------------------- */

static int change(struct request *request, enum change_kind kind, const char *path,
                  struct blob *value, struct perms *perms)
{
    struct change c = {
        .kind = kind, .path = alloc_copy(path, strlen(path)), .value = value, .perms = perms};
    int error = txn_change(request->txn, request->conn->domain, &c);

    return error ? error : request_ack(request);
}

static int do_write(struct request *request)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    size_t strip, head;
    int error = path_of(request, false, path, &strip);

    if (error) {
        return error;
    }
    head = strlen(request->payload) + 1;
    return change(request, CHANGE_WRITE, path,
                  blob_new(request->payload + head, request->length - head), NULL);
}

static int mkdir_or_rm(struct request *request, enum change_kind kind)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    size_t strip;
    int error = path_of(request, false, path, &strip);

    return error ? error : change(request, kind, path, NULL, NULL);
}

static int do_mkdir(struct request *request)
{
    return mkdir_or_rm(request, CHANGE_MKDIR);
}

static int do_rm(struct request *request)
{
    return mkdir_or_rm(request, CHANGE_RM);
}

static int perms_of(const struct request *request, struct perms **perms)
{
    size_t count = wire_count_strings(request->payload, request->length);
    struct store_perm *list;
    int error = 0;

    if (count < 2 || request->payload[request->length - 1] != '\0') {
        return EINVAL;
    }
    if (!quota_allows(&request->conn->domain->party, QUOTA_PERMS, count - 1)) {
        return ENOSPC;
    }
    list = alloc_zero((count - 1) * sizeof(*list));
    for (size_t i = 1; i < count && !error; i++) {
        if (!wire_parse_perm(request_string(request, i), &list[i - 1]) ||
            list[i - 1].domid >= DOMAIN_LIMIT) {
            error = EINVAL;
        }
    }
    if (!error) {
        *perms = perms_new(list, count - 1);
    }
    free(list);
    return error;
}

static int do_set_perms(struct request *request)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    struct perms *perms;
    size_t strip;
    int error = perms_of(request, &perms);

    if (error) {
        return error;
    }
    error = path_of(request, true, path, &strip);
    if (error) {
        perms_unref(perms);
        return error;
    }
    if (path[0] != '@') {
        return change(request, CHANGE_PERMS, path, NULL, perms);
    }
    if (!watch_special_perms(path)) {
        error = ENOENT;
    } else if (!request->conn->domain->party.privileged) {
        error = EACCES;
    } else {
        watch_set_special_perms(path, perms);
    }
    perms_unref(perms);
    return error ? error : request_ack(request);
}

/* --- watches, transactions -------------------------------------------------------------------- */

static bool two_strings(const struct request *request)
{
    return wire_count_strings(request->payload, request->length) == 2;
}

static int do_watch(struct request *request)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    const char *token = request_string(request, 1);
    size_t strip;
    int error = path_of(request, true, path, &strip);

    if (error || !two_strings(request)) {
        return error ? error : EINVAL;
    }
    error = watch_add(request->conn, path, (uint32_t)strip, token, &request->registered);
    return error ? error : request_ack(request);
}

static int do_unwatch(struct request *request)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    const char *token = request_string(request, 1);
    size_t strip;
    int error;

    if (!two_strings(request)) {
        return EINVAL;
    }
    /* what can be no name is not watched either */
    error = path_of(request, true, path, &strip) ? ENOENT : 0;
    if (error) {
        return error;
    }
    error = watch_remove(request->conn, path, token);
    return error ? error : request_ack(request);
}

static int do_reset_watches(struct request *request)
{
    txn_end_all(request->conn);
    watch_remove_all(request->conn);
    return request_ack(request);
}

static int do_transaction_start(struct request *request)
{
    uint32_t id;
    int error = request->txn ? EBUSY : txn_start(request->conn, &id);

    if (error) {
        return error;
    }
    request->reply_length =
        (size_t)snprintf(request->reply, sizeof(request->reply), "%u", id) + 1;
    return 0;
}

static int do_transaction_end(struct request *request)
{
    const char *text = request_string(request, 0);
    int error;

    if (!text || (strcmp(text, "T") != 0 && strcmp(text, "F") != 0)) {
        return EINVAL;
    }
    if (!request->txn) {
        return ENOENT;
    }
    error = txn_end(request->conn, request->txn, text[0] == 'T');
    return error ? error : request_ack(request);
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    handler_fn *handler;
    unsigned flags;
} rows[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {"CONTROL", request_control, ROW_PRIVILEGED},
    [XS_DIRECTORY] = {"DIRECTORY", do_directory, ROW_ONE},
    [XS_READ] = {"READ", do_read, ROW_ONE},
    [XS_GET_PERMS] = {"GET_PERMS", do_get_perms, ROW_ONE},
    [XS_WATCH] = {"WATCH", do_watch, ROW_NO_TXN},
    [XS_UNWATCH] = {"UNWATCH", do_unwatch, ROW_NO_TXN},
    [XS_TRANSACTION_START] = {"TRANSACTION_START", do_transaction_start, 0},
    [XS_TRANSACTION_END] = {"TRANSACTION_END", do_transaction_end, ROW_ONE},
    [XS_INTRODUCE] = {"INTRODUCE", request_introduce, ROW_PRIVILEGED},
    [XS_RELEASE] = {"RELEASE", request_release, ROW_PRIVILEGED | ROW_ONE},
    [XS_GET_DOMAIN_PATH] = {"GET_DOMAIN_PATH", request_domain_path, ROW_ONE},
    [XS_WRITE] = {"WRITE", do_write, 0},
    [XS_MKDIR] = {"MKDIR", do_mkdir, ROW_ONE},
    [XS_RM] = {"RM", do_rm, ROW_ONE},
    [XS_SET_PERMS] = {"SET_PERMS", do_set_perms, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {"IS_DOMAIN_INTRODUCED", request_is_introduced,
                                 ROW_PRIVILEGED | ROW_ONE},
    [XS_RESUME] = {"RESUME", request_resume, ROW_PRIVILEGED | ROW_ONE},
    [XS_SET_TARGET] = {"SET_TARGET", request_set_target, ROW_PRIVILEGED},
    [XS_RESET_WATCHES] = {"RESET_WATCHES", do_reset_watches, 0},
    [XS_DIRECTORY_PART] = {"DIRECTORY_PART", do_directory_part, 0},
};

const char *request_name(uint32_t type)
{
    return type < XS_TYPE_COUNT && rows[type].name ? rows[type].name : "(unknown)";
}

static int dispatch(struct request *request)
{
    const struct xsd_sockmsg *h = request->header;

    if (h->type >= XS_TYPE_COUNT || !rows[h->type].handler) {
        return ENOSYS;
    }
    if ((rows[h->type].flags & ROW_PRIVILEGED) && !request->conn->domain->party.privileged) {
        return EACCES;
    }
    if (!(rows[h->type].flags & ROW_NO_TXN) && h->tx_id != 0) {
        request->txn = txn_find(request->conn, h->tx_id);
        if (!request->txn) {
            return ENOENT;
        }
    }
    if ((rows[h->type].flags & ROW_ONE) &&
        (h->len == 0 || strnlen(request->payload, h->len) + 1 != h->len)) {
        return EINVAL;
    }
    return rows[h->type].handler(request);
}

void request_handle(struct conn *conn, const struct xsd_sockmsg *header, const char *payload)
{
    struct request request;
    int error;

    /* not the reply's 4096 bytes */
    memset(&request, 0, offsetof(struct request, reply));
    request.conn = conn;
    request.header = header;
    request.payload = payload;
    request.length = header->len;
    request.reply_length = 0;
    request.registered = NULL;
    error = dispatch(&request);
    if (log_verbose()) {
        log_write(LOG_TRACE, "connection %u domain %u transaction %u %s %s: %s", conn->number,
                  conn->domain->party.domid, header->tx_id, request_name(header->type),
                  header->len ? payload : "", error ? wire_error_name(error) : "ok");
    }
    if (error) {
        const char *name = wire_error_name(error);

        conn_reply(conn, header, XS_ERROR, name, strlen(name) + 1);
        return;
    }
    conn_reply(conn, header, header->type, request.reply, request.reply_length);
    if (request.registered) {
        watch_first_event(request.registered);
    }
}
