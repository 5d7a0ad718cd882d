/* SPDX-License-Identifier: MIT */
/*
 * libctrl: control of the domains of one host.
 *
 * Everything goes through an opaque handle. Each call that can fail returns 0 or a negative errno
 * and leaves a sentence for a person in the handle (ctrl_error). The library has no global state,
 * prints nothing and never exits. A handle may be used by one thread at a time; ctrl_cancel alone
 * may be called at any time, also from a signal handler. Devices (/dev/xen/privcmd, the store)
 * are opened when first needed, so that a handle costs nothing.
 *
 * What a call hands out belongs to the caller; strings and arrays are released with free() unless
 * a function is named. Sizes say their unit in their name; times are nanoseconds. Since 0.1 where
 * nothing else is said.
 */
#ifndef CTRL_H
#define CTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ctrl;
struct store;

/* ---- the handle ---- */

enum ctrl_log_level {
    CTRL_LOG_ERROR,
    CTRL_LOG_WARN,
    CTRL_LOG_INFO,
    CTRL_LOG_DEBUG,
};

typedef void ctrl_log_fn(void *data, enum ctrl_log_level level, const char *message);

/* Make a handle. Opens nothing; the only error is -ENOMEM. */
int ctrl_open(struct ctrl **out);
void ctrl_close(struct ctrl *h);

/* The sentence that belongs to the last failure; "" before the first one. Owned by the handle. */
const char *ctrl_error(const struct ctrl *h);

/* Messages up to and including `level` go to `fn`; none before this is called. */
void ctrl_set_log(struct ctrl *h, ctrl_log_fn *fn, void *data, enum ctrl_log_level level);

/* Make a running ctrl_create (or a wait) stop, undo and return -EINTR. Async-signal-safe. */
void ctrl_cancel(struct ctrl *h);
bool ctrl_cancelled(const struct ctrl *h);

/* The handle's connection to the store, opened if need be. Owned by the handle. See store.h. */
int ctrl_store(struct ctrl *h, struct store **out);

/* Is there a hypervisor, and may this process control it? -ENODEV, -EPERM (with a sentence). */
int ctrl_probe(struct ctrl *h);

/* ---- small types ---- */

#define CTRL_DOMID_NONE UINT32_MAX
#define CTRL_MAX_CPUS 1024

struct ctrl_cpumap {
    uint64_t bits[CTRL_MAX_CPUS / 64];
};

static inline bool ctrl_cpumap_test(const struct ctrl_cpumap *map, unsigned int cpu)
{
    return cpu < CTRL_MAX_CPUS && (map->bits[cpu / 64] >> (cpu % 64) & 1);
}

static inline void ctrl_cpumap_set(struct ctrl_cpumap *map, unsigned int cpu)
{
    if (cpu < CTRL_MAX_CPUS) {
        map->bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
    }
}

/* "all", "none", "0-3,^2", "5", "node:1" (and "nodes:0-1"): -EINVAL with a sentence otherwise. */
int ctrl_cpumap_parse(struct ctrl *h, const char *text, struct ctrl_cpumap *map);

/* "0-3,5", "all" when every one of nr_cpus is set, "none". Writes at most size bytes, with NUL. */
int ctrl_cpumap_format(const struct ctrl_cpumap *map, unsigned int nr_cpus, char *out, size_t size);

typedef uint8_t ctrl_uuid[16];

void ctrl_uuid_format(const ctrl_uuid uuid, char out[37]);
int ctrl_uuid_parse(const char *text, ctrl_uuid uuid);

/* ---- domains: information ---- */

enum ctrl_shutdown_reason {
    CTRL_SHUTDOWN_POWEROFF,
    CTRL_SHUTDOWN_REBOOT,
    CTRL_SHUTDOWN_SUSPEND,
    CTRL_SHUTDOWN_CRASH,
    CTRL_SHUTDOWN_WATCHDOG,
    CTRL_SHUTDOWN_SOFT_RESET,
};

