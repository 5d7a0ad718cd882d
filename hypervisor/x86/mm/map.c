/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables. mm_init() replaces the rough tables of head.S:
 *
 *   direct map   exactly the RAM (and firmware tables that the map calls ACPI), large pages, NX;
 *                the image's text and constants read-only here too
 *   image        text executable, constants read-only, data writable and not executable
 *   frame table, machine-to-physical table: where there is RAM
 *
 * Afterwards single pages change by hv_map_page() and hv_unmap_page(), under RANK_VMAP. Third-level
 * tables never change (head.S), so guests' roots that copied our slots stay right. Tables that
 * were made are kept: addresses are reused (vmap.c), so their number is bounded.
 */
#include "x86/mm/map.h"
#include "core/errno.h"
#include "core/page.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/boot/boot.h"
#include "x86/boot/image.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/entry.h"
#include "x86/mm/layout.h"
#include "x86/mm/map_internal.h"
#include "x86/mm/tlb.h"

paddr_t image_paddr = IMAGE_PADDR;

static struct spinlock map_lock = SPINLOCK(RANK_VMAP);
static unsigned fixmap_used;

/* --- at boot ---------------------------------------------------------------------------------- */

static void reload_cr3(void)
{
    uint64_t cr4 = read_cr4();

    set_cr4(cr4 & ~(uint64_t)CR4_PGE);
    __asm__ volatile("mov %0, %%cr3" : : "r"(image_to_paddr(hv_root)) : "memory");
    set_cr4(cr4);
}

/* Piecewise, so that no writable alias of the text remains. */
static void map_ram_piece(pte_t *root, uint64_t start, uint64_t end)
{
    uint64_t ro_start = image_to_paddr(__text_start);
    uint64_t ro_end = image_to_paddr(__rodata_end);
    uint64_t cut[4] = {start, MIN(MAX(ro_start, start), end), MIN(MAX(ro_end, start), end), end};

    for (unsigned i = 0; i < 3; i++) {
        if (cut[i] < cut[i + 1]) {
            early_map(root, DIRECT_START + cut[i], cut[i], cut[i + 1] - cut[i],
                      i == 1 ? PTE_HV_RO : PTE_HV_RW);
        }
    }
}

static uint64_t ram_pages;

uint64_t arch_ram_pages(void)
{
    return ram_pages;
}

/* Built beside the table in use, which reaches the memory that the new tables lie in. */
static void map_direct(void)
{
    static struct ranges ram;
    static const uint32_t types[] = {E820_RAM, E820_ACPI};
    static pte_t root[512] __attribute__((aligned(4096)));

    for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
        ranges_from_e820(&ram, bootinfo.e820, bootinfo.nr_e820, types[t],
                         DIRECT_END - DIRECT_START);
        ram_pages += types[t] == E820_RAM ? ranges_total(&ram) >> PAGE_SHIFT : 0;
        for (unsigned i = 0; i < ram.nr; i++) {
            map_ram_piece(root, ram.r[i].start, ram.r[i].end);
        }
    }
    for (unsigned slot = pt_index(DIRECT_START, 4); slot <= HV_SLOT_LAST; slot++) {
        pte_t *used = &l3_direct[(slot - pt_index(DIRECT_START, 4)) * PT_ENTRIES];

        if (root[slot].v & PTE_P) {
            memcpy(used, mfn_to_virt(pte_mfn(root[slot])), PAGE_SIZE);
        } else {
            memset(used, 0, PAGE_SIZE);
        }
    }
    reload_cr3();
    early_all_ram_mapped();
}

static uint64_t image_page_flags(const char *va)
{
    if (va < __text_end) {
        return PTE_HV_RX;
    }
    return va < __rodata_end ? PTE_HV_RO : PTE_HV_RW;
}

static void map_image(void)
{
    size_t size = __image_end - __image_start;

    for (unsigned i = 0; i < IMAGE_MAX_SIZE >> L2_SHIFT; i++) {
        pte_t *l1;
        paddr_t p;

        if (((size_t)i << L2_SHIFT) >= size) {
            boot_l2_image[i].v = 0;
            continue;
        }
        p = early_take(PAGE_SIZE, PAGE_SIZE);
        l1 = paddr_to_virt(p);
        for (unsigned n = 0; n < PT_ENTRIES; n++) {
            size_t off = ((size_t)i << L2_SHIFT) + n * PAGE_SIZE;

            l1[n].v = off < size ? (image_paddr + off) | image_page_flags(__image_start + off) : 0;
        }
        boot_l2_image[i].v = p | PTE_TABLE;
    }
    reload_cr3();
}

static void release_free_ram(void)
{
    for (unsigned i = 0; i < early_free.nr; i++) {
        page_alloc_add_range(paddr_to_mfn(early_free.r[i].start),
                             paddr_to_mfn(early_free.r[i].end), 0);
    }
    early_free.nr = 0;
}

void mm_init(void)
{
    early_ranges_init();
    if (early_free.nr == 0) {
        panic("the boot loader named no usable memory");
    }
    map_direct();
    map_image();
    frame_table_init();
    m2p_init();
    release_free_ram();
}

/* --- afterwards ------------------------------------------------------------------------------- */

