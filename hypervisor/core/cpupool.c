/* SPDX-License-Identifier: MIT */
/*
 * The one processor pool, as sysctl cpupool_op shows it. Making further pools is not built;
 * what would change the one there is gets the answer that a tool can print.
 */
#include "core/cpupool.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/guest.h"
#include "core/sched.h"
#include "lib/lib.h"

int cpumask_to_guest(const struct xenctl_bitmap *map, cpumask_t mask)
{
    uint32_t bytes = map->nr_bits / 8 + (map->nr_bits % 8 != 0);
    uint32_t have = MIN(bytes, (uint32_t)sizeof(mask));
    guest_ptr_t p = map->bitmap;

    if (map->nr_bits == 0 || guest_ptr_null(p)) {
        return 0;
    }
    if (map->nr_bits < MAX_CPUS) {
        mask &= (1ULL << map->nr_bits) - 1;
    }
    if (guest_write(p, &mask, have)) {
        return -EFAULT;
    }
    return bytes > have && guest_clear(guest_index(p, have, 1), bytes - have) ? -EFAULT : 0;
}

int cpumask_from_guest(cpumask_t *mask, const struct xenctl_bitmap *map)
{
    uint32_t bytes = map->nr_bits / 8 + (map->nr_bits % 8 != 0);

    *mask = 0;
    if (map->nr_bits == 0) {
        return 0;
    }
    if (guest_read(mask, map->bitmap, MIN(bytes, (uint32_t)sizeof(*mask)))) {
        return -EFAULT;
    }
    if (map->nr_bits < MAX_CPUS) {
        *mask &= (1ULL << map->nr_bits) - 1;
    }
    return 0;
}

static long pool_info(struct xen_sysctl_cpupool_op *op)
{
    if (op->cpupool_id > CPUPOOL_DEFAULT) {
        return -ENOENT;
    }
    op->sched_id = sched_policy->id;
    op->n_dom = domain_count();
    return cpumask_to_guest(&op->cpumap, arch_online_cpus());
}

static long pool_free_info(struct xen_sysctl_cpupool_op *op)
{
    return cpumask_to_guest(&op->cpumap, 0);
}

/* To the pool where it is already: nothing to do. */
static long pool_move_domain(struct xen_sysctl_cpupool_op *op)
{
    struct domain *d;

    if (op->cpupool_id != CPUPOOL_DEFAULT) {
        return -ENOENT;
    }
    d = domain_get((domid_t)op->domid);
    if (d == NULL) {
        return -ESRCH;
    }
    domain_put(d);
    return d == current->domain ? -EPERM : 0;
}

long cpupool_op(struct xen_sysctl_cpupool_op *op)
{
    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return pool_free_info(op);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return pool_move_domain(op);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return op->cpupool_id == CPUPOOL_DEFAULT ? -EBUSY : -ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}
