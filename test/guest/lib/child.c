/* SPDX-License-Identifier: MIT */
/*
 * The builder of child domains. Frames of the child are reached one by one through window[], a
 * page of the parent whose mapping is replaced by update_va_mapping_otherdomain; page tables are
 * filled in that way while they are ordinary frames, then the root is pinned, which validates all.
 *
 * The child's memory: [0, image) unused, the image at its own addresses, start_info, the p2m, page
 * tables, and then free frames; all of it mapped at VIRT_BASE, page tables read-only.
 */
#include "child.h"
#include <public/sched.h>

#define PTE_RW       0x63ULL /* present, writable, accessed, dirty */
#define PTE_RO       0x61ULL
#define IMAGE_OFFSET 0x100000UL /* as in guest.lds */

static char window[PAGE_SIZE] __attribute__((aligned(4096)));
static char slots[CHILD_SLOTS][PAGE_SIZE] __attribute__((aligned(4096)));
static char comm_page[PAGE_SIZE] __attribute__((aligned(4096)));
static bool slot_used[CHILD_SLOTS];
extern char kernel_end[], boot_stack_end[];
void child_entry(void);

struct comm *comm;
bool is_child;

_Static_assert(sizeof(struct comm) <= PAGE_SIZE, "one page");

/* --- foreign frames --------------------------------------------------------------------------- */

static void map_foreign(void *va, domid_t id, uint64_t mfn)
{
    long rc = HCALL4(update_va_mapping_otherdomain, va, mfn << PAGE_SHIFT | PTE_RW,
                     UVMF_INVLPG | UVMF_ALL, id);

    if (rc != 0) {
        print("foreign frame %#lx of domain %u: %ld\n", (unsigned long)mfn, id, rc);
    }
    NEED(rc == 0);
}

static void map_own(void *va)
{
    NEED(HCALL3(update_va_mapping, va, virt_to_mfn(va) << PAGE_SHIFT | PTE_RW,
                UVMF_INVLPG | UVMF_ALL) == 0);
}

void *child_map(const struct child *c, uint64_t pfn)
{
    map_foreign(window, c->id, c->mfns[pfn]);
    return window;
}

void child_unmap(void)
{
    map_own(window);
}

/* --- building --------------------------------------------------------------------------------- */

static bool is_window(uint64_t va)
{
    return va == (uint64_t)window ||
           (va >= (uint64_t)slots && va < (uint64_t)slots + sizeof(slots));
}

static void copy_image(struct child *c)
{
    uint64_t va = VIRT_BASE + IMAGE_OFFSET;

    for (; va < (uint64_t)kernel_end; va += PAGE_SIZE) {
        if (!is_window(va)) {
            memcpy(child_map(c, virt_to_pfn((void *)va)), (void *)va, PAGE_SIZE);
        }
    }
    memset(child_map(c, virt_to_pfn(comm_page)), 0, PAGE_SIZE);
}

static void fill_p2m(struct child *c, uint64_t first)
{
    for (unsigned done = 0; done < c->pages; done += 512) {
        uint64_t *p = child_map(c, first + done / 512);

        for (unsigned i = 0; i < 512; i++) {
            p[i] = done + i < c->pages ? c->mfns[done + i] : ~0ULL;
        }
    }
}

/* Tables at pfn first: L4, L3, L2, then one L1 for each 2 MiB. */
static void fill_tables(struct child *c, uint64_t first, unsigned nr_l1)
{
    uint64_t *t;

    t = child_map(c, first);
    memset(t, 0, PAGE_SIZE);
    t[511] = c->mfns[first + 1] << PAGE_SHIFT | PTE_RW | 4;
    t = child_map(c, first + 1);
    memset(t, 0, PAGE_SIZE);
    t[510] = c->mfns[first + 2] << PAGE_SHIFT | PTE_RW | 4;
    t = child_map(c, first + 2);
    memset(t, 0, PAGE_SIZE);
    for (unsigned i = 0; i < nr_l1; i++) {
        t[i] = c->mfns[first + 3 + i] << PAGE_SHIFT | PTE_RW | 4;
    }
    for (unsigned l1 = 0; l1 < nr_l1; l1++) {
        t = child_map(c, first + 3 + l1);
        for (unsigned i = 0; i < 512; i++) {
            uint64_t pfn = l1 * 512 + i;
            bool table = pfn >= first && pfn < first + 3 + nr_l1;

            t[i] = pfn < c->pages ? c->mfns[pfn] << PAGE_SHIFT | (table ? PTE_RO : PTE_RW) | 4 : 0;
        }
    }
}

