/* SPDX-License-Identifier: MIT */
/*
 * FIFO delivery: one word for each port in pages of the guest (flags and the number of the next
 * port), and for each vcpu a control block in guest memory with the heads of 16 queues.
 *
 *   raise   PENDING is set; if the word is neither MASKED nor LINKED, LINKED is set and the port
 *           goes behind the queue's tail: the tail's word gets its number, or, when the guest has
 *           already taken the tail off (LINKED is clear), the head gets it and READY is set
 *   BUSY    asks the guest to wait with unlinking while the tail's word is changed
 *
 * The guest writes the words at any time and may lie. So nothing read from them is ever used as
 * an index: head and tail are ours, the link is written and never followed; the wait for a guest
 * that fights for a word has a bound, and then the queue starts anew: the guest loses its events.
 *
 * One lock for each domain guards all of it with interrupts off. A page comes with a reference
 * and a writable type, and stays mapped until reset or death.
 */
#include "core/errno.h"
#include "core/evtchn.h"
#include "lib/lib.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define LINK_TRIES     4

#define F_PENDING (1u << EVTCHN_FIFO_PENDING)
#define F_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define F_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define F_BUSY    (1u << EVTCHN_FIFO_BUSY)

struct evtchn_fifo {
    struct spinlock lock; /* RANK_EVTCHN_FIFO, interrupts off */
    unsigned nr_pages;
    unsigned max_pages;
    unsigned stale_pages; /* detached by a reset, not yet given back */
    struct array_page {
        event_word_t *words;
        struct page *page;
    } pages[];
};

struct evtchn_fifo_vcpu {
    struct evtchn_fifo_control_block *cb; /* NULL until init_control of this vcpu */
    void *frame;                          /* mapping that cb lies in */
    struct page *page;
    evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES];
};

static event_word_t *word_of(const struct evtchn_fifo *f, evtchn_port_t port)
{
    unsigned n = port / WORDS_PER_PAGE;

    if (n >= f->nr_pages) {
        return NULL;
    }
    n = (unsigned)index_nospec(n, f->nr_pages);
    return &f->pages[n].words[port % WORDS_PER_PAGE];
}

static uint32_t load(const event_word_t *w)
{
    return __atomic_load_n(w, __ATOMIC_ACQUIRE);
}

enum link_result { LINK_DONE, LINK_NOT_QUEUED, LINK_AGAIN };

static enum link_result try_set_link(event_word_t *w, evtchn_port_t port)
{
    event_word_t old = load(w), new;

    if ((old & F_LINKED) == 0) {
        return LINK_NOT_QUEUED;
    }
    new = (old & ~(F_BUSY | (uint32_t)EVTCHN_FIFO_LINK_MASK)) | port;
    return __atomic_compare_exchange_n(w, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
               ? LINK_DONE
               : LINK_AGAIN;
}

/* Make the word of a queue's tail point to port. False: it is in no queue any more. */
static bool set_link(event_word_t *w, evtchn_port_t port)
{
    enum link_result r = try_set_link(w, port);

    if (r != LINK_AGAIN) {
        return r == LINK_DONE;
    }
    __atomic_fetch_or(w, F_BUSY, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < LINK_TRIES; i++) {
        r = try_set_link(w, port);
        if (r == LINK_NOT_QUEUED) {
            __atomic_fetch_and(w, ~F_BUSY, __ATOMIC_SEQ_CST);
        }
        if (r != LINK_AGAIN) {
            return r == LINK_DONE;
        }
    }
    __atomic_fetch_and(w, ~F_BUSY, __ATOMIC_SEQ_CST);
    return false;
}

/* A port moves to another queue: if it was the tail of its old one, that one is empty now. */
static void forget_old_queue(struct domain *d, struct evtchn *c, evtchn_port_t port,
                             const struct vcpu *v)
{
    struct vcpu *old = c->last_vcpu < d->max_vcpus ? d->vcpu[c->last_vcpu] : NULL;

    if ((old != v || c->last_priority != c->priority) && old != NULL && old->evtchn_fifo != NULL &&
        old->evtchn_fifo->tail[c->last_priority] == port) {
        old->evtchn_fifo->tail[c->last_priority] = 0;
    }
    c->last_vcpu = (uint16_t)v->id;
    c->last_priority = c->priority;
}

/* Append to the queue; true when the vcpu must be told. */
static bool enqueue(struct evtchn_fifo *f, struct vcpu *v, event_word_t *word, evtchn_port_t port,
                    struct evtchn *c)
{
    struct evtchn_fifo_vcpu *fv = v->evtchn_fifo;
    unsigned q = c->priority;
    event_word_t *tail;
    uint32_t ready;

