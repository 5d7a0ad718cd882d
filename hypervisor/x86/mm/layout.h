/* SPDX-License-Identifier: MIT */
/*
 * The address map. The PV ABI gives the hypervisor L4 slots 256 to 271, 0xffff800000000000 to
 * 0xffff87ffffffffff; everything of ours lies there, in every page table that is ever loaded.
 *
 *   slot      address             what                                   rights
 *   256       0xffff800000000000  machine-to-physical table              guests read (U), NX
 *   257       0xffff808000000000  the same, for us to write              RW NX
 *   258       0xffff810000000000  per domain: GDT and LDT of its vcpus   RW NX, differs by domain
 *   259       0xffff818000000000  processor slices (stacks), fixed maps, each its own
 *                                 long-lived mappings (vmap)
 *   260       0xffff820000000000  frame table                            RW NX
 *   261       0xffff828000000000  the hypervisor's image                 text RX, rodata R, data RW
 *   262-271   0xffff830000000000  all RAM, one to one (direct map), 5 TiB RW NX
 *
 * A guest's root has slots 256 to 271 copied from the hypervisor's, with slot 258 replaced by
 * the domain's own table (x86/pv/page_type.c: root_fill_slots).
 */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

#define HV_SLOT_FIRST 256
#define HV_SLOT_LAST  271
#define HV_VIRT_START 0xffff800000000000
#define HV_VIRT_END   0xffff880000000000

#define M2P_SLOT       256
#define M2P_RO_START   0xffff800000000000
#define M2P_RO_END     0xffff804000000000
#define M2P_RW_START   0xffff808000000000
#define PERDOMAIN_SLOT 258
#define PERDOMAIN_START 0xffff810000000000
/* each vcpu: 16 pages of GDT (14 the guest's, 2 ours), 16 pages of LDT */
#define PERDOMAIN_VCPU_PAGES 32
#define PERDOMAIN_VCPU_SIZE  (PERDOMAIN_VCPU_PAGES * 4096)
#define GDT_VIRT(vcpu_id)    (PERDOMAIN_START + (vcpu_id) * (PERDOMAIN_VCPU_SIZE + 0UL))
#define LDT_VIRT(vcpu_id)    (GDT_VIRT(vcpu_id) + 16 * 4096UL)

#define CPU_SLICES_START 0xffff818000000000
#define FIXMAP_START     0xffff818040000000 /* device pages: local APIC, IO-APICs, HPET */
#define FIXMAP_PAGES     512
#define VMAP_START       0xffff818080000000 /* long-lived mappings */
#define VMAP_END         0xffff81a000000000
#define FRAME_TABLE_START 0xffff820000000000
#define IMAGE_START      0xffff828000000000
#define DIRECT_START     0xffff830000000000
#define DIRECT_END       HV_VIRT_END

/* One processor's slice, page by page. Odd pages without a line are guard pages. */
#define SLICE_NMI_STACK   1 /* pages of the slice; a stack ends at the start of the next page */
#define SLICE_DF_STACK    3
#define SLICE_MCE_STACK   5
#define SLICE_DB_STACK    7
#define SLICE_ENTRY_STUB  9 /* the page of entry code that SYSCALL reaches, RX, one frame for all */
#define SLICE_STACK       11 /* main stack: pages 11 to 15, cpu_info at its top */
#define SLICE_PAGES       16
#define CPU_SLICE(cpu)    (CPU_SLICES_START + (cpu)*0x10000UL)

/* Selectors. Guest entries of the GDT occupy the first 14 pages; ours follow at page 14. */
#define HV_CS      0xe008
#define HV_DS      0x0000
#define GUEST_CS32 0xe023 /* FLAT_RING3_CS32 */
#define GUEST_DS   0xe02b /* FLAT_RING3_SS64 and DS32 */
#define GUEST_CS64 0xe033 /* FLAT_RING3_CS64 */
#define HV_TSS     0xe040 /* 16 bytes */
#define HV_LDT     0xe050 /* 16 bytes */
#define HV_PERCPU  0xe060 /* limit holds the processor number */

#ifndef __ASSEMBLER__
#include "core/types.h"

static inline void *paddr_to_virt(paddr_t p)
{
    return (void *)(DIRECT_START + p);
}

static inline void *mfn_to_virt(mfn_t m)
{
    return paddr_to_virt(mfn_to_paddr(m));
}

/* Only for addresses in the direct map. */
static inline paddr_t virt_to_paddr(const void *va)
{
    return (paddr_t)va - DIRECT_START;
}

static inline mfn_t virt_to_mfn(const void *va)
{
    return MFN(virt_to_paddr(va) >> PAGE_SHIFT);
}

/* An address inside the image (linked at IMAGE_START, loaded at image_paddr). */
extern paddr_t image_paddr;
static inline paddr_t image_to_paddr(const void *va)
{
    return (paddr_t)va - IMAGE_START + image_paddr;
}

static inline bool is_hv_address(uint64_t va)
{
    return va >= HV_VIRT_START && va < HV_VIRT_END;
}

static inline bool is_canonical(uint64_t va)
{
    return (uint64_t)(((int64_t)(va << 16)) >> 16) == va;
}

static inline uint64_t canonicalise(uint64_t va)
{
    return (uint64_t)(((int64_t)(va << 16)) >> 16);
}
#endif

#endif