/* Domains start with events masked: that is the builder's to do. */
static void fill_shared_info(struct child *c, uint64_t mfn)
{
    struct shared_info *s = (struct shared_info *)window;

    map_foreign(window, c->id, mfn);
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        s->vcpu_info[i].evtchn_upcall_mask = 1;
    }
}

static void fill_start_info(struct child *c, uint64_t p2m, uint64_t tables, unsigned nr_tables)
{
    struct xen_domctl_getdomaininfo info;
    start_info_t *si;

    NEED(domain_info(c->id, &info) == 0);
    fill_shared_info(c, info.shared_info_frame);
    si = child_map(c, c->start_info);
    memset(si, 0, PAGE_SIZE);
    memcpy(si->magic, "xen-3.0-x86_64", 15);
    si->nr_pages = c->pages;
    si->shared_info = info.shared_info_frame << PAGE_SHIFT;
    si->pt_base = VIRT_BASE + (tables << PAGE_SHIFT);
    si->nr_pt_frames = nr_tables;
    si->mfn_list = VIRT_BASE + (p2m << PAGE_SHIFT);
}

void child_make(struct child *c, unsigned pages, unsigned vcpus)
{
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE};
    uint64_t p2m, tables;
    unsigned nr_l1;
    long rc;

    memset(c, 0, sizeof(*c));
    c->pages = pages != 0 ? pages : CHILD_PAGES;
    c->vcpus = vcpus;
    NEED(c->pages <= CHILD_MAX_PAGES && c->pages % 512 == 0);
    for (c->slot = 0; c->slot < CHILD_SLOTS && slot_used[c->slot]; c->slot++) {
    }
    NEED(c->slot < CHILD_SLOTS);
    rc = domain_create(&c->id, vcpus);
    if (rc != 0) {
        print("createdomain: %ld\n", rc);
    }
    NEED(rc == 0);
    NEED(domain_vcpus(c->id, vcpus) == 0);
    NEED(domain_max_kib(c->id, (uint64_t)c->pages * 4 + 1024) == 0);
    rc = domain_populate(c->id, 0, c->pages, c->mfns);
    if (rc != 0) {
        print("populate: %ld\n", rc);
    }
    NEED(rc == 0);

    nr_l1 = c->pages / 512;
    c->start_info = virt_to_pfn(kernel_end);
    p2m = c->start_info + 1;
    tables = p2m + DIV_ROUND_UP(c->pages, 512);
    c->free_pfn = tables + 3 + nr_l1;
    NEED(c->free_pfn < c->pages);
    copy_image(c);
    fill_p2m(c, p2m);
    fill_tables(c, tables, nr_l1);
    fill_start_info(c, p2m, tables, 3 + nr_l1);
    child_unmap();
    c->root = c->mfns[tables];
    pin.arg1.mfn = c->root;
    rc = HCALL4(mmuext_op, &pin, 1, NULL, c->id);
    if (rc != 0) {
        print("pinning the child's root: %ld\n", rc);
    }
    NEED(rc == 0);
    slot_used[c->slot] = true;
    c->comm = (struct comm *)slots[c->slot];
    map_foreign(c->comm, c->id, c->mfns[virt_to_pfn(comm_page)]);
}

void child_context(const struct child *c, enum verdict (*entry)(void), vcpu_guest_context_t *ctx)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->flags = VGCF_in_kernel | VGCF_online;
    ctx->user_regs.rip = (uint64_t)child_entry;
    ctx->user_regs.rsi = VIRT_BASE + (c->start_info << PAGE_SHIFT);
    ctx->user_regs.rdi = (uint64_t)entry;
    ctx->user_regs.rsp = (uint64_t)boot_stack_end;
    ctx->user_regs.rflags = 0x202;
    ctx->user_regs.cs = FLAT_KERNEL_CS;
    ctx->user_regs.ss = FLAT_KERNEL_SS;
    ctx->kernel_ss = FLAT_KERNEL_SS;
    ctx->kernel_sp = (uint64_t)boot_stack_end;
    ctx->ctrlreg[3] = xen_pfn_to_cr3(c->root);
}

long child_set_context(const struct child *c, unsigned vcpu, vcpu_guest_context_t *ctx)
{
    struct xen_domctl op = {0};

    op.u.vcpucontext.vcpu = vcpu;
    op.u.vcpucontext.ctxt = GP(ctx);
    return domctl(XEN_DOMCTL_setvcpucontext, c->id, &op);
}

