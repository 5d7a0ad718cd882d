/* SPDX-License-Identifier: MIT */
/*
 * Domains as the hypervisor sees them: information, pause, and the raw halves of creation and
 * destruction. Listing starts with room for a screenful and asks again behind the last answer,
 * so that one domain costs one call.
 */
#include "../internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <public/event_channel.h>
#include <public/sched.h>

#define LIST_CHUNK 64u

static void info_from_abi(struct ctrl_domain_info *out, const struct xen_domctl_getdomaininfo *in)
{
    uint32_t f = in->flags;

    *out = (struct ctrl_domain_info){
        .domid = in->domain,
        .running = f & XEN_DOMINF_running,
        .blocked = f & XEN_DOMINF_blocked,
        .paused = f & XEN_DOMINF_paused,
        .shutdown = f & XEN_DOMINF_shutdown,
        .dying = f & XEN_DOMINF_dying,
        .hvm = f & XEN_DOMINF_hvm_guest,
        .hap = f & XEN_DOMINF_hap,
        .xenstore = f & XEN_DOMINF_xs_domain,
        .debugged = f & XEN_DOMINF_debugged,
        .flags = f,
        .shutdown_reason = f >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
        .tot_pages = in->tot_pages,
        .max_pages = in->max_pages,
        .outstanding_pages = in->outstanding_pages,
        .shared_pages = in->shr_pages,
        .paged_pages = in->paged_pages,
        .shared_info_mfn = in->shared_info_frame,
        .cpu_time_ns = in->cpu_time,
        .online_vcpus = in->nr_online_vcpus,
        .max_vcpu_id = in->max_vcpu_id,
        .ssidref = in->ssidref,
        .cpupool = in->cpupool,
        .gpaddr_bits = in->gpaddr_bits,
    };
    memcpy(out->uuid, in->handle, sizeof(out->uuid));
}

int ctrl_domain_info(struct ctrl *h, uint32_t domid, struct ctrl_domain_info *info)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = (domid_t)domid };
    int rc;

    if (domid >= DOMID_FIRST_RESERVED) {
        return ctrl_fail(h, -ESRCH, "%u is an invalid domain identifier", domid);
    }
    h->error[0] = '\0';
    rc = ctrl_domctl(h, &op);
    /* The call answers with the next domain when this one does not exist. */
    if (rc == -ESRCH || (rc == 0 && op.u.getdomaininfo.domain != domid)) {
        return ctrl_fail(h, -ESRCH, "domain %u does not exist", domid);
    }
    if (rc < 0) {
        return h->error[0] ? rc
                           : ctrl_fail(h, rc, "cannot ask about domain %u: %s", domid,
                                       rc == -EPERM ? "only dom0 may" : strerror(-rc));
    }
    info_from_abi(info, &op.u.getdomaininfo);
    return 0;
}

/* One call's worth of domains from `first` on; the number, or a negative errno. */
static int list_chunk(struct ctrl *h, uint32_t first, struct xen_domctl_getdomaininfo *buffer)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
    int rc;

    op.u.getdomaininfolist.first_domain = (domid_t)first;
    op.u.getdomaininfolist.max_domains = LIST_CHUNK;
    op.u.getdomaininfolist.buffer = hbuf_ptr(buffer);
    rc = ctrl_sysctl(h, &op);
    if (rc < 0) {
        return ctrl_fail(h, rc, rc == -EPERM ? "only dom0 may list domains (%s)"
                                             : "cannot list domains: %s", strerror(-rc));
    }
    return (int)op.u.getdomaininfolist.num_domains;
}

int ctrl_domain_list(struct ctrl *h, struct ctrl_domain_info **list, size_t *count)
{
    size_t size = LIST_CHUNK * sizeof(struct xen_domctl_getdomaininfo);
    struct xen_domctl_getdomaininfo *buffer;
    struct ctrl_domain_info *all = NULL;
    size_t have = 0;
    int n, rc = ctrl_privcmd_fd(h);

    if (rc < 0) {
        return rc;
    }
    buffer = hbuf_get(h, size);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    do {
        uint32_t first = have == 0 ? 0 : all[have - 1].domid + 1;
        struct ctrl_domain_info *grown;

        n = list_chunk(h, first, buffer);
        rc = n;
        if (n < 0) {
            break;
        }
        grown = realloc(all, (have + (size_t)n + 1) * sizeof(*all));
        if (grown == NULL) {
            rc = ctrl_no_memory(h);
            break;
        }
        all = grown;
        for (int i = 0; i < n; i++) {
            info_from_abi(&all[have++], &buffer[i]);
        }
        rc = 0;
    } while (n == (int)LIST_CHUNK);
    hbuf_put(h, buffer, size);
    if (rc < 0) {
        free(all);
        return rc;
    }
    *list = all;
    *count = have;
    return 0;
}

int domain_find_uuid(struct ctrl *h, const ctrl_uuid uuid, uint32_t *domid)
{
    struct ctrl_domain_info *list;
    size_t count;
    int rc = ctrl_domain_list(h, &list, &count);

    if (rc < 0) {
        return rc;
    }
    rc = -ESRCH;
    for (size_t i = 0; i < count && rc != 0; i++) {
        if (memcmp(list[i].uuid, uuid, sizeof(ctrl_uuid)) == 0) {
            *domid = list[i].domid;
            rc = 0;
        }
    }
    free(list);
    return rc;
}