struct ctrl_domain_info {
    uint32_t domid;
    ctrl_uuid uuid;
    bool running;       /* a vcpu is on a processor */
    bool blocked;       /* all vcpus wait for events */
    bool paused;        /* by the control tools */
    bool shutdown;      /* ended; shutdown_reason says why */
    bool dying;
    bool hvm;           /* HVM or PVH */
    bool hap;
    bool xenstore;      /* the domain of the store */
    bool debugged;
    uint32_t flags;     /* as the hypervisor gives them, XEN_DOMINF_* */
    uint32_t shutdown_reason; /* enum ctrl_shutdown_reason, or a number of the guest's own */
    uint64_t tot_pages; /* of 4 KiB, as all pages here */
    uint64_t max_pages;
    uint64_t outstanding_pages;
    uint64_t shared_pages;
    uint64_t paged_pages;
    uint64_t shared_info_mfn;
    uint64_t cpu_time_ns;
    uint32_t online_vcpus;
    uint32_t max_vcpu_id;
    uint32_t ssidref;
    uint32_t cpupool;
    uint8_t gpaddr_bits;
};

/* One domain; -ESRCH when there is none of that number. */
int ctrl_domain_info(struct ctrl *h, uint32_t domid, struct ctrl_domain_info *info);

/* All domains in order of their numbers. *list is for free(). */
int ctrl_domain_list(struct ctrl *h, struct ctrl_domain_info **list, size_t *count);

/* Name or number to number; -ESRCH with a sentence. A number need not exist in the store. */
int ctrl_domain_find(struct ctrl *h, const char *name_or_id, uint32_t *domid);

/* -ENOENT when the store has no name for it. */
int ctrl_domain_name(struct ctrl *h, uint32_t domid, char **name);

/*
 * The names of all domains in `list` in one go: names[i] is NULL where there is none. The array
 * and its strings are one block for free().
 */
int ctrl_domain_names(struct ctrl *h, const struct ctrl_domain_info *list, size_t count,
                      char ***names);

/* Wall clock second at which the domain was started; -ENOENT when the store does not know. */
int ctrl_domain_start_time(struct ctrl *h, uint32_t domid, int64_t *seconds);

/* ---- domains: life ---- */

int ctrl_domain_pause(struct ctrl *h, uint32_t domid);
int ctrl_domain_unpause(struct ctrl *h, uint32_t domid);

/* Kill at once and remove all traces. -EPERM for domain 0. */
int ctrl_domain_destroy(struct ctrl *h, uint32_t domid);

/* Ask the guest by its control node; returns at once. -ENOTSUP when it has no control node. */
int ctrl_domain_shutdown(struct ctrl *h, uint32_t domid);
int ctrl_domain_reboot(struct ctrl *h, uint32_t domid);
int ctrl_domain_sysrq(struct ctrl *h, uint32_t domid, char letter);

/* As if the guest had shut itself down, for the reason given. */
int ctrl_domain_remote_shutdown(struct ctrl *h, uint32_t domid, unsigned int reason);

/* New name; -EEXIST when another domain has it, -EINVAL when it is no name. */
int ctrl_domain_rename(struct ctrl *h, uint32_t domid, const char *name);

enum ctrl_trigger {
    CTRL_TRIGGER_NMI,
    CTRL_TRIGGER_RESET,
    CTRL_TRIGGER_INIT,
    CTRL_TRIGGER_POWER,
    CTRL_TRIGGER_SLEEP,
};

int ctrl_domain_trigger(struct ctrl *h, uint32_t domid, enum ctrl_trigger what, uint32_t vcpu);

/*
 * Wait until the domain has shut down, is dying, or is gone; -ESRCH when gone, -EINTR after
 * ctrl_cancel, -ETIMEDOUT after timeout_ms (negative: no limit). *info is set on 0.
 */
int ctrl_domain_wait(struct ctrl *h, uint32_t domid, int timeout_ms, struct ctrl_domain_info *info);

/* ---- domains: memory ---- */

int ctrl_domain_set_maxmem(struct ctrl *h, uint32_t domid, uint64_t kib);