    if (fv == NULL || fv->cb == NULL) {
        return false; /* its words stay pending; a guest sets up a vcpu before it binds to it */
    }
    forget_old_queue(v->domain, c, port, v);
    if ((__atomic_fetch_or(word, F_LINKED, __ATOMIC_SEQ_CST) & F_LINKED) != 0) {
        return false;
    }
    /* A tail that is this port itself was taken off already: the queue is empty. */
    tail = fv->tail[q] != 0 && fv->tail[q] != port ? word_of(f, fv->tail[q]) : NULL;
    if (tail != NULL && set_link(tail, port)) {
        fv->tail[q] = port;
        return false;
    }
    __atomic_store_n(&fv->cb->head[q], port, __ATOMIC_RELEASE);
    fv->tail[q] = port;
    ready = __atomic_fetch_or(&fv->cb->ready, 1u << q, __ATOMIC_SEQ_CST);
    return (ready & (1u << q)) == 0;
}

static void fifo_set_pending(struct vcpu *v, evtchn_port_t port, struct evtchn *c)
{
    struct evtchn_fifo *f = v->domain->evtchn->fifo;
    unsigned long flags = spin_lock_irqsave(&f->lock);
    event_word_t *word = word_of(f, port);
    bool tell = false, was_pending = true;
    uint32_t old;

    if (word == NULL) {
        c->pending = true;
    } else {
        old = __atomic_fetch_or(word, F_PENDING, __ATOMIC_SEQ_CST);
        was_pending = (old & F_PENDING) != 0;
        if ((old & (F_MASKED | F_LINKED)) == 0) {
            tell = enqueue(f, v, word, port, c);
        }
    }
    spin_unlock_irqrestore(&f->lock, flags);
    if (tell) {
        evtchn_mark_vcpu(v);
    }
    if (!was_pending) {
        evtchn_wake_pollers(v->domain, port);
    }
}

/* Apply an operation to the word if the guest has given its page. Returns the old word or 0. */
static uint32_t word_op(struct domain *d, evtchn_port_t port, uint32_t clear)
{
    struct evtchn_fifo *f = d->evtchn->fifo;
    unsigned long flags = spin_lock_irqsave(&f->lock);
    event_word_t *word = word_of(f, port);
    uint32_t old = 0;

    if (word != NULL) {
        old = clear != 0 ? __atomic_fetch_and(word, ~clear, __ATOMIC_SEQ_CST) : load(word);
    }
    spin_unlock_irqrestore(&f->lock, flags);
    return old;
}

static void fifo_init_port(struct domain *d, evtchn_port_t port, struct evtchn *c)
{
    (void)d, (void)port;
    c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT; /* last_* stay: the word may still be linked */
}

static void fifo_clear_pending(struct domain *d, evtchn_port_t port)
{
    word_op(d, port, F_PENDING);
}

static void fifo_unmask(struct vcpu *v, evtchn_port_t port, struct evtchn *c)
{
    if ((word_op(v->domain, port, F_MASKED) & F_PENDING) != 0) {
        fifo_set_pending(v, port, c);
    }
}

static bool fifo_is_pending(struct domain *d, evtchn_port_t port)
{
    return (word_op(d, port, 0) & F_PENDING) != 0;
}

static bool fifo_is_masked(struct domain *d, evtchn_port_t port)
{
    return (word_op(d, port, 0) & F_MASKED) != 0;
}

static int fifo_set_priority(struct evtchn *c, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -EINVAL;
    }
    c->priority = (uint8_t)priority;
    return 0;
}