/* A domctl that takes nothing but the domain. */
static int simple(struct ctrl *h, uint32_t cmd, uint32_t domid, const char *what)
{
    struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };
    int rc;

    if (domid >= DOMID_FIRST_RESERVED) {
        return ctrl_fail(h, -ESRCH, "%u is an invalid domain identifier", domid);
    }
    rc = ctrl_domctl(h, &op);
    if (rc == -ESRCH) {
        return ctrl_fail(h, rc, "domain %u does not exist", domid);
    }
    if (rc < 0 && rc != -ENODEV) {
        ctrl_fail(h, rc, "cannot %s domain %u: %s", what, domid, strerror(-rc));
    }
    return rc;
}

int ctrl_domain_pause(struct ctrl *h, uint32_t domid)
{
    return simple(h, XEN_DOMCTL_pausedomain, domid, "pause");
}

int ctrl_domain_unpause(struct ctrl *h, uint32_t domid)
{
    return simple(h, XEN_DOMCTL_unpausedomain, domid, "unpause");
}

int domain_destroy_raw(struct ctrl *h, uint32_t domid)
{
    int rc;

    /* The hypervisor frees a large domain bit by bit and wants to be called again. */
    do {
        rc = simple(h, XEN_DOMCTL_destroydomain, domid, "destroy");
    } while (rc == -ERESTART || rc == -EAGAIN);
    return rc;
}

int domain_create_raw(struct ctrl *h, const struct xen_domctl_createdomain *what, uint32_t *domid)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };
    int rc;

    op.u.createdomain = *what;
    rc = ctrl_domctl(h, &op);
    if (rc == -ENOMEM) {
        return ctrl_fail(h, rc, "the hypervisor has no memory left for another domain");
    }
    if (rc < 0) {
        return ctrl_fail(h, rc, "the hypervisor refuses to create a domain: %s", strerror(-rc));
    }
    *domid = op.domain;
    return 0;
}

int domain_max_vcpus(struct ctrl *h, uint32_t domid, uint32_t count)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_max_vcpus, .domain = (domid_t)domid };
    int rc;

    op.u.max_vcpus.max = count;
    rc = ctrl_domctl(h, &op);
    return rc < 0 ? ctrl_fail(h, rc, "the hypervisor refuses %u vcpus: %s", count, strerror(-rc))
                  : 0;
}

int domain_evtchn_alloc(struct ctrl *h, uint32_t domid, uint32_t remote, uint32_t *port)
{
    struct evtchn_alloc_unbound *arg = hbuf_get(h, sizeof(*arg));
    int64_t rc;

    if (arg == NULL) {
        return -ENOMEM;
    }
    arg->dom = (domid_t)domid;
    arg->remote_dom = (domid_t)remote;
    rc = hcall(h, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uintptr_t)arg, 0, 0);
    *port = arg->port;
    hbuf_put(h, arg, sizeof(*arg));
    return rc < 0 ? ctrl_fail(h, (int)rc, "no event channel for domain %u: %s", domid,
                              strerror((int)-rc))
                  : 0;
}

int ctrl_domain_remote_shutdown(struct ctrl *h, uint32_t domid, unsigned int reason)
{
    struct sched_remote_shutdown *arg = hbuf_get(h, sizeof(*arg));
    int64_t rc;

    if (arg == NULL) {
        return -ENOMEM;
    }
    arg->domain_id = (domid_t)domid;
    arg->reason = reason;
    rc = hcall(h, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, (uintptr_t)arg, 0, 0);
    hbuf_put(h, arg, sizeof(*arg));
    return rc < 0 ? ctrl_fail(h, (int)rc, "cannot shut domain %u down: %s", domid,
                              strerror((int)-rc))
                  : 0;
}

int ctrl_domain_trigger(struct ctrl *h, uint32_t domid, enum ctrl_trigger what, uint32_t vcpu)
{
    static const uint32_t triggers[] = {
        [CTRL_TRIGGER_NMI] = XEN_DOMCTL_SENDTRIGGER_NMI,
        [CTRL_TRIGGER_RESET] = XEN_DOMCTL_SENDTRIGGER_RESET,
        [CTRL_TRIGGER_INIT] = XEN_DOMCTL_SENDTRIGGER_INIT,
        [CTRL_TRIGGER_POWER] = XEN_DOMCTL_SENDTRIGGER_POWER,
        [CTRL_TRIGGER_SLEEP] = XEN_DOMCTL_SENDTRIGGER_SLEEP,
    };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_sendtrigger, .domain = (domid_t)domid };
    int rc;

    if ((unsigned int)what >= sizeof(triggers) / sizeof(triggers[0])) {
        return ctrl_fail(h, -EINVAL, "there is no such trigger");
    }
    op.u.sendtrigger.trigger = triggers[what];
    op.u.sendtrigger.vcpu = vcpu;
    rc = ctrl_domctl(h, &op);
    return rc < 0 ? ctrl_fail(h, rc, "cannot send the trigger to domain %u: %s", domid,
                              rc == -ENOSYS ? "this kind of guest does not take it"
                                            : strerror(-rc))
                  : 0;
}
