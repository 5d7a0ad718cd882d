/* SPDX-License-Identifier: MIT */
/* Page-table entries of long mode (AMD APM vol. 2, 5.3; Intel SDM vol. 3, 4.5). */
#ifndef X86_PTE_H
#define X86_PTE_H

#include "core/types.h"

typedef struct {
    uint64_t v;
} pte_t;

#define PTE_P     (1ULL << 0)
#define PTE_RW    (1ULL << 1)
#define PTE_US    (1ULL << 2)
#define PTE_PWT   (1ULL << 3)
#define PTE_PCD   (1ULL << 4)
#define PTE_A     (1ULL << 5)
#define PTE_D     (1ULL << 6)
#define PTE_PS    (1ULL << 7) /* L2, L3 */
#define PTE_PAT   (1ULL << 7) /* L1 */
#define PTE_G     (1ULL << 8)
#define PTE_AVAIL0 (1ULL << 9)
#define PTE_AVAIL1 (1ULL << 10)
#define PTE_AVAIL2 (1ULL << 11)
#define PTE_NX    (1ULL << 63)
#define PTE_ADDR_MASK 0x000ffffffffff000ULL
#define PTE_FLAGS_MASK (~PTE_ADDR_MASK)

#define PTE_HV_RW  (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)
#define PTE_HV_RO  (PTE_P | PTE_A | PTE_D | PTE_G | PTE_NX)
#define PTE_HV_RX  (PTE_P | PTE_A | PTE_D | PTE_G)
#define PTE_HV_UC  (PTE_HV_RW | PTE_PCD | PTE_PWT)
#define PTE_TABLE  (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D) /* an inner entry of ours */

#define PT_ENTRIES 512
#define L1_SHIFT 12
#define L2_SHIFT 21
#define L3_SHIFT 30
#define L4_SHIFT 39

static inline unsigned pt_index(uint64_t va, unsigned level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}

static inline mfn_t pte_mfn(pte_t e)
{
    return MFN((e.v & PTE_ADDR_MASK) >> PAGE_SHIFT);
}

static inline uint64_t pte_flags(pte_t e)
{
    return e.v & PTE_FLAGS_MASK;
}

static inline pte_t pte_make(mfn_t m, uint64_t flags)
{
    return (pte_t){(m.v << PAGE_SHIFT) | flags};
}

#endif
