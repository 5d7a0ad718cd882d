/* SPDX-License-Identifier: MIT */
/*
 * dom-bad-args: a toolstack that makes mistakes in its domctls and sysctls.
 *
 * Why: these calls come from programs of dom0's user space, and what they name (domains, vcpus,
 * buffers and their lengths) indexes the hypervisor's tables.
 * Right outcome: a domain or vcpu that does not exist, a buffer of the hypervisor's, an unknown
 * sub-command and another interface version are the ABI's errors; the guest that was named is as
 * it was, and the machine's memory too.
 * Environments: pv
 */
#include "child.h"
#include "mm.h"

#define HV_PAGE 0xffff830000001000UL

static struct child child;

static void refused(const char *what, unsigned nr, long got, long want)
{
    if (want == 0 ? got >= 0 : got != want) {
        print("%s %u: %ld\n", what, nr, got);
        failures++;
    }
}

static void domains(void)
{
    static const uint8_t cmds[] = {
        XEN_DOMCTL_destroydomain,   XEN_DOMCTL_pausedomain,     XEN_DOMCTL_unpausedomain,
        XEN_DOMCTL_max_mem,         XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_setvcpucontext,
        XEN_DOMCTL_getvcpucontext,  XEN_DOMCTL_getvcpuinfo,     XEN_DOMCTL_max_vcpus,
        XEN_DOMCTL_scheduler_op,    XEN_DOMCTL_resumedomain,    XEN_DOMCTL_getvcpuaffinity,
        XEN_DOMCTL_sendtrigger,     XEN_DOMCTL_subscribe,       XEN_DOMCTL_set_address_size,
        XEN_DOMCTL_getvcpuextstate, XEN_DOMCTL_get_cpu_policy,  XEN_DOMCTL_set_cpu_policy,
    };
    static const domid_t nobody[] = {999, DOMID_FIRST_RESERVED - 1, DOMID_IO, DOMID_XEN, 0xffff};
    struct xen_domctl op;

    for (unsigned d = 0; d < ARRAY_SIZE(nobody); d++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++) {
            memset(&op, 0, sizeof(op));
            refused("domctl of nobody", cmds[i], domctl(cmds[i], nobody[d], &op),
                    nobody[d] == 999 ? E_SRCH : 0);
        }
    }
}

static void vcpus(void)
{
    static const uint8_t cmds[] = {
        XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_setvcpucontext,      XEN_DOMCTL_getvcpucontext,
        XEN_DOMCTL_getvcpuinfo,     XEN_DOMCTL_getvcpuaffinity,     XEN_DOMCTL_set_ext_vcpucontext,
        XEN_DOMCTL_getvcpuextstate, XEN_DOMCTL_get_ext_vcpucontext,
    };
    static const uint32_t bad[] = {1, 63, 64, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
    static vcpu_guest_context_t ctx;
    struct xen_domctl op;

    for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++) {
        for (unsigned v = 0; v < ARRAY_SIZE(bad); v++) {
            memset(&op, 0, sizeof(op));
            op.u.vcpucontext.vcpu = bad[v]; /* the first word of all of them */
            if (cmds[i] <= XEN_DOMCTL_getvcpucontext) {
                op.u.vcpucontext.ctxt = GP(&ctx);
            }
            refused("domctl of no vcpu", cmds[i], domctl(cmds[i], child.id, &op), 0);
        }
    }
}

static void buffers(void)
{
    struct xen_domctl d = {0};
    struct xen_sysctl s = {0};

    d.u.vcpucontext.ctxt = GP(HV_PAGE);
    refused("setvcpucontext", 0, domctl(XEN_DOMCTL_setvcpucontext, child.id, &d), E_FAULT);
    refused("getvcpucontext", 0, domctl(XEN_DOMCTL_getvcpucontext, child.id, &d), E_FAULT);
    s.u.readconsole.buffer = GP(HV_PAGE);
    s.u.readconsole.count = 0xffffffff;
    refused("readconsole", 0, sysctl(XEN_SYSCTL_readconsole, &s), E_FAULT);
    memset(&s, 0, sizeof(s));
    s.u.getdomaininfolist.max_domains = 0xffffffff;
    s.u.getdomaininfolist.buffer = GP(HV_PAGE);
    refused("getdomaininfolist", 0, sysctl(XEN_SYSCTL_getdomaininfolist, &s), E_FAULT);
    memset(&s, 0, sizeof(s));
    s.u.debug_keys.keys = GP(HV_PAGE);
    s.u.debug_keys.nr_keys = 1;
    refused("debug_keys", 0, sysctl(XEN_SYSCTL_debug_keys, &s), E_FAULT);
    memset(&s, 0, sizeof(s));
    s.u.getcpuinfo.max_cpus = 0xffffffff;
    s.u.getcpuinfo.info = GP(HV_PAGE);
    refused("getcpuinfo", 0, sysctl(XEN_SYSCTL_getcpuinfo, &s), E_FAULT);
    memset(&s, 0, sizeof(s));
    s.u.cputopoinfo.num_cpus = 0xffffffff;
    s.u.cputopoinfo.cputopo = GP(HV_PAGE);
    refused("cputopoinfo", 0, sysctl(XEN_SYSCTL_cputopoinfo, &s), E_FAULT);
}

static void words(void)
{
    struct xen_domctl d = {.cmd = XEN_DOMCTL_getdomaininfo, .interface_version = 1};
    struct xen_sysctl s = {.cmd = XEN_SYSCTL_physinfo, .interface_version = 1};

    refused("version of domctl", 1, HCALL1(domctl, &d), E_ACCES);
    refused("version of sysctl", 1, HCALL1(sysctl, &s), E_ACCES);
    memset(&d, 0, sizeof(d));
    refused("domctl", 999, domctl(999, child.id, &d), E_NOSYS);
    refused("domctl", 0, domctl(0, child.id, &d), E_NOSYS);
    refused("sysctl", 999, sysctl(999, &s), E_NOSYS);
    memset(&d, 0, sizeof(d));
    d.u.scheduler_op.sched_id = 99;
    refused("scheduler_op", 0, domctl(XEN_DOMCTL_scheduler_op, child.id, &d), E_INVAL);
    memset(&s, 0, sizeof(s));
    s.u.cpupool_op.op = 99;
    refused("cpupool_op", 0, sysctl(XEN_SYSCTL_cpupool_op, &s), E_NOSYS);
}

static enum verdict lives(void)
{
    return SUCCESS;
}

enum verdict guest_main(void)
{
    uint64_t before;

    child_build(&child, lives, 0, 1);
    before = free_pages();
    domains();
    vcpus();
    buffers();
    words();
    CHECK(free_pages_reach(before - HEAP_SLACK));
    child_run(&child);
    child_expect_success(&child, 5000);
    CHECK_EQ(child_destroy(&child), 0);
    return SUCCESS;
}
