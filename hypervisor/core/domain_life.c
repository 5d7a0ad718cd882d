/* SPDX-License-Identifier: MIT */
/*
 * How domains stop: pause, shutdown, kill.
 *
 * Killing walks a fixed list of what a domain owns, and can be interrupted between any two steps
 * of it. What must not happen under the caller's locks (telling the hardware domain, freeing what
 * the last reference held) is left to SOFTIRQ_DOMAIN, through a list that needs no lock.
 */
#include "core/domain_life.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/grant.h"
#include "core/printk.h"
#include "core/sched.h"
#include "core/softirq.h"
#include "lib/cmdline.h"
#include "lib/lib.h"

static struct domain *work_list; /* atomic stack */
#define WORK_SHUTDOWN 1u
#define WORK_DESTROY  2u

/* --- the end -----------------------------------------------------------------------------------
 */

/* False: that work was asked for already, and will be done once. */
static bool add_work(struct domain *d, uint32_t what)
{
    uint32_t old = __atomic_fetch_or(&d->work, what, __ATOMIC_ACQ_REL);
    struct domain *head;

    if (old == 0) {
        head = __atomic_load_n(&work_list, __ATOMIC_RELAXED);
        do {
            d->work_next = head;
        } while (!__atomic_compare_exchange_n(&work_list, &head, d, true, __ATOMIC_RELEASE,
                                              __ATOMIC_RELAXED));
    }
    softirq_raise(SOFTIRQ_DOMAIN);
    return (old & what) == 0;
}

void domain_put(struct domain *d)
{
    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        add_work(d, WORK_DESTROY);
    }
}

static void tell_shutdown(struct domain *d)
{
    if (d->shutdown_code == SHUTDOWN_suspend && d->suspend_evtchn != 0) {
        evtchn_send(d, d->suspend_evtchn);
    } else {
        virq_send_global(VIRQ_DOM_EXC);
    }
}

static void domain_work(void)
{
    struct domain *d = __atomic_exchange_n(&work_list, NULL, __ATOMIC_ACQUIRE);

    while (d != NULL) {
        struct domain *next = d->work_next;
        uint32_t what = __atomic_exchange_n(&d->work, 0, __ATOMIC_ACQ_REL);

        if (what & WORK_SHUTDOWN) { /* holds a reference, so it cannot have to be freed yet */
            tell_shutdown(d);
            domain_put(d);
        } else {
            domain_destroy(d);
        }
        d = next;
    }
}

static int relinquish_vcpus(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        vcpu_relinquish(v);
    }
    for (size_t i = 0; i < ARRAY_SIZE(d->watchdog_timer); i++) {
        timer_kill(&d->watchdog_timer[i]);
    }
    return 0;
}

static int relinquish_kind(struct domain *d)
{
    return d->ops->domain_relinquish(d);
}

static int relinquish_pages(struct domain *d)
{
    unsigned n = 0;

    spin_lock(&d->page_lock);
    page_claim_use(d, d->outstanding_claim);
    while (!list_empty(&d->page_list)) {
        struct page *pg = list_first_entry(&d->page_list, struct page, list);
        bool held;

        list_move_tail(&d->relinquish_list, &pg->list);
        held = page_get_more(pg);
        spin_unlock(&d->page_lock);
        if (held) {
            page_release_alloc(pg);
            page_put(pg);
        }
        if ((++n & 31) == 0 && preempt_needed()) {
            return -ERESTART;
        }
        spin_lock(&d->page_lock);
    }
    spin_unlock(&d->page_lock);
    return 0;
}

static int relinquish_shared_info(struct domain *d)
{
    page_unshare(arch_virt_to_page(d->shared_info));
    return 0;
}

/* What a dying domain gives up, in this order; each may say -ERESTART and is then called again. */
static int (*const kill_steps[])(struct domain *d) = {
    evtchn_relinquish, grant_relinquish, relinquish_vcpus,
    relinquish_kind,   relinquish_pages, relinquish_shared_info,
};

int domain_kill(struct domain *d)
{
    if (d == domain_hardware || d == current->domain) {
        return -EINVAL;
    }
    if (d->dying == DOMAIN_DEAD) {
        return 0;
    }
    if (d->dying == DOMAIN_ALIVE) {
        domain_pause(d);
        spin_lock(&d->page_lock); /* whoever gives it pages asks domain_alive under this lock */
        __atomic_store_n(&d->dying, DOMAIN_DYING, __ATOMIC_RELEASE);
        spin_unlock(&d->page_lock);
        spin_lock(&d->event_lock); /* the same for ports */
        spin_unlock(&d->event_lock);
    }
    while (d->kill_step < ARRAY_SIZE(kill_steps)) {
        int rc = kill_steps[d->kill_step](d);

        if (rc != 0) {
            return rc;
        }
        d->kill_step++;
        if (preempt_needed()) {
            return -ERESTART;
        }
    }
    __atomic_store_n(&d->dying, DOMAIN_DEAD, __ATOMIC_RELEASE);
    domain_put(d); /* the table's */
    virq_send_global(VIRQ_DOM_EXC);
    return 0;
}

