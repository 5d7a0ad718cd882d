/* SPDX-License-Identifier: MIT */
/*
 * GDT and LDT of PV vcpus.
 *
 * Both lie in the hypervisor's part of the address space, in a window of the domain
 * (PERDOMAIN_START), so that the processor reads descriptors that the guest cannot write:
 *
 *   GDT_VIRT(v)   pages 0-13   the guest's frames of segment type; a page of zeros where none
 *                 page 14      the descriptors of the processor that v runs on
 *                 page 15      none
 *   LDT_VIRT(v)   pages 0-15   frames behind the guest's LDT address, brought in by the fault of
 *                              the first use, and dropped together when the LDT changes
 *
 * The tables behind the window are the domain's: one L3, one L2, one L1 for each 16 vcpus. Their
 * entries are not global. The processor sets accessed bits, so the pages are writable for it.
 * A descriptor that a guest may have: not present, or data or code, for ring 3; no gates.
 */
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/desc.h"
#include "x86/mm/layout.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define VCPUS_PER_L1 (PT_ENTRIES / PERDOMAIN_VCPU_PAGES)
#define LDT_PAGE     16 /* first page of the LDT in a vcpu's window */
#define GDT_PAGES    FIRST_RESERVED_GDT_PAGE
#define PER_PAGE     (PAGE_SIZE / 8)
#define WINDOW_RW    (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define WINDOW_RO    (PTE_P | PTE_A | PTE_NX)

#define DESC_P    (1ULL << 47)
#define DESC_DPL3 (3ULL << 45)
#define DESC_S    (1ULL << 44)
#define DESC_TYPE (15ULL << 40)

static const uint8_t zero_page[PAGE_SIZE] __attribute__((aligned(4096)));

/* --- what a descriptor may be ----------------------------------------------------------------- */

bool pv_check_descriptor(uint64_t *desc)
{
    uint64_t d = *desc;

    if (!(d & DESC_P)) {
        return true;
    }
    if (!(d & DESC_S) && (d & DESC_TYPE) != 0) {
        return false; /* LDT, TSS, gates; type 0 only faults */
    }
    *desc = d | DESC_DPL3;
    return true;
}

void pv_fixup_selector(uint16_t *sel)
{
    if (*sel & ~3u) {
        *sel |= 3;
    }
}

/* --- the window ------------------------------------------------------------------------------- */

static pte_t *window_entry(struct vcpu *v, unsigned page)
{
    pte_t *l1 = arch_page_virt(v->arch.perdomain_l1[0]);

    return &l1[(v->id % VCPUS_PER_L1) * PERDOMAIN_VCPU_PAGES + page];
}

static void window_set(struct vcpu *v, unsigned page, pte_t e)
{
    __atomic_store_n(&window_entry(v, page)->v, e.v, __ATOMIC_SEQ_CST);
}

static pte_t zero_entry(void)
{
    return pte_make(paddr_to_mfn(image_to_paddr(zero_page)), WINDOW_RO);
}

void pv_set_percpu_gdt_page(struct vcpu *v, mfn_t m)
{
    window_set(v, FIRST_RESERVED_GDT_PAGE, pte_make(m, WINDOW_RW));
}

/* A new table page of ours, linked into the entry; NULL: out of memory. */
static struct page *add_table(pte_t *entry)
{
    struct page *pg = page_alloc(0, NODE_ANY, WIDTH_ANY, 0);

    if (pg != NULL && entry != NULL) {
        *entry = pte_make(arch_page_to_mfn(pg), PTE_P | PTE_RW | PTE_A | PTE_D);
    }
    return pg;
}

static int create_domain_tables(struct domain *d)
{
    pte_t *l3;

    d->arch.perdomain_l1 = heap_alloc(sizeof(struct page *) * (MAX_VCPUS / VCPUS_PER_L1));
    d->arch.perdomain_l3 = add_table(NULL);
    if (d->arch.perdomain_l3 != NULL) {
        l3 = arch_page_virt(d->arch.perdomain_l3);
        d->arch.perdomain_l2 = add_table(&l3[pt_index(PERDOMAIN_START, 3)]);
    }
    if (d->arch.perdomain_l1 == NULL || d->arch.perdomain_l2 == NULL) {
        pv_perdomain_destroy(d);
        return -ENOMEM;
    }
    return 0;
}

