/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: one row for each operation. The argument is copied in once by its size, the
 * handler checks it and calls evtchn.c, and what the guest gets back is copied out.
 */
#include "core/calls.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/hypercall.h"
#include "lib/lib.h"

union evtchn_arg {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

struct evtchn_row {
    const char *name;
    long (*fn)(struct domain *d, union evtchn_arg *arg);
    access_fn access;
    uint8_t size;
    bool out; /* the argument is copied back after success */
};

/* A domain that the caller may act on, with a reference; *rc says why not. */
static struct domain *target(struct domain *caller, domid_t id, long *rc)
{
    struct domain *d = id == DOMID_SELF ? domain_get(caller->id) : domain_get(id);

    if (d == NULL) {
        *rc = -ESRCH;
    } else if (!access_target(caller, d)) {
        domain_put(d);
        d = NULL;
        *rc = -EPERM;
    }
    return d;
}

static long set_port(int port, evtchn_port_t *out)
{
    if (port < 0) {
        return port;
    }
    *out = (evtchn_port_t)port;
    return 0;
}

static long op_alloc_unbound(struct domain *caller, union evtchn_arg *arg)
{
    struct evtchn_alloc_unbound *a = &arg->alloc_unbound;
    domid_t remote = a->remote_dom == DOMID_SELF ? caller->id : a->remote_dom;
    long rc = 0;
    struct domain *d = target(caller, a->dom, &rc);

    if (d == NULL) {
        return rc;
    }
    rc = set_port(evtchn_alloc_unbound(d, remote), &a->port);
    domain_put(d);
    return rc;
}

static long op_bind_interdomain(struct domain *caller, union evtchn_arg *arg)
{
    struct evtchn_bind_interdomain *a = &arg->bind_interdomain;
    domid_t remote = a->remote_dom == DOMID_SELF ? caller->id : a->remote_dom;
    struct domain *rd = domain_get(remote);
    long rc;

    if (rd == NULL) {
        return -ESRCH;
    }
    rc = set_port(evtchn_bind_interdomain(caller, rd, a->remote_port), &a->local_port);
    domain_put(rd);
    return rc;
}

static long op_bind_virq(struct domain *d, union evtchn_arg *arg)
{
    struct evtchn_bind_virq *a = &arg->bind_virq;

    return set_port(evtchn_bind_virq(d, a->virq, a->vcpu), &a->port);
}

static long op_bind_pirq(struct domain *d, union evtchn_arg *arg)
{
    struct evtchn_bind_pirq *a = &arg->bind_pirq;

    return set_port(evtchn_bind_pirq(d, a->pirq, a->flags), &a->port);
}

static long op_bind_ipi(struct domain *d, union evtchn_arg *arg)
{
    return set_port(evtchn_bind_ipi(d, arg->bind_ipi.vcpu), &arg->bind_ipi.port);
}

static long op_close(struct domain *d, union evtchn_arg *arg)
{
    return evtchn_close(d, arg->close.port);
}

static long op_send(struct domain *d, union evtchn_arg *arg)
{
    return evtchn_send(d, arg->send.port);
}

static long op_status(struct domain *caller, union evtchn_arg *arg)
{
    struct evtchn_status *a = &arg->status;
    long rc = 0;
    struct domain *d = target(caller, a->dom, &rc);

    if (d == NULL) {
        return rc;
    }
    memset(&a->u, 0, sizeof(a->u));
    rc = evtchn_status(d, a);
    domain_put(d);
    return rc;
}

static long op_bind_vcpu(struct domain *d, union evtchn_arg *arg)
{
    return evtchn_bind_vcpu(d, arg->bind_vcpu.port, arg->bind_vcpu.vcpu);
}

static long op_unmask(struct domain *d, union evtchn_arg *arg)
{
    return evtchn_unmask(d, arg->unmask.port);
}

static long op_reset(struct domain *caller, union evtchn_arg *arg)
{
    long rc = 0;
    struct domain *d = target(caller, arg->reset.dom, &rc);

    if (d == NULL) {
        return rc;
    }
    rc = evtchn_reset(d);
    domain_put(d);
    return rc;
}

static long op_init_control(struct domain *d, union evtchn_arg *arg)
{
    struct evtchn_init_control *a = &arg->init_control;

    if (a->vcpu >= d->max_vcpus || d->vcpu[index_nospec(a->vcpu, d->max_vcpus)] == NULL) {
        return -ENOENT;
    }
    if (a->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || (a->offset & 7) != 0) {
        return -EINVAL;
    }
    return evtchn_fifo_init_control(d, a);
}

static long op_expand_array(struct domain *d, union evtchn_arg *arg)
{
    return evtchn_fifo_expand(d, arg->expand_array.array_gfn);
}

static long op_set_priority(struct domain *d, union evtchn_arg *arg)
{
    struct evtchn_set_priority *a = &arg->set_priority;
    struct evtchn *c;
    long rc;

    spin_lock(&d->event_lock);
    c = evtchn_from_port(d, a->port);
    rc = c == NULL ? -EINVAL : d->evtchn->abi->set_priority(c, a->priority);
    spin_unlock(&d->event_lock);
    return rc;
}

#define ROW(op, back)                                                                              \
    [EVTCHNOP_##op] = {#op, op_##op, access_any, sizeof(struct evtchn_##op), back}

static const struct evtchn_row rows[] = {
    ROW(bind_interdomain, true), ROW(bind_virq, true),     ROW(bind_pirq, true),
    ROW(close, false),           ROW(send, false),         ROW(status, true),
    ROW(alloc_unbound, true),    ROW(bind_ipi, true),      ROW(bind_vcpu, false),
    ROW(unmask, false),          ROW(reset, false),        ROW(init_control, true),
    ROW(expand_array, false),    ROW(set_priority, false),
};

/* What a guest did not learn the number of must not stay behind. */
static void undo(struct domain *caller, uint64_t cmd, const union evtchn_arg *arg)
{
    switch (cmd) {
    case EVTCHNOP_bind_interdomain:
        evtchn_close(caller, arg->bind_interdomain.local_port);
        break;
    case EVTCHNOP_bind_virq:
        evtchn_close(caller, arg->bind_virq.port);
        break;
    case EVTCHNOP_bind_pirq:
        evtchn_close(caller, arg->bind_pirq.port);
        break;
    case EVTCHNOP_bind_ipi:
        evtchn_close(caller, arg->bind_ipi.port);
        break;
    default:
        break;
    }
}

static long send_fast(guest_ptr_t arg)
{
    struct evtchn_send s;

    if (__builtin_expect(guest_get(&s, arg) != 0, 0)) {
        return -EFAULT;
    }
    return evtchn_send(current->domain, s.port);
}

/* In line, so that a row that the compiler knows costs no look-up and no call. */
static HOT long run_row(const struct evtchn_row *row, uint64_t cmd, guest_ptr_t p)
{
    struct domain *d = current->domain;
    union evtchn_arg arg;
    long rc;

    if (!row->access(d)) {
        return -EPERM;
    }
    if (guest_read_small(&arg, p, row->size) != 0) {
        return -EFAULT;
    }
    rc = row->fn(d, &arg);
    if (rc == -ERESTART) {
        return hypercall_continue(__HYPERVISOR_event_channel_op, cmd, p.va, 0, 0, 0, 0);
    }
    if (rc == 0 && row->out && guest_write_small(p, &arg, row->size) != 0) {
        undo(d, cmd, &arg);
        rc = -EFAULT;
    }
    return rc;
}

CORE_CALL(do_event_channel_op)
{
    guest_ptr_t p = GUEST_PTR(a2);
    uint64_t cmd = (uint32_t)a1;

    switch (cmd) {
    case EVTCHNOP_send:
        return send_fast(p);
    case EVTCHNOP_alloc_unbound:
        return run_row(&rows[EVTCHNOP_alloc_unbound], cmd, p);
    case EVTCHNOP_close:
        return run_row(&rows[EVTCHNOP_close], cmd, p);
    default:
        return cmd < ARRAY_SIZE(rows)
                   ? run_row(&rows[index_nospec(cmd, ARRAY_SIZE(rows))], cmd, p)
                   : -ENOSYS;
    }
}