/* --- shutdown ----------------------------------------------------------------------------------
 */

static void __attribute__((noreturn)) machine_shutdown(uint32_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        printk(LOG_ERR, "Hardware domain halted: powering off\n");
        arch_power_off();
    case SHUTDOWN_crash:
        panic("the hardware domain crashed");
    case SHUTDOWN_watchdog:
        panic("the hardware domain's watchdog fired");
    default:
        printk(LOG_ERR, "Hardware domain shut down (reason %u): rebooting\n", reason);
        if (cmdline_bool(hv_cmdline, "noreboot", false)) {
            arch_halt();
        }
        arch_reboot();
    }
}

/* No lock: a domain may be crashed from the middle of anything that it asked for. */
void domain_shutdown(struct domain *d, uint32_t reason)
{
    uint32_t none = ~0U;
    struct vcpu *v;

    __atomic_compare_exchange_n(&d->shutdown_code, &none, reason, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&d->shutting_down, true, __ATOMIC_ACQ_REL)) {
        return;
    }
    if (d == domain_hardware) {
        machine_shutdown(d->shutdown_code);
    }
    for_each_vcpu(d, v) {
        vcpu_pause_nosync(v);
    }
    __atomic_store_n(&d->shut_down, true, __ATOMIC_RELEASE);
    if (domain_ref(d) && !add_work(d, WORK_SHUTDOWN)) {
        domain_put(d); /* shut down, resumed and shut down again before it was told */
    }
}

void domain_resume(struct domain *d)
{
    struct vcpu *v;

    domain_pause(d);
    if (d->shut_down) {
        d->shut_down = false;
        d->shutdown_code = ~0U;
        __atomic_store_n(&d->shutting_down, false, __ATOMIC_RELEASE);
        for_each_vcpu(d, v) {
            vcpu_unpause(v);
        }
    }
    domain_unpause(d);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (!d->shutting_down) {
        printk(LOG_ERR, "domain %u crashed: %s%s", d->id, why,
               why[0] != '\0' && why[strlen(why) - 1] == '\n' ? "" : "\n");
        if (d == current->domain) {
            arch_dump_execution_state();
        }
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

/* --- pause -------------------------------------------------------------------------------------
 */

void domain_pause_nosync(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        vcpu_pause_nosync(v);
    }
}

void domain_pause(struct domain *d)
{
    struct vcpu *v;

    domain_pause_nosync(d);
    for_each_vcpu(d, v) {
        vcpu_sleep_sync(v);
    }
}

void domain_unpause(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        vcpu_unpause(v);
    }
}

int domain_pause_by_tools(struct domain *d)
{
    unsigned old;

    spin_lock(&d->lock);
    old = d->controller_pause;
    if (old < 255) {
        d->controller_pause++;
    }
    spin_unlock(&d->lock);
    if (old == 255) {
        return -EOVERFLOW;
    }
    if (old == 0) {
        domain_pause(d);
    }
    return 0;
}

int domain_unpause_by_tools(struct domain *d)
{
    unsigned old;

    spin_lock(&d->lock);
    old = d->controller_pause;
    if (old > 0) {
        d->controller_pause--;
        d->creation_finished = true;
    }
    spin_unlock(&d->lock);
    if (old == 0) {
        return -EINVAL;
    }
    if (old == 1) {
        domain_unpause(d);
    }
    return 0;
}

/* --- what tools ask ----------------------------------------------------------------------------
 */

void domain_getinfo(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t flags = XEN_DOMINF_blocked;
    struct vcpu *v;

    memset(info, 0, sizeof(*info));
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu(d, v) {
        info->cpu_time += vcpu_cpu_time(v);
        info->max_vcpu_id = v->id;
        if (v->pause_flags & VPF_DOWN) {
            continue;
        }
        if (!(v->pause_flags & (VPF_BLOCKED | VPF_POLL))) {
            flags &= ~XEN_DOMINF_blocked;
        }
        if (v->running) {
            flags |= XEN_DOMINF_running;
        }
        info->nr_online_vcpus++;
    }
    flags = info->nr_online_vcpus != 0 ? flags : 0;
    flags |= d->dying == DOMAIN_DEAD ? XEN_DOMINF_dying : 0;
    flags |= d->shut_down ? XEN_DOMINF_shutdown : 0;
    flags |= d->controller_pause > 0 ? XEN_DOMINF_paused : 0;
    flags |= d->debugger_attached ? XEN_DOMINF_debugged : 0;
    flags |= d->rights & RIGHT_STORE ? XEN_DOMINF_xs_domain : 0;
    if (d->shut_down) {
        flags |= (d->shutdown_code & XEN_DOMINF_shutdownmask) << XEN_DOMINF_shutdownshift;
    }
    info->domain = d->id;
    info->flags = flags;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->outstanding_claim;
    if (d->shared_info != NULL) {
        info->shared_info_frame = arch_page_to_mfn(arch_virt_to_page(d->shared_info)).v;
    }
    memcpy(info->handle, d->handle, sizeof(info->handle));
}

void domain_life_init(void)
{
    softirq_open(SOFTIRQ_DOMAIN, domain_work);
}
