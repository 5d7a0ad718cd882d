/* SPDX-License-Identifier: MIT */
/* The fake machine behind world.h, and those parts of core/ that the tests do not link. */
#include "world.h"
#include "core/console.h"
#include "core/printk.h"

static uint8_t memory[WORLD_FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));
static struct page frames[WORLD_FRAMES];
static uint64_t m2p[WORLD_FRAMES];
static struct domain *domains[64];
static unsigned nr_domains;
static bool memory_given;

struct vcpu *world_current;
unsigned world_kicks, world_wakes, world_pirqs, world_preempt_after, world_nr_mapped;
uint64_t world_fault_at;
bool world_map_fails;
struct world_mapping world_mapped[64];

struct domain *domain_idle, *domain_io, *domain_xen, *domain_hardware;
uint32_t softirq_pending[MAX_CPUS];
const struct hypercall_row arch_hypercalls[1];
const unsigned arch_hypercall_count = 0;
static struct domain special_xen;

/* --- guest memory ----------------------------------------------------------------------------- */

static bool bad(uint64_t va, size_t len)
{
    return va < PAGE_SIZE || va >> 47 != 0 ||
           (world_fault_at != 0 && world_fault_at >= va && world_fault_at < va + len);
}

int guest_read(void *dst, guest_ptr_t src, size_t len)
{
    if (world_preempt_after != 0 && --world_preempt_after == 0) {
        softirq_pending[0] = 1;
    }
    if (bad(src.va, 0)) {
        return -EFAULT;
    }
    memcpy(dst, (void *)(uintptr_t)src.va, len);
    return 0;
}

int guest_write(guest_ptr_t dst, const void *src, size_t len)
{
    if (bad(dst.va, len)) {
        return -EFAULT;
    }
    memcpy((void *)(uintptr_t)dst.va, src, len);
    return 0;
}

bool guest_range_ok(guest_ptr_t p, size_t len)
{
    return len < 1ULL << 47 && (p.va + len) >> 47 == 0;
}

/* --- frames ----------------------------------------------------------------------------------- */

struct page *arch_mfn_to_page(mfn_t m)
{
    return m.v < WORLD_FRAMES ? &frames[m.v] : NULL;
}

mfn_t arch_page_to_mfn(const struct page *pg)
{
    return MFN((uint64_t)(pg - frames));
}

void *arch_page_virt(const struct page *pg)
{
    return memory[pg - frames];
}

struct page *arch_virt_to_page(const void *va)
{
    return &frames[((uintptr_t)va - (uintptr_t)memory) / PAGE_SIZE];
}

void *map_frame(mfn_t m)
{
    assert_true(m.v < WORLD_FRAMES);
    return memory[m.v];
}

void unmap_frame(const void *va)
{
    (void)va;
}

void arch_clear_page(void *va)
{
    memset(va, 0, PAGE_SIZE);
}

uint64_t arch_max_mfn(void)
{
    return WORLD_FRAMES;
}

void arch_page_freed(struct page *pg)
{
    m2p[pg - frames] = ~0ULL;
}

void arch_page_reused(struct page *pg, unsigned order)
{
    (void)pg, (void)order;
}

void arch_page_shared(struct page *pg, bool writable)
{
    pg->type = 0;
    (void)writable;
}

void arch_m2p_set(mfn_t m, uint64_t pfn)
{
    m2p[m.v] = pfn;
}

uint64_t arch_m2p_get(mfn_t m)
{
    return m2p[m.v];
}

bool page_get_writable(struct page *pg)
{
    pg->type++;
    return true;
}

void page_put_writable(struct page *pg)
{
    assert_true(pg->type > 0);
    pg->type--;
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *p)
{
    free(p);
}

void *heap_alloc_pages(unsigned order)
{
    struct page *pg = page_alloc(order, NODE_ANY, WIDTH_ANY, 0);

    return pg == NULL ? NULL : arch_page_virt(pg);
}

