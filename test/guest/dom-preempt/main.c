/* SPDX-License-Identifier: MIT */
/*
 * dom-preempt: the destruction of a big guest, with page tables of every level, while time goes on.
 *
 * Why: a call that works through half a gigabyte in one go stops dom0's timers, and with them the
 * whole host.
 * Right outcome: during one destroy call dom0 takes its timer events on time; the memory is back.
 * The clock is the emulator's count of instructions, so that a busy test host does not show.
 * Boot: --mem 1200 --deterministic
 * Environments: pv
 */
#include <public/event_channel.h>
#include "child.h"
#include "traps.h"

#define EXTENTS   256 /* of 2 MiB */
#define PERIOD_NS 2000000UL
#define GAP_MS    100 /* under emulation, on a busy machine */

static uint64_t extents[EXTENTS];
static uint64_t page[PAGE_SIZE / 8] __attribute__((aligned(4096)));
static uint64_t last, longest;
static unsigned ticks, timer_port;

static uint64_t frame(unsigned n)
{
    return extents[n / 512] + n % 512;
}

/* Fill a frame of the domain through our page, whose mapping it takes for a moment. */
static void table(domid_t id, unsigned n, uint64_t (*entry)(unsigned n, unsigned i))
{
    CHECK_EQ(HCALL4(update_va_mapping_otherdomain, page, frame(n) << PAGE_SHIFT | 0x63,
                    UVMF_INVLPG | UVMF_ALL, id),
             0);
    for (unsigned i = 0; i < 512; i++) {
        page[i] = entry(n, i);
    }
}

/* Frame 0: L4, 1: L3, 2: L2, 3 and on: L1. Tables are mapped read-only, the rest writable. */
static uint64_t root_entry(unsigned n, unsigned i)
{
    return i == 0 ? frame(n + 1) << PAGE_SHIFT | 0x67 : 0;
}

static uint64_t l2_entry(unsigned n, unsigned i)
{
    return i < EXTENTS ? frame(n + 1 + i) << PAGE_SHIFT | 0x67 : 0;
}

static uint64_t l1_entry(unsigned n, unsigned i)
{
    unsigned at = (n - 3) * 512 + i;

    return frame(at) << PAGE_SHIFT | (at < 3 + EXTENTS ? 0x65 : 0x67);
}

static domid_t build_big(void)
{
    struct xen_memory_reservation r = {
        .extent_start = GP(extents), .nr_extents = EXTENTS, .extent_order = 9};
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE};
    domid_t id = 0;

    NEED(domain_create(&id, 1) == 0);
    NEED(domain_vcpus(id, 1) == 0);
    NEED(domain_max_kib(id, EXTENTS * 2048 + 1024) == 0);
    for (unsigned i = 0; i < EXTENTS; i++) {
        extents[i] = i * 512;
    }
    r.domid = id;
    NEED(HCALL2(memory_op, XENMEM_populate_physmap, &r) == EXTENTS);
    table(id, 0, root_entry);
    table(id, 1, root_entry);
    table(id, 2, l2_entry);
    for (unsigned i = 0; i < EXTENTS; i++) {
        table(id, 3 + i, l1_entry);
    }
    NEED(HCALL3(update_va_mapping, page, virt_to_mfn(page) << PAGE_SHIFT | 0x63,
                UVMF_INVLPG | UVMF_ALL) == 0);
    pin.arg1.mfn = frame(0);
    CHECK_EQ(HCALL4(mmuext_op, &pin, 1, NULL, id), 0);
    return id;
}

static bool on_event(struct trap_frame *f)
{
    uint64_t t = now();

    if (f->entry != ENTRY_EVENT) {
        return false;
    }
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
    shared_info->vcpu_info[0].evtchn_pending_sel = 0;
    shared_info->evtchn_pending[timer_port / 64] = 0;
    if (last != 0 && t - last > longest) {
        longest = t - last;
    }
    last = t;
    ticks++;
    HCALL1(set_timer_op, t + PERIOD_NS);
    return true;
}

static void timer_on(void)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER};

    NEED(HCALL2(event_channel_op, EVTCHNOP_bind_virq, &b) == 0);
    timer_port = b.port;
    shared_info->evtchn_mask[timer_port / 64] &= ~(1UL << (timer_port & 63));
    trap_hook = on_event;
    events_unmask();
    HCALL1(set_timer_op, now() + PERIOD_NS);
}

enum verdict guest_main(void)
{
    uint64_t before, start;
    domid_t id;

    timer_on();
    sleep_ms(20);
    before = free_pages();
    last = 0;
    longest = 0;
    start = now();
    id = build_big();
    print("built in %lu ms, longest gap %lu us\n", (now() - start) / 1000000, longest / 1000);
    CHECK(longest < GAP_MS * 1000000UL);
    last = 0;
    longest = 0;
    ticks = 0;
    start = now();
    CHECK_EQ(domain_simple(XEN_DOMCTL_destroydomain, id), 0);
    print("destroyed in %lu ms, %u ticks, longest gap %lu us\n", (now() - start) / 1000000, ticks,
          longest / 1000);
    CHECK(now() - start < 8 * PERIOD_NS || ticks >= 3);
    CHECK(longest < GAP_MS * 1000000UL);
    CHECK(free_pages_reach(before - HEAP_SLACK));
    return SUCCESS;
}
