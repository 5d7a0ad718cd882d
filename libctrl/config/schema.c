/* SPDX-License-Identifier: MIT */
/*
 * Every key of the configuration language. The first table holds the keys with a field of their
 * own in struct ctrl_config; schema_kept.c those that are only kept. `help KEY`, the man page,
 * the check of types and the conversions are all made from these rows.
 */
#include "config.h"

#include <string.h>

#define FIELD(name) offsetof(struct ctrl_config, name)
#define KEY(n, k, field, t, d, h, ...)                                                        \
    { .row = { .name = n, .type = t, .fallback = d, .help = h, .used = true }, .kind = k,     \
      .offset = FIELD(field), __VA_ARGS__ }
#define UNUSED_KEY(n, k, field, t, d, h, ...)                                                 \
    { .row = { .name = n, .type = t, .fallback = d, .help = h, .used = false }, .kind = k,    \
      .offset = FIELD(field), __VA_ARGS__ }

#define ACTIONS "destroy, restart, rename-restart, preserve, coredump-destroy, coredump-restart" \
                " or soft-reset"

const struct key schema_keys[] = {
    /* identity */
    KEY("name", KEY_STRING, name, "string", "none: must be given",
        "Name of the domain; no other running domain may have it.", .json = "c_info/name"),
    KEY("uuid", KEY_UUID, uuid, "string", "a random one",
        "Identity of the domain, as 8-4-4-4-12 hexadecimal digits.", .json = "c_info/uuid"),
    KEY("type", KEY_TYPE, type, "\"pv\", \"pvh\" or \"hvm\"", "\"pv\"",
        "Kind of guest. This version starts \"pv\" only.", .json = "c_info/type"),
    KEY("builder", KEY_BUILDER, type, "\"generic\" or \"hvm\"", "\"generic\"",
        "Old spelling of type: \"hvm\" means type = \"hvm\", \"generic\" or \"linux\" \"pv\"."),
    UNUSED_KEY("seclabel", KEY_STRING, seclabel, "string", "none",
        "Security label; accepted and kept, the hypervisor has none."),
    UNUSED_KEY("init_seclabel", KEY_STRING, init_seclabel, "string", "none",
        "Security label while the domain is built; accepted and kept."),
    UNUSED_KEY("device_model_stubdomain_seclabel", KEY_STRING, device_model_stubdomain_seclabel,
        "string", "none", "Security label of a stub domain; accepted and kept."),

    /* processors */
    KEY("vcpus", KEY_INT, vcpus, "number", "1", "Virtual processors that are online at the start.",
        .min = 1, .max = 512),
    KEY("maxvcpus", KEY_INT, maxvcpus, "number", "vcpus",
        "Virtual processors the guest can ever have; vcpu-set chooses below it.",
        .json = "b_info/max_vcpus", .min = 1, .max = 512),
    KEY("cpus", KEY_EITHER, cpus, "string or list", "\"all\"",
        "Processors that vcpus may run on, as \"0-3,^1\". A list has one entry for each vcpu, a"
        " string holds for all.", .flag_offset = FIELD(cpus_per_vcpu)),
    KEY("cpus_soft", KEY_EITHER, cpus_soft, "string or list", "\"all\"",
        "Processors that vcpus should rather run on; same form as cpus.",
        .flag_offset = FIELD(cpus_soft_per_vcpu)),
    KEY("cpu_weight", KEY_INT, cpu_weight, "number", "256",
        "Share of processor time against other domains: one with 512 gets twice that of one with"
        " 256.", .json = "b_info/sched_params/weight", .min = 1, .max = 65535),
    KEY("cap", KEY_INT, cap, "number", "0",
        "Most processor time in percent of one processor; 0 is no limit.",
        .json = "b_info/sched_params/cap", .min = 0, .max = 65535),
    KEY("pool", KEY_STRING, pool, "string", "\"Pool-0\"", "Pool of processors, by name or number.",
        .json = "c_info/pool_name"),
    UNUSED_KEY("cpuid", KEY_EITHER, cpuid, "string or list", "as the host",
        "Changes to what the cpuid instruction tells the guest.",
        .flag_offset = FIELD(cpuid_is_list)),

    /* memory */
    KEY("memory", KEY_MEMORY, memory_kib, "number of MiB", "128", "Memory at the start.",
        .json = "b_info/target_memkb", .min = 1, .max = 16 << 20),
    KEY("maxmem", KEY_MEMORY, maxmem_kib, "number of MiB", "memory",
        "Memory the guest can ever have; mem-set chooses below it.", .json = "b_info/max_memkb",
        .min = 1, .max = 16 << 20),
    UNUSED_KEY("videoram", KEY_MEMORY, videoram_kib, "number of MiB", "by the card",
        "Memory of the emulated graphics card.", .json = "b_info/video_memkb", .min = 0,
        .max = 65536),
    UNUSED_KEY("shadow_memory", KEY_MEMORY, shadow_memory_kib, "number of MiB", "by memory",
        "Memory for the guest's page-table bookkeeping in the hypervisor.",
        .json = "b_info/shadow_memkb", .min = 0, .max = 1 << 20),

    /* events */
    KEY("on_poweroff", KEY_ACTION, on_poweroff, "action", "\"destroy\"",
        "What happens when the guest powers off: " ACTIONS ".", .json = "on_poweroff"),
    KEY("on_reboot", KEY_ACTION, on_reboot, "action", "\"restart\"",
        "What happens when the guest reboots; actions as on_poweroff.", .json = "on_reboot"),
    KEY("on_crash", KEY_ACTION, on_crash, "action", "\"destroy\"",
        "What happens when the guest crashes; actions as on_poweroff.", .json = "on_crash"),
    KEY("on_watchdog", KEY_ACTION, on_watchdog, "action", "\"destroy\"",
        "What happens when the guest's watchdog fires; actions as on_poweroff.",
        .json = "on_watchdog"),
    KEY("on_soft_reset", KEY_ACTION, on_soft_reset, "action", "\"soft-reset\"",
        "What happens at a soft reset; actions as on_poweroff.", .json = "on_soft_reset"),

    /* boot */
    KEY("kernel", KEY_STRING, kernel, "path", "none: must be given for a PV guest",
        "Kernel file: a bzImage or ELF file, plain or packed by gzip, xz, lz4 or zstd.",
        .json = "b_info/kernel"),
    KEY("ramdisk", KEY_STRING, ramdisk, "path", "none", "Initial ramdisk, handed to the kernel.",
        .json = "b_info/ramdisk"),
    KEY("cmdline", KEY_CMDLINE, cmdline, "string", "made from root and extra",
        "The kernel's command line. With it, root and extra are not used.",
        .json = "b_info/cmdline"),
    KEY("root", KEY_CMDLINE, cmdline, "string", "none",
        "Root file system: the command line begins with root= and this."),
    KEY("extra", KEY_CMDLINE, cmdline, "string", "none", "More words for the command line."),
    UNUSED_KEY("bootloader", KEY_STRING, bootloader, "path", "none",
        "Program that finds the kernel on the guest's disk.", .json = "b_info/bootloader"),
    UNUSED_KEY("bootloader_args", KEY_ARGUMENTS, bootloader_args, "string or list", "none",
        "Arguments for the bootloader; a string is split at blanks.",
        .json = "b_info/bootloader_args"),
    UNUSED_KEY("firmware", KEY_STRING, firmware, "string", "by type",
        "What starts the guest instead of a kernel: \"pvgrub32\", \"pvgrub64\", \"seabios\","
        " \"ovmf\" or a path."),

    /* devices */
    UNUSED_KEY("disk", KEY_DISKS, disks, "list of disks", "none",
        "Disks, each as \"TARGET,FORMAT,VDEV,ACCESS\" or with key=value words."),
    UNUSED_KEY("vif", KEY_NICS, nics, "list of interfaces", "none",
        "Network interfaces, each as \"mac=...,bridge=...\"."),
    UNUSED_KEY("p9", KEY_LIST, p9, "list", "none", "Shared folders."),
    UNUSED_KEY("channel", KEY_LIST, channels, "list", "none", "Message channels to the guest."),
    UNUSED_KEY("vfb", KEY_LIST, vfbs, "list", "none", "Virtual frame buffers."),
    UNUSED_KEY("pci", KEY_LIST, pcis, "list", "none", "PCI devices to hand to the guest."),
    UNUSED_KEY("iomem", KEY_LIST, iomem, "list", "none",
        "Frames of device memory the guest may map, as \"START,COUNT\" in hexadecimal."),
    UNUSED_KEY("ioports", KEY_LIST, ioports, "list", "none",
        "Ports the guest may use, as \"2f8-2ff\" in hexadecimal."),
    UNUSED_KEY("irqs", KEY_LIST, irqs, "list", "none", "Interrupts the guest may use."),
    UNUSED_KEY("e820_host", KEY_BOOL, e820_host, "boolean", "0, 1 with pci",
        "Give the guest the machine's memory map.", .json = "b_info/u/e820_host"),
    UNUSED_KEY("passthrough", KEY_STRING, passthrough, "string", "\"disabled\", with pci"
        " \"default\"", "Use of the IOMMU: \"disabled\", \"enabled\", \"sync_pt\", \"share_pt\".",
        .json = "c_info/passthrough"),

    /* limits */
    KEY("max_grant_frames", KEY_NUMBER, max_grant_frames, "number", "the hypervisor's",
        "Frames of the grant table.", .json = "b_info/max_grant_frames", .min = 0,
        .max = INT32_MAX),
    KEY("max_maptrack_frames", KEY_NUMBER, max_maptrack_frames, "number", "the hypervisor's",
        "Frames that track what the guest maps of others.", .json = "b_info/max_maptrack_frames",
        .min = 0, .max = INT32_MAX),
    KEY("max_grant_version", KEY_NUMBER, max_grant_version, "number", "the hypervisor's",
        "Highest version of the grant table interface.", .json = "b_info/max_grant_version",
        .min = 0, .max = 2),
    KEY("max_event_channels", KEY_NUMBER, max_event_channels, "number", "1023",
        "Highest number of an event channel.", .json = "b_info/event_channels", .min = 0,
        .max = INT32_MAX),

    /* misc */
    UNUSED_KEY("localtime", KEY_BOOL, localtime, "boolean", "0",
        "Start the guest's clock with local time.", .json = "b_info/localtime"),
    UNUSED_KEY("rtc_timeoffset", KEY_NUMBER, rtc_timeoffset, "number of seconds", "0",
        "Shift of the guest's clock.", .json = "b_info/rtc_timeoffset", .min = INT32_MIN,
        .max = INT32_MAX),
    KEY("tsc_mode", KEY_TSC, tsc_mode, "string or number", "\"default\"",
        "How the guest reads the time stamp counter: \"default\", \"always_emulate\", \"native\","
        " \"native_paravirt\".", .json = "b_info/tsc_mode"),
    UNUSED_KEY("nomigrate", KEY_BOOL, nomigrate, "boolean", "0",
        "Refuse to migrate this guest.", .json = "b_info/disable_migrate"),
    UNUSED_KEY("driver_domain", KEY_BOOL, driver_domain, "boolean", "0",
        "This guest serves devices to others.", .json = "c_info/driver_domain"),
};

