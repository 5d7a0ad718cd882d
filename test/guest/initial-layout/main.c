/* SPDX-License-Identifier: MIT */
/*
 * initial-layout: what the builder mapped, and how.
 *
 * Why: a kernel lives in this space until it has made its own; it relies on the order of the
 * parts, on the padding behind them, and on tables that it can read and not write.
 * Right outcome: order kernel, p2m, start_info, tables, stack; 512 KiB of padding at least, up to
 * a 4 MiB border; each page maps its own frame; tables are read-only; the M2P is the p2m's
 * inverse; nothing is mapped at 0 or behind the end.
 * Environments: pv
 */
#include "mm.h"
#include "traps.h"

extern char kernel_end[];

static void order(uint64_t stack)
{
    const start_info_t *s = start_info;

    EXPECT(P(kernel_end) <= s->mfn_list);
    EXPECT(s->mfn_list + s->nr_pages * 8 <= P(s));
    EXPECT_EQ(s->pt_base, P(s) + PAGE_SIZE);
    EXPECT(stack == s->pt_base + s->nr_pt_frames * PAGE_SIZE);
}

static bool is_table(uint64_t va)
{
    return va >= start_info->pt_base &&
           va < start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;
}

enum verdict guest_main(void)
{
    uint64_t stack = start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;
    uint64_t end, value;

    order(stack);
    for (end = VIRT_BASE; pte_read(end, 1) & PTE_P; end += PAGE_SIZE) {
        uint64_t pte = pte_read(end, 1);

        if ((pte & PTE_ADDR) >> PAGE_SHIFT == start_info->shared_info >> PAGE_SHIFT) {
            continue; /* our own mapping */
        }
        CHECK_EQ((pte & PTE_ADDR) >> PAGE_SHIFT, pfn_to_mfn(virt_to_pfn((void *)end)));
        CHECK((pte & PTE_US) != 0);
        CHECK_EQ((pte & PTE_RW) == 0, is_table(end));
    }
    EXPECT(end >= stack + PAGE_SIZE + (512 << 10));
    EXPECT_EQ(end & ((4 << 20) - 1), 0);
    EXPECT(!try_read((void *)end, &value));
    EXPECT_EQ(trapped.entry, 14);
    EXPECT(!try_read(NULL, &value));

    for (uint64_t pfn = 0; pfn < start_info->nr_pages; pfn++) {
        if (mfn_to_pfn(pfn_to_mfn(pfn)) != pfn) {
            print("pfn %#lx is frame %#lx, and that is pfn %#lx\n", pfn, pfn_to_mfn(pfn),
                  mfn_to_pfn(pfn_to_mfn(pfn)));
            return FAILURE;
        }
    }
    return SUCCESS;
}