/* Balloon target: written to the store, with the hypervisor's limit moved along. */
int ctrl_domain_set_target(struct ctrl *h, uint32_t domid, uint64_t kib);
int ctrl_domain_get_target(struct ctrl *h, uint32_t domid, uint64_t *target_kib,
                           uint64_t *static_max_kib);

/* mem-max: static-max in the store and the hypervisor's limit. */
int ctrl_domain_set_static_max(struct ctrl *h, uint32_t domid, uint64_t kib);

/* ---- vcpus ---- */

struct ctrl_vcpu_info {
    uint32_t vcpu;
    bool online;
    bool blocked;
    bool running;
    uint32_t cpu;
    uint64_t cpu_time_ns;
    struct ctrl_cpumap hard;
    struct ctrl_cpumap soft;
};

int ctrl_vcpu_list(struct ctrl *h, uint32_t domid, struct ctrl_vcpu_info **list, size_t *count);

/* Either map may be NULL: unchanged. Both are read back as the hypervisor made them effective. */
int ctrl_vcpu_set_affinity(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_cpumap *hard,
                           struct ctrl_cpumap *soft);
int ctrl_vcpu_get_affinity(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_cpumap *hard,
                           struct ctrl_cpumap *soft);

/* vcpu-set: ask the guest to have the first `count` vcpus online. */
int ctrl_vcpu_set_online(struct ctrl *h, uint32_t domid, uint32_t count);

/* ---- scheduler and cpu pools ---- */

enum ctrl_scheduler {
    CTRL_SCHED_UNKNOWN = 0,
    CTRL_SCHED_CREDIT = 5,
    CTRL_SCHED_CREDIT2 = 6,
    CTRL_SCHED_ARINC653 = 7,
    CTRL_SCHED_RTDS = 8,
    CTRL_SCHED_NULL = 9,
};

const char *ctrl_scheduler_name(unsigned int scheduler);
int ctrl_scheduler_id(struct ctrl *h, unsigned int *scheduler);

struct ctrl_credit2 {
    uint32_t weight; /* 1 to 65535 */
    uint32_t cap;    /* percent of one processor, 0: none */
};

int ctrl_credit2_get(struct ctrl *h, uint32_t domid, struct ctrl_credit2 *out);
int ctrl_credit2_set(struct ctrl *h, uint32_t domid, const struct ctrl_credit2 *in);
int ctrl_credit2_get_ratelimit(struct ctrl *h, uint32_t cpupool, uint32_t *us);
int ctrl_credit2_set_ratelimit(struct ctrl *h, uint32_t cpupool, uint32_t us);

struct ctrl_cpupool_info {
    uint32_t id;
    uint32_t scheduler; /* enum ctrl_scheduler */
    uint32_t domains;
    struct ctrl_cpumap cpus;
    char name[64]; /* from the store; "Pool-0" for pool 0 without one */
};

int ctrl_cpupool_list(struct ctrl *h, struct ctrl_cpupool_info **list, size_t *count);
int ctrl_cpupool_free_cpus(struct ctrl *h, struct ctrl_cpumap *cpus);

/* ---- the host ---- */

struct ctrl_physinfo {
    uint32_t threads_per_core;
    uint32_t cores_per_socket;
    uint32_t nr_cpus;
    uint32_t max_cpu_id;
    uint32_t nr_nodes;
    uint32_t max_node_id;
    uint32_t cpu_khz;
    uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
    uint32_t arch_capabilities;
    uint64_t total_pages;
    uint64_t free_pages;
    uint64_t scrub_pages;
    uint64_t outstanding_pages;
    uint64_t max_mfn;
    uint32_t hw_cap[8];
    bool cap_hvm, cap_pv, cap_directio, cap_hap, cap_shadow, cap_iommu_hap_pt_share;
    bool cap_vmtrace, cap_vpmu, cap_gnttab_v1, cap_gnttab_v2;
};

int ctrl_physinfo(struct ctrl *h, struct ctrl_physinfo *out);

