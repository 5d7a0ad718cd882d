/* SPDX-License-Identifier: MIT */
/*
 * A PV kernel in dom0's place that makes each call of the bench's first table, warm.
 *
 * A row is a number of blocks, each between two markers (mark.h), of REPEAT calls each. The bench
 * takes the median of the blocks, so that a timer's interrupt in one of them does not count. A line
 * `row NUMBER NAME UNITS` says what the markers 2 NUMBER and 2 NUMBER + 1 enclose, and how many
 * units (calls, or entries of lists) are in one block. Only the hypervisor's instructions are
 * looked at: what this kernel does between calls costs nothing.
 */
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/version.h>
#include "mark.h"
#include "mm.h"
#include "traps.h"

MARK_CODE;

#define BLOCKS 15
#define REPEAT 32
#define BATCH  128
#define COPIES 32

struct row {
    const char *name;
    void (*once)(void);
    unsigned units; /* of one call */
};

static uint64_t frames[2]; /* two pages that can be mapped */
static uint64_t entry_at, free_pfn, free_mfn;
static unsigned turn;
static struct multicall_entry calls[COPIES];
static struct mmu_update updates[2][BATCH], toggles[2][BATCH];
static unsigned port, peer; /* two ends of one channel */
static struct grant_entry_v1 *table;
static struct gnttab_copy copies[COPIES];
enum { REF = 8 };

/* --- what is measured ------------------------------------------------------------------------- */

static void xen_version(void)
{
    HCALL2(xen_version, XENVER_version, NULL);
}

static void unknown(void)
{
    hypercall(63, 0, 0, 0, 0, 0);
}

static void multicall(void)
{
    NEED(HCALL2(multicall, calls, COPIES) == 0);
}

/* Entries that are empty get a page, and the next time they lose it again. */
static void mmu_update(void)
{
    NEED(HCALL4(mmu_update, toggles[turn++ % 2], 1, NULL, DOMID_SELF) == 0);
}

static void mmu_update_batch(void)
{
    NEED(HCALL4(mmu_update, toggles[turn++ % 2], BATCH, NULL, DOMID_SELF) == 0);
}

/* Entries that have a page get another one. */
static void mmu_replace(void)
{
    NEED(HCALL4(mmu_update, updates[turn++ % 2], 1, NULL, DOMID_SELF) == 0);
}

static void mmu_replace_batch(void)
{
    NEED(HCALL4(mmu_update, updates[turn++ % 2], BATCH, NULL, DOMID_SELF) == 0);
}

static void update_va_mapping(void)
{
    NEED(map_at(window(0), frames[turn++ % 2], PTE_KRW) == 0);
}

static void send_pending(void)
{
    struct evtchn_send s = {.port = port};

    NEED(HCALL2(event_channel_op, EVTCHNOP_send, &s) == 0);
}

static void send(void)
{
    shared_info->evtchn_pending[peer / 64] = 0;
    vcpu_info()->evtchn_pending_sel = 0;
    vcpu_info()->evtchn_upcall_pending = 0;
    send_pending();
}

static void alloc_and_close(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_close c;

    NEED(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a) == 0);
    c.port = a.port;
    NEED(HCALL2(event_channel_op, EVTCHNOP_close, &c) == 0);
}

static void map_and_unmap(void)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = P(window(1)), .flags = GNTMAP_host_map, .ref = REF, .dom = 0};
    struct gnttab_unmap_grant_ref u = {.host_addr = P(window(1))};

    NEED(HCALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1) == 0 && m.status == GNTST_okay);
    u.handle = m.handle;
    NEED(HCALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1) == 0 && u.status == GNTST_okay);
}

static void copy(void)
{
    NEED(HCALL3(grant_table_op, GNTTABOP_copy, copies, 1) == 0 && copies[0].status == GNTST_okay);
}

static void copy_batch(void)
{
    NEED(HCALL3(grant_table_op, GNTTABOP_copy, copies, COPIES) == 0);
}

static void decrease_and_populate(void)
{
    struct xen_memory_reservation r = {
        .extent_start = {P(&free_mfn)}, .nr_extents = 1, .domid = DOMID_SELF};

    NEED(HCALL2(memory_op, XENMEM_decrease_reservation, &r) == 1);
    free_mfn = free_pfn;
    NEED(HCALL2(memory_op, XENMEM_populate_physmap, &r) == 1);
}

static void yield(void)
{
    NEED(HCALL2(sched_op, SCHEDOP_yield, NULL) == 0);
}

static void bounce(void)
{
    __asm__ volatile("int3");
}

