/* SPDX-License-Identifier: MIT */
/*
 * The vcpu_op hypercall (rows at the end) and set_timer_op: a guest's own vcpus, their timers,
 * and the areas that the hypervisor keeps up to date for them.
 */
#include "core/calls.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "core/nospec.h"
#include "core/printk.h"
#include "core/sched.h"
#include "lib/lib.h"

#define PERIOD_MIN MILLISECS(1)

/* --- life --------------------------------------------------------------------------------------
 */

static long op_initialise(struct vcpu *v, guest_ptr_t arg)
{
    vcpu_guest_context_t *c;
    struct domain *d = v->domain;
    long rc;

    if (v->id >= XEN_LEGACY_MAX_VCPUS && !v->info_registered) {
        return -EINVAL; /* it has no vcpu_info of its own yet */
    }
    c = heap_alloc(sizeof(*c)); /* 5 KiB: too much for the stack */
    if (c == NULL) {
        return -ENOMEM;
    }
    if (guest_get(c, arg)) {
        rc = -EFAULT;
    } else {
        spin_lock(&d->lock);
        rc = v->initialised ? -EEXIST : d->ops->vcpu_set_context(v, c);
        if (rc == 0) {
            v->initialised = true;
        }
        spin_unlock(&d->lock);
    }
    heap_free(c);
    return rc == -ERESTART || rc == -EINTR /* the machine's word for it */
               ? hypercall_continue(__HYPERVISOR_vcpu_op, VCPUOP_initialise, v->id, arg.va, 0, 0, 0)
               : rc;
}

static long op_up(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    return vcpu_up(v);
}

static long op_down(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    return vcpu_down(v);
}

static long op_is_up(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    return !(__atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & VPF_DOWN);
}

static long op_get_physid(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_get_physid p = {.phys_id = 0};

    if (!(v->hard_affinity != 0 && (v->hard_affinity & (v->hard_affinity - 1)) == 0)) {
        return -EINVAL; /* only a vcpu that stays on one processor has one */
    }
    p.phys_id = arch_cpu_physid((unsigned)__builtin_ctzll(v->hard_affinity));
    return guest_put(arg, &p) ? -EFAULT : 0;
}

static long op_send_nmi(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    vcpu_raise_nmi(v);
    return 0;
}

/* --- areas -------------------------------------------------------------------------------------
 */

static long op_get_runstate_info(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_runstate_info info;

    vcpu_get_runstate(v, &info);
    return guest_put(arg, &info) ? -EFAULT : 0;
}

static long op_register_runstate(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_runstate_memory_area a;

    if (guest_get(&a, arg)) {
        return -EFAULT;
    }
    if (!guest_range_ok(a.addr.h, sizeof(struct vcpu_runstate_info))) {
        return -EFAULT;
    }
    v->runstate_guest = a.addr.h;
    if (v == current) {
        arch_update_runstate_guest(v);
    } else {
        struct vcpu_runstate_info info;

        vcpu_get_runstate(v, &info);
        if (guest_put(a.addr.h, &info)) {
            v->runstate_guest.va = 0;
            return -EFAULT;
        }
    }
    return 0;
}

/* Address 0 ends it. The page is kept, so the record can be written whatever runs. */
static long op_register_time(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_time_memory_area a;
    struct domain *d = v->domain;
    struct page *pg = NULL, *old;
    unsigned long flags;

    if (guest_get(&a, arg)) {
        return -EFAULT;
    }
    if (!guest_ptr_null(a.addr.h)) {
        if (a.addr.v % 8 != 0 || a.addr.v % PAGE_SIZE > PAGE_SIZE - sizeof(vcpu_time_info_t)) {
            return -EINVAL;
        }
        pg = d->ops->get_page(d, GFN(arch_guest_va_to_mfn(current, a.addr.v).v), true);
        if (pg == NULL) {
            return -EFAULT;
        }
    }
    flags = spin_lock_irqsave(&v->time_lock); /* v may be switched to just now elsewhere */
    old = v->time_page;
    v->time_guest = a.addr.h;
    __atomic_store_n(&v->time_page, pg, __ATOMIC_RELAXED);
    spin_unlock_irqrestore(&v->time_lock, flags);
    if (old != NULL) {
        d->ops->put_page(old, true);
    }
    arch_vcpu_update_time(v);
    return 0;
}

/*
 * Move a vcpu's vcpu_info to a page of the guest's own, once. Everything that it may have missed
 * on the way is made good by setting it pending: the guest looks at all of its ports.
 */
