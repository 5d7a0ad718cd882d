/* SPDX-License-Identifier: MIT */
/*
 * The requests of Linux's /dev/xen/privcmd, /dev/xen/evtchn and /dev/xen/gntdev that libctrl
 * uses, written down here because the kernel's own headers for them do not stand alone.
 */
#ifndef CTRL_PRIVCMD_H
#define CTRL_PRIVCMD_H

#include <assert.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct privcmd_call {
    uint64_t op;
    uint64_t arg[5];
};

struct privcmd_map_batch {
    uint32_t num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *frames;
    int32_t *errors;
};

struct privcmd_map_resource {
    uint16_t dom;
    uint32_t type;
    uint32_t id;
    uint32_t idx;
    uint64_t num;
    uint64_t addr;
};

static_assert(sizeof(struct privcmd_map_batch) == 32, "MMAPBATCH_V2");
static_assert(sizeof(struct privcmd_map_resource) == 32, "MMAP_RESOURCE");

#define PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_call))
#define PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_map_batch))
#define PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_map_resource))

struct evtchn_one {
    uint32_t value;
};

struct evtchn_pair {
    uint32_t remote_domain;
    uint32_t remote_port;
};

#define EVTCHN_BIND_VIRQ _IOC(_IOC_NONE, 'E', 0, sizeof(struct evtchn_one))
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct evtchn_pair))
#define EVTCHN_UNBIND _IOC(_IOC_NONE, 'E', 3, sizeof(struct evtchn_one))
#define EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, sizeof(struct evtchn_one))

struct gntdev_map {
    uint32_t count;
    uint32_t pad;
    uint64_t index;
    uint32_t domid;
    uint32_t ref;
};

struct gntdev_unmap {
    uint64_t index;
    uint32_t count;
    uint32_t pad;
};

struct gntdev_offset {
    uint64_t vaddr;
    uint64_t offset;
    uint32_t count;
    uint32_t pad;
};

#define GNTDEV_MAP_GRANT_REF _IOC(_IOC_NONE, 'G', 0, sizeof(struct gntdev_map))
#define GNTDEV_UNMAP_GRANT_REF _IOC(_IOC_NONE, 'G', 1, sizeof(struct gntdev_unmap))
#define GNTDEV_GET_OFFSET_FOR_VADDR _IOC(_IOC_NONE, 'G', 2, sizeof(struct gntdev_offset))

#endif