const struct evtchn_abi evtchn_abi_fifo = {
    .name = "FIFO",
    .max_ports = EVTCHN_FIFO_NR_CHANNELS,
    .init_port = fifo_init_port,
    .set_pending = fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .unmask = fifo_unmask,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .set_priority = fifo_set_priority,
};

/* --- set-up: pages are taken before and given back after the event lock ----------------------- */

static int fifo_create(struct domain *d)
{
    unsigned pages = DIV_ROUND_UP(d->max_evtchns, (unsigned)WORDS_PER_PAGE);
    struct evtchn_fifo *f;

    if (d->evtchn->fifo != NULL) {
        return 0;
    }
    f = heap_alloc(sizeof(*f) + pages * sizeof(f->pages[0]));
    if (f == NULL) {
        return -ENOMEM;
    }
    f->lock = SPINLOCK(RANK_EVTCHN_FIFO);
    f->max_pages = pages;
    d->evtchn->fifo = f;
    return 0;
}

/* Ports that exist take part from now on; what 2-level delivery holds is raised again later. */
static void fifo_take_over(struct domain *d)
{
    struct evtchn_state *st = d->evtchn;

    for (evtchn_port_t port = 1; port < st->next_new; port++) {
        struct evtchn *c = evtchn_from_port(d, port);

        c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        c->last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        c->last_vcpu = c->vcpu;
        c->pending = evtchn_abi_2l.is_pending(d, port);
    }
    __atomic_store_n(&st->abi, &evtchn_abi_fifo, __ATOMIC_RELEASE);
}

static int attach_control(struct domain *d, struct vcpu *v, struct page *pg, uint32_t offset)
{
    struct evtchn_fifo_vcpu *fv = v->evtchn_fifo;
    unsigned long flags;
    int rc = fifo_create(d);

    if (rc != 0) {
        return rc;
    }
    if (fv == NULL) {
        fv = heap_alloc(sizeof(*fv));
        if (fv == NULL) {
            return -ENOMEM;
        }
        v->evtchn_fifo = fv;
    }
    if (fv->cb != NULL) {
        return -EINVAL;
    }
    flags = spin_lock_irqsave(&d->evtchn->fifo->lock);
    fv->page = pg;
    fv->frame = map_frame(arch_page_to_mfn(pg));
    memset(fv->tail, 0, sizeof(fv->tail));
    fv->cb = (void *)((char *)fv->frame + offset);
    spin_unlock_irqrestore(&d->evtchn->fifo->lock, flags);
    if (d->evtchn->abi != &evtchn_abi_fifo) {
        fifo_take_over(d);
    }
    return 0;
}

int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *ic)
{
    struct page *pg = d->ops->get_page(d, GFN(ic->control_gfn), true);
    int rc;

    if (pg == NULL) {
        return -EINVAL;
    }
    spin_lock(&d->event_lock);
    rc = domain_alive(d) ? attach_control(d, d->vcpu[ic->vcpu], pg, ic->offset) : -EINVAL;
    spin_unlock(&d->event_lock);
    if (rc != 0) {
        d->ops->put_page(pg, true);
    }
    ic->link_bits = EVTCHN_FIFO_LINK_BITS;
    return rc;
}