int pv_perdomain_create(struct vcpu *v)
{
    struct domain *d = v->domain;
    unsigned group = v->id / VCPUS_PER_L1;

    _Static_assert(VCPUS_PER_L1 * PERDOMAIN_VCPU_PAGES == PT_ENTRIES, "vcpus do not straddle");
    if (d->arch.perdomain_l3 == NULL && create_domain_tables(d) != 0) {
        return -ENOMEM;
    }
    if (d->arch.perdomain_l1[group] == NULL) {
        pte_t *l2 = arch_page_virt(d->arch.perdomain_l2);

        d->arch.perdomain_l1[group] = add_table(&l2[pt_index(GDT_VIRT(v->id), 2)]);
        if (d->arch.perdomain_l1[group] == NULL) {
            return -ENOMEM;
        }
    }
    v->arch.perdomain_l1[0] = v->arch.perdomain_l1[1] = d->arch.perdomain_l1[group];
    for (unsigned i = 0; i < GDT_PAGES; i++) {
        window_set(v, i, zero_entry());
    }
    return 0;
}

void pv_perdomain_destroy(struct domain *d)
{
    for (unsigned i = 0; d->arch.perdomain_l1 != NULL && i < MAX_VCPUS / VCPUS_PER_L1; i++) {
        if (d->arch.perdomain_l1[i] != NULL) {
            page_free(d->arch.perdomain_l1[i], 0);
        }
    }
    heap_free(d->arch.perdomain_l1);
    if (d->arch.perdomain_l2 != NULL) {
        page_free(d->arch.perdomain_l2, 0);
    }
    if (d->arch.perdomain_l3 != NULL) {
        page_free(d->arch.perdomain_l3, 0);
    }
    d->arch.perdomain_l1 = NULL;
    d->arch.perdomain_l2 = d->arch.perdomain_l3 = NULL;
}

/* --- GDT -------------------------------------------------------------------------------------- */

static void put_frames(struct domain *d, const uint64_t *frames, unsigned n)
{
    (void)d;
    while (n-- > 0) {
        page_put_and_type(arch_mfn_to_page(MFN(frames[n])));
    }
}

/* v is current or does not run. */
int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries)
{
    unsigned n = DIV_ROUND_UP(entries, PER_PAGE);

    if (entries > FIRST_RESERVED_GDT_BYTE / 8) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < n; i++) {
        if (page_get_and_type(MFN(frames[i]), v->domain, PGT_SEGMENT) == NULL) {
            put_frames(v->domain, frames, i);
            return -EINVAL;
        }
    }
    pv_drop_gdt(v);
    for (unsigned i = 0; i < n; i++) {
        v->arch.gdt_frames[i] = frames[i];
        window_set(v, i, pte_make(MFN(frames[i]), WINDOW_RW));
    }
    v->arch.gdt_entries = entries;
    return 0;
}

void pv_drop_gdt(struct vcpu *v)
{
    unsigned n = DIV_ROUND_UP(v->arch.gdt_entries, PER_PAGE);

    v->arch.gdt_entries = 0;
    for (unsigned i = 0; i < n; i++) {
        window_set(v, i, zero_entry());
    }
    if (v == current) {
        tlb_flush_local();
    }
    put_frames(v->domain, v->arch.gdt_frames, n);
    memset(v->arch.gdt_frames, 0, sizeof(v->arch.gdt_frames));
}

PV_CALL(do_set_gdt)
{
    uint64_t frames[GDT_PAGES];
    unsigned entries = (unsigned)a2;
    int rc;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (a2 > FIRST_RESERVED_GDT_BYTE / 8) {
        return -EINVAL;
    }
    if (guest_read(frames, GUEST_PTR(a1), DIV_ROUND_UP(entries, PER_PAGE) * sizeof(frames[0]))) {
        return -EFAULT;
    }
    rc = pv_set_gdt(current, frames, entries);
    if (rc == 0) {
        tlb_flush_local();
    }
    return rc;
}

