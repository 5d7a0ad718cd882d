/* SPDX-License-Identifier: MIT */
/* Traps and events of a tiny PV kernel: what traps.h promises. */
#include "traps.h"
#include <public/callback.h>
#include <public/event_channel.h>

volatile struct trapped trapped = {.entry = -1};
volatile uint64_t trap_resume;
bool (*trap_hook)(struct trap_frame *f);
volatile unsigned event_count[4096];
volatile unsigned event_upcalls[4];
bool event_two_level = true;
struct vcpu_info *vcpu_info_at[4];
extern char trap_stubs[], trap_stubs_end[], boot_stack[];

unsigned vcpu_id(void)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    uint64_t first = (uint64_t)boot_stack;

    /* stacks of 16 KiB each, from that of vcpu 0; user mode's trap stack is vcpu 0's too */
    return here >= first && here < first + 4 * VCPU_STACK ? (here - first) / VCPU_STACK : 0;
}

struct vcpu_info *vcpu_info(void)
{
    return vcpu_info_at[vcpu_id()];
}

void *entry_address(unsigned entry)
{
    uint64_t step = ((uint64_t)trap_stubs_end - (uint64_t)trap_stubs) / TRAP_ENTRIES;

    return trap_stubs + entry * step;
}

void trap_set(unsigned vector, unsigned dpl, bool mask_events)
{
    struct trap_info t[2] = {
        {.vector = (uint8_t)vector,
         .flags = (uint8_t)(dpl | (mask_events ? 4 : 0)),
         .cs = FLAT_KERNEL_CS,
         .address = (unsigned long)entry_address(vector)},
    };

    NEED(HCALL1(set_trap_table, t) == 0);
}

long callback_set(unsigned type, unsigned entry, unsigned flags)
{
    struct callback_register r = {
        .type = (uint16_t)type,
        .flags = (uint16_t)flags,
        .address = (unsigned long)entry_address(entry),
    };

    return HCALL2(callback_op, CALLBACKOP_register, &r);
}

void traps_init(void)
{
    for (unsigned v = 0; v < 256; v++) {
        trap_set(v, v == 3 || v == 4 || v == 0x80 ? 3 : 0, false);
    }
    NEED(callback_set(CALLBACKTYPE_event, ENTRY_EVENT, CALLBACKF_mask_events) == 0);
    NEED(callback_set(CALLBACKTYPE_failsafe, ENTRY_FAILSAFE, CALLBACKF_mask_events) == 0);
    NEED(callback_set(CALLBACKTYPE_syscall, ENTRY_SYSCALL, CALLBACKF_mask_events) == 0);
}

bool try_read(const volatile void *p, uint64_t *value)
{
    uint64_t v = 0;

    trap_none();
    __asm__ volatile(TRAP_SAFE("movq (%1), %0") : "+r"(v) : "r"(p) : "memory");
    *value = v;
    return trapped.entry < 0;
}

bool try_write(volatile void *p, uint64_t value)
{
    trap_none();
    __asm__ volatile(TRAP_SAFE("movq %0, (%1)") : : "r"(value), "r"(p) : "memory");
    return trapped.entry < 0;
}

/* --- events ------------------------------------------------------------------------------------
 */

static void take_ports(struct vcpu_info *info)
{
    uint64_t sel = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

    for (; sel != 0; sel &= sel - 1) {
        unsigned w = (unsigned)__builtin_ctzl(sel);
        uint64_t bits = shared_info->evtchn_pending[w] & ~shared_info->evtchn_mask[w];

        for (; bits != 0; bits &= bits - 1) {
            unsigned b = (unsigned)__builtin_ctzl(bits);

            __atomic_and_fetch(&shared_info->evtchn_pending[w], ~(1UL << b), __ATOMIC_SEQ_CST);
            __atomic_add_fetch(&event_count[w * 64 + b], 1, __ATOMIC_SEQ_CST);
        }
    }
}

static void event_upcall(void)
{
    struct vcpu_info *info = vcpu_info();

    __atomic_add_fetch(&event_upcalls[vcpu_id()], 1, __ATOMIC_SEQ_CST);
    while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        if (event_two_level) {
            take_ports(info);
        }
    }
}

void events_unmask(void)
{
    struct vcpu_info *info = vcpu_info();

    __atomic_store_n(&info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST)) {
        HCALL2(xen_version, 0, NULL); /* any call: the way back looks at events */
    }
}

void port_unmask(unsigned port)
{
    struct evtchn_unmask u = {.port = port};

    NEED(HCALL2(event_channel_op, EVTCHNOP_unmask, &u) == 0);
}

bool port_pending(unsigned port)
{
    return (shared_info->evtchn_pending[port / 64] >> (port % 64)) & 1;
}

/* --- all entries -------------------------------------------------------------------------------
 */

static void unexpected(const struct trap_frame *f)
{
    print("entry %u, error %#x, cr2 %#lx at %#lx (cs %#x, rflags %#lx, rsp %#lx), rax %#lx\n",
          f->entry, f->error, vcpu_info()->arch.cr2, f->rip, f->cs, f->rflags, f->rsp, f->rax);
    finish(FAILURE);
}

void trap_entry(struct trap_frame *f)
{
    bool user = (f->cs & 3) == 3;

    if (f->entry == ENTRY_EVENT && !(trap_hook && trap_hook(f))) {
        event_upcall();
        return;
    }
    if (f->entry == ENTRY_EVENT) {
        return;
    }
    trapped.entry = (int)f->entry;
    trapped.count++;
    trapped.mask = vcpu_info()->evtchn_upcall_mask;
    trapped.cr2 = vcpu_info()->arch.cr2;
    trapped.frame = *f;
    if (trap_hook && trap_hook(f)) {
        return;
    }
    if (user) {
        user_leave(f->entry);
    }
    if (trap_resume == 0) {
        unexpected(f);
    }
    f->rip = trap_resume;
}