/* The first-level entry of va, NULL without one. Locked, for it may add tables. */
static pte_t *find_l1e(uint64_t va, bool create)
{
    pte_t *table = hv_root;

    for (unsigned level = 4; level > 1; level--) {
        pte_t *e = &table[pt_index(va, level)];

        if (!(e->v & PTE_P)) {
            struct page *pg = create && level < 4 ? page_alloc(0, NODE_ANY, WIDTH_ANY, 0) : NULL;

            if (pg == NULL) {
                return NULL;
            }
            e->v = mfn_to_paddr(arch_page_to_mfn(pg)) | PTE_TABLE;
        }
        if (e->v & PTE_PS) {
            return NULL;
        }
        table = mfn_to_virt(pte_mfn(*e));
    }
    return &table[pt_index(va, 1)];
}

/* After a translation of ours was taken away or changed: everywhere. */
static void flush_changed(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
    if ((arch_online_cpus() & ~(1ULL << smp_processor_id())) != 0) {
        tlb_flush_all_cpus();
    }
}

/* One entry; *changed when an old translation may be cached. */
int hv_map_page_noflush(uint64_t va, mfn_t m, uint64_t flags, bool *changed)
{
    unsigned long irq = spin_lock_irqsave(&map_lock);
    pte_t *e = find_l1e(va, true);

    if (e != NULL) {
        *changed |= (e->v & PTE_P) != 0;
        __atomic_store_n(&e->v, pte_make(m, flags).v, __ATOMIC_RELEASE);
    }
    spin_unlock_irqrestore(&map_lock, irq);
    return e != NULL ? 0 : -ENOMEM;
}

bool hv_unmap_page_noflush(uint64_t va)
{
    unsigned long irq = spin_lock_irqsave(&map_lock);
    pte_t *e = find_l1e(va, false);
    bool was_there = e != NULL && (e->v & PTE_P);

    if (was_there) {
        __atomic_store_n(&e->v, 0, __ATOMIC_RELEASE);
        __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
    }
    spin_unlock_irqrestore(&map_lock, irq);
    return was_there;
}

int hv_map_page(uint64_t va, mfn_t m, uint64_t flags)
{
    bool changed = false;
    int rc;

    ASSERT(is_hv_address(va));
    rc = hv_map_page_noflush(va, m, flags, &changed);
    if (changed) {
        flush_changed(va);
    }
    return rc;
}

void hv_unmap_page(uint64_t va)
{
    ASSERT(is_hv_address(va));
    if (hv_unmap_page_noflush(va)) {
        flush_changed(va);
    }
}

bool hv_translate(uint64_t va, paddr_t *out)
{
    const pte_t *table = hv_root;

    for (unsigned level = 4; level > 0; level--) {
        uint64_t e = table[pt_index(va, level)].v;
        uint64_t mask = (1ULL << (PAGE_SHIFT + 9 * (level - 1))) - 1;

        if (!(e & PTE_P)) {
            return false;
        }
        if (level == 1 || (e & PTE_PS)) {
            *out = (e & PTE_ADDR_MASK & ~mask) | (va & mask);
            return true;
        }
        table = mfn_to_virt(MFN((e & PTE_ADDR_MASK) >> PAGE_SHIFT));
    }
    return false;
}

volatile void *fixmap_device(paddr_t p)
{
    mfn_t m = paddr_to_mfn(p);
    uint64_t va;

    for (unsigned i = 0; i < fixmap_used; i++) {
        paddr_t there;

        va = FIXMAP_START + i * PAGE_SIZE;
        if (hv_translate(va, &there) && there >> PAGE_SHIFT == m.v) {
            return (volatile void *)(va + (p & ~PAGE_MASK));
        }
    }
    if (fixmap_used == FIXMAP_PAGES) {
        panic("too many device pages to map");
    }
    va = FIXMAP_START + fixmap_used++ * PAGE_SIZE;
    if (hv_map_page(va, m, PTE_HV_UC)) {
        panic("no memory to map a device page");
    }
    return (volatile void *)(va + (p & ~PAGE_MASK));
}

int cpu_slice_create(unsigned cpu)
{
    static const uint8_t stack_pages[] = {SLICE_NMI_STACK, SLICE_DF_STACK,  SLICE_MCE_STACK,
                                          SLICE_DB_STACK,  SLICE_STACK,     SLICE_STACK + 1,
                                          SLICE_STACK + 2, SLICE_STACK + 3, SLICE_STACK + 4};
    uint64_t slice = CPU_SLICE(cpu);
    paddr_t there;

    if (hv_translate(slice + SLICE_STACK * PAGE_SIZE, &there)) {
        return 0; /* the boot processor's is from head.S; others keep theirs */
    }
    for (unsigned i = 0; i < ARRAY_SIZE(stack_pages); i++) {
        struct page *pg = page_alloc(0, NODE_ANY, WIDTH_ANY, 0);

        if (pg == NULL || hv_map_page(slice + stack_pages[i] * PAGE_SIZE, arch_page_to_mfn(pg),
                                      PTE_HV_RW)) {
            return -ENOMEM; /* what is mapped stays, for the next attempt */
        }
    }
    return hv_map_page(slice + SLICE_ENTRY_STUB * PAGE_SIZE,
                       paddr_to_mfn(image_to_paddr(entry_stub_page)), PTE_HV_RX);
}

bool mfn_forbidden_for_dom0(mfn_t m)
{
    paddr_t p = mfn_to_paddr(m);

    if (mfn_is_ram(m) || p >= 1ULL << cpu_features.phys_bits) {
        return true;
    }
    if ((p >> 20) == 0xfee || p == (acpi_info.lapic_base & PAGE_MASK)) {
        return true; /* local APICs and the window of message-signalled interrupts */
    }
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++) {
        if (p == (acpi_info.ioapic[i].base & PAGE_MASK)) {
            return true;
        }
    }
    return false;
}
