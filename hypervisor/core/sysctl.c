/* SPDX-License-Identifier: MIT */
/*
 * sysctl: what tools ask about the machine, and set for all of it. Rows as in domctl.c; commands
 * without a row here are the machine's (arch_sysctl).
 */
#include "core/sysctl.h"
#include "core/calls.h"
#include "core/console.h"
#include "core/cpupool.h"
#include "core/debugkeys.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/sched.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define DEBUG_KEYS_MAX 128

static long readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *a = &op->u.readconsole;

    return console_ring_read(a->buffer, &a->count, &a->index, a->clear != 0, a->incremental != 0);
}

static long sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = sched_policy->id;
    return 0;
}

static long debug_keys(struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *a = &op->u.debug_keys;

    if (a->nr_keys > DEBUG_KEYS_MAX) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < a->nr_keys; i++) {
        char key;

        if (guest_get_at(&key, a->keys, i) != 0) {
            return -EFAULT;
        }
        debugkeys_run(key);
    }
    return 0;
}

static long getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *a = &op->u.getcpuinfo;
    unsigned nr = MIN(a->max_cpus, sysctl_nr_cpus());

    for (unsigned i = 0; i < nr; i++) {
        struct xen_sysctl_cpuinfo info = {.idletime = sched_idle_time(i)};

        if (guest_put_at(a->info, i, &info) != 0) {
            return -EFAULT;
        }
    }
    a->nr_cpus = nr;
    return 0;
}

/* Free frames of all nodes, or of one, below an address width. */
static uint64_t free_below(int32_t node, uint32_t width)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < MAX_NODES; n++) {
        if (node < 0 || (unsigned)node == n) {
            sum += page_alloc_free_count_node(n, width);
        }
    }
    return sum;
}

static long availheap(struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *a = &op->u.availheap;
    uint32_t max = a->max_bitwidth == 0 ? WIDTH_ANY : MIN(a->max_bitwidth, (uint32_t)WIDTH_ANY);
    uint64_t frames = free_below(a->node, max);

    if (a->min_bitwidth > 0) {
        uint64_t low = free_below(a->node, MIN(a->min_bitwidth, max));

        frames = frames > low ? frames - low : 0;
    }
    a->avail_bytes = frames << PAGE_SHIFT;
    return 0;
}

static long cpu_hotplug(struct xen_sysctl *op)
{
    const struct xen_sysctl_cpu_hotplug *a = &op->u.cpu_hotplug;

    if (a->op == XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE || a->op == XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE) {
        return a->cpu != 0 ? -EINVAL : -EOPNOTSUPP;
    }
    if (a->cpu >= MAX_CPUS || ((arch_present_cpus() >> a->cpu) & 1) == 0) {
        return -EINVAL;
    }
    switch (a->op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
        return arch_cpu_up(a->cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
        return a->cpu == 0 ? -EINVAL : arch_cpu_down(a->cpu);
    default:
        return -EOPNOTSUPP;
    }
}

static long cpupool(struct xen_sysctl *op)
{
    return cpupool_op(&op->u.cpupool_op);
}

static long scheduler(struct xen_sysctl *op)
{
    return sched_adjust_system(&op->u.scheduler_op);
}

/* --- the list of domains ---------------------------------------------------------------------- */

/*
 * The list may be long and the argument has no room for where we are, so a continued call carries
 * it in its second argument: mark, domains written, next number. `resume` is that word.
 */
#define LIST_MARK  0x6c697374ULL
#define LIST_BATCH 16

static long getdomaininfolist(struct xen_sysctl *op, uint64_t resume, uint64_t *again)
{
    struct xen_sysctl_getdomaininfolist *a = &op->u.getdomaininfolist;
    bool resumed = resume >> 32 == LIST_MARK;
    uint32_t n = resumed ? (uint32_t)(resume >> 16) & 0xffff : 0;
    domid_t next = resumed ? (domid_t)resume : a->first_domain;
    struct domain *d;

    while (n < a->max_domains && (d = domain_get_next(next)) != NULL) {
        struct xen_domctl_getdomaininfo info;

        memset(&info, 0, sizeof(info));
        domain_getinfo(d, &info);
        next = (domid_t)(d->id + 1);
        domain_put(d);
        if (guest_put_at(a->buffer, n, &info) != 0) {
            return -EFAULT;
        }
        n++;
        if (n % LIST_BATCH == 0 && preempt_needed()) {
            *again = LIST_MARK << 32 | (uint64_t)n << 16 | next;
            return -ERESTART;
        }
    }
    a->num_domains = n;
    return 0;
}

/* --- table ------------------------------------------------------------------------------------ */

struct sysctl_row {
    const char *name;
    long (*fn)(struct xen_sysctl *op);
    access_fn access;
};

#define ROW(cmd, fn) [XEN_SYSCTL_##cmd] = {#cmd, fn, access_control}

static const struct sysctl_row rows[] = {
    ROW(readconsole, readconsole),
    ROW(physinfo, sysctl_physinfo),
    ROW(sched_id, sched_id),
    ROW(debug_keys, debug_keys),
    ROW(getcpuinfo, getcpuinfo),
    ROW(availheap, availheap),
    ROW(cpu_hotplug, cpu_hotplug),
    ROW(cputopoinfo, sysctl_cputopoinfo),
    ROW(numainfo, sysctl_numainfo),
    ROW(cpupool_op, cpupool),
    ROW(scheduler_op, scheduler),
    ROW(pcitopoinfo, sysctl_pcitopoinfo),
};

static const struct sysctl_row *find_row(uint32_t cmd)
{
    const struct sysctl_row *row = NULL;

    if (cmd < ARRAY_SIZE(rows)) {
        row = &rows[index_nospec(cmd, ARRAY_SIZE(rows))];
    }
    return row != NULL && row->fn != NULL ? row : NULL;
}

/* The machine adds to physinfo what only it knows; all else with a row is ours alone. */
static long run(struct xen_sysctl *op, guest_ptr_t u)
{
    const struct sysctl_row *row = find_row(op->cmd);
    bool back = row != NULL;
    long rc;

    if (row != NULL && !row->access(current->domain)) {
        return -EPERM;
    }
    rc = row != NULL ? row->fn(op) : arch_sysctl(op, u, &back);
    if (rc == 0 && op->cmd == XEN_SYSCTL_physinfo) {
        arch_sysctl(op, u, &back);
    }
    if (back && (rc == 0 || row == NULL) && guest_put(u, op) != 0) {
        rc = -EFAULT;
    }
    return rc;
}

CORE_CALL(do_sysctl)
{
    guest_ptr_t u = GUEST_PTR(a1);
    struct xen_sysctl op;
    uint64_t again = 0;
    long rc;

    if (guest_get(&op, u) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd != XEN_SYSCTL_getdomaininfolist) {
        return run(&op, u);
    }
    rc = getdomaininfolist(&op, a2, &again);
    if (rc == -ERESTART) {
        return hypercall_continue(__HYPERVISOR_sysctl, a1, again, 0, 0, 0, 0);
    }
    return rc == 0 && guest_put(u, &op) != 0 ? -EFAULT : rc;
}
