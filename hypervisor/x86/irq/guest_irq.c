/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of guests. One table a domain, under its own lock; a descriptor (irq_desc.h) knows
 * in turn which domains are bound to it, under its lock, which comes second.
 *
 * A level interrupt: it arrives and is masked, all bound domains get their event, each answers by
 * PHYSDEVOP_eoi, and with the last answer the line is open again. Whether a pirq wants an answer
 * the guest reads from a bit in a page that it gave us, or asks.
 */
#include "x86/irq/guest_irq.h"
#include <public/physdev.h>
#include "core/errno.h"
#include "core/evtchn.h"
#include "core/nospec.h"
#include "lib/bitmap.h"
#include "x86/irq/irq.h"
#include "x86/irq/irq_desc.h"
#include "x86/irq/msi.h"
#include "x86/mm/map.h"

#define PIRQS_HARDWARE NR_IRQS
#define PIRQS_OTHER    32
_Static_assert(PIRQS_HARDWARE <= PAGE_SIZE * 8, "the EOI page has a bit for each");

struct pirq {
    uint16_t irq_plus_1; /* 0: not mapped */
    bool bound;
};

struct pirq_table {
    struct spinlock lock; /* RANK_PIRQ */
    unsigned nr;
    struct pirq p[];
};

int guest_irq_domain_init(struct domain *d)
{
    unsigned nr = (d->rights & RIGHT_HARDWARE) != 0 ? PIRQS_HARDWARE : PIRQS_OTHER;
    struct pirq_table *t = heap_alloc(sizeof(*t) + nr * sizeof(t->p[0]));

    if (t == NULL) {
        return -ENOMEM;
    }
    t->lock = SPINLOCK(RANK_PIRQ);
    t->nr = nr;
    d->arch.pirqs = t;
    return 0;
}

unsigned arch_nr_pirqs(const struct domain *d)
{
    return d->arch.pirqs != NULL ? d->arch.pirqs->nr : 0;
}

/* The entry of a number that the guest named; NULL if out of range or not mapped. */
static struct pirq *mapped_locked(struct pirq_table *t, unsigned pirq)
{
    struct pirq *p;

    if (t == NULL || pirq >= t->nr) {
        return NULL;
    }
    p = &t->p[index_nospec(pirq, t->nr)];
    return p->irq_plus_1 != 0 ? p : NULL;
}

static void set_eoi_bit(struct domain *d, unsigned pirq, bool needed)
{
    if (d->arch.pirq_eoi_map == NULL) {
        return;
    }
    if (needed) {
        bitmap_test_and_set_atomic(d->arch.pirq_eoi_map, pirq);
    } else {
        bitmap_test_and_clear_atomic(d->arch.pirq_eoi_map, pirq);
    }
}

/* --- map -------------------------------------------------------------------------------------- */

/* The number that an interrupt has in this domain, -1 none. */
static int number_of_locked(const struct pirq_table *t, unsigned irq)
{
    for (unsigned i = 0; i < t->nr; i++) {
        if (t->p[i].irq_plus_1 == irq + 1) {
            return (int)i;
        }
    }
    return -1;
}

static int free_number_locked(const struct pirq_table *t)
{
    unsigned first = irq_nr_gsis() < t->nr ? irq_nr_gsis() : 0;

    for (unsigned i = first; i < t->nr; i++) {
        if (t->p[i].irq_plus_1 == 0) {
            return (int)i;
        }
    }
    return -ENOSPC;
}

int pirq_map(struct domain *d, int pirq, unsigned irq)
{
    struct pirq_table *t = d->arch.pirqs;
    int have;

    if (pirq != PIRQ_ANY && (pirq < 0 || (unsigned)pirq >= t->nr)) {
        return -EINVAL;
    }
    spin_lock(&t->lock);
    have = number_of_locked(t, irq);
    if (have >= 0) {
        pirq = pirq == PIRQ_ANY || pirq == have ? have : -EEXIST;
    } else if (pirq == PIRQ_ANY) {
        pirq = free_number_locked(t);
    } else {
        pirq = (int)index_nospec((unsigned)pirq, t->nr);
        pirq = t->p[pirq].irq_plus_1 == 0 ? pirq : -EEXIST;
    }
    if (pirq >= 0) {
        t->p[pirq].irq_plus_1 = (uint16_t)(irq + 1);
    }
    spin_unlock(&t->lock);
    return pirq;
}