static void bounce_ud(void)
{
    __asm__ volatile("ud2");
}

static void console_io(void)
{
    HCALL3(console_io, CONSOLEIO_write, 1, "x");
}

static const struct row rows[] = {
    {"xen_version", xen_version, 1},
    {"unknown-call", unknown, 1},
    {"multicall", multicall, COPIES},
    {"mmu_update", mmu_update, 1},
    {"mmu_update-128", mmu_update_batch, BATCH},
    {"mmu_replace", mmu_replace, 1},
    {"mmu_replace-128", mmu_replace_batch, BATCH},
    {"update_va_mapping", update_va_mapping, 1},
    {"evtchn_send", send, 1},
    {"evtchn_send-pending", send_pending, 1},
    {"evtchn-alloc-close", alloc_and_close, 1},
    {"grant-map-unmap", map_and_unmap, 1},
    {"grant-copy", copy, 1},
    {"grant-copy-32", copy_batch, COPIES},
    {"populate-decrease", decrease_and_populate, 1},
    {"yield", yield, 1},
    {"bounce", bounce, 1},
    {"bounce-ud2", bounce_ud, 1},
    {"console_io", console_io, 1},
};

/* --- set-up ----------------------------------------------------------------------------------- */

static void set_up_memory(void)
{
    frames[0] = virt_to_mfn(alloc_page());
    frames[1] = virt_to_mfn(alloc_page());
    entry_at = pte_machine(P(window(0)), 1);
    for (unsigned i = 0; i < BATCH; i++) {
        for (unsigned k = 0; k < 2; k++) {
            updates[k][i].ptr = entry_at + i % 8 * 8;
            updates[k][i].val = frames[(i / 8 + k) % 2] << PAGE_SHIFT | PTE_KRW;
            toggles[k][i].ptr = updates[k][i].ptr;
            toggles[k][i].val = (i / 8 + k) % 2 == 0 ? updates[k][i].val : 0;
        }
    }
    for (unsigned i = 0; i < COPIES; i++) {
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {0}};
    }
    free_pfn = alloc_pfn();
    free_mfn = pfn_to_mfn(free_pfn);
}

static void set_up_channel(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};

    NEED(HCALL2(event_channel_op, EVTCHNOP_alloc_unbound, &a) == 0);
    b.remote_port = a.port;
    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_interdomain, &b) == 0);
    port = a.port;
    peer = b.local_port;
    port_unmask(peer);
}

static void set_up_grants(void)
{
    uint64_t list[1];
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = {P(list)}};
    void *from = alloc_page(), *to = alloc_page();

    NEED(HCALL3(grant_table_op, GNTTABOP_setup_table, &s, 1) == 0 && s.status == GNTST_okay);
    table = window(15);
    NEED(map_at(table, list[0], PTE_KRW) == 0);
    NEED(map_at(window(1), 0, 0) == 0);
    table[REF].frame = (uint32_t)virt_to_mfn(from);
    table[REF].domid = 0;
    __atomic_store_n(&table[REF].flags, (uint16_t)GTF_permit_access, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < COPIES; i++) {
        copies[i] = (struct gnttab_copy){
            .source = {.u.ref = REF, .domid = DOMID_SELF, .offset = (uint16_t)(i * 64)},
            .dest = {.u.gmfn = virt_to_mfn(to), .domid = DOMID_SELF, .offset = (uint16_t)(i * 64)},
            .len = 64,
            .flags = GNTCOPY_source_gref,
        };
    }
}

static bool skip_instruction(struct trap_frame *f)
{
    if (f->entry == 6) {
        f->rip += 2; /* ud2; int3 is a trap and goes on by itself */
    }
    return true;
}

static void measure(unsigned number, const struct row *row)
{
    for (unsigned block = 0; block <= BLOCKS; block++) {
        if (block != 0) { /* the first one warms up */
            mark(2 * number);
        }
        for (unsigned i = 0; i < REPEAT; i++) {
            row->once();
        }
        if (block != 0) {
            mark(2 * number + 1);
        }
    }
    print("\nrow %u %s %u\n", number, row->name, REPEAT * row->units);
}

enum verdict guest_main(void)
{
    set_up_memory();
    set_up_channel();
    set_up_grants();
    trap_set(3, 3, false);
    trap_hook = skip_instruction;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].once == map_and_unmap) {
            NEED(map_at(window(1), 0, 0) == 0); /* the batches have mapped something there */
        }
        measure(i, &rows[i]);
    }
    return SUCCESS;
}
