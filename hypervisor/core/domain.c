/* SPDX-License-Identifier: MIT */
/*
 * Domains: made by a list of steps with an undo each, found through a table by number. How they
 * are paused, shut down and killed is in domain_life.c.
 *
 * References: the table of the living holds one, dropped at the end of domain_kill(); all pages
 * together hold one; whoever looks a domain up holds one. The last one leaves the rest to
 * SOFTIRQ_DOMAIN, since a reference may be dropped under any lock.
 */
#include "core/domain.h"
#include "core/domain_life.h"
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/grant.h"
#include "core/printk.h"
#include "core/sched.h"
#include "lib/lib.h"
#include "lib/rangeset.h"

struct domain *domain_idle, *domain_io, *domain_xen, *domain_hardware;

/* The table: leaves of 512 pointers, made when the first number in them is used. */
#define LEAF_BITS 9
#define LEAF_SIZE (1u << LEAF_BITS)
static struct domain **leaves[(DOMID_FIRST_RESERVED + LEAF_SIZE - 1) / LEAF_SIZE];
static struct spinlock table_lock = SPINLOCK(RANK_DOMAIN_TABLE);
static unsigned nr_domains;
static domid_t last_id;

/* --- look-up -----------------------------------------------------------------------------------
 */

static struct domain *table_get(domid_t id)
{
    struct domain **leaf = id < DOMID_FIRST_RESERVED ? leaves[id >> LEAF_BITS] : NULL;

    return leaf == NULL ? NULL : leaf[id & (LEAF_SIZE - 1)];
}

