/* SPDX-License-Identifier: MIT */
/*
 * Flushing translations, here and on other processors, and the clock that saves flushes.
 *
 * The clock: a page is stamped with the clock when its last mapping (of a kind) is dropped; a
 * processor that flushes notes the clock that it read before. Its flush came after the drop if
 * that value is greater than the stamp. A flush moves the clock on only when somebody has stamped
 * a page with its present value, so that the many CR3 loads of a PV guest stay free of locked
 * instructions. Stamp 0 is "never mapped"; the clock has 64 bits and does not wrap.
 *
 * Shoot-down: one request at a time under flush_lock. The initiator and everybody who waits for
 * the lock answer the requests of others: by the interrupt, or with interrupts off by looking
 * (tlb_spin_lock). No deadlock is possible as long as no processor waits otherwise, with interrupts
 * off, for something that an initiator may hold.
 */
#include "x86/mm/tlb.h"

#include "core/percpu.h"
#include "core/printk.h"
#include "x86/cpu/cpu.h"
#include "x86/irq/irq.h"

enum flush_kind { FLUSH_GUEST, FLUSH_PAGE, FLUSH_GLOBAL };

static uint64_t flush_clock = 1;
static uint64_t clock_stamped; /* last value that a page was stamped with */
static PERCPU(uint64_t, flush_time);

static struct spinlock flush_lock = SPINLOCK(RANK_SMP_CALL);
static struct {
    cpumask_t waiting; /* processors that have not answered yet */
    enum flush_kind kind;
    uint64_t va;
} request;

void tlb_subsys_init(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        per_cpu(flush_time, cpu) = 0;
    }
}

uint64_t tlb_clock(void)
{
    return __atomic_load_n(&flush_clock, __ATOMIC_RELAXED);
}

uint64_t read_cr3(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

/* The clock, read before a full flush; moved on if a page bears its value. */
static inline uint64_t clock_for_flush(void)
{
    uint64_t now = __atomic_load_n(&flush_clock, __ATOMIC_RELAXED);

    if (now == __atomic_load_n(&clock_stamped, __ATOMIC_RELAXED)) {
        uint64_t seen = now;

        if (__atomic_compare_exchange_n(&flush_clock, &seen, now + 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return now + 1;
        }
        return seen;
    }
    return now;
}

void write_cr3(uint64_t cr3)
{
    uint64_t now = clock_for_flush();

    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
    this_cpu(flush_time) = now;
}

void tlb_flush_local(void)
{
    write_cr3(read_cr3());
}

void tlb_flush_local_all(void)
{
    uint64_t now = clock_for_flush();
    unsigned long flags = irq_save();
    uint64_t cr4 = read_cr4();

    if (cr4 & CR4_PGE) {
        set_cr4(cr4 & ~(uint64_t)CR4_PGE);
        set_cr4(cr4);
    } else {
        __asm__ volatile("mov %0, %%cr3" : : "r"(read_cr3()) : "memory");
    }
    this_cpu(flush_time) = now;
    irq_restore(flags);
}

void tlb_flush_page_local(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static void flush_here(enum flush_kind kind, uint64_t va)
{
    switch (kind) {
    case FLUSH_GUEST:
        tlb_flush_local();
        break;
    case FLUSH_PAGE:
        tlb_flush_page_local(va);
        break;
    case FLUSH_GLOBAL:
        tlb_flush_local_all();
        break;
    }
}

/* VECTOR_TLB_FLUSH; a late interrupt finds its bit clear and does nothing. */
void tlb_handle_flush_ipi(void)
{
    cpumask_t self = 1ULL << smp_processor_id();

    if (__atomic_load_n(&request.waiting, __ATOMIC_ACQUIRE) & self) {
        flush_here(request.kind, request.va);
        __atomic_and_fetch(&request.waiting, ~self, __ATOMIC_SEQ_CST);
    }
}

void tlb_spin_lock(struct spinlock *l)
{
    if (irq_enabled()) {
        spin_lock(l);
        return;
    }
    while (!spin_trylock(l)) {
        tlb_handle_flush_ipi();
        cpu_relax();
    }
}

static void flush_on(cpumask_t cpus, enum flush_kind kind, uint64_t va)
{
    cpumask_t self = 1ULL << smp_processor_id();

    if (cpus & self) {
        flush_here(kind, va);
    }
    cpus &= ~self;
    if (cpus == 0) {
        return;
    }
    cpus &= arch_online_cpus();
    if (cpus == 0) {
        return;
    }
    tlb_spin_lock(&flush_lock);
    request.kind = kind;
    request.va = va;
    __atomic_store_n(&request.waiting, cpus, __ATOMIC_SEQ_CST);
    lapic_send_ipi_mask(cpus, VECTOR_TLB_FLUSH);
    while (__atomic_load_n(&request.waiting, __ATOMIC_ACQUIRE) != 0) {
        cpu_relax();
    }
    spin_unlock(&flush_lock);
}

void tlb_flush_cpus(cpumask_t cpus)
{
    flush_on(cpus, FLUSH_GUEST, 0);
}

void tlb_flush_page_cpus(cpumask_t cpus, uint64_t va)
{
    flush_on(cpus, FLUSH_PAGE, va);
}

void tlb_flush_all_cpus(void)
{
    flush_on(CPUMASK_ALL, FLUSH_GLOBAL, 0);
}

/* The mapping is gone from the tables already; the caller's locked instruction orders that. */
HOT void tlb_stamp_page(struct page *pg)
{
    uint64_t now = __atomic_load_n(&flush_clock, __ATOMIC_RELAXED);

    pg->tlb_stamp = now;
    if (__atomic_load_n(&clock_stamped, __ATOMIC_RELAXED) != now) {
        __atomic_store_n(&clock_stamped, now, __ATOMIC_RELAXED);
    }
}

cpumask_t tlb_filter(cpumask_t cpus, const struct page *pg)
{
    uint64_t stamp = pg->tlb_stamp;
    cpumask_t left = 0;

    if (stamp == 0) {
        return 0;
    }
    for (cpus &= arch_online_cpus(); cpus != 0; cpus &= cpus - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(cpus);

        if (__atomic_load_n(&per_cpu(flush_time, cpu), __ATOMIC_RELAXED) <= stamp) {
            left |= 1ULL << cpu;
        }
    }
    return left;
}
