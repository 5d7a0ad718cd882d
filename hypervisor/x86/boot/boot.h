/* SPDX-License-Identifier: MIT */
/* What the files of x86/boot and the set-up half of x86/mm say to one another. */
#ifndef X86_BOOT_H
#define X86_BOOT_H

#include "x86/boot/e820.h"
#include "x86/mm/pte.h"

/* head.S */
extern pte_t boot_root[512], l3_identity[512], l3_direct[10 * 512], boot_l2[4 * 512];
extern pte_t boot_l2_image[512];

/* setup.c: what every loader's reader puts together */
void boot_add_e820(uint64_t addr, uint64_t size, uint32_t type);
void boot_add_module(paddr_t start, uint64_t size, const char *cmdline);
/* Behind the first word, where loaders put the file's name. */
const char *boot_skip_word(const char *s);

void multiboot1_collect(paddr_t info);
void multiboot2_collect(paddr_t info);
void pvh_collect(paddr_t info);
void efi_keep_memory_map(const void *map, size_t size, uint32_t desc_size, uint32_t version);

/* early_map.c: until the page allocator works */
void *early_phys(paddr_t p, size_t len); /* before mm_init: any memory, through the direct map */
void early_ranges_init(void);
extern struct ranges early_free;          /* RAM that nobody has taken */
/* Take RAM; panics when there is none. The content is not cleared. */
paddr_t early_take(uint64_t size, uint64_t align);
/* Map with the largest pages that fit; fresh tables from early_take(). */
void early_map(pte_t *root, uint64_t va, paddr_t pa, uint64_t size, uint64_t flags);
void early_all_ram_mapped(void);          /* from now on early_take() may use RAM above 4 GiB */

/* frame.c, m2p.c: called by mm_init() */
void frame_table_init(void);
void m2p_init(void);
/* ns16550.c */
void serial_init_early(void); /* com1= from hv_cmdline */
void serial_init_irq(void);

/* head.S calls it; goes on to core/main.c */
void x86_boot(uint32_t magic, uint32_t info) __attribute__((noreturn));

#endif
