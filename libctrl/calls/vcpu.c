/* SPDX-License-Identifier: MIT */
/*
 * Virtual processors: state, affinity, and the text form of processor sets.
 */
#include "../internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES (CTRL_MAX_CPUS / 8)


static int affinity_call(struct ctrl *h, uint32_t cmd, uint32_t domid, uint32_t vcpu,
                         uint32_t flags, struct ctrl_cpumap *hard, struct ctrl_cpumap *soft)
{
    struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;
    uint8_t *buffer = hbuf_get(h, 2 * MAP_BYTES);
    int rc;

    if (buffer == NULL) {
        return -ENOMEM;
    }
    if (hard != NULL) {
        memcpy(buffer, hard->bits, MAP_BYTES);
        flags |= XEN_VCPUAFFINITY_HARD;
    }
    if (soft != NULL) {
        memcpy(buffer + MAP_BYTES, soft->bits, MAP_BYTES);
        flags |= XEN_VCPUAFFINITY_SOFT;
    }
    a->vcpu = vcpu;
    a->flags = flags;
    a->cpumap_hard.bitmap = hbuf_ptr(buffer);
    a->cpumap_hard.nr_bits = CTRL_MAX_CPUS;
    a->cpumap_soft.bitmap = hbuf_ptr(buffer + MAP_BYTES);
    a->cpumap_soft.nr_bits = CTRL_MAX_CPUS;
    rc = ctrl_domctl(h, &op);
    if (rc == 0 && hard != NULL) {
        memcpy(hard->bits, buffer, MAP_BYTES);
    }
    if (rc == 0 && soft != NULL) {
        memcpy(soft->bits, buffer + MAP_BYTES, MAP_BYTES);
    }
    hbuf_put(h, buffer, 2 * MAP_BYTES);
    return rc;
}

int ctrl_vcpu_get_affinity(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_cpumap *hard,
                           struct ctrl_cpumap *soft)
{
    int rc = affinity_call(h, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, 0, hard, soft);

    return rc < 0 ? ctrl_fail(h, rc, "cannot ask for the affinity of vcpu %u of domain %u: %s",
                              vcpu, domid, strerror(-rc))
                  : 0;
}

int ctrl_vcpu_set_affinity(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_cpumap *hard,
                           struct ctrl_cpumap *soft)
{
    int rc;

    if (hard == NULL && soft == NULL) {
        return 0;
    }
    rc = affinity_call(h, XEN_DOMCTL_setvcpuaffinity, domid, vcpu, 0, hard, soft);
    if (rc == -EINVAL) {
        return ctrl_fail(h, rc, "vcpu %u of domain %u cannot run on these processors: none of"
                                " them is online in its pool, or the vcpu does not exist",
                         vcpu, domid);
    }
    return rc < 0 ? ctrl_fail(h, rc, "cannot set the affinity of vcpu %u of domain %u: %s", vcpu,
                              domid, strerror(-rc))
                  : 0;
}

static int vcpu_one(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_vcpu_info *out)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpuinfo, .domain = (domid_t)domid };
    const struct xen_domctl_getvcpuinfo *v = &op.u.getvcpuinfo;
    int rc;

    op.u.getvcpuinfo.vcpu = vcpu;
    rc = ctrl_domctl(h, &op);
    if (rc < 0) {
        return rc;
    }
    *out = (struct ctrl_vcpu_info){
        .vcpu = vcpu,
        .online = v->online,
        .blocked = v->blocked,
        .running = v->running,
        .cpu = v->cpu,
        .cpu_time_ns = v->cpu_time,
    };
    return affinity_call(h, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, 0, &out->hard, &out->soft);
}

int ctrl_vcpu_list(struct ctrl *h, uint32_t domid, struct ctrl_vcpu_info **list, size_t *count)
{
    struct ctrl_domain_info info;
    struct ctrl_vcpu_info *all;
    size_t have = 0;
    int rc = ctrl_domain_info(h, domid, &info);

    if (rc < 0) {
        return rc;
    }
    if (info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ||
        info.max_vcpu_id >= 8192) {
        *list = NULL;
        *count = 0;
        return 0;
    }
    all = calloc((size_t)info.max_vcpu_id + 1, sizeof(*all));
    if (all == NULL) {
        return ctrl_no_memory(h);
    }
    for (uint32_t i = 0; i <= info.max_vcpu_id; i++) {
        rc = vcpu_one(h, domid, i, &all[have]);
        if (rc == 0) {
            have++;
        } else if (rc != -ESRCH && rc != -EINVAL) {
            free(all);
            return ctrl_fail(h, rc, "cannot ask about vcpu %u of domain %u: %s", i, domid,
                             strerror(-rc));
        }
    }
    *list = all;
    *count = have;
    return 0;
}