/* One descriptor of a table that the guest has mapped read-only, or of a frame that is data. */
PV_CALL(do_update_descriptor)
{
    mfn_t m = paddr_to_mfn(a1);
    struct page *pg = arch_mfn_to_page(m);
    uint64_t type, desc = a2;
    int rc = -EINVAL;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if ((a1 & 7) != 0 || !pv_check_descriptor(&desc) || pg == NULL ||
        !page_get(pg, current->domain)) {
        return -EINVAL;
    }
    if (!page_is_device(pg)) {
        type = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
        type = (type & PGT_TYPE_MASK) == PGT_SEGMENT ? PGT_SEGMENT : PGT_WRITABLE;
        rc = page_get_type(pg, type, false);
    }
    if (rc == 0) {
        uint64_t *va = map_frame(m);

        __atomic_store_n(&va[(a1 & (PAGE_SIZE - 1)) / 8], desc, __ATOMIC_RELAXED);
        unmap_frame(va);
        (void)page_put_type(pg, false);
    }
    page_put(pg);
    return rc;
}

/* --- LDT -------------------------------------------------------------------------------------- */

void pv_load_ldt(struct vcpu *v)
{
    desc_load_ldt(smp_processor_id(), LDT_VIRT(v->id), v->arch.ldt_entries);
}

/*
 * Somebody else may call it for a vcpu that runs: what that processor remembers of the window is
 * flushed when one of the frames gets another type.
 */
void pv_drop_ldt(struct vcpu *v)
{
    uint32_t mapped = __atomic_exchange_n(&v->arch.ldt_mapped, 0, __ATOMIC_ACQ_REL);
    pte_t held[16];
    unsigned n = 0;

    if (mapped == 0) {
        return;
    }
    for (; mapped != 0; mapped &= mapped - 1) {
        pte_t *e = window_entry(v, LDT_PAGE + (unsigned)__builtin_ctz(mapped));

        held[n++] = (pte_t){__atomic_exchange_n(&e->v, 0, __ATOMIC_ACQ_REL)};
    }
    if (v == current) {
        tlb_flush_local();
    }
    while (n-- > 0) {
        page_put_and_type(arch_mfn_to_page(pte_mfn(held[n])));
    }
}

/* The frame behind the guest's address, with a reference and a segment type. */
static struct page *ldt_page_get(struct vcpu *v, uint64_t va)
{
    pte_t *p = is_guest_address(va) ? pt_walk_l1(v, va, false, NULL) : NULL;
    struct page *pg = NULL;

    if (p != NULL) {
        pte_t e = {__atomic_load_n(&p->v, __ATOMIC_RELAXED)};

        unmap_frame(p);
        if (e.v & PTE_P) {
            pg = arch_mfn_to_page(pte_mfn(e));
        }
    }
    if (pg == NULL || !page_get(pg, v->domain)) {
        return NULL;
    }
    if (page_is_device(pg) || page_get_type(pg, PGT_SEGMENT, false) != 0) {
        page_put(pg);
        return NULL;
    }
    return pg;
}

/* A fault inside the LDT window of current: true if the page is there now. */
bool pv_handle_ldt_fault(struct vcpu *v, uint64_t cr2)
{
    uint64_t offset = cr2 - LDT_VIRT(v->id);
    unsigned page = (unsigned)(offset >> PAGE_SHIFT);
    struct page *pg;

    if (offset >= 16 * PAGE_SIZE || offset / 8 >= v->arch.ldt_entries) {
        return false;
    }
    tlb_spin_lock(&v->domain->arch.pt_lock);
    pg = ldt_page_get(v, v->arch.ldt_base + page * PAGE_SIZE);
    if (pg != NULL) {
        if (__atomic_load_n(&v->arch.ldt_mapped, __ATOMIC_ACQUIRE) & (1u << page)) {
            page_put_and_type(pg); /* it was there: a stale translation */
        } else {
            window_set(v, LDT_PAGE + page, pte_make(arch_page_to_mfn(pg), WINDOW_RW));
            __atomic_or_fetch(&v->arch.ldt_mapped, 1u << page, __ATOMIC_ACQ_REL);
        }
    }
    spin_unlock(&v->domain->arch.pt_lock);
    return pg != NULL;
}
