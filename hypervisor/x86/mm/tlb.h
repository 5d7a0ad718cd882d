/* SPDX-License-Identifier: MIT */
/*
 * Flushing translations. All of a guest's mappings are non-global, ours are global and flushed
 * apart. A flush clock counts full flushes; a page remembers the clock when its last use was
 * dropped (struct page.tlb_stamp), so reuse flushes only processors that have not flushed since.
 */
#ifndef X86_TLB_H
#define X86_TLB_H

#include "core/domain.h"

void tlb_subsys_init(void);
void tlb_flush_local(void);                  /* non-global, this processor */
void tlb_flush_local_all(void);              /* global too */
void tlb_flush_page_local(uint64_t va);
/* Waits until done. Not with a lock that is taken with interrupts off. */
void tlb_flush_cpus(cpumask_t cpus);
void tlb_flush_page_cpus(cpumask_t cpus, uint64_t va);
void tlb_flush_all_cpus(void);               /* global mappings, after changes of our own tables */
void tlb_handle_flush_ipi(void);             /* VECTOR_TLB_FLUSH */
/*
 * Take a lock whose holder may be flushing, with interrupts off (a fault in the context switch):
 * requests that come meanwhile are answered.
 */
void tlb_spin_lock(struct spinlock *l);
uint64_t tlb_clock(void);
void tlb_stamp_page(struct page *pg);
/* The processors among `cpus` that may still hold translations from before the page's stamp. */
cpumask_t tlb_filter(cpumask_t cpus, const struct page *pg);
void write_cr3(uint64_t cr3);                /* counts as a flush */
uint64_t read_cr3(void);

#endif
