/* SPDX-License-Identifier: MIT */
/*
 * What exists: domains and their vcpus. Fields are grouped by the lock that guards them.
 *
 * Life of a domain: domain_create() (paused once by its builder) -> domain_unpause_by_tools() ...
 * -> domain_shutdown() (the guest or a crash; vcpus stop, VIRQ_DOM_EXC) -> domain_kill()
 * (destroydomain: preemptible walk of the fixed list of tables) -> last domain_put() frees it.
 * Rights are attributes, never the number 0.
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include <public/xen.h>
#include <public/vcpu.h>
#include <public/sched.h>
#include <public/domctl.h>
#include "core/arch.h"
#include "core/guest.h"
#include "core/page.h"
#include "core/spinlock.h"
#include "core/timer.h"
#include "lib/list.h"

struct grant_table;
struct evtchn_state;
struct rangeset;

enum domain_right {
    RIGHT_CONTROL = 1u << 0,  /* domctl, sysctl, foreign memory: dom0 */
    RIGHT_HARDWARE = 1u << 1, /* physdev, platform, device memory: dom0 */
    RIGHT_STORE = 1u << 2,    /* runs the store daemon */
};

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

/* What differs between kinds of guests (PV now; PVH and HVM later). core/ never asks which. */
struct guest_ops {
    const char *name;
    int (*domain_create)(struct domain *d, const struct xen_domctl_createdomain *cfg);
    /* Preemptible: -ERESTART when there is more to do. Called until it returns 0. */
    int (*domain_relinquish)(struct domain *d);
    void (*domain_destroy)(struct domain *d);
    int (*vcpu_create)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    /* VCPUOP_initialise and setvcpucontext: all checked before anything changes. */
    int (*vcpu_set_context)(struct vcpu *v, const vcpu_guest_context_t *c);
    int (*vcpu_get_context)(struct vcpu *v, vcpu_guest_context_t *c);
    void (*vcpu_reset)(struct vcpu *v);
    /*
     * The page behind a guest's frame number, with a reference (page_put when done), or NULL.
     * need_write takes a writable type as well, dropped by put_page_write().
     */
    struct page *(*get_page)(struct domain *d, gfn_t gfn, bool need_write);
    void (*put_page)(struct page *pg, bool need_write);
    /* gfn <-> mfn bookkeeping when a page is given or taken by memory_op. */
    int (*page_added)(struct domain *d, gfn_t gfn, struct page *pg, unsigned order);
    void (*page_removed)(struct domain *d, gfn_t gfn, struct page *pg);
    uint64_t (*max_gfn)(struct domain *d);
};

/* Where a hypercall goes on after preemption: set by hypercall_continue(). */
struct continuation {
    bool pending;
    uint8_t nr;
    uint64_t args[6];
};

enum vcpu_pause_flag {
    VPF_BLOCKED = 1u << 0, /* SCHEDOP_block: until an event */
    VPF_POLL = 1u << 1,    /* SCHEDOP_poll: until one of its ports */
    VPF_DOWN = 1u << 2,    /* not brought up, or taken down */
};

struct vcpu {
    unsigned id;
    unsigned cpu; /* processor that it is assigned to; changes under the run queue's lock */
    struct domain *domain;
    struct vcpu_info *info; /* shared with the guest; always mapped while the vcpu exists */
    struct continuation cont; /* here, as is arch, so that the entry code finds them */
    struct arch_vcpu arch;

    struct page *info_page; /* registered elsewhere: holds a writable type; else NULL */
    bool info_registered;

    uint32_t pause_flags; /* atomic, enum vcpu_pause_flag */
    uint32_t pause_count; /* atomic: hypervisor or tools hold it */
    bool running;         /* state lives on a processor; atomic */
    bool initialised;     /* has had a context */
    bool force_context_switch; /* leave the processor before it may run again elsewhere */
    bool in_multicall;

    /* runstate (sched.c): under the run queue's lock */
    struct vcpu_runstate_info runstate;
    guest_ptr_t runstate_guest;   /* 0: none */
    uint64_t runstate_page_offset;
    struct page *time_page;       /* VCPUOP_register_vcpu_time_memory_area */
    guest_ptr_t time_guest;
    struct spinlock time_lock;    /* RANK_TIME, interrupts off: the two above */