int pirq_unmap(struct domain *d, int pirq)
{
    struct pirq_table *t = d->arch.pirqs;
    struct pirq *p;
    unsigned irq = 0;
    int rc = 0;

    spin_lock(&t->lock);
    p = mapped_locked(t, (unsigned)pirq);
    if (p == NULL) {
        rc = -EINVAL;
    } else if (p->bound) {
        rc = -EBUSY;
    } else {
        irq = p->irq_plus_1 - 1u;
        p->irq_plus_1 = 0;
    }
    spin_unlock(&t->lock);
    if (rc == 0 && irq >= irq_nr_gsis()) {
        msi_destroy(irq);
    }
    return rc;
}

/* --- bind ------------------------------------------------------------------------------------- */

static int attach_locked(struct irq_desc *desc, struct domain *d, unsigned pirq, bool share,
                         unsigned cpu)
{
    int rc;

    if (desc->handler != NULL) {
        return -EBUSY;
    }
    if (desc->nr_guests != 0 && (!share || !desc->shareable || !desc->level)) {
        return -EBUSY;
    }
    if (desc->nr_guests == IRQ_MAX_GUESTS) {
        return -EBUSY;
    }
    if (desc->nr_guests == 0) {
        rc = irq_prepare_locked(desc, cpu);
        if (rc != 0) {
            return rc;
        }
        desc->shareable = share;
    }
    desc->guest[desc->nr_guests++] = (struct irq_guest){.domain = d, .pirq = pirq};
    return desc->nr_guests == 1 ? irq_start_locked(desc, cpu) : 0;
}