static int attach_words(struct domain *d, struct page *pg)
{
    struct evtchn_fifo *f = d->evtchn->fifo;
    unsigned long flags;

    if (d->evtchn->abi != &evtchn_abi_fifo) {
        return -EOPNOTSUPP;
    }
    if (f->stale_pages != 0) {
        return -EBUSY;
    }
    if (f->nr_pages == f->max_pages) {
        return -ENOSPC;
    }
    flags = spin_lock_irqsave(&f->lock);
    f->pages[f->nr_pages].page = pg;
    f->pages[f->nr_pages].words = map_frame(arch_page_to_mfn(pg));
    f->nr_pages++;
    spin_unlock_irqrestore(&f->lock, flags);
    return 0;
}

/* Raise again what was raised while these ports had no words. */
static void raise_kept(struct domain *d, unsigned page)
{
    evtchn_port_t first = (evtchn_port_t)(page * WORDS_PER_PAGE);
    evtchn_port_t end = MIN(first + (evtchn_port_t)WORDS_PER_PAGE, d->evtchn->next_new);

    for (evtchn_port_t port = MAX(first, 1u); port < end; port++) {
        struct evtchn *c = evtchn_from_port(d, port);

        if (c->pending && c->kind > EVTCHN_RESERVED) {
            c->pending = false;
            fifo_set_pending(d->vcpu[c->vcpu], port, c);
        }
    }
}

int evtchn_fifo_expand(struct domain *d, uint64_t gfn)
{
    struct page *pg = d->ops->get_page(d, GFN(gfn), true);
    int rc;

    if (pg == NULL) {
        return -EINVAL;
    }
    spin_lock(&d->event_lock);
    rc = domain_alive(d) ? attach_words(d, pg) : -EINVAL;
    if (rc == 0) {
        raise_kept(d, d->evtchn->fifo->nr_pages - 1);
    }
    spin_unlock(&d->event_lock);
    if (rc != 0) {
        d->ops->put_page(pg, true);
    }
    return rc;
}

/* --- back to 2-level: pages are put when no event lock is held any more ----------------------- */

static struct page *detach_control(struct domain *d, struct evtchn_fifo_vcpu *fv)
{
    unsigned long flags = spin_lock_irqsave(&d->evtchn->fifo->lock);
    struct page *pg = fv->page;
    void *frame = fv->frame;

    fv->cb = NULL;
    fv->page = NULL;
    fv->frame = NULL;
    spin_unlock_irqrestore(&d->evtchn->fifo->lock, flags);
    if (pg != NULL) {
        unmap_frame(frame);
    }
    return pg;
}

void evtchn_fifo_drop(struct domain *d)
{
    struct page *control[MAX_VCPUS];
    struct evtchn_fifo *f;
    unsigned nr_control = 0;
    unsigned long flags;
    struct vcpu *v;

    spin_lock(&d->event_lock);
    f = d->evtchn->fifo;
    __atomic_store_n(&d->evtchn->abi, &evtchn_abi_2l, __ATOMIC_RELEASE);
    if (f == NULL || f->stale_pages != 0) {
        spin_unlock(&d->event_lock);
        return;
    }
    for_each_vcpu(d, v) {
        if (v->evtchn_fifo != NULL) {
            control[nr_control] = detach_control(d, v->evtchn_fifo);
            nr_control += control[nr_control] != NULL;
        }
    }
    flags = spin_lock_irqsave(&f->lock);
    f->stale_pages = f->nr_pages;
    f->nr_pages = 0;
    spin_unlock_irqrestore(&f->lock, flags);
    spin_unlock(&d->event_lock);

    while (nr_control-- > 0) {
        d->ops->put_page(control[nr_control], true);
    }
    for (unsigned i = 0; i < f->stale_pages; i++) {
        unmap_frame(f->pages[i].words);
        d->ops->put_page(f->pages[i].page, true);
    }
    __atomic_store_n(&f->stale_pages, 0, __ATOMIC_RELEASE);
}

void evtchn_fifo_destroy(struct domain *d)
{
    heap_free(d->evtchn->fifo);
    d->evtchn->fifo = NULL;
}

void evtchn_vcpu_destroy(struct vcpu *v)
{
    heap_free(v->evtchn_fifo);
    v->evtchn_fifo = NULL;
}