struct ctrl_version {
    uint32_t major, minor;
    char extra[16];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    char capabilities[1024];
    char changeset[64];
    char command_line[1024];
    char build_id[129]; /* hexadecimal, "" when there is none */
    uint64_t virt_start;
    uint32_t page_size;
};

int ctrl_version(struct ctrl *h, struct ctrl_version *out);

struct ctrl_cpu_topology {
    uint32_t core, socket, node; /* UINT32_MAX: this processor is offline or does not exist */
};

int ctrl_cpu_topology(struct ctrl *h, struct ctrl_cpu_topology **list, size_t *count);

#define CTRL_MAX_NODES 64

struct ctrl_node {
    uint64_t size_bytes, free_bytes; /* UINT64_MAX: no such node */
    uint32_t distance[CTRL_MAX_NODES];
};

int ctrl_numa(struct ctrl *h, struct ctrl_node **list, size_t *count);

/* Pages shared between guests, and the pages that sharing has saved. */
int ctrl_sharing(struct ctrl *h, uint64_t *freed_pages, uint64_t *used_pages);

/* The hypervisor's own log, as much of it as is kept. *text ends in NUL. */
int ctrl_console_ring(struct ctrl *h, bool clear, char **text, size_t *length);
int ctrl_debug_keys(struct ctrl *h, const char *keys);

/* ---- memory of other domains, event channels ---- */

/*
 * Map `count` frames (of the domain's own numbering for HVM, machine frames for PV) side by side.
 * All or nothing. Released by ctrl_foreign_unmap with the same count.
 */
int ctrl_foreign_map(struct ctrl *h, uint32_t domid, bool writable, const uint64_t *frames,
                     size_t count, void **out);
int ctrl_foreign_unmap(struct ctrl *h, void *address, size_t count);

struct ctrl_evtchn;

/* A file descriptor that is readable when a bound port fires. */
int ctrl_evtchn_open(struct ctrl *h, struct ctrl_evtchn **out);
void ctrl_evtchn_close(struct ctrl_evtchn *e);
int ctrl_evtchn_fd(const struct ctrl_evtchn *e);
int ctrl_evtchn_bind_interdomain(struct ctrl_evtchn *e, uint32_t domid, uint32_t remote_port,
                                 uint32_t *local_port);
int ctrl_evtchn_bind_virq(struct ctrl_evtchn *e, uint32_t virq, uint32_t *local_port);
int ctrl_evtchn_unbind(struct ctrl_evtchn *e, uint32_t local_port);
int ctrl_evtchn_notify(struct ctrl_evtchn *e, uint32_t local_port);
/* Next port that fired; -EAGAIN when none. It stays masked until ctrl_evtchn_unmask. */
int ctrl_evtchn_pending(struct ctrl_evtchn *e, uint32_t *local_port);
int ctrl_evtchn_unmask(struct ctrl_evtchn *e, uint32_t local_port);

/* Map a grant of another domain (the console ring is reference 0), without its event channel. */
int ctrl_grant_map(struct ctrl *h, uint32_t domid, uint32_t ref, bool writable, void **out);
int ctrl_grant_unmap(struct ctrl *h, void *address);

/* ---- kernel images ---- */

struct ctrl_image_info {
    char format[16];        /* "ELF", "bzImage" */
    char compression[16];   /* "none", "gzip", "xz", "lz4", "zstd" */
    uint64_t file_bytes;
    uint64_t unpacked_bytes;
    uint64_t entry;
    uint64_t virt_base;
    uint64_t virt_start, virt_end; /* of the loaded segments */
    bool pv;                /* can be started as PV guest */
    bool pvh;               /* has a PVH entry */
    char guest_os[32];
    char guest_version[32];
    char loader[32];
    char features[256];
};

/* What the kernel file at `path` is. -ENOEXEC with a sentence when it is no kernel. */
int ctrl_image_inspect(struct ctrl *h, const char *path, struct ctrl_image_info *info);

