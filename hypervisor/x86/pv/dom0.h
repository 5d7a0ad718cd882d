/* SPDX-License-Identifier: MIT */
/* Building dom0: dom0.c decides what it gets, dom0_image.c lays out its kernel and page tables. */
#ifndef X86_PV_DOM0_H
#define X86_PV_DOM0_H

#include "core/domain.h"
#include "x86/boot/bootinfo.h"

#define DOM0_MAX_CHUNKS 2048

/* Dom0's memory: runs of machine frames, in the order of its own frame numbers. */
struct dom0_chunk {
    uint64_t pfn;
    uint64_t mfn;
    uint64_t count;
};

struct dom0_memory {
    unsigned nr_chunks;
    uint64_t nr_pages;
    struct dom0_chunk chunk[DOM0_MAX_CHUNKS];
};

/* Machine frame of one of dom0's frames; it must be below nr_pages. */
mfn_t dom0_mfn(const struct dom0_memory *m, uint64_t pfn);

/*
 * Load the kernel (bzImage or ELF) and the initial ramdisk (or NULL) into the memory, build
 * start_info, p2m and page tables, and give vcpu 0 its registers and root.
 */
int dom0_load(struct domain *d, struct dom0_memory *m, const struct boot_module *kernel,
              const struct boot_module *initrd);

#endif
