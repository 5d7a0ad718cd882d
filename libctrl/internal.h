/* SPDX-License-Identifier: MIT */
/*
 * What the files of libctrl share: the handle, the hypercall door, hypercall buffers, and the
 * helpers that leave a sentence in the handle. Nothing of this is exported.
 *
 * Hypercall arguments must lie in memory that the kernel will not move while the hypervisor
 * reads it. The handle keeps one small arena of such memory and hands it out as a stack: what is
 * taken last is put back first. Larger requests get a mapping of their own.
 */
#ifndef CTRL_INTERNAL_H
#define CTRL_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include <public/xen.h>
#include <public/domctl.h>
#include <public/memory.h>
#include <public/sysctl.h>

#include "ctrl.h"
#include "store.h"

#define CTRL_PAGE_SIZE 4096u
#define CTRL_PAGE_SHIFT 12
#define CTRL_ARENA_SIZE (8 * CTRL_PAGE_SIZE)

#define CTRL_RUN_DIR "/run/bonsai"
#define CTRL_CACHE_PARENT "/var/cache"
#define CTRL_CACHE_DIR CTRL_CACHE_PARENT "/bonsai"
#define CTRL_DATA_DIR "/var/lib/xen"

struct ctrl {
    int privcmd_fd; /* -1 until needed */
    int gntdev_fd;
    bool buffers_locked; /* no buffer device: plain memory, locked */
    uint8_t *arena;
    size_t arena_used;
    struct store *store;
    atomic_int cancelled;
    ctrl_log_fn *log_fn;
    void *log_data;
    enum ctrl_log_level log_level;
    char error[512];
};

/* Keep the sentence and return err, which is negative. */
int ctrl_fail(struct ctrl *h, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ctrl_log(struct ctrl *h, enum ctrl_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ctrl_no_memory(struct ctrl *h);

/* Zeroed, page-aligned when size is at least a page. NULL with a sentence on failure. */
void *hbuf_get(struct ctrl *h, size_t size);
void hbuf_put(struct ctrl *h, void *buffer, size_t size);

static inline guest_ptr_t hbuf_ptr(const void *buffer)
{
    return (guest_ptr_t){ .va = (uintptr_t)buffer };
}

/* A raw hypercall: its result, or a negative errno. Sets no sentence but for a missing device. */
int64_t hcall(struct ctrl *h, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

/* The structs may lie anywhere; buffers they point to must come from hbuf_get. */
int ctrl_domctl(struct ctrl *h, struct xen_domctl *op);
int ctrl_sysctl(struct ctrl *h, struct xen_sysctl *op);
int64_t ctrl_memory_op(struct ctrl *h, unsigned int cmd, void *arg, size_t size);

int ctrl_privcmd_fd(struct ctrl *h);

/* Map part of a resource of a domain (XENMEM_resource_*). */
int ctrl_resource_map(struct ctrl *h, uint32_t domid, unsigned int type, unsigned int id,
                      uint32_t frame, size_t count, void **out);

/* sys/xenstore.c: a path made from a format, with the store opened. */
int ctrl_store_read(struct ctrl *h, char **value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ctrl_store_write(struct ctrl *h, const char *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ctrl_store_remove(struct ctrl *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* calls/domain.c */
int domain_create_raw(struct ctrl *h, const struct xen_domctl_createdomain *what, uint32_t *domid);
int domain_destroy_raw(struct ctrl *h, uint32_t domid);
int domain_max_vcpus(struct ctrl *h, uint32_t domid, uint32_t count);
int domain_evtchn_alloc(struct ctrl *h, uint32_t domid, uint32_t remote, uint32_t *port);
int domain_find_uuid(struct ctrl *h, const ctrl_uuid uuid, uint32_t *domid);

/* calls/memory.c */
int64_t memory_populate(struct ctrl *h, uint32_t domid, unsigned int order, uint64_t *extents,
                        size_t count);
int memory_set_map_limit(struct ctrl *h, uint32_t domid, uint64_t bytes);
int memory_pin_l4(struct ctrl *h, uint32_t domid, uint64_t mfn);
int memory_clear_frames(struct ctrl *h, uint32_t domid, const uint64_t *mfns, size_t count);

/* create/name.c */
int name_check(struct ctrl *h, const char *name);
int name_unused(struct ctrl *h, const char *name, uint32_t except);

/* create/destroy.c: remove what the store and the disk know of a domain. */
int destroy_traces(struct ctrl *h, uint32_t domid, const ctrl_uuid uuid);

#endif