const size_t schema_nr_keys = sizeof(schema_keys) / sizeof(schema_keys[0]);

const char *const tsc_modes[4] = { "default", "always_emulate", "native", "native_paravirt" };

static const char *const action_names[] = {
    [CTRL_ACTION_DESTROY] = "destroy",
    [CTRL_ACTION_RESTART] = "restart",
    [CTRL_ACTION_RENAME_RESTART] = "rename-restart",
    [CTRL_ACTION_PRESERVE] = "preserve",
    [CTRL_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [CTRL_ACTION_COREDUMP_RESTART] = "coredump-restart",
    [CTRL_ACTION_SOFT_RESET] = "soft-reset",
};

#define NR_ACTIONS (sizeof(action_names) / sizeof(action_names[0]))

const char *action_name(enum ctrl_action action)
{
    return action > 0 && (size_t)action < NR_ACTIONS ? action_names[action] : NULL;
}

/* libxl's JSON writes an underscore where the language has a hyphen. */
enum ctrl_action action_parse(const char *name)
{
    for (size_t i = 1; i < NR_ACTIONS; i++) {
        const char *a = action_names[i], *b = name;

        while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_'))) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0') {
            return (enum ctrl_action)i;
        }
    }
    return CTRL_ACTION_UNSET;
}

const char *type_name(enum ctrl_domain_type type)
{
    return type == CTRL_TYPE_PVH ? "pvh" : type == CTRL_TYPE_HVM ? "hvm" : "pv";
}

