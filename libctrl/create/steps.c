/* SPDX-License-Identifier: MIT */
/*
 * The steps of a creation, in their order, each with its undo. What belongs to the domain in the
 * hypervisor needs one undo only, that of the step that made the domain.
 */
#include "create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_KIB 1024u
#define OVERHEAD_PAGES 512u
#define DEFAULT_EVENT_CHANNELS 1023u

/* ---- names and records ---- */

static int step_name(struct creation *c)
{
    uint32_t other;
    int rc = name_unused(c->h, c->config->name, CTRL_DOMID_NONE);

    if (rc == 0 && c->config->has_uuid && domain_find_uuid(c->h, c->uuid, &other) == 0) {
        rc = ctrl_fail(c->h, -EEXIST, "domain %u has the same uuid %s", other, c->uuid_text);
    }
    return rc;
}

/* ---- kernel ---- */

static int step_kernel(struct creation *c)
{
    int rc = image_open(c->h, c->config->kernel, &c->image);

    if (rc < 0) {
        return rc;
    }
    c->has_image = true;
    c->pv.h = c->h;
    c->pv.image = &c->image;
    c->pv.ramdisk = c->config->ramdisk;
    c->pv.cmdline = c->config->cmdline;
    c->pv.nr_pages = c->memory_kib / 4;
    return pv_layout(&c->pv);
}

/* ---- is there room? ---- */

static void name_holders(struct ctrl *h, char *out, size_t size)
{
    struct ctrl_domain_info *list;
    char **names = NULL;
    size_t count, used = 0;

    out[0] = '\0';
    if (ctrl_domain_list(h, &list, &count) < 0) {
        return;
    }
    ctrl_domain_names(h, list, count, &names);
    for (size_t i = 0; i < count && used < size - 64; i++) {
        const char *name = names != NULL && names[i] != NULL ? names[i] : "(unnamed)";
        int n = snprintf(out + used, size - used, "%s%.32s has %" PRIu64, used > 0 ? ", " : "",
                         name, list[i].tot_pages >> 8);

        used += n > 0 ? (size_t)n : 0;
    }
    free(names);
    free(list);
}

static int step_room(struct creation *c)
{
    uint64_t need = c->memory_kib / 4 + OVERHEAD_PAGES, have;
    struct ctrl_physinfo info;
    char holders[200];
    int rc = ctrl_physinfo(c->h, &info);

    if (rc < 0) {
        return rc;
    }
    c->grant_version = info.cap_gnttab_v2 ? 2 : info.cap_gnttab_v1 ? 1 : 0;
    have = info.free_pages > info.outstanding_pages ? info.free_pages - info.outstanding_pages : 0;
    if (need <= have) {
        return 0;
    }
    name_holders(c->h, holders, sizeof(holders));
    return ctrl_fail(c->h, -ENOMEM, "too little memory: %" PRIu64 " MiB are needed, %" PRIu64
                                    " MiB are free, %" PRIu64 " MiB are missing (%s)",
                     need >> 8, have >> 8, (need - have + 255) >> 8, holders);
}

/* ---- the domain ---- */

static int find_pool(struct creation *c)
{
    struct ctrl_cpupool_info *list;
    const char *wanted = c->config->pool;
    size_t count;
    char *end;
    unsigned long number;
    int rc;

    if (wanted == NULL || wanted[0] == '\0') {
        return 0;
    }
    rc = ctrl_cpupool_list(c->h, &list, &count);
    if (rc < 0) {
        return rc;
    }
    number = strtoul(wanted, &end, 10);
    rc = -ENOENT;
    for (size_t i = 0; i < count && rc != 0; i++) {
        if (strcmp(list[i].name, wanted) == 0 || (*end == '\0' && list[i].id == number)) {
            c->cpupool = list[i].id;
            rc = 0;
        }
    }
    free(list);
    return rc < 0 ? ctrl_fail(c->h, rc, "there is no cpu pool '%s'", wanted) : 0;
}

static int step_domain(struct creation *c)
{
    const struct ctrl_config *config = c->config;
    struct xen_domctl_createdomain what = {
        .max_vcpus = c->max_vcpus,
        .max_evtchn_port = config->max_event_channels >= 0 ? (uint32_t)config->max_event_channels
                                                           : DEFAULT_EVENT_CHANNELS,
        .max_grant_frames = (int32_t)config->max_grant_frames,
        .max_maptrack_frames = (int32_t)config->max_maptrack_frames,
    };
    int rc = find_pool(c);

    if (rc < 0) {
        return rc;
    }
    what.grant_opts = XEN_DOMCTL_GRANT_version(
        config->max_grant_version >= 0 ? (uint32_t)config->max_grant_version : c->grant_version);
    what.cpupool_id = c->cpupool;
    memcpy(what.handle, c->uuid, sizeof(what.handle));
    rc = domain_create_raw(c->h, &what, &c->domid);
    if (rc < 0) {
        c->domid = CTRL_DOMID_NONE;
        return rc;
    }
    c->pv.domid = c->domid;
    return journal_record(c);
}

static void undo_domain(struct creation *c)
{
    if (c->domid != CTRL_DOMID_NONE) {
        domain_destroy_raw(c->h, c->domid);
    }
}

/* ---- processors ---- */

static int pin(struct creation *c, const struct ctrl_strings *texts, bool per_vcpu, bool hard)
{
    struct ctrl_cpumap map;
    int rc = 0;

    for (unsigned int v = 0; v < c->max_vcpus && texts->count > 0 && rc == 0; v++) {
        struct ctrl_cpumap copy;

        if (per_vcpu && v >= texts->count) {
            break;
        }
        if (per_vcpu || v == 0) {
            rc = ctrl_cpumap_parse(c->h, texts->items[v], &map);
        }
        copy = map;
        if (rc == 0) {
            rc = ctrl_vcpu_set_affinity(c->h, c->domid, v, hard ? &copy : NULL,
                                        hard ? NULL : &copy);
        }
    }
    return rc;
}