    /* timers that the guest set */
    struct timer singleshot_timer;
    struct timer periodic_timer;
    stime_t periodic_period;
    stime_t periodic_last;
    struct timer poll_timer;

    /* event channels (evtchn*.c) */
    evtchn_port_t virq_port[24]; /* 0: none; under the domain's event lock */
    int poll_port;               /* >0 the one port polled; -1 several; 0 none */
    struct evtchn_fifo_vcpu *evtchn_fifo;

    /* scheduling (sched*.c) */
    cpumask_t hard_affinity;
    cpumask_t soft_affinity;
    cpumask_t hard_affinity_saved; /* SCHEDOP_pin_override */
    bool affinity_overridden;
    void *sched_priv;
};

/* What vm_assist offers to guests. */
#define VMASST_OFFERED                                                                             \
    (1u << VMASST_TYPE_4gb_segments | 1u << VMASST_TYPE_4gb_segments_notify |                      \
     1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_pae_extended_cr3 |                  \
     1u << VMASST_TYPE_architectural_iopl | 1u << VMASST_TYPE_runstate_update_flag)

struct domain {
    domid_t id;
    uint32_t rights; /* enum domain_right */
    const struct guest_ops *ops;
    uint32_t refs; /* atomic; the table holds one */
    enum domain_dying dying;
    bool is_privileged_build; /* dom0 made by the hypervisor itself */
    uint8_t handle[16];       /* uuid */
    uint32_t options;         /* XEN_DOMCTL_CDF_* that it was created with */
    uint32_t vm_assist;

    /* RANK_DOMAIN */
    struct spinlock lock;
    unsigned max_vcpus;
    struct vcpu *vcpu[MAX_VCPUS]; /* filled by max_vcpus; constant afterwards */
    unsigned controller_pause;    /* tools' pausedomain nesting */
    bool creation_finished;
    bool shutting_down;
    bool shut_down;
    uint32_t shutdown_code;
    bool is_dying_notified;
    uint32_t node_affinity; /* nodes, bit each */
    bool auto_node_affinity;
    bool debugger_attached;
    unsigned kill_step;           /* domain_kill: how far it came */
    evtchn_port_t suspend_evtchn; /* told when it has suspended; 0: VIRQ_DOM_EXC alone */

    /* RANK_MEMORY */
    struct spinlock page_lock;
    struct list_node page_list; /* pages that it owns */
    struct list_node relinquish_list; /* pages already walked while dying */
    uint64_t tot_pages;
    uint64_t max_pages;
    uint64_t outstanding_claim;
    uint64_t extra_pages; /* shared pages of the hypervisor's that it sees */

    struct shared_info *shared_info; /* one page of the hypervisor's, shared with the guest */

    uint32_t pollers; /* atomic: vcpus with VPF_POLL */
    /* RANK_EVTCHN */
    struct spinlock event_lock;
    struct evtchn_state *evtchn;
    unsigned max_evtchns;

    /* RANK_GRANT_TABLE */
    struct grant_table *grants;
    uint32_t max_grant_frames;
    uint32_t max_maptrack_frames;

    /* what device resources it may use; rangeset.c */
    struct rangeset *ioports;
    struct rangeset *iomem; /* frames */
    struct rangeset *irqs;

    /* time */
    int64_t time_offset_seconds;
    int64_t time_offset_ns;
    uint8_t tsc_mode;
    uint32_t tsc_khz;
    uint32_t tsc_incarnation;
    bool tsc_native;

    /* log rate: RANK_CONSOLE */
    struct {
        stime_t refill;
        uint32_t tokens;
        uint32_t dropped;
    } log;
    char console_line[128]; /* CONSOLEIO_write of an unprivileged guest, until a newline */
    unsigned console_len;

    /* scheduling */
    void *sched_priv;
    uint16_t sched_weight;
    uint16_t sched_cap;
    struct timer watchdog_timer[2];
    uint8_t watchdog_inuse;

    struct page *suspend_page;
    struct domain *work_next; /* list of SOFTIRQ_DOMAIN */
    uint32_t work;            /* atomic; what that has to do */
    struct arch_domain arch;
};

