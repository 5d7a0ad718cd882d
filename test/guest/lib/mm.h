/* SPDX-License-Identifier: MIT */
/*
 * Page tables and memory of a tiny PV kernel. Frames come from two places: pages of the kernel's
 * own image (alloc_page), which are mapped, and the end of its memory (alloc_pfn), where the
 * builder mapped nothing. window() is a page of address space to map anything at.
 */
#ifndef MM_H
#define MM_H

#include "guest.h"

#define PTE_P    0x001UL
#define PTE_RW   0x002UL
#define PTE_US   0x004UL
#define PTE_A    0x020UL
#define PTE_D    0x040UL
#define PTE_PS   0x080UL
#define PTE_NX   (1UL << 63)
#define PTE_KRO  (PTE_P | PTE_A)
#define PTE_KRW  (PTE_P | PTE_RW | PTE_A | PTE_D)
#define PTE_TAB  (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_ADDR 0x000ffffffffff000UL

void *alloc_page(void);   /* zeroed, mapped writable */
uint64_t alloc_pfn(void); /* not mapped */
static inline void *pfn_to_virt(uint64_t pfn)
{
    return (void *)(VIRT_BASE + (pfn << PAGE_SHIFT));
}
uint64_t root_mfn(void);
/* Machine address of the entry of `level` that maps va; 0 when there is no such table. */
uint64_t pte_machine(uint64_t va, unsigned level);
uint64_t pte_read(uint64_t va, unsigned level);
static inline unsigned pte_index(uint64_t va, unsigned level)
{
    return (va >> (12 + 9 * (level - 1))) & 511;
}

void *window(unsigned n); /* 0 to 15: pages that map nothing of use */
long map_at(void *va, uint64_t mfn, uint64_t flags);
/* One mmu_update; type in the low bits of ptr. */
long mmu_update_one(uint64_t ptr, uint64_t val);
long mmuext(unsigned cmd, uint64_t arg1, uint64_t arg2);
/* Map one of alloc_page()'s pages read-only or writable again, at its own address. */
long set_readonly(void *page);
long set_writable(void *page);
/* Tables for va in `root` (an L4 frame's own page, not pinned yet), entry at its L1. */
void table_map(uint64_t *root, uint64_t va, uint64_t mfn, uint64_t flags);
/* Make every table below read-only, then pin the root. */
long table_pin(uint64_t *root);

#endif