const struct key *schema_at(size_t index)
{
    if (index < schema_nr_keys) {
        return &schema_keys[index];
    }
    index -= schema_nr_keys;
    return index < schema_nr_kept_keys ? &schema_kept_keys[index] : NULL;
}

const struct key *schema_find(const char *name)
{
    const struct key *key;

    for (size_t i = 0; (key = schema_at(i)) != NULL; i++) {
        if (strcmp(key->row.name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

const struct ctrl_config_key *ctrl_config_key(size_t index)
{
    const struct key *key = schema_at(index);

    return key == NULL ? NULL : &key->row;
}

/* Letters to insert, remove or change between two words; long words are not compared. */
static unsigned int distance(const char *a, const char *b)
{
    unsigned int row[48];
    size_t columns = strlen(b);

    if (columns >= sizeof(row) / sizeof(row[0])) {
        return 99;
    }
    for (unsigned int j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
        unsigned int corner = i - 1;

        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned int best = corner + (a[i - 1] != b[j - 1]);

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[columns];
}

const char *schema_suggest(const char *name)
{
    unsigned int best = strlen(name) < 5 ? 2 : 3;
    const char *found = NULL;
    const struct key *key;

    if (strlen(name) > 40) {
        return NULL;
    }
    for (size_t i = 0; (key = schema_at(i)) != NULL; i++) {
        unsigned int d = distance(name, key->row.name);

        if (d < best) {
            best = d;
            found = key->row.name;
        }
    }
    return found;
}