int pirq_bind(struct vcpu *v, unsigned pirq, bool will_share)
{
    struct domain *d = v->domain;
    struct pirq_table *t = d->arch.pirqs;
    struct irq_desc *desc;
    unsigned long flags;
    struct pirq *p;
    int rc = -EINVAL;

    if (t == NULL) {
        return rc;
    }
    spin_lock(&t->lock);
    p = mapped_locked(t, pirq);
    desc = p != NULL ? irq_desc(p->irq_plus_1 - 1u) : NULL;
    if (desc != NULL) {
        flags = spin_lock_irqsave(&desc->lock);
        rc = p->bound ? -EEXIST : attach_locked(desc, d, pirq, will_share, v->cpu);
        if (rc == 0) {
            p->bound = true;
            set_eoi_bit(d, pirq, desc->level);
        }
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    spin_unlock(&t->lock);
    return rc;
}

static struct irq_guest *find_guest_locked(struct irq_desc *desc, const struct domain *d)
{
    for (unsigned i = 0; i < desc->nr_guests; i++) {
        if (desc->guest[i].domain == d) {
            return &desc->guest[i];
        }
    }
    return NULL;
}

static void answer_locked(struct irq_desc *desc, struct irq_guest *g)
{
    if (g->awaits_eoi) {
        g->awaits_eoi = false;
        if (--desc->in_flight == 0) {
            irq_end_locked(desc);
        }
    }
}

static void detach(struct irq_desc *desc, struct domain *d)
{
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    struct irq_guest *g = find_guest_locked(desc, d);

    if (g != NULL) {
        if (desc->nr_guests == 1) {
            irq_stop_locked(desc);
        } else {
            answer_locked(desc, g);
        }
        *g = desc->guest[--desc->nr_guests];
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    /* whoever tells the domain at this moment finishes first */
    while (__atomic_load_n(&desc->dispatching, __ATOMIC_SEQ_CST) != 0) {
        cpu_relax();
    }
}

void pirq_unbind(struct domain *d, unsigned pirq)
{
    struct pirq_table *t = d->arch.pirqs;
    struct pirq *p;

    if (t == NULL) {
        return;
    }
    spin_lock(&t->lock);
    p = mapped_locked(t, pirq);
    if (p != NULL && p->bound) {
        p->bound = false;
        set_eoi_bit(d, pirq, false);
        detach(irq_desc(p->irq_plus_1 - 1u), d);
    }
    spin_unlock(&t->lock);
}

void guest_irq_deliver(const struct irq_guest *g, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        evtchn_port_t port = evtchn_pirq_port(g[i].domain, g[i].pirq);

        if (port != 0) {
            evtchn_send_pirq(g[i].domain, port);
        }
    }
}

/* --- while bound ------------------------------------------------------------------------------ */

/* The descriptor of a bound pirq, locked; NULL: not bound. The table's lock is held. */
static struct irq_desc *lock_bound(struct pirq_table *t, unsigned pirq, unsigned long *flags)
{
    struct pirq *p = mapped_locked(t, pirq);
    struct irq_desc *desc;

    if (p == NULL || !p->bound) {
        return NULL;
    }
    desc = irq_desc(p->irq_plus_1 - 1u);
    *flags = spin_lock_irqsave(&desc->lock);
    return desc;
}

int pirq_eoi(struct domain *d, unsigned pirq)
{
    struct pirq_table *t = d->arch.pirqs;
    struct irq_desc *desc;
    struct irq_guest *g;
    unsigned long flags;

    if (t == NULL || pirq >= t->nr) {
        return -EINVAL;
    }
    spin_lock(&t->lock);
    desc = lock_bound(t, pirq, &flags);
    if (desc != NULL) {
        g = find_guest_locked(desc, d);
        if (g != NULL) {
            answer_locked(desc, g);
        }
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    spin_unlock(&t->lock);
    if (d->arch.pirq_eoi_auto_unmask) {
        evtchn_port_t port = evtchn_pirq_port(d, pirq);

        if (port != 0) {
            return evtchn_unmask(d, port);
        }
    }
    return 0;
}

bool pirq_guest_eoi_needed(struct domain *d, unsigned pirq)
{
    struct pirq_table *t = d->arch.pirqs;
    const struct pirq *p;
    bool level = false;

    if (t != NULL) {
        spin_lock(&t->lock);
        p = mapped_locked(t, pirq);
        level = p != NULL && irq_desc(p->irq_plus_1 - 1u)->level;
        spin_unlock(&t->lock);
    }
    return level;
}

/* The line is opened by the EOI; unmasking the event channel has nothing to add. */
void pirq_unmask(struct domain *d, unsigned pirq)
{
    (void)d;
    (void)pirq;
}

void pirq_set_affinity(struct domain *d, unsigned pirq, unsigned cpu)
{
    struct pirq_table *t = d->arch.pirqs;
    struct irq_desc *desc;
    unsigned long flags;

    if (t == NULL) {
        return;
    }
    spin_lock(&t->lock);
    desc = lock_bound(t, pirq, &flags);
    if (desc != NULL) {
        irq_move_locked(desc, cpu);
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    spin_unlock(&t->lock);
}

int pirq_status(struct domain *d, unsigned pirq, uint32_t *flags)
{
    if (pirq >= arch_nr_pirqs(d)) {
        return -EINVAL;
    }
    *flags = pirq_guest_eoi_needed(d, pirq) ? XENIRQSTAT_needs_eoi | XENIRQSTAT_shared : 0;
    return 0;
}

/* --- the page of EOI bits --------------------------------------------------------------------- */

int pirq_set_eoi_page(struct domain *d, gfn_t gfn, bool auto_unmask)
{
    struct pirq_table *t = d->arch.pirqs;
    struct page *pg = d->ops->get_page(d, gfn, true);
    uint64_t *map;
    mfn_t m;
    int rc = 0;

    if (pg == NULL) {
        return -EINVAL;
    }
    m = arch_page_to_mfn(pg);
    map = vmap(&m, 1, PTE_HV_RW);
    if (map == NULL) {
        d->ops->put_page(pg, true);
        return -ENOMEM;
    }
    spin_lock(&t->lock);
    if (d->arch.pirq_eoi_map != NULL) {
        rc = -EBUSY;
    } else {
        d->arch.pirq_eoi_auto_unmask = auto_unmask;
        d->arch.pirq_eoi_page = pg;
        d->arch.pirq_eoi_mfn = m.v;
        d->arch.pirq_eoi_map = map;
        for (unsigned i = 0; i < t->nr; i++) {
            const struct pirq *p = mapped_locked(t, i);

            set_eoi_bit(d, i, p != NULL && p->bound && irq_desc(p->irq_plus_1 - 1u)->level);
        }
    }
    spin_unlock(&t->lock);
    if (rc != 0) {
        vunmap(map);
        d->ops->put_page(pg, true);
    }
    return rc;
}

void guest_irq_domain_destroy(struct domain *d)
{
    struct pirq_table *t = d->arch.pirqs;

    if (t == NULL) {
        return;
    }
    for (unsigned i = 0; i < t->nr; i++) {
        if (t->p[i].irq_plus_1 != 0) {
            pirq_unbind(d, i);
            pirq_unmap(d, (int)i);
        }
    }
    if (d->arch.pirq_eoi_map != NULL) {
        vunmap(d->arch.pirq_eoi_map);
        d->arch.pirq_eoi_map = NULL;
        d->ops->put_page(d->arch.pirq_eoi_page, true);
    }
    d->arch.pirqs = NULL;
    heap_free(t);
}
