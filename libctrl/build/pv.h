/* SPDX-License-Identifier: MIT */
/*
 * The builder of a PV guest. Four calls in this order, each of which leaves its sentence in the
 * handle: lay out, populate, load, boot. What they allocate in this process is released by
 * pv_free; what they give to the domain goes with the domain.
 */
#ifndef CTRL_PV_H
#define CTRL_PV_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* A stretch of virtual addresses, the guest frames behind it, and the tables that map it. */
struct pv_mapping {
    uint64_t start, end;    /* virtual */
    uint64_t first_pfn;     /* behind `start` */
    uint64_t tables_pfn;    /* first table; L4 (if any), then L3, L2, L1 */
    uint64_t nr[5];         /* tables of level 1 to 4 */
    uint64_t level_pfn[5];
};

struct pv_builder {
    /* in */
    struct ctrl *h;
    uint32_t domid;
    const struct image *image;
    const char *ramdisk; /* path or NULL */
    const char *cmdline; /* or NULL */
    uint64_t nr_pages;
    uint64_t shared_info_mfn;
    uint32_t store_port, console_port;
    uint32_t store_domid, console_domid;

    /* out */
    uint64_t store_mfn, console_mfn;

    /* between the calls */
    uint64_t *p2m;
    bool short_lived; /* this process ends after its work: leave the unmapping to that */
    int ramdisk_fd;
    uint64_t ramdisk_size;
    uint64_t ramdisk_pfn;
    uint64_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
    uint64_t p2m_pfn, p2m_pages, p2m_va;
    uint64_t mapped_end_pfn; /* first frame behind the kernel's mapping */
    uint64_t used_pages;     /* all that the layout needs */
    struct pv_mapping kernel, lists; /* lists: nothing unless the kernel wants the p2m apart */
};

void pv_init(struct pv_builder *b);
void pv_free(struct pv_builder *b);

/* Needs no domain. Opens the ramdisk; refuses a kernel or a memory size that cannot work. */
int pv_layout(struct pv_builder *b);
int pv_populate(struct pv_builder *b);
/* Kernel, ramdisk, page tables, p2m, start info. */
int pv_load(struct pv_builder *b);
/* Pin the tables, seed the grant table, set the first vcpu. */
int pv_boot(struct pv_builder *b);

/* populate.c: p2m[0..count) gets machine frames, in extents as large as can be had. */
int populate_pages(struct ctrl *h, uint32_t domid, uint64_t *p2m, uint64_t count);

/* pv_child.c: run `work` in a process that ends with it, which unmaps cheaply; its result. */
int pv_in_child(struct pv_builder *b, int (*work)(struct pv_builder *b));

/* pv_tables.c */
void pv_count_tables(struct pv_mapping *m, int with_root);
uint64_t pv_tables_of(const struct pv_mapping *m);
/* tables: all tables of the mapping, mapped side by side. root: the L4, for the second mapping */
void pv_fill_tables(const struct pv_builder *b, const struct pv_mapping *m, uint64_t *tables,
                    uint64_t *root);

#endif