/* ---- configuration of a domain ---- */

/*
 * Every key of the configuration language. Strings are NULL and numbers CTRL_UNSET when the file
 * does not say; booleans are 0, 1 or CTRL_UNSET. Keys that no code acts on yet are kept in
 * `settings`, typed and checked, so that nothing is lost between file, JSON and file.
 */
#define CTRL_UNSET (-1)

struct ctrl_strings {
    char **items;
    size_t count;
};

enum ctrl_domain_type {
    CTRL_TYPE_UNSET = CTRL_UNSET,
    CTRL_TYPE_PV = 1,
    CTRL_TYPE_PVH,
    CTRL_TYPE_HVM,
};

enum ctrl_action {
    CTRL_ACTION_UNSET = CTRL_UNSET,
    CTRL_ACTION_DESTROY = 1,
    CTRL_ACTION_RESTART,
    CTRL_ACTION_RENAME_RESTART,
    CTRL_ACTION_PRESERVE,
    CTRL_ACTION_COREDUMP_DESTROY,
    CTRL_ACTION_COREDUMP_RESTART,
    CTRL_ACTION_SOFT_RESET,
};

enum ctrl_disk_format {
    CTRL_DISK_RAW,
    CTRL_DISK_QCOW,
    CTRL_DISK_QCOW2,
    CTRL_DISK_VHD,
    CTRL_DISK_QED,
    CTRL_DISK_EMPTY,
};

enum ctrl_disk_backend {
    CTRL_DISK_BACKEND_UNSET = CTRL_UNSET,
    CTRL_DISK_BACKEND_PHY = 1,
    CTRL_DISK_BACKEND_TAP,
    CTRL_DISK_BACKEND_QDISK,
    CTRL_DISK_BACKEND_STANDALONE,
};

struct ctrl_disk {
    char *spec;     /* as written */
    char *target;   /* NULL: empty drive */
    char *vdev;
    char *script;
    char *backend;  /* name or number of the backend domain */
    enum ctrl_disk_format format;
    enum ctrl_disk_backend backendtype;
    bool readwrite, removable, cdrom;
    int direct_io_safe, discard, trusted; /* booleans that may be unset */
    bool virtio;    /* specification=virtio */
};

struct ctrl_nic {
    char *spec;
    bool has_mac;
    uint8_t mac[6];
    char *bridge, *gatewaydev, *type, *model, *vifname, *script, *ip, *backend, *rate, *accel;
    int devid, mtu, trusted;
};

/* A key without a field of its own. `list` is used when neither string nor number is. */
enum ctrl_setting_kind {
    CTRL_SETTING_NUMBER,
    CTRL_SETTING_STRING,
    CTRL_SETTING_LIST,
};

struct ctrl_setting {
    char *key;
    enum ctrl_setting_kind kind;
    int64_t number;
    char *string;
    struct ctrl_strings list;
};

struct ctrl_config {
    /* identity */
    char *name;
    bool has_uuid; /* else ctrl_create makes one */
    ctrl_uuid uuid;
    enum ctrl_domain_type type; /* unset: PV */
    char *seclabel, *init_seclabel, *device_model_stubdomain_seclabel;

    /* processors */
    int vcpus;                 /* online at start; unset: 1 */
    int maxvcpus;              /* unset: vcpus */
    struct ctrl_strings cpus;  /* one entry per vcpu if cpus_per_vcpu, else one for all */
    struct ctrl_strings cpus_soft;
    bool cpus_per_vcpu, cpus_soft_per_vcpu;
    int cpu_weight, cap;
    char *pool;
    struct ctrl_strings cpuid; /* one string unless cpuid_is_list */
    bool cpuid_is_list;

    /* memory, KiB */
    int64_t memory_kib; /* unset: 128 MiB */
    int64_t maxmem_kib; /* unset: memory */
    int64_t videoram_kib, shadow_memory_kib;

    /* events */
    enum ctrl_action on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset;

