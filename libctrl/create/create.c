/* SPDX-License-Identifier: MIT */
/*
 * Creation: run the table of steps; when one fails or the handle is cancelled, undo all of them
 * in reverse. The sentence of the failure survives the undoing.
 */
#include "create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uuid.h>

#define DEFAULT_MEMORY_KIB ((int64_t)128 << 10)
#define MAX_VCPUS 512

static int not_built(struct ctrl *h, const char *what)
{
    return ctrl_fail(h, -EOPNOTSUPP, "%s not supported yet: this version starts PV guests that"
                                     " need nothing but a kernel and a ramdisk", what);
}

static int check_kind(struct ctrl *h, const struct ctrl_config *config)
{
    if (config->type == CTRL_TYPE_PVH) {
        return not_built(h, "type = \"pvh\" is");
    }
    if (config->type == CTRL_TYPE_HVM) {
        return not_built(h, "type = \"hvm\" is");
    }
    if (config->nr_disks > 0) {
        return not_built(h, "disks (disk = [...]) are");
    }
    if (config->nr_nics > 0) {
        return not_built(h, "network interfaces (vif = [...]) are");
    }
    if (config->pcis.count > 0) {
        return not_built(h, "passing devices through (pci = [...]) is");
    }
    if (config->p9.count > 0 || config->channels.count > 0 || config->vfbs.count > 0) {
        return not_built(h, "devices (p9, channel, vfb) are");
    }
    if (config->iomem.count > 0 || config->ioports.count > 0 || config->irqs.count > 0) {
        return not_built(h, "access to the machine's devices (iomem, ioports, irqs) is");
    }
    if (config->bootloader != NULL && config->bootloader[0] != '\0') {
        return not_built(h, "a bootloader (bootloader = ...) is");
    }
    if (config->kernel == NULL || config->kernel[0] == '\0') {
        return ctrl_fail(h, -EINVAL,
                         "the config names no kernel: add kernel = \"/boot/vmlinuz-...\"");
    }
    return 0;
}

static int check_sizes(struct creation *c)
{
    const struct ctrl_config *config = c->config;
    int64_t memory = config->memory_kib > 0 ? config->memory_kib : DEFAULT_MEMORY_KIB;
    int64_t maxmem = config->maxmem_kib > 0 ? config->maxmem_kib : memory;
    int vcpus = config->vcpus > 0 ? config->vcpus : 1;
    int max_vcpus = config->maxvcpus > 0 ? config->maxvcpus : vcpus;

    if (maxmem < memory) {
        return ctrl_fail(c->h, -EINVAL, "maxmem (%" PRId64 " MiB) is less than memory (%" PRId64
                                        " MiB)", maxmem >> 10, memory >> 10);
    }
    if (memory < 1024 || maxmem > (int64_t)1 << 34) {
        return ctrl_fail(c->h, -EINVAL, "memory must lie between 1 MiB and 16 TiB, not %" PRId64
                                        " KiB", memory);
    }
    if (vcpus > max_vcpus) {
        return ctrl_fail(c->h, -EINVAL, "vcpus (%d) is more than maxvcpus (%d)", vcpus, max_vcpus);
    }
    if (max_vcpus > MAX_VCPUS) {
        return ctrl_fail(c->h, -EINVAL, "a guest has at most %d vcpus, not %d", MAX_VCPUS,
                         max_vcpus);
    }
    if (config->cpu_weight != CTRL_UNSET &&
        (config->cpu_weight < 1 || config->cpu_weight > 65535)) {
        return ctrl_fail(c->h, -EINVAL, "cpu_weight must lie between 1 and 65535, not %d",
                         config->cpu_weight);
    }
    if (config->cap != CTRL_UNSET && (config->cap < 0 || config->cap > 65535)) {
        return ctrl_fail(c->h, -EINVAL, "cap must lie between 0 and 65535, not %d", config->cap);
    }
    c->memory_kib = (uint64_t)memory;
    c->maxmem_kib = (uint64_t)maxmem;
    c->vcpus = (unsigned int)vcpus;
    c->max_vcpus = (unsigned int)max_vcpus;
    return 0;
}

int creation_check(struct creation *c)
{
    int rc = name_check(c->h, c->config->name);

    rc = rc < 0 ? rc : check_kind(c->h, c->config);
    return rc < 0 ? rc : check_sizes(c);
}

static int creation_init(struct creation *c, struct ctrl *h, const struct ctrl_config *config)
{
    *c = (struct creation){
        .h = h,
        .config = config,
        .domid = CTRL_DOMID_NONE,
        .journal_fd = -1,
    };
    pv_init(&c->pv);
    if (config->has_uuid) {
        memcpy(c->uuid, config->uuid, sizeof(c->uuid));
    } else {
        uuid_generate(c->uuid);
    }
    ctrl_uuid_format(c->uuid, c->uuid_text);
    return creation_check(c);
}

static void creation_release(struct creation *c)
{
    pv_free(&c->pv);
    if (c->has_image) {
        image_close(&c->image);
    }
}

int ctrl_create_check(struct ctrl *h, const struct ctrl_config *config)
{
    struct creation c;
    int rc = creation_init(&c, h, config);

    creation_release(&c);
    return rc;
}

static void undo_all(struct creation *c)
{
    char sentence[sizeof(c->h->error)];

    memcpy(sentence, c->h->error, sizeof(sentence));
    for (unsigned int i = create_nr_steps; i-- > 0;) {
        if (create_steps[i].undo != NULL) {
            create_steps[i].undo(c);
        }
    }
    memcpy(c->h->error, sentence, sizeof(sentence));
}

int ctrl_create(struct ctrl *h, const struct ctrl_config *config,
                const struct ctrl_create_options *options, uint32_t *domid)
{
    struct creation c;
    int rc = creation_init(&c, h, config);

    if (rc < 0) {
        return rc;
    }
    c.paused = options != NULL && options->paused;
    for (unsigned int i = 0; i < create_nr_steps && rc == 0; i++) {
        if (options != NULL && options->progress != NULL) {
            options->progress(options->data, create_steps[i].name, i, create_nr_steps);
        }
        rc = ctrl_cancelled(h) ? ctrl_fail(h, -EINTR, "interrupted") : create_steps[i].run(&c);
    }
    if (rc < 0) {
        undo_all(&c);
    } else {
        *domid = c.domid;
    }
    creation_release(&c);
    return rc;
}