void child_build(struct child *c, enum verdict (*entry)(void), unsigned pages, unsigned vcpus)
{
    static vcpu_guest_context_t ctx;
    long rc;

    child_make(c, pages, vcpus);
    child_context(c, entry, &ctx);
    rc = child_set_context(c, 0, &ctx);
    if (rc != 0) {
        print("setvcpucontext: %ld\n", rc);
    }
    NEED(rc == 0);
}

/* --- life, as the parent sees it -------------------------------------------------------------- */

void child_run(struct child *c)
{
    NEED(domain_simple(XEN_DOMCTL_unpausedomain, c->id) == 0);
}

void child_print(struct child *c)
{
    uint32_t n = c->comm->printed;

    if (n != 0 && n <= CHILD_TEXT) {
        print("  child %u: %.*s", c->id, (int)n, c->comm->text);
        c->comm->printed = 0;
    }
}

bool child_is_shut(const struct child *c, unsigned *reason)
{
    struct xen_domctl_getdomaininfo info;

    if (domain_info(c->id, &info) != 0 || (info.flags & XEN_DOMINF_shutdown) == 0) {
        return false;
    }
    *reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    return true;
}

bool child_wait(struct child *c, unsigned ms)
{
    uint64_t end = now() + (uint64_t)ms * 1000000;
    unsigned reason;

    do {
        child_print(c);
        if (c->comm->state == CHILD_DONE || child_is_shut(c, &reason)) {
            child_print(c);
            return true;
        }
        sleep_ms(1);
    } while (now() < end);
    return false;
}

bool child_wait_step(struct child *c, unsigned step, unsigned ms)
{
    uint64_t end = now() + (uint64_t)ms * 1000000;
    unsigned reason;

    do {
        child_print(c);
        if (c->comm->step >= step) {
            return true;
        }
        if (c->comm->state == CHILD_DONE || child_is_shut(c, &reason)) {
            child_print(c);
            return false;
        }
        sleep_ms(1);
    } while (now() < end);
    return false;
}

void child_expect_success(struct child *c, unsigned ms)
{
    unsigned reason = 99;

    CHECK(child_wait(c, ms));
    if (c->comm->state != CHILD_DONE) {
        child_is_shut(c, &reason);
        print("the child has died, reason %u, at step %u\n", reason, c->comm->step);
    }
    CHECK_EQ(c->comm->state, CHILD_DONE);
    CHECK_EQ(c->comm->verdict, SUCCESS);
}

long child_destroy(struct child *c)
{
    map_own(c->comm);
    slot_used[c->slot] = false;
    return domain_destroy(c->id);
}

/* --- in the child ----------------------------------------------------------------------------- */

static void child_sink(const char *line, int n)
{
    uint64_t end = now() + 2000000000;

    while (comm->printed + (uint32_t)n > CHILD_TEXT && now() < end) {
        sleep_ms(1); /* the parent empties it */
    }
    if (comm->printed + (uint32_t)n <= CHILD_TEXT) {
        memcpy(comm->text + comm->printed, line, (size_t)n);
        comm->printed += (uint32_t)n;
    }
}

static void child_finish(enum verdict v)
{
    comm->verdict = v;
    __asm__ volatile("" ::: "memory");
    comm->state = CHILD_DONE;
}

/* Where a child starts: entry in %rdi, start_info in %rsi. */
__asm__(".text\n"
        ".globl child_entry\n"
        "child_entry:\n"
        "    cld\n"
        "    leaq boot_stack_end(%rip), %rsp\n"
        "    xorl %ebp, %ebp\n"
        "    call child_start\n"
        "1:  jmp 1b\n");

void child_start(enum verdict (*entry)(void), start_info_t *si);
void child_start(enum verdict (*entry)(void), start_info_t *si)
{
    is_child = true;
    comm = (struct comm *)comm_page;
    start_info = si;
    guest_sink = child_sink;
    guest_finish = child_finish;
    guest_map_shared_info();
    comm->state = CHILD_RUNS;
    finish(entry());
}

void child_wait_order(unsigned order)
{
    while (comm->order < order) {
        sleep_ms(1);
    }
}

uint64_t child_free_pfn(void)
{
    return virt_to_pfn((void *)start_info->pt_base) + start_info->nr_pt_frames;
}