int ctrl_vcpu_set_online(struct ctrl *h, uint32_t domid, uint32_t count)
{
    struct ctrl_domain_info info;
    int rc = ctrl_domain_info(h, domid, &info);

    if (rc < 0) {
        return rc;
    }
    if (count == 0 || info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ||
        count > info.max_vcpu_id + 1) {
        return ctrl_fail(h, -EINVAL, "domain %u can have 1 to %u vcpus online, not %u", domid,
                         info.max_vcpu_id + 1, count);
    }
    for (uint32_t i = 0; i <= info.max_vcpu_id && rc == 0; i++) {
        rc = ctrl_store_write(h, i < count ? "online" : "offline",
                              "/local/domain/%u/cpu/%u/availability", domid, i);
    }
    return rc;
}

/* ---- processor sets as text ---- */

static int parse_number(const char **p, unsigned int *out)
{
    unsigned long v = 0;

    if (!isdigit((unsigned char)**p)) {
        return -EINVAL;
    }
    while (isdigit((unsigned char)**p)) {
        v = v * 10 + (unsigned long)(**p - '0');
        if (v >= CTRL_MAX_CPUS) {
            return -EINVAL;
        }
        (*p)++;
    }
    *out = (unsigned int)v;
    return 0;
}

static void apply(struct ctrl_cpumap *map, unsigned int cpu, bool on)
{
    if (on) {
        ctrl_cpumap_set(map, cpu);
    } else {
        map->bits[cpu / 64] &= ~((uint64_t)1 << (cpu % 64));
    }
}

static int apply_nodes(struct ctrl *h, struct ctrl_cpumap *map, unsigned int first,
                       unsigned int last, bool on)
{
    struct ctrl_cpu_topology *topology;
    size_t count;
    int rc = ctrl_cpu_topology(h, &topology, &count);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count && i < CTRL_MAX_CPUS; i++) {
        if (topology[i].node >= first && topology[i].node <= last) {
            apply(map, (unsigned int)i, on);
        }
    }
    free(topology);
    return 0;
}

/* One comma-separated item: [^][node:|nodes:]A[-B] or "all" or "none". */
static int parse_item(struct ctrl *h, const char **p, struct ctrl_cpumap *map, bool first)
{
    unsigned int a, b;
    bool on = true, nodes = false;

    if (**p == '^') {
        on = false;
        (*p)++;
        if (first) {
            memset(map, 0xff, sizeof(*map));
        }
    }
    if (strncmp(*p, "node:", 5) == 0 || strncmp(*p, "nodes:", 6) == 0) {
        nodes = true;
        *p = strchr(*p, ':') + 1;
        if (**p == '^') {
            on = !on;
            (*p)++;
        }
    }
    if (strncmp(*p, "all", 3) == 0) {
        memset(map, on ? 0xff : 0, sizeof(*map));
        *p += 3;
        return 0;
    }
    if (strncmp(*p, "none", 4) == 0) {
        *p += 4;
        return 0;
    }
    if (parse_number(p, &a) < 0) {
        return -EINVAL;
    }
    b = a;
    if (**p == '-') {
        (*p)++;
        if (parse_number(p, &b) < 0 || b < a) {
            return -EINVAL;
        }
    }
    if (nodes) {
        return apply_nodes(h, map, a, b, on);
    }
    for (unsigned int cpu = a; cpu <= b; cpu++) {
        apply(map, cpu, on);
    }
    return 0;
}

int ctrl_cpumap_parse(struct ctrl *h, const char *text, struct ctrl_cpumap *map)
{
    const char *p = text;
    bool first = true;

    memset(map, 0, sizeof(*map));
    for (;;) {
        int rc;

        while (*p == ' ' || *p == '\t') {
            p++;
        }
        rc = parse_item(h, &p, map, first);
        while (*p == ' ' || *p == '\t') {
            p++;
        }
        if (rc == -EINVAL || (*p != ',' && *p != '\0')) {
            return ctrl_fail(h, -EINVAL, "'%s' is no set of processors: expected something like"
                                         " \"0-3,^2\", \"all\" or \"nodes:0\"", text);
        }
        if (rc < 0) {
            return rc;
        }
        if (*p == '\0') {
            return 0;
        }
        p++;
        first = false;
    }
}

int ctrl_cpumap_format(const struct ctrl_cpumap *map, unsigned int nr_cpus, char *out, size_t size)
{
    size_t used = 0;
    unsigned int set = 0;
    bool cut = false;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        set += ctrl_cpumap_test(map, i);
    }
    if (set == nr_cpus || set == 0) {
        return (size_t)snprintf(out, size, "%s", set == 0 ? "none" : "all") < size ? 0 : -ENOSPC;
    }
    for (unsigned int i = 0; i < nr_cpus && !cut; i++) {
        unsigned int last = i;
        int n;

        if (!ctrl_cpumap_test(map, i)) {
            continue;
        }
        while (last + 1 < nr_cpus && ctrl_cpumap_test(map, last + 1)) {
            last++;
        }
        n = last == i ? snprintf(out + used, size - used, "%s%u", used > 0 ? "," : "", i)
                      : snprintf(out + used, size - used, "%s%u-%u", used > 0 ? "," : "", i, last);
        cut = n < 0 || (size_t)n >= size - used;
        used += cut ? 0 : (size_t)n;
        i = last;
    }
    return cut ? -ENOSPC : 0;
}