    /* boot */
    char *kernel, *ramdisk;
    char *cmdline; /* root= and extra= are already joined into it, as the guest gets it */
    char *bootloader;
    struct ctrl_strings bootloader_args;
    char *firmware;

    /* devices */
    struct ctrl_disk *disks;
    size_t nr_disks;
    struct ctrl_nic *nics;
    size_t nr_nics;
    struct ctrl_strings p9, channels, vfbs, pcis;

    /* limits */
    int64_t max_grant_frames, max_maptrack_frames, max_grant_version, max_event_channels;

    /* misc */
    int localtime, nomigrate, driver_domain;
    int64_t rtc_timeoffset;
    char *tsc_mode; /* "default", "always_emulate", "native", "native_paravirt" */
    char *passthrough;
    struct ctrl_strings iomem, ioports, irqs;
    int e820_host;

    /* all other known keys, in the order of the file */
    struct ctrl_setting *settings;
    size_t nr_settings;
};

/* A config with nothing set. */
int ctrl_config_new(struct ctrl_config **out);
void ctrl_config_free(struct ctrl_config *config);

/*
 * Read the configuration language. `overrides` is more text of the same language, as it stands
 * on a command line, or NULL. Unknown keys warn through the log. Errors name file, line, column.
 */
int ctrl_config_parse_file(struct ctrl *h, const char *path, const char *overrides,
                           struct ctrl_config **out);
int ctrl_config_parse_string(struct ctrl *h, const char *name, const char *text,
                             const char *overrides, struct ctrl_config **out);

/*
 * JSON in the shape of `xl list -l`'s "config" object ("c_info", "b_info", "disks", ...);
 * domid CTRL_DOMID_NONE: the bare object, else wrapped as {"domid": N, "config": {...}}.
 */
int ctrl_config_to_json(struct ctrl *h, const struct ctrl_config *config, uint32_t domid,
                        char **json);
int ctrl_config_from_json(struct ctrl *h, const char *json, struct ctrl_config **out);

/* A file of the configuration language that makes the same guest again. */
int ctrl_config_to_cfg(struct ctrl *h, const struct ctrl_config *config, char **text);

/* A deep copy. */
int ctrl_config_copy(const struct ctrl_config *config, struct ctrl_config **out);

/* One row of the key table, for `help KEY` and the man page; NULL past the end. */
struct ctrl_config_key {
    const char *name;
    const char *type;    /* "string", "number", "boolean", "list", ... */
    const char *fallback; /* what holds when the key is not given */
    const char *help;
    bool used;           /* some code acts on it */
};

const struct ctrl_config_key *ctrl_config_key(size_t index);

/* The configuration a running domain was made from, kept beside it until it is destroyed. */
int ctrl_domain_config_load(struct ctrl *h, uint32_t domid, struct ctrl_config **out);
int ctrl_domain_config_save(struct ctrl *h, uint32_t domid, const struct ctrl_config *config);

/* ---- creation ---- */

struct ctrl_create_options {
    bool paused; /* leave the new domain paused */
    /* Called before each step with its name; index counts from 0 to count - 1. May be NULL. */
    void (*progress)(void *data, const char *step, unsigned int index, unsigned int count);
    void *data;
};

/*
 * Make a domain. On failure, or after ctrl_cancel (-EINTR), nothing is left behind. -EEXIST: the
 * name is in use; -ENOMEM: too little memory (the sentence says by how much); -EOPNOTSUPP: the
 * config asks for what is not built. `options` may be NULL.
 */
int ctrl_create(struct ctrl *h, const struct ctrl_config *config,
                const struct ctrl_create_options *options, uint32_t *domid);

/* Check what can be checked without touching anything: used by `create --dryrun`. */
int ctrl_create_check(struct ctrl *h, const struct ctrl_config *config);

/* Remove what creations that were killed half-way have left. *removed (or NULL) counts them. */
int ctrl_reap(struct ctrl *h, unsigned int *removed);

/* Version of the library, "0.1.0". */
const char *ctrl_library_version(void);

#ifdef __cplusplus
}
#endif

#endif
