/* SPDX-License-Identifier: MIT */
/* Short forms of domctl and sysctl for tests in dom0's place. */
#include "domctl.h"
#include <public/sched.h>

long domctl(uint32_t cmd, domid_t domain, struct xen_domctl *op)
{
    long rc;

    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domain;
    do {
        rc = HCALL1(domctl, op);
    } while (rc == E_RESTART || rc == E_AGAIN);
    return rc;
}

long sysctl(uint32_t cmd, struct xen_sysctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return HCALL1(sysctl, op);
}

struct xen_domctl_createdomain domain_config = {
    .max_evtchn_port = UINT32_MAX,
    .max_grant_frames = -1,
    .max_maptrack_frames = -1,
    .grant_opts = XEN_DOMCTL_GRANT_version(1),
};

long domain_create(domid_t *id, unsigned max_vcpus)
{
    struct xen_domctl op = {0};
    long rc;

    op.u.createdomain = domain_config;
    op.u.createdomain.max_vcpus = max_vcpus;
    rc = domctl(XEN_DOMCTL_createdomain, *id, &op);
    if (rc == 0) {
        *id = op.domain;
    }
    return rc;
}

long domain_vcpus(domid_t id, unsigned max_vcpus)
{
    struct xen_domctl op = {.u.max_vcpus.max = max_vcpus};

    return domctl(XEN_DOMCTL_max_vcpus, id, &op);
}

long domain_max_kib(domid_t id, uint64_t kib)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = kib};

    return domctl(XEN_DOMCTL_max_mem, id, &op);
}

long domain_populate(domid_t id, uint64_t pfn, uint64_t n, uint64_t *mfns)
{
    struct xen_memory_reservation r = {.extent_start = GP(mfns), .nr_extents = n, .domid = id};
    long rc;

    for (uint64_t i = 0; i < n; i++) {
        mfns[i] = pfn + i;
    }
    rc = HCALL2(memory_op, XENMEM_populate_physmap, &r);
    return rc == (long)n ? 0 : rc < 0 ? rc : E_NOMEM;
}

long domain_simple(uint32_t cmd, domid_t id)
{
    struct xen_domctl op = {0};

    return domctl(cmd, id, &op);
}

long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = {0};
    long rc = domctl(XEN_DOMCTL_getdomaininfo, id, &op);

    if (rc == 0 && op.domain != id) {
        return E_SRCH;
    }
    if (rc == 0) {
        *info = op.u.getdomaininfo;
    }
    return rc;
}

long domain_destroy(domid_t id)
{
    struct xen_domctl_getdomaininfo info;
    long rc = domain_simple(XEN_DOMCTL_destroydomain, id);

    for (unsigned i = 0; rc == 0 && i < 1000; i++) {
        if (domain_info(id, &info) != 0) {
            return 0;
        }
        sleep_ms(1);
    }
    return rc != 0 ? rc : E_BUSY;
}

long domain_pin_cpu(domid_t id, unsigned vcpu, uint64_t cpus)
{
    struct xen_domctl op = {0};

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){GP(&cpus), 64};
    return domctl(XEN_DOMCTL_setvcpuaffinity, id, &op);
}

long domain_weight(domid_t id, unsigned weight, unsigned cap)
{
    struct xen_domctl op = {0};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.credit2.weight = (uint16_t)weight;
    op.u.scheduler_op.u.credit2.cap = (uint16_t)cap;
    return domctl(XEN_DOMCTL_scheduler_op, id, &op);
}

uint64_t domain_cpu_ns(domid_t id)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(id, &info) == 0 ? info.cpu_time : 0;
}

unsigned domain_count(void)
{
    struct xen_domctl op;
    unsigned n = 0;
    domid_t next = 0;

    for (;;) {
        memset(&op, 0, sizeof(op));
        if (domctl(XEN_DOMCTL_getdomaininfo, next, &op) != 0) {
            return n;
        }
        n++;
        next = (domid_t)(op.domain + 1);
    }
}

static void physinfo(struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl op = {0};

    NEED(sysctl(XEN_SYSCTL_physinfo, &op) == 0);
    *info = op.u.physinfo;
}

uint64_t free_pages(void)
{
    struct xen_sysctl_physinfo info;

    physinfo(&info);
    return info.free_pages;
}

bool free_pages_reach(uint64_t wanted)
{
    for (unsigned i = 0; i < 500; i++) {
        if (free_pages() >= wanted) {
            return true;
        }
        sleep_ms(2);
    }
    print("free memory: %lu pages, expected %lu\n", free_pages(), wanted);
    return false;
}

unsigned nr_cpus(void)
{
    struct xen_sysctl_physinfo info;

    physinfo(&info);
    return info.nr_cpus;
}

void sleep_ms(unsigned ms)
{
    struct sched_poll p = {.timeout = now() + (uint64_t)ms * 1000000};

    do { /* an event may end the call early */
        HCALL2(sched_op, SCHEDOP_poll, &p);
    } while (now() < p.timeout);
}
