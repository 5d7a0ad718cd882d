/* SPDX-License-Identifier: MIT */
/* The hypervisor's own page tables, fixed device mappings, long-lived mappings, frame table. */
#ifndef X86_MAP_H
#define X86_MAP_H

#include "core/types.h"
#include "x86/mm/pte.h"

extern pte_t hv_root[512]; /* the hypervisor's L4: slots 256-271 are copied into guests' roots */

/* boot: direct map, frame table, machine-to-physical table, W^X image; gives RAM to page_alloc */
void mm_init(void);
/* Slices: stacks with guard pages, the entry stub. Before the processor runs on them. */
int cpu_slice_create(unsigned cpu);
/* Map a device page for good, uncached; panics when full (boot only). */
volatile void *fixmap_device(paddr_t p);
/* Map `pages` frames side by side with these flags (PTE_HV_*); NULL: out of memory. */
void *vmap(const mfn_t *mfns, unsigned pages, uint64_t flags);
void *vmap_range(mfn_t first, unsigned pages, uint64_t flags);
void vunmap(void *va);
/* Change rights of, or add, one 4 KiB mapping of ours. 0 or -ENOMEM. */
int hv_map_page(uint64_t va, mfn_t m, uint64_t flags);
void hv_unmap_page(uint64_t va);
/* Look up one of our own mappings: false if none. */
bool hv_translate(uint64_t va, paddr_t *out);
bool mfn_is_ram(mfn_t m);
/* Frames that no guest may map: our image and heap, APICs, MSI window, ... (DOMID_IO checks) */
bool mfn_forbidden_for_dom0(mfn_t m);

#endif
