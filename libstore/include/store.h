/* SPDX-License-Identifier: MIT */
/*
 * libstore: a client of the store, the tree of names and values in which front and back ends meet.
 *
 * A connection speaks the xenstore protocol over the daemon's socket or, inside a guest, over the
 * kernel's device. One request is under way at a time; watch events that arrive meanwhile are
 * queued in the connection. Every call returns 0 or a negative errno (the daemon's own where it
 * answered with one). `txn` is a transaction or 0 for none. Strings and arrays that are handed
 * out are for free(). One thread at a time per connection.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct store;

enum store_access {
    STORE_NONE = 0,
    STORE_READ = 1,
    STORE_WRITE = 2,
    STORE_BOTH = 3,
};

/* The first entry names the owner, and its access is what everybody else may do. */
struct store_perm {
    uint32_t domid;
    enum store_access access;
};

/*
 * path NULL: $XENSTORED_PATH, else /run/xenstored/socket, else, outside the control domain,
 * /dev/xen/xenbus (or /proc/xen/xenbus). A path that is a character device is used as such.
 * -ENOENT or -ECONNREFUSED when no daemon answers.
 */
int store_open(const char *path, struct store **out);
void store_close(struct store *s);

/* Readable when a watch event or a reply may have come. */
int store_fd(const struct store *s);

/* *value ends in a NUL that *length (may be NULL) does not count. */
int store_read(struct store *s, uint32_t txn, const char *path, char **value, size_t *length);
int store_write(struct store *s, uint32_t txn, const char *path, const void *value, size_t length);
/* value is a C string */
int store_write_string(struct store *s, uint32_t txn, const char *path, const char *value);
int store_mkdir(struct store *s, uint32_t txn, const char *path);
/* -ENOENT when it does not exist */
int store_rm(struct store *s, uint32_t txn, const char *path);
/* *names and its strings are one block for free(); any length (DIRECTORY_PART is used if need be)*/
int store_directory(struct store *s, uint32_t txn, const char *path, char ***names, size_t *count);
int store_get_perms(struct store *s, uint32_t txn, const char *path, struct store_perm **perms,
                    size_t *count);
int store_set_perms(struct store *s, uint32_t txn, const char *path, const struct store_perm *perms,
                    size_t count);

int store_transaction_start(struct store *s, uint32_t *txn);
/* -EAGAIN: a conflict, nothing was done, start again */
int store_transaction_end(struct store *s, uint32_t txn, bool commit);

int store_watch(struct store *s, const char *path, const char *token);
int store_unwatch(struct store *s, const char *path, const char *token);
/*
 * The next watch event; both strings are one block, free(*path). timeout_ms 0: only what is there
 * (-EAGAIN when nothing), negative: no limit; -ETIMEDOUT.
 */
int store_read_watch(struct store *s, int timeout_ms, char **path, char **token);

int store_introduce(struct store *s, uint32_t domid, uint64_t gfn, uint32_t port);
int store_release(struct store *s, uint32_t domid);
int store_resume(struct store *s, uint32_t domid);
int store_set_target(struct store *s, uint32_t domid, uint32_t target);
int store_is_introduced(struct store *s, uint32_t domid, bool *yes);
int store_get_domain_path(struct store *s, uint32_t domid, char **path);
/* Request `argc` strings of the daemon's control commands; *reply is text. */
int store_control(struct store *s, const char *const *argv, size_t argc, char **reply);

/*
 * Many requests in one go: each row is sent before the first reply is awaited, which costs a
 * fraction of the calls above. A row's `error` gets its outcome; the call returns the first
 * error. Rows are executed in order.
 */
enum store_batch_kind {
    STORE_BATCH_WRITE,
    STORE_BATCH_MKDIR,
    STORE_BATCH_RM,
    STORE_BATCH_SET_PERMS,
    STORE_BATCH_READ,
};

struct store_batch {
    enum store_batch_kind kind;
    const char *path;
    const void *value;              /* WRITE */
    size_t length;                  /* WRITE; READ: filled in */
    const struct store_perm *perms; /* SET_PERMS */
    size_t nr_perms;
    char *result;                   /* READ: for free(), or NULL */
    int error;
};

int store_batch(struct store *s, uint32_t txn, struct store_batch *rows, size_t count);

#ifdef __cplusplus
}
#endif

#endif
