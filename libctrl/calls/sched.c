/* SPDX-License-Identifier: MIT */
/*
 * Scheduler parameters and cpu pools. Only credit2, the default scheduler, has parameters here.
 */
#include "../internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES (CTRL_MAX_CPUS / 8)
#define NO_POOL UINT32_MAX

const char *ctrl_scheduler_name(unsigned int scheduler)
{
    static const char *const names[] = {
        [CTRL_SCHED_CREDIT] = "credit",
        [CTRL_SCHED_CREDIT2] = "credit2",
        [CTRL_SCHED_ARINC653] = "arinc653",
        [CTRL_SCHED_RTDS] = "rtds",
        [CTRL_SCHED_NULL] = "null",
    };

    if (scheduler >= sizeof(names) / sizeof(names[0]) || names[scheduler] == NULL) {
        return "unknown";
    }
    return names[scheduler];
}

int ctrl_scheduler_id(struct ctrl *h, unsigned int *scheduler)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_sched_id };
    int rc = ctrl_sysctl(h, &op);

    if (rc < 0) {
        return ctrl_fail(h, rc, "cannot ask for the scheduler: %s", strerror(-rc));
    }
    *scheduler = op.u.sched_id.sched_id;
    return 0;
}

static int domain_params(struct ctrl *h, uint32_t domid, uint32_t cmd, struct ctrl_credit2 *p)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_scheduler_op, .domain = (domid_t)domid };
    struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;
    int rc;

    s->sched_id = XEN_SCHEDULER_CREDIT2;
    s->cmd = cmd;
    s->u.credit2.weight = (uint16_t)p->weight;
    s->u.credit2.cap = (uint16_t)p->cap;
    rc = ctrl_domctl(h, &op);
    p->weight = s->u.credit2.weight;
    p->cap = s->u.credit2.cap;
    if (rc == -ESRCH) {
        return ctrl_fail(h, rc, "domain %u does not exist", domid);
    }
    if (rc == -EINVAL) {
        return ctrl_fail(h, rc, "the scheduler of domain %u is not credit2, or a value is out of"
                                " range", domid);
    }
    return rc < 0 ? ctrl_fail(h, rc, "cannot reach the scheduling of domain %u: %s", domid,
                              strerror(-rc))
                  : 0;
}

int ctrl_credit2_get(struct ctrl *h, uint32_t domid, struct ctrl_credit2 *out)
{
    *out = (struct ctrl_credit2){ 0 };
    return domain_params(h, domid, XEN_DOMCTL_SCHEDOP_getinfo, out);
}

int ctrl_credit2_set(struct ctrl *h, uint32_t domid, const struct ctrl_credit2 *in)
{
    struct ctrl_credit2 copy = *in;

    if (in->weight < 1 || in->weight > 65535) {
        return ctrl_fail(h, -EINVAL, "a weight lies between 1 and 65535, not %u", in->weight);
    }
    if (in->cap > 65535) {
        return ctrl_fail(h, -EINVAL, "a cap is at most 65535 percent, not %u", in->cap);
    }
    return domain_params(h, domid, XEN_DOMCTL_SCHEDOP_putinfo, &copy);
}

static int pool_params(struct ctrl *h, uint32_t cpupool, uint32_t cmd, uint32_t *us)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_scheduler_op };
    struct xen_sysctl_scheduler_op *s = &op.u.scheduler_op;
    int rc;

    s->cpupool_id = cpupool;
    s->sched_id = XEN_SCHEDULER_CREDIT2;
    s->cmd = cmd;
    s->u.sched_credit2.ratelimit_us = *us;
    rc = ctrl_sysctl(h, &op);
    *us = s->u.sched_credit2.ratelimit_us;
    return rc < 0 ? ctrl_fail(h, rc, "cannot reach the scheduler of pool %u: %s", cpupool,
                              rc == -EINVAL ? "it is not credit2, or the value is out of range"
                                            : strerror(-rc))
                  : 0;
}

int ctrl_credit2_get_ratelimit(struct ctrl *h, uint32_t cpupool, uint32_t *us)
{
    *us = 0;
    return pool_params(h, cpupool, XEN_SYSCTL_SCHEDOP_getinfo, us);
}

int ctrl_credit2_set_ratelimit(struct ctrl *h, uint32_t cpupool, uint32_t us)
{
    return pool_params(h, cpupool, XEN_SYSCTL_SCHEDOP_putinfo, &us);
}

/* ---- cpu pools ---- */

static int pool_op(struct ctrl *h, struct xen_sysctl *op, struct ctrl_cpumap *cpus)
{
    uint8_t *buffer = hbuf_get(h, MAP_BYTES);
    int rc;

    if (buffer == NULL) {
        return -ENOMEM;
    }
    op->cmd = XEN_SYSCTL_cpupool_op;
    op->u.cpupool_op.cpumap.bitmap = hbuf_ptr(buffer);
    op->u.cpupool_op.cpumap.nr_bits = CTRL_MAX_CPUS;
    rc = ctrl_sysctl(h, op);
    memcpy(cpus->bits, buffer, MAP_BYTES);
    hbuf_put(h, buffer, MAP_BYTES);
    return rc;
}

static void pool_name(struct ctrl *h, struct ctrl_cpupool_info *info)
{
    char *name;

    if (ctrl_store_read(h, &name, "/local/pool/%u/name", info->id) == 0) {
        snprintf(info->name, sizeof(info->name), "%s", name);
        free(name);
    } else {
        snprintf(info->name, sizeof(info->name), "Pool-%u", info->id);
    }
}

int ctrl_cpupool_list(struct ctrl *h, struct ctrl_cpupool_info **list, size_t *count)
{
    struct ctrl_cpupool_info *all = NULL;
    size_t have = 0;
    uint32_t next = 0;
    int rc;

    /* Each answer is the first pool at or behind the number asked for. */
    for (;;) {
        struct xen_sysctl op = { 0 };
        struct ctrl_cpupool_info *grown = realloc(all, (have + 1) * sizeof(*all));

        if (grown == NULL) {
            rc = ctrl_no_memory(h);
            break;
        }
        all = grown;
        memset(&all[have], 0, sizeof(all[have]));
        op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
        op.u.cpupool_op.cpupool_id = next;
        rc = pool_op(h, &op, &all[have].cpus);
        if (rc < 0 || op.u.cpupool_op.cpupool_id == NO_POOL) {
            rc = rc == -ENOENT || have > 0 ? 0 : rc;
            break;
        }
        all[have].id = op.u.cpupool_op.cpupool_id;
        all[have].scheduler = op.u.cpupool_op.sched_id;
        all[have].domains = op.u.cpupool_op.n_dom;
        pool_name(h, &all[have]);
        next = all[have++].id + 1;
    }
    if (rc < 0) {
        free(all);
        return ctrl_fail(h, rc, "cannot list the cpu pools: %s", strerror(-rc));
    }
    *list = all;
    *count = have;
    return 0;
}

int ctrl_cpupool_free_cpus(struct ctrl *h, struct ctrl_cpumap *cpus)
{
    struct xen_sysctl op = { 0 };
    int rc;

    memset(cpus, 0, sizeof(*cpus));
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    rc = pool_op(h, &op, cpus);
    return rc < 0 ? ctrl_fail(h, rc, "cannot ask for free processors: %s", strerror(-rc)) : 0;
}
