/* SPDX-License-Identifier: MIT */
/*
 * The machine of test_page_type.c: frames, references, a flush clock and a record of what a
 * processor may have cached. It belongs to that one file.
 */
#ifndef PAGE_TYPE_MACHINE_H
#define PAGE_TYPE_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/printk.h"
#include "lib/rangeset.h"
#include "x86/cpu/cpu.h"
#include "x86/dev/pci.h"
#include "x86/mm/map.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define FRAMES      96
#define OWN_END     64
#define FOREIGN_END 80
#define DEVICE      84 /* dom0 may map it */
#define DEVICE_RO   85 /* and this one only for reading */
#define BEYOND      500

static struct page frames[FRAMES];
static pte_t memory[FRAMES][PT_ENTRIES] __attribute__((aligned(4096)));
static struct domain own, foreign, io;
static struct vcpu vcpu;
struct vcpu *fake_current = &vcpu;

/* What the model adds to the tables: */
static unsigned held_writable[FRAMES]; /* like grants and copies */
static unsigned held_root[FRAMES];
static bool cached_writable[FRAMES]; /* some processor may remember it */
static bool freed[FRAMES], dying;
static unsigned flushes;

/* --- the machine ------------------------------------------------------------------------------ */

struct domain *domain_idle, *domain_io = &io, *domain_xen, *domain_hardware;
struct cpu_features cpu_features = {.phys_bits = 40};
pte_t hv_root[512];
uint32_t softirq_pending[MAX_CPUS];

struct page *arch_mfn_to_page(mfn_t m)
{
    return m.v < FRAMES ? &frames[m.v] : NULL;
}
mfn_t arch_page_to_mfn(const struct page *pg)
{
    return MFN((uint64_t)(pg - frames));
}
void *map_frame(mfn_t m)
{
    assert_true(m.v < FRAMES);
    return memory[m.v];
}
void unmap_frame(const void *va)
{
    (void)va;
}
uint64_t arch_max_mfn(void)
{
    return FRAMES;
}
uint64_t arch_m2p_get(mfn_t m)
{
    return m.v;
}
void arch_m2p_set(mfn_t m, uint64_t pfn)
{
    (void)m, (void)pfn;
}
bool mfn_forbidden_for_dom0(mfn_t m)
{
    return m.v != DEVICE && m.v != DEVICE_RO;
}
bool pci_frame_readonly(mfn_t m)
{
    return m.v == DEVICE_RO;
}
void *heap_alloc(size_t size)
{
    return calloc(1, size);
}
void heap_free(void *p)
{
    free(p);
}
void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->owner, 0);
    l->owner = 1;
}
void spin_unlock(struct spinlock *l)
{
    assert_int_equal(l->owner, 1);
    l->owner = 0;
}
void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}
bool page_get_more(struct page *pg)
{
    if ((pg->refs & PAGE_REFS_MASK) == 0) {
        return false;
    }
    pg->refs++;
    return true;
}
bool page_get(struct page *pg, const struct domain *d)
{
    return (d == NULL || pg->owner == d) && page_get_more(pg);
}
void page_put(struct page *pg)
{
    assert_true((pg->refs & PAGE_REFS_MASK) > 0);
    if ((--pg->refs & PAGE_REFS_MASK) == 0) {
        assert_true(dying);
        arch_page_freed(pg);
        freed[pg - frames] = true;
    }
}
void tlb_stamp_page(struct page *pg)
{
    pg->tlb_stamp = 1 + flushes;
}
cpumask_t tlb_filter(cpumask_t cpus, const struct page *pg)
{
    return pg->tlb_stamp > flushes ? cpus : 0;
}
void tlb_flush_cpus(cpumask_t cpus)
{
    assert_true(cpus & 1);
    memset(cached_writable, 0, sizeof(cached_writable));
    flushes++;
}
bool pv_check_descriptor(uint64_t *desc)
{
    return *desc != 0xbad;
}
void pv_drop_ldt(struct vcpu *v)
{
    (void)v;
}

static int machine_up(void **state)
{
    static const struct rangeset_alloc alloc = {heap_alloc, heap_free};

    (void)state;
    memset(frames, 0, sizeof(frames));
    memset(memory, 0, sizeof(memory));
    memset(held_writable, 0, sizeof(held_writable));
    memset(held_root, 0, sizeof(held_root));
    memset(cached_writable, 0, sizeof(cached_writable));
    memset(freed, 0, sizeof(freed));
    own.arch.dirty_cpus = foreign.arch.dirty_cpus = 1;
    own.arch.pt_lock = foreign.arch.pt_lock = SPINLOCK(RANK_PT);
    own.iomem = rangeset_create(&alloc, 8);
    rangeset_add(own.iomem, 0, ~0ULL);
    vcpu.domain = &own;
    vcpu.arch.pt_pending = NULL;
    softirq_pending[0] = 0;
    dying = false;
    for (unsigned i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++) {
        hv_root[i].v = 0x1000 * i | PTE_HV_RW;
    }
    for (unsigned i = 0; i < FOREIGN_END; i++) {
        frames[i].owner = i < OWN_END ? &own : &foreign;
        frames[i].refs = PAGE_ALLOCATED | 1;
    }
    frames[DEVICE].owner = frames[DEVICE_RO].owner = &io;
    frames[DEVICE].refs = frames[DEVICE_RO].refs = PAGE_ALLOCATED | 1;
    return 0;
}

static int machine_down(void **state)
{
    (void)state;
    rangeset_destroy(own.iomem);
    return 0;
}

#endif
