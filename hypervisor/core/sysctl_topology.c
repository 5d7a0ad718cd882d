/* SPDX-License-Identifier: MIT */
/* sysctls that describe the machine: sizes, processors, nodes. */
#include "core/sysctl.h"
#include "core/errno.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define DISTANCE_LOCAL  10
#define DISTANCE_REMOTE 20

static unsigned count_cpus(cpumask_t m)
{
    return (unsigned)__builtin_popcountll(m);
}

static unsigned one_past_highest(cpumask_t m)
{
    return m == 0 ? 0 : 64 - (unsigned)__builtin_clzll(m);
}

unsigned sysctl_nr_cpus(void)
{
    return one_past_highest(arch_online_cpus());
}

static unsigned nr_nodes(void)
{
    return MAX(page_alloc_nr_nodes(), 1u);
}

/* Threads of the first online processor's core, and cores of its socket. */
static void count_siblings(cpumask_t online, struct xen_sysctl_physinfo *p)
{
    unsigned first = (unsigned)__builtin_ctzll(online);
    unsigned threads = 0, in_socket = 0;

    for (unsigned c = first; c < MAX_CPUS; c++) {
        if (((online >> c) & 1) != 0 && arch_cpu_to_socket(c) == arch_cpu_to_socket(first)) {
            in_socket++;
            threads += arch_cpu_to_core(c) == arch_cpu_to_core(first);
        }
    }
    p->threads_per_core = MAX(threads, 1u);
    p->cores_per_socket = MAX(in_socket / p->threads_per_core, 1u);
}

long sysctl_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;
    cpumask_t online = arch_online_cpus();

    memset(p, 0, sizeof(*p));
    count_siblings(online, p);
    p->nr_cpus = count_cpus(online);
    p->max_cpu_id = one_past_highest(arch_present_cpus()) - 1;
    p->nr_nodes = nr_nodes();
    p->max_node_id = nr_nodes() - 1;
    p->cpu_khz = arch_cpu_khz();
    p->capabilities = XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = arch_ram_pages();
    p->free_pages = page_alloc_free_count();
    p->outstanding_pages = page_alloc_outstanding_claims();
    p->max_mfn = arch_max_mfn() - 1;
    return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *a = &op->u.cputopoinfo;
    unsigned nr = one_past_highest(arch_present_cpus());
    cpumask_t online = arch_online_cpus();

    if (!guest_ptr_null(a->cputopo)) {
        nr = MIN(nr, a->num_cpus);
        for (unsigned c = 0; c < nr; c++) {
            struct xen_sysctl_cputopo t = {
                XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID, XEN_INVALID_NODE_ID,
            };

            if (((online >> c) & 1) != 0) {
                t.core = arch_cpu_to_core(c);
                t.socket = arch_cpu_to_socket(c);
                t.node = arch_cpu_to_node(c);
            }
            if (guest_put_at(a->cputopo, c, &t) != 0) {
                return -EFAULT;
            }
        }
    }
    a->num_cpus = nr;
    return 0;
}

static uint64_t node_memory(unsigned node)
{
    /* the total is known only as a whole; with one node that is the node's */
    return nr_nodes() == 1 && node == 0 ? arch_ram_pages()
                                        : page_alloc_free_count_node(node, WIDTH_ANY);
}

static int put_distances(const struct xen_sysctl_numainfo *a, unsigned node, unsigned nr)
{
    for (unsigned other = 0; other < nr; other++) {
        uint32_t distance = other == node ? DISTANCE_LOCAL : DISTANCE_REMOTE;

        if (guest_put_at(a->distance, (uint64_t)node * nr + other, &distance) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *a = &op->u.numainfo;
    unsigned nr = nr_nodes();

    if (guest_ptr_null(a->meminfo) && guest_ptr_null(a->distance)) {
        a->num_nodes = nr;
        return 0;
    }
    nr = MIN(nr, a->num_nodes);
    for (unsigned node = 0; node < nr; node++) {
        struct xen_sysctl_meminfo m = {
            .memsize = node_memory(node) << PAGE_SHIFT,
            .memfree = page_alloc_free_count_node(node, WIDTH_ANY) << PAGE_SHIFT,
        };

        if (!guest_ptr_null(a->meminfo) && guest_put_at(a->meminfo, node, &m) != 0) {
            return -EFAULT;
        }
        if (!guest_ptr_null(a->distance) && put_distances(a, node, nr) != 0) {
            return -EFAULT;
        }
    }
    a->num_nodes = nr;
    return 0;
}

/* The nodes of devices are not known here. May answer for fewer devices than were asked for. */
long sysctl_pcitopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_pcitopoinfo *a = &op->u.pcitopoinfo;
    uint32_t node = XEN_INVALID_NODE_ID, i;

    if (guest_ptr_null(a->devs) || guest_ptr_null(a->nodes)) {
        return -EINVAL;
    }
    for (i = 0; i < a->num_devs && !(i > 63 && preempt_needed()); i++) {
        physdev_pci_device_t dev;

        if (guest_get_at(&dev, a->devs, i) != 0 || guest_put_at(a->nodes, i, &node) != 0) {
            return -EFAULT;
        }
    }
    a->num_devs = i;
    return 0;
}