extern struct domain *domain_idle; /* owns the idle vcpus */
extern struct domain *domain_io;   /* DOMID_IO: owner of device memory */
extern struct domain *domain_xen;  /* DOMID_XEN: owner of what the hypervisor shows to guests */
extern struct domain *domain_hardware; /* dom0 */

/* --- domain.c -------------------------------------------------------------------------------- */
void domain_subsys_init(void);
/*
 * Make a domain with no vcpus yet allocated (they come by vcpu_create up to cfg->max_vcpus, in
 * this call). 0 and *out (one reference, for the caller), or -errno with nothing left behind.
 */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, uint32_t rights,
                  const struct guest_ops *ops, struct domain **out);
/* A domain by number with a reference, NULL if there is none (special numbers give none). */
struct domain *domain_get(domid_t id);
/* The same; DOMID_SELF is the caller, and the special owners DOMID_IO and DOMID_XEN resolve too. */
struct domain *domain_get_any(domid_t id);
bool domain_ref(struct domain *d);
void domain_put(struct domain *d);
/* First domain with a number of at least `id`, with a reference; for listing. */
struct domain *domain_get_next(domid_t id);
domid_t domain_free_id(void); /* next unused number, DOMID_INVALID when full */
unsigned domain_count(void);

void domain_pause(struct domain *d);        /* waits until no vcpu runs; not on oneself */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
int domain_pause_by_tools(struct domain *d);
int domain_unpause_by_tools(struct domain *d);
/* The guest asked, or died: stop its vcpus, record the reason, tell dom0 (VIRQ_DOM_EXC). */
void domain_shutdown(struct domain *d, uint32_t reason);
void domain_resume(struct domain *d);
/* Kill by our own judgement: says why once in the log, then SHUTDOWN_crash. */
void domain_crash(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* destroydomain: -ERESTART while there is more to do. */
int domain_kill(struct domain *d);
void domain_getinfo(struct domain *d, struct xen_domctl_getdomaininfo *info);
static inline bool domain_alive(const struct domain *d)
{
    return __atomic_load_n(&d->dying, __ATOMIC_ACQUIRE) == DOMAIN_ALIVE;
}

/* --- vcpu.c ---------------------------------------------------------------------------------- */
int vcpu_create(struct domain *d, unsigned id); /* -errno; pause_flags = VPF_DOWN */
void vcpu_destroy(struct vcpu *v);
void vcpu_relinquish(struct vcpu *v);   /* the domain dies: drop what it holds of guest memory */
void vcpu_pause(struct vcpu *v);        /* waits until it has left its processor */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void vcpu_wake(struct vcpu *v);         /* sched.c: look again whether it may run */
void vcpu_sleep_nosync(struct vcpu *v); /* sched.c: must leave its processor soon */
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_block(void);                  /* current, unless an event is deliverable */
void vcpu_unblock(struct vcpu *v);
void vcpu_kick(struct vcpu *v);         /* look at pending events: wake it or interrupt it */
int vcpu_up(struct vcpu *v);
int vcpu_down(struct vcpu *v);
void vcpu_raise_nmi(struct vcpu *v);
void vcpu_get_runstate(struct vcpu *v, struct vcpu_runstate_info *info);
/* Clear these flags; false: none was set. Who takes VPF_POLL takes it off the domain's count. */
static inline bool vcpu_stop_waiting(struct vcpu *v, uint32_t flags)
{
    uint32_t old = __atomic_fetch_and(&v->pause_flags, ~flags, __ATOMIC_SEQ_CST) & flags;

    if (old & VPF_POLL) {
        __atomic_sub_fetch(&v->domain->pollers, 1, __ATOMIC_SEQ_CST);
    }
    return old != 0;
}
static inline bool vcpu_runnable(const struct vcpu *v)
{
    return (__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) |
            __atomic_load_n(&v->pause_count, __ATOMIC_ACQUIRE)) == 0;
}
static inline bool vcpu_is_idle(const struct vcpu *v)
{
    return v->domain == domain_idle;
}

#define for_each_vcpu(d, v)                                                                        \
    for (unsigned v##_i = 0; v##_i < (d)->max_vcpus; v##_i++)                                      \
        if (((v) = (d)->vcpu[v##_i]) != NULL)

#endif