static int set_schedule(struct creation *c)
{
    const struct ctrl_config *config = c->config;
    struct ctrl_credit2 params;
    int rc;

    if (config->cpu_weight == CTRL_UNSET && config->cap == CTRL_UNSET) {
        return 0;
    }
    rc = ctrl_credit2_get(c->h, c->domid, &params);
    if (rc < 0) {
        return rc;
    }
    if (config->cpu_weight != CTRL_UNSET) {
        params.weight = (uint32_t)config->cpu_weight;
    }
    if (config->cap != CTRL_UNSET) {
        params.cap = (uint32_t)config->cap;
    }
    return ctrl_credit2_set(c->h, c->domid, &params);
}

static int set_tsc_mode(struct creation *c)
{
    static const char *const modes[] = { "default", "always_emulate", "native", "native_paravirt" };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_settscinfo, .domain = (domid_t)c->domid };
    const char *wanted = c->config->tsc_mode;
    int rc;

    if (wanted == NULL || strcmp(wanted, modes[0]) == 0) {
        return 0;
    }
    for (uint32_t i = 1; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(wanted, modes[i]) == 0) {
            op.u.tsc_info.tsc_mode = i;
        }
    }
    if (op.u.tsc_info.tsc_mode == 0) {
        return ctrl_fail(c->h, -EINVAL, "tsc_mode '%s' is unknown", wanted);
    }
    rc = ctrl_domctl(c->h, &op);
    return rc < 0 ? ctrl_fail(c->h, rc, "the hypervisor refuses tsc_mode '%s': %s", wanted,
                              strerror(-rc))
                  : 0;
}

static int step_vcpus(struct creation *c)
{
    const struct ctrl_config *config = c->config;
    int rc = domain_max_vcpus(c->h, c->domid, c->max_vcpus);

    rc = rc < 0 ? rc : pin(c, &config->cpus, config->cpus_per_vcpu, true);
    rc = rc < 0 ? rc : pin(c, &config->cpus_soft, config->cpus_soft_per_vcpu, false);
    rc = rc < 0 ? rc : set_schedule(c);
    return rc < 0 ? rc : set_tsc_mode(c);
}

/* ---- memory and contents ---- */

static int step_limits(struct creation *c)
{
    struct ctrl_domain_info info;
    int rc = ctrl_domain_set_maxmem(c->h, c->domid, c->memory_kib + SLACK_KIB);

    rc = rc < 0 ? rc : memory_set_map_limit(c->h, c->domid, c->maxmem_kib << 10);
    rc = rc < 0 ? rc : ctrl_domain_info(c->h, c->domid, &info);
    if (rc == 0) {
        c->pv.shared_info_mfn = info.shared_info_mfn;
    }
    return rc;
}

static int step_channels(struct creation *c)
{
    int rc = domain_evtchn_alloc(c->h, c->domid, c->pv.store_domid, &c->pv.store_port);

    return rc < 0 ? rc : domain_evtchn_alloc(c->h, c->domid, c->pv.console_domid,
                                             &c->pv.console_port);
}

static int step_memory(struct creation *c)
{
    return pv_populate(&c->pv);
}

static int step_contents(struct creation *c)
{
    return pv_load(&c->pv);
}

static int step_boot(struct creation *c)
{
    return pv_boot(&c->pv);
}

/* ---- the store ---- */

static int step_store(struct creation *c)
{
    return layout_write(c);
}

static void undo_store(struct creation *c)
{
    if (c->domid != CTRL_DOMID_NONE) {
        destroy_traces(c->h, c->domid, c->uuid);
    }
}

static int step_introduce(struct creation *c)
{
    struct store *s;
    int rc = ctrl_store(c->h, &s);

    if (rc < 0) {
        return rc;
    }
    rc = store_introduce(s, c->domid, c->pv.store_mfn, c->pv.store_port);
    return rc < 0 ? ctrl_fail(c->h, rc, "the store does not accept domain %u: %s", c->domid,
                              strerror(-rc))
                  : 0;
}

static int step_config(struct creation *c)
{
    struct ctrl_config *copy;
    int rc = ctrl_config_copy(c->config, &copy);

    if (rc < 0) {
        return ctrl_no_memory(c->h);
    }
    memcpy(copy->uuid, c->uuid, sizeof(copy->uuid));
    copy->has_uuid = true;
    rc = ctrl_domain_config_save(c->h, c->domid, copy);
    ctrl_config_free(copy);
    return rc;
}

static int step_unpause(struct creation *c)
{
    return c->paused ? 0 : ctrl_domain_unpause(c->h, c->domid);
}

static int step_done(struct creation *c)
{
    journal_close(c);
    return 0;
}

const struct create_step create_steps[] = {
    { "reserve the name", journal_open, journal_close },
    { "look for the name", step_name, NULL },
    { "read the kernel", step_kernel, NULL },
    { "check free memory", step_room, NULL },
    { "make the domain", step_domain, undo_domain },
    { "set processors", step_vcpus, NULL },
    { "set memory limits", step_limits, NULL },
    { "make event channels", step_channels, NULL },
    { "give memory", step_memory, NULL },
    { "load the kernel", step_contents, NULL },
    { "set the first vcpu", step_boot, NULL },
    { "write the store", step_store, undo_store },
    { "introduce to the store", step_introduce, NULL },
    { "keep the config", step_config, NULL },
    { "unpause", step_unpause, NULL },
    { "forget the record", step_done, NULL },
};

const unsigned int create_nr_steps = sizeof(create_steps) / sizeof(create_steps[0]);