static long register_info_locked(struct vcpu *v, struct page *pg, uint32_t offset)
{
    struct vcpu_info *old = v->info, *info;

    if (v->info_registered) {
        return -EINVAL;
    }
    info = (struct vcpu_info *)((char *)arch_page_virt(pg) + offset);
    if (v->id < XEN_LEGACY_MAX_VCPUS) {
        memcpy(info, old, sizeof(*info));
    } else {
        memset(info, 0, sizeof(*info));
        info->evtchn_upcall_mask = 1;
    }
    v->info_page = pg;
    v->info_registered = true;
    __atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
    info->evtchn_pending_sel = ~0UL;
    __atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static long op_register_info(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_vcpu_info r;
    struct domain *d = v->domain;
    struct page *pg;
    bool paused = v != current;
    long rc;

    if (guest_get(&r, arg)) {
        return -EFAULT;
    }
    if (r.offset > PAGE_SIZE - sizeof(struct vcpu_info) || r.offset % 8 != 0) {
        return -ENXIO;
    }
    if (paused && !(v->pause_flags & VPF_DOWN)) {
        return -EINVAL; /* one that runs would go on with the old place */
    }
    pg = d->ops->get_page(d, GFN(r.mfn), true);
    if (pg == NULL) {
        return -EINVAL;
    }
    spin_lock(&d->lock);
    rc = domain_alive(d) ? register_info_locked(v, pg, r.offset) : -EINVAL;
    spin_unlock(&d->lock);
    if (rc != 0) {
        d->ops->put_page(pg, true);
        return rc;
    }
    arch_vcpu_update_time(v);
    vcpu_kick(v);
    return 0;
}

/* --- timers ------------------------------------------------------------------------------------
 */

static long op_set_periodic(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_set_periodic_timer t;

    if (guest_get(&t, arg)) {
        return -EFAULT;
    }
    if (t.period_ns < (uint64_t)PERIOD_MIN) {
        return -EINVAL;
    }
    if (t.period_ns > (uint64_t)(STIME_MAX / 2)) {
        return -EINVAL;
    }
    timer_stop(&v->periodic_timer);
    __atomic_store_n(&v->periodic_period, (stime_t)t.period_ns, __ATOMIC_RELAXED);
    v->periodic_last = arch_now();
    timer_set(&v->periodic_timer, v->periodic_last + (stime_t)t.period_ns);
    return 0;
}

static long op_stop_periodic(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    __atomic_store_n(&v->periodic_period, 0, __ATOMIC_RELAXED);
    timer_stop(&v->periodic_timer);
    return 0;
}

static long op_set_singleshot(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_set_singleshot_timer t;

    if (v != current) {
        return -EINVAL;
    }
    if (guest_get(&t, arg)) {
        return -EFAULT;
    }
    if (t.timeout_abs_ns > (uint64_t)STIME_MAX) {
        t.timeout_abs_ns = (uint64_t)STIME_MAX;
    }
    /* A time in the past is an event at once, also for those that asked to be told otherwise. */
    timer_set(&v->singleshot_timer, (stime_t)t.timeout_abs_ns);
    return 0;
}

static long op_stop_singleshot(struct vcpu *v, guest_ptr_t arg)
{
    (void)arg;
    if (v != current) {
        return -EINVAL;
    }
    timer_stop(&v->singleshot_timer);
    return 0;
}

/* Zero stops it; a time in the past is an event at once. */
CORE_CALL(do_set_timer_op)
{
    struct vcpu *v = current;

    if (a1 == 0) {
        timer_stop(&v->singleshot_timer);
    } else {
        timer_set(&v->singleshot_timer, (stime_t)MIN(a1, (uint64_t)STIME_MAX));
    }
    return 0;
}

/* --- the table ---------------------------------------------------------------------------------
 */

static long (*const vcpu_ops[])(struct vcpu *v, guest_ptr_t arg) = {
    [VCPUOP_initialise] = op_initialise,
    [VCPUOP_up] = op_up,
    [VCPUOP_down] = op_down,
    [VCPUOP_is_up] = op_is_up,
    [VCPUOP_get_runstate_info] = op_get_runstate_info,
    [VCPUOP_register_runstate_memory_area] = op_register_runstate,
    [VCPUOP_set_periodic_timer] = op_set_periodic,
    [VCPUOP_stop_periodic_timer] = op_stop_periodic,
    [VCPUOP_set_singleshot_timer] = op_set_singleshot,
    [VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
    [VCPUOP_register_vcpu_info] = op_register_info,
    [VCPUOP_send_nmi] = op_send_nmi,
    [VCPUOP_get_physid] = op_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

CORE_CALL(do_vcpu_op)
{
    struct domain *d = current->domain;
    unsigned cmd = (unsigned)a1, id = (unsigned)a2;
    struct vcpu *v = id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;

    if (v == NULL) {
        return -ENOENT;
    }
    if (cmd >= ARRAY_SIZE(vcpu_ops)) {
        return -ENOSYS;
    }
    return vcpu_ops[index_nospec(cmd, ARRAY_SIZE(vcpu_ops))](v, GUEST_PTR(a3));
}
