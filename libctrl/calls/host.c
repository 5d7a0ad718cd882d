/* SPDX-License-Identifier: MIT */
/*
 * The machine and its hypervisor: sizes, version, topology, the hypervisor's log.
 */
#include "../internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/version.h>

static int sysctl_or_fail(struct ctrl *h, struct xen_sysctl *op, const char *what)
{
    int rc = ctrl_sysctl(h, op);

    if (rc < 0 && h->privcmd_fd >= 0) {
        ctrl_fail(h, rc, "cannot ask the hypervisor for %s: %s", what,
                  rc == -EPERM ? "only dom0 may" : strerror(-rc));
    }
    return rc;
}

int ctrl_physinfo(struct ctrl *h, struct ctrl_physinfo *out)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };
    const struct xen_sysctl_physinfo *p = &op.u.physinfo;
    int rc = sysctl_or_fail(h, &op, "the machine's size");

    if (rc < 0) {
        return rc;
    }
    *out = (struct ctrl_physinfo){
        .threads_per_core = p->threads_per_core,
        .cores_per_socket = p->cores_per_socket,
        .nr_cpus = p->nr_cpus,
        .max_cpu_id = p->max_cpu_id,
        .nr_nodes = p->nr_nodes,
        .max_node_id = p->max_node_id,
        .cpu_khz = p->cpu_khz,
        .capabilities = p->capabilities,
        .arch_capabilities = p->arch_capabilities,
        .total_pages = p->total_pages,
        .free_pages = p->free_pages,
        .scrub_pages = p->scrub_pages,
        .outstanding_pages = p->outstanding_pages,
        .max_mfn = p->max_mfn,
        .cap_hvm = p->capabilities & XEN_SYSCTL_PHYSCAP_hvm,
        .cap_pv = p->capabilities & XEN_SYSCTL_PHYSCAP_pv,
        .cap_directio = p->capabilities & XEN_SYSCTL_PHYSCAP_directio,
        .cap_hap = p->capabilities & XEN_SYSCTL_PHYSCAP_hap,
        .cap_shadow = p->capabilities & XEN_SYSCTL_PHYSCAP_shadow,
        .cap_iommu_hap_pt_share = p->capabilities & XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share,
        .cap_vmtrace = p->capabilities & XEN_SYSCTL_PHYSCAP_vmtrace,
        .cap_vpmu = p->capabilities & XEN_SYSCTL_PHYSCAP_vpmu,
        .cap_gnttab_v1 = p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .cap_gnttab_v2 = p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2,
    };
    memcpy(out->hw_cap, p->hw_cap, sizeof(out->hw_cap));
    return 0;
}

/* One string of xen_version, through a buffer; "" when the hypervisor does not tell. */
static void version_text(struct ctrl *h, unsigned int cmd, void *buffer, char *out, size_t size)
{
    memset(buffer, 0, size);
    if (hcall(h, __HYPERVISOR_xen_version, cmd, (uintptr_t)buffer, 0, 0) < 0) {
        out[0] = '\0';
        return;
    }
    memcpy(out, buffer, size);
    out[size - 1] = '\0';
}

static void version_build_id(struct ctrl *h, struct xen_build_id *id, char *out, size_t size)
{
    int64_t n;

    id->len = 64;
    n = hcall(h, __HYPERVISOR_xen_version, XENVER_build_id, (uintptr_t)id, 0, 0);
    out[0] = '\0';
    for (int64_t i = 0; i < n && (size_t)(2 * i + 3) <= size && i < 64; i++) {
        snprintf(out + 2 * i, size - (size_t)(2 * i), "%02x", id->buf[i]);
    }
}

int ctrl_version(struct ctrl *h, struct ctrl_version *out)
{
    struct xen_platform_parameters *params;
    struct xen_compile_info *compile;
    int64_t rc = hcall(h, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    void *buffer;

    if (rc < 0) {
        return h->privcmd_fd < 0 ? (int)rc
                                 : ctrl_fail(h, (int)rc, "the hypervisor does not tell its"
                                                         " version: %s", strerror((int)-rc));
    }
    buffer = hbuf_get(h, 2048);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    memset(out, 0, sizeof(*out));
    out->major = (uint32_t)rc >> 16;
    out->minor = (uint32_t)rc & 0xffff;
    version_text(h, XENVER_extraversion, buffer, out->extra, sizeof(out->extra));
    version_text(h, XENVER_capabilities, buffer, out->capabilities, sizeof(out->capabilities));
    version_text(h, XENVER_changeset, buffer, out->changeset, sizeof(out->changeset));
    version_text(h, XENVER_commandline, buffer, out->command_line, sizeof(out->command_line));
    version_build_id(h, buffer, out->build_id, sizeof(out->build_id));
    compile = buffer;
    memset(compile, 0, sizeof(*compile));
    if (hcall(h, __HYPERVISOR_xen_version, XENVER_compile_info, (uintptr_t)compile, 0, 0) >= 0) {
        snprintf(out->compiler, sizeof(out->compiler), "%.63s", compile->compiler);
        snprintf(out->compile_by, sizeof(out->compile_by), "%.15s", compile->compile_by);
        snprintf(out->compile_domain, sizeof(out->compile_domain), "%.31s",
                 compile->compile_domain);
        snprintf(out->compile_date, sizeof(out->compile_date), "%.31s", compile->compile_date);
    }
    params = buffer;
    params->virt_start = 0;
    hcall(h, __HYPERVISOR_xen_version, XENVER_platform_parameters, (uintptr_t)params, 0, 0);
    out->virt_start = params->virt_start;
    rc = hcall(h, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    out->page_size = rc > 0 ? (uint32_t)rc : CTRL_PAGE_SIZE;
    hbuf_put(h, buffer, 2048);
    return 0;
}

int ctrl_cpu_topology(struct ctrl *h, struct ctrl_cpu_topology **list, size_t *count)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_cputopoinfo };
    struct xen_sysctl_cputopo *buffer;
    struct ctrl_cpu_topology *all;
    size_t n, size;
    int rc = sysctl_or_fail(h, &op, "the number of processors");

    if (rc < 0) {
        return rc;
    }
    n = op.u.cputopoinfo.num_cpus < 8192 ? op.u.cputopoinfo.num_cpus : 8192;
    size = (n + 1) * sizeof(*buffer);
    buffer = hbuf_get(h, size);
    all = calloc(n + 1, sizeof(*all));
    if (buffer == NULL || all == NULL) {
        hbuf_put(h, buffer, size);
        free(all);
        return ctrl_no_memory(h);
    }
    op.u.cputopoinfo.num_cpus = (uint32_t)n;
    op.u.cputopoinfo.cputopo = hbuf_ptr(buffer);
    rc = sysctl_or_fail(h, &op, "the processors' topology");
    if (rc == 0 && op.u.cputopoinfo.num_cpus < n) {
        n = op.u.cputopoinfo.num_cpus;
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct ctrl_cpu_topology){ buffer[i].core, buffer[i].socket, buffer[i].node };
    }
    hbuf_put(h, buffer, size);
    if (rc < 0) {
        free(all);
        return rc;
    }
    *list = all;
    *count = n;
    return 0;
}