void heap_free_pages(void *p, unsigned order)
{
    if (p != NULL) {
        page_free(arch_virt_to_page(p), order);
    }
}

/* --- locks: held once, released by who holds -------------------------------------------------- */

void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->owner, 0);
    l->owner = 1;
}

void spin_lock_nested(struct spinlock *l)
{
    spin_lock(l);
}

void spin_unlock(struct spinlock *l)
{
    assert_int_equal(l->owner, 1);
    l->owner = 0;
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
    spin_lock(l);
    return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    (void)flags;
    spin_unlock(l);
}

/* --- domains ---------------------------------------------------------------------------------- */

static struct page *ops_get_page(struct domain *d, gfn_t gfn, bool need_write)
{
    struct page *pg = arch_mfn_to_page(MFN(gfn.v));

    if (pg == NULL || !page_get(pg, d)) {
        return NULL;
    }
    if (need_write) {
        page_get_writable(pg);
    }
    return pg;
}

static void ops_put_page(struct page *pg, bool need_write)
{
    if (need_write) {
        page_put_writable(pg);
    }
    page_put(pg);
}

static int ops_page_added(struct domain *d, gfn_t gfn, struct page *pg, unsigned order)
{
    (void)d;
    for (uint64_t i = 0; i < (1ULL << order); i++) {
        arch_m2p_set(MFN(arch_page_to_mfn(pg).v + i), gfn.v + i);
    }
    return 0;
}

static void ops_page_removed(struct domain *d, gfn_t gfn, struct page *pg)
{
    (void)d, (void)gfn;
    arch_m2p_set(arch_page_to_mfn(pg), ~0ULL);
}

static uint64_t ops_max_gfn(struct domain *d)
{
    (void)d;
    return 4711;
}

static const struct guest_ops world_ops = {
    .name = "world",
    .get_page = ops_get_page,
    .put_page = ops_put_page,
    .page_added = ops_page_added,
    .page_removed = ops_page_removed,
    .max_gfn = ops_max_gfn,
};

struct domain *world_domain(domid_t id, uint32_t rights, unsigned vcpus)
{
    struct domain *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    d->id = id;
    d->rights = rights;
    d->ops = &world_ops;
    d->refs = 1;
    d->max_vcpus = vcpus;
    d->max_pages = 1024;
    d->max_grant_frames = 4;
    d->max_maptrack_frames = 2;
    d->lock = SPINLOCK(RANK_DOMAIN);
    d->page_lock = SPINLOCK(RANK_MEMORY);
    list_init(&d->page_list);
    list_init(&d->relinquish_list);
    d->shared_info = calloc(1, PAGE_SIZE);
    for (unsigned i = 0; i < vcpus; i++) {
        d->vcpu[i] = calloc(1, sizeof(struct vcpu));
        d->vcpu[i]->id = i;
        d->vcpu[i]->domain = d;
        d->vcpu[i]->info = &d->shared_info->vcpu_info[i];
    }
    assert_int_equal(evtchn_domain_init(d), 0);
    assert_int_equal(grant_domain_init(d), 0);
    domains[nr_domains++] = d;
    return d;
}

static void drop_pages(struct domain *d)
{
    while (!list_empty(&d->page_list)) {
        page_release_alloc(list_first_entry(&d->page_list, struct page, list));
    }
}

