/* SPDX-License-Identifier: MIT */
/*
 * The first page tables of a PV guest. Entries hold machine frames; the frames of the tables
 * themselves are mapped read-only, as the hypervisor demands of every table it validates.
 *
 *   tables of one mapping, in the order of their frames:  [L4] L3... L2... L1...
 */
#include "pv.h"

#include <stdbool.h>

#define ENTRIES 512u
#define PTE_PRESENT 0x001u
#define PTE_WRITE 0x002u
#define PTE_USER 0x004u
#define PTE_ACCESSED 0x020u
#define PTE_DIRTY 0x040u
#define LEAF (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define LEAF_READ_ONLY (PTE_PRESENT | PTE_ACCESSED)
#define BRANCH (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

/* What one entry of a table of this level spans, as a shift; a table spans 9 bits more. */
static unsigned int entry_shift(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

void pv_count_tables(struct pv_mapping *m, int with_root)
{
    uint64_t pfn = m->tables_pfn;

    for (unsigned int level = 4; level >= 1; level--) {
        unsigned int shift = entry_shift(level) + 9;

        if (level == 4) {
            m->nr[4] = with_root ? 1 : 0;
        } else {
            m->nr[level] = ((m->end - 1) >> shift) - (m->start >> shift) + 1;
        }
        m->level_pfn[level] = pfn;
        pfn += m->nr[level];
    }
}

uint64_t pv_tables_of(const struct pv_mapping *m)
{
    return m->nr[1] + m->nr[2] + m->nr[3] + m->nr[4];
}

static bool is_table(const struct pv_mapping *m, uint64_t pfn)
{
    return pfn - m->tables_pfn < pv_tables_of(m);
}

static void fill_leaves(const struct pv_builder *b, const struct pv_mapping *m, uint64_t *l1)
{
    uint64_t pages = (m->end - m->start) >> 12;
    uint64_t *entry = l1 + (m->start >> 12) % ENTRIES;

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t pfn = m->first_pfn + i;
        bool table = is_table(&b->kernel, pfn) || is_table(&b->lists, pfn);

        *entry++ = b->p2m[pfn] << 12 | (table ? LEAF_READ_ONLY : LEAF);
    }
}

/* The entries of level `level` that lead to all tables of the level below. */
static void fill_branches(const struct pv_builder *b, const struct pv_mapping *m,
                          unsigned int level, uint64_t *table)
{
    uint64_t *entry = table + (m->start >> entry_shift(level)) % ENTRIES;

    for (uint64_t i = 0; i < m->nr[level - 1]; i++) {
        *entry++ = b->p2m[m->level_pfn[level - 1] + i] << 12 | BRANCH;
    }
}

void pv_fill_tables(const struct pv_builder *b, const struct pv_mapping *m, uint64_t *tables,
                    uint64_t *root)
{
    for (unsigned int level = 4; level >= 1; level--) {
        uint64_t *table = tables + (m->level_pfn[level] - m->tables_pfn) * ENTRIES;

        if (level == 4 && m->nr[4] == 0) {
            table = root;
        }
        if (level == 1) {
            fill_leaves(b, m, table);
        } else {
            fill_branches(b, m, level, table);
        }
    }
}