static void fill_nodes(struct ctrl_node *all, size_t n, const struct xen_sysctl_meminfo *memory,
                       const uint32_t *distance)
{
    for (size_t i = 0; i < n; i++) {
        all[i].size_bytes = memory[i].memsize;
        all[i].free_bytes = memory[i].memfree;
        for (size_t j = 0; j < n; j++) {
            all[i].distance[j] = distance[i * n + j];
        }
    }
}

int ctrl_numa(struct ctrl *h, struct ctrl_node **list, size_t *count)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_numainfo };
    struct xen_sysctl_meminfo *buffer;
    struct ctrl_node *all;
    size_t n, size;
    int rc = sysctl_or_fail(h, &op, "the number of memory nodes");

    if (rc < 0) {
        return rc;
    }
    n = op.u.numainfo.num_nodes < CTRL_MAX_NODES ? op.u.numainfo.num_nodes : CTRL_MAX_NODES;
    size = (n + 1) * sizeof(*buffer) + n * n * sizeof(uint32_t);
    buffer = hbuf_get(h, size);
    all = calloc(n + 1, sizeof(*all));
    if (buffer == NULL || all == NULL) {
        hbuf_put(h, buffer, size);
        free(all);
        return ctrl_no_memory(h);
    }
    op.u.numainfo.num_nodes = (uint32_t)n;
    op.u.numainfo.meminfo = hbuf_ptr(buffer);
    op.u.numainfo.distance = hbuf_ptr(buffer + n + 1);
    rc = sysctl_or_fail(h, &op, "the memory nodes");
    if (rc == 0) {
        if (op.u.numainfo.num_nodes < n) {
            n = op.u.numainfo.num_nodes;
        }
        fill_nodes(all, n, buffer, (const uint32_t *)(buffer + n + 1));
    }
    hbuf_put(h, buffer, size);
    if (rc < 0) {
        free(all);
        return rc;
    }
    *list = all;
    *count = n;
    return 0;
}

/* The ring grows by reading it piece by piece behind the index that the last piece gave. */
int ctrl_console_ring(struct ctrl *h, bool clear, char **text, size_t *length)
{
    const uint32_t piece = 4 * CTRL_PAGE_SIZE;
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole };
    char *buffer = hbuf_get(h, piece), *all = NULL;
    size_t have = 0;
    int rc = 0;

    if (buffer == NULL) {
        return -ENOMEM;
    }
    op.u.readconsole.buffer = hbuf_ptr(buffer);
    do {
        char *grown;

        op.u.readconsole.count = piece;
        op.u.readconsole.incremental = 1;
        rc = sysctl_or_fail(h, &op, "its log");
        if (rc < 0) {
            break;
        }
        grown = realloc(all, have + op.u.readconsole.count + 1);
        if (grown == NULL) {
            rc = ctrl_no_memory(h);
            break;
        }
        all = grown;
        memcpy(all + have, buffer, op.u.readconsole.count);
        have += op.u.readconsole.count;
        all[have] = '\0';
    } while (op.u.readconsole.count > 0 && have < ((size_t)64 << 20));
    if (rc == 0 && clear) {
        op.u.readconsole.count = piece;
        op.u.readconsole.clear = 1;
        op.u.readconsole.incremental = 0;
        rc = sysctl_or_fail(h, &op, "clearing its log");
    }
    hbuf_put(h, buffer, piece);
    if (rc < 0) {
        free(all);
        return rc;
    }
    *text = all;
    *length = have;
    return 0;
}

int ctrl_debug_keys(struct ctrl *h, const char *keys)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys };
    size_t n = strlen(keys);
    char *buffer = hbuf_get(h, n + 1);
    int rc;

    if (buffer == NULL) {
        return -ENOMEM;
    }
    memcpy(buffer, keys, n);
    op.u.debug_keys.keys = hbuf_ptr(buffer);
    op.u.debug_keys.nr_keys = (uint32_t)n;
    rc = sysctl_or_fail(h, &op, "debug keys");
    hbuf_put(h, buffer, n + 1);
    return rc;
}