void world_reset(void)
{
    softirq_pending[0] = 0;
    world_preempt_after = 0;
    world_fault_at = 0;
    world_map_fails = false;
    for (unsigned i = 0; i < nr_domains; i++) {
        assert_int_equal(evtchn_relinquish(domains[i]), 0);
        assert_int_equal(grant_relinquish(domains[i]), 0);
    }
    for (unsigned i = 0; i < nr_domains; i++) {
        drop_pages(domains[i]);
        assert_int_equal(domains[i]->refs, 1);
        grant_domain_destroy(domains[i]);
        for (unsigned v = 0; v < domains[i]->max_vcpus; v++) {
            evtchn_vcpu_destroy(domains[i]->vcpu[v]);
            free(domains[i]->vcpu[v]);
        }
        evtchn_domain_destroy(domains[i]);
        free(domains[i]->shared_info);
        free(domains[i]);
    }
    nr_domains = 0;
    world_kicks = world_wakes = world_pirqs = world_nr_mapped = 0;
    domain_xen = &special_xen;
    if (!memory_given) {
        page_alloc_add_range(MFN(WORLD_FIRST), MFN(WORLD_FRAMES), 0);
        memory_given = true;
    }
    /* nothing of any test stays behind */
    assert_int_equal(page_alloc_free_count(), WORLD_FRAMES - WORLD_FIRST);
}

void world_run_as(struct domain *d, unsigned vcpu)
{
    world_current = d->vcpu[vcpu];
}

struct page *world_page(struct domain *d)
{
    struct page *pg = page_alloc_domain(d, 0, NODE_ANY, WIDTH_ANY, 0);

    assert_non_null(pg);
    return pg;
}

void *world_va(const struct page *pg)
{
    return arch_page_virt(pg);
}

long world_call(hypercall_fn fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct continuation *c = &world_current->cont;
    long rc = fn(a1, a2, a3, 0, 0, 0);

    while (c->pending) {
        c->pending = false;
        softirq_pending[0] = 0;
        rc = fn(c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
    }
    return rc;
}

uint64_t world_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

struct domain *domain_get(domid_t id)
{
    for (unsigned i = 0; i < nr_domains; i++) {
        if (domains[i]->id == id) {
            domains[i]->refs++;
            return domains[i];
        }
    }
    return NULL;
}

bool domain_ref(struct domain *d)
{
    d->refs++;
    return true;
}

void domain_put(struct domain *d)
{
    assert_true(d->refs > 1);
    d->refs--;
}

/* --- the rest of the machine ------------------------------------------------------------------ */

void vcpu_kick(struct vcpu *v)
{
    (void)v;
    world_kicks++;
}

void vcpu_wake(struct vcpu *v)
{
    (void)v;
    world_wakes++;
}

int pirq_bind(struct vcpu *v, unsigned pirq, bool will_share)
{
    (void)v, (void)will_share;
    if (pirq == 7) {
        return -EBUSY;
    }
    world_pirqs++;
    return 0;
}

void pirq_unbind(struct domain *d, unsigned pirq)
{
    (void)d, (void)pirq;
    world_pirqs--;
}

void pirq_unmask(struct domain *d, unsigned pirq)
{
    (void)d, (void)pirq;
}

void pirq_set_affinity(struct domain *d, unsigned pirq, unsigned cpu)
{
    (void)d, (void)pirq, (void)cpu;
}

unsigned arch_nr_pirqs(const struct domain *d)
{
    (void)d;
    return 16;
}

int arch_grant_map(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, bool writable)
{
    (void)v, (void)flags;
    if (world_map_fails || world_nr_mapped == ARRAY_SIZE(world_mapped)) {
        return -EINVAL;
    }
    world_mapped[world_nr_mapped++] = (struct world_mapping){host_addr, m, writable};
    return 0;
}

int arch_grant_unmap(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags,
                     uint64_t new_addr, bool replace)
{
    (void)v, (void)flags, (void)new_addr, (void)replace;
    for (unsigned i = 0; i < world_nr_mapped; i++) {
        if (world_mapped[i].host_addr == host_addr && mfn_eq(world_mapped[i].mfn, m)) {
            world_mapped[i] = world_mapped[--world_nr_mapped];
            return 0;
        }
    }
    return -EINVAL;
}

long arch_memory_op(unsigned cmd, guest_ptr_t arg)
{
    (void)cmd, (void)arg;
    return -ENOSYS;
}

void printk(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}