HOT bool domain_ref(struct domain *d)
{
    uint32_t old = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

    do {
        if (old == 0 || old >= UINT32_MAX / 2) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&d->refs, &old, old + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return true;
}

static APART struct domain *look_up(domid_t id)
{
    struct domain *d;

    spin_lock(&table_lock);
    d = table_get(id);
    if (d != NULL && !domain_ref(d)) {
        d = NULL;
    }
    spin_unlock(&table_lock);
    return d;
}

HOT struct domain *domain_get(domid_t id)
{
    struct domain *d = current->domain;

    if (id == d->id && id < DOMID_FIRST_RESERVED) { /* who runs is in the table */
        return domain_ref(d) ? d : NULL;
    }
    return look_up(id);
}

struct domain *domain_get_any(domid_t id)
{
    struct domain *d = NULL;

    if (id == DOMID_SELF) {
        d = current->domain;
    } else if (id == DOMID_IO) {
        d = domain_io;
    } else if (id == DOMID_XEN) {
        d = domain_xen;
    } else {
        return domain_get(id);
    }
    return domain_ref(d) ? d : NULL;
}

struct domain *domain_get_next(domid_t id)
{
    struct domain *found = NULL;

    spin_lock(&table_lock);
    for (unsigned i = id; i < DOMID_FIRST_RESERVED && found == NULL; i++) {
        if (leaves[i >> LEAF_BITS] == NULL) {
            i |= LEAF_SIZE - 1;
            continue;
        }
        found = table_get((domid_t)i);
        if (found != NULL && !domain_ref(found)) {
            found = NULL;
        }
    }
    spin_unlock(&table_lock);
    return found;
}

domid_t domain_free_id(void)
{
    domid_t id = DOMID_INVALID;

    spin_lock(&table_lock);
    for (unsigned i = 1; i < DOMID_FIRST_RESERVED && nr_domains < MAX_DOMAINS; i++) {
        unsigned n = (last_id + i) % DOMID_FIRST_RESERVED;

        if (n != 0 && table_get((domid_t)n) == NULL) {
            id = (domid_t)n;
            break;
        }
    }
    spin_unlock(&table_lock);
    return id;
}

unsigned domain_count(void)
{
    return __atomic_load_n(&nr_domains, __ATOMIC_RELAXED);
}

static int table_insert(struct domain *d)
{
    struct domain **leaf = heap_alloc_pages(0), **spare = leaf;
    int rc = 0;

    spin_lock(&table_lock);
    if (leaves[d->id >> LEAF_BITS] != NULL) {
        leaf = leaves[d->id >> LEAF_BITS];
    } else {
        leaves[d->id >> LEAF_BITS] = leaf;
        spare = NULL;
    }
    if (nr_domains >= MAX_DOMAINS) {
        rc = -ENOSPC;
    } else if (leaf == NULL) {
        rc = -ENOMEM;
    } else if (leaf[d->id & (LEAF_SIZE - 1)] != NULL) {
        rc = -EEXIST;
    } else {
        leaf[d->id & (LEAF_SIZE - 1)] = d;
        nr_domains++;
        last_id = d->id;
    }
    spin_unlock(&table_lock);
    heap_free_pages(spare, 0);
    return rc;
}

static void table_remove(struct domain *d)
{
    spin_lock(&table_lock);
    leaves[d->id >> LEAF_BITS][d->id & (LEAF_SIZE - 1)] = NULL;
    nr_domains--;
    spin_unlock(&table_lock);
}

/* --- creation ----------------------------------------------------------------------------------
 */

static int make_shared_info(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    (void)cfg;
    d->shared_info = heap_alloc_pages(0);
    if (d->shared_info == NULL) {
        return -ENOMEM;
    }
    page_share(arch_virt_to_page(d->shared_info), d, true);
    arch_domain_update_wallclock(d);
    return 0;
}

static void undo_shared_info(struct domain *d)
{
    page_unshare(arch_virt_to_page(d->shared_info));
    heap_free_pages(d->shared_info, 0);
    d->shared_info = NULL;
}

static const struct rangeset_alloc range_memory = {.alloc = heap_alloc, .free = heap_free};

static void undo_rangesets(struct domain *d)
{
    rangeset_destroy(d->ioports);
    rangeset_destroy(d->iomem);
    rangeset_destroy(d->irqs);
}

static int make_rangesets(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    unsigned limit = d->rights & RIGHT_HARDWARE ? 4096 : 128;

    (void)cfg;
    d->ioports = rangeset_create(&range_memory, limit);
    d->iomem = rangeset_create(&range_memory, limit);
    d->irqs = rangeset_create(&range_memory, limit);
    if (d->ioports == NULL || d->iomem == NULL || d->irqs == NULL) {
        undo_rangesets(d);
        return -ENOMEM;
    }
    return 0;
}

static int make_evtchn(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    (void)cfg;
    return evtchn_domain_init(d);
}

static int make_grants(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    (void)cfg;
    return grant_domain_init(d);
}

static int make_sched(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    (void)cfg;
    return sched_domain_init(d);
}

static int make_kind(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    return d->ops->domain_create(d, cfg);
}

static void undo_kind(struct domain *d)
{
    d->ops->domain_destroy(d);
}

static const struct create_step {
    int (*make)(struct domain *d, const struct xen_domctl_createdomain *cfg);
    void (*undo)(struct domain *d);
} create_steps[] = {
    {make_shared_info, undo_shared_info}, {make_rangesets, undo_rangesets},
    {make_evtchn, evtchn_domain_destroy}, {make_grants, grant_domain_destroy},
    {make_sched, sched_domain_destroy},   {make_kind, undo_kind},
};

static void undo_steps(struct domain *d, size_t done)
{
    while (done-- > 0) {
        create_steps[done].undo(d);
    }
}

static struct domain *domain_new(domid_t id)
{
    struct domain *d = heap_alloc(sizeof(*d));

    if (d == NULL) {
        return NULL;
    }
    d->id = id;
    d->refs = 1;
    d->shutdown_code = ~0U;
    d->lock = SPINLOCK(RANK_DOMAIN);
    d->page_lock = SPINLOCK(RANK_MEMORY);
    d->event_lock = SPINLOCK(RANK_EVTCHN);
    list_init(&d->page_list);
    list_init(&d->relinquish_list);
    d->node_affinity = (1u << MAX_NODES) - 1;
    d->auto_node_affinity = true;
    return d;
}

static void apply_config(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    d->max_vcpus = cfg->max_vcpus;
    d->options = cfg->flags;
    d->max_evtchns = cfg->max_evtchn_port;
    d->max_grant_frames = (uint32_t)cfg->max_grant_frames;
    d->max_maptrack_frames = (uint32_t)cfg->max_maptrack_frames;
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->controller_pause = 1;
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, uint32_t rights,
                  const struct guest_ops *ops, struct domain **out)
{
    struct domain *d;
    size_t done = 0;
    int rc = 0;

    if (cfg->max_vcpus == 0 || cfg->max_vcpus > MAX_VCPUS || id >= DOMID_FIRST_RESERVED) {
        return -EINVAL;
    }
    d = domain_new(id);
    if (d == NULL) {
        return -ENOMEM;
    }
    d->rights = rights;
    d->ops = ops;
    apply_config(d, cfg);
    for (; done < ARRAY_SIZE(create_steps) && rc == 0; done += rc == 0) {
        rc = create_steps[done].make(d, cfg);
    }
    if (rc == 0) {
        d->refs = 2; /* the table's and the caller's */
        rc = table_insert(d);
    }
    if (rc != 0) {
        undo_steps(d, done);
        heap_free(d);
        return rc;
    }
    if (rights & RIGHT_HARDWARE) {
        domain_hardware = d;
    }
    *out = d;
    return 0;
}

/* Nobody refers to it any more. */
void domain_destroy(struct domain *d)
{
    table_remove(d);
    for (unsigned i = d->max_vcpus; i-- > 0;) {
        if (d->vcpu[i] != NULL) {
            vcpu_destroy(d->vcpu[i]);
        }
    }
    undo_steps(d, ARRAY_SIZE(create_steps));
    heap_free(d);
    virq_send_global(VIRQ_DOM_EXC);
}

/* --- start-up ----------------------------------------------------------------------------------
 */

static struct domain *special(domid_t id, unsigned max_vcpus)
{
    struct domain *d = domain_new(id);

    if (d == NULL) {
        panic("no memory for domain %x", id);
    }
    d->max_vcpus = max_vcpus;
    d->max_pages = UINT64_MAX;
    return d;
}

void domain_subsys_init(void)
{
    domain_idle = special(DOMID_IDLE, MAX_CPUS);
    domain_io = special(DOMID_IO, 0);
    domain_xen = special(DOMID_XEN, 0);
    domain_life_init();
}
