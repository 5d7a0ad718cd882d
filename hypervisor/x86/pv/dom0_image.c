/* SPDX-License-Identifier: MIT */
/*
 * Dom0's first address space. Its frame n is mapped at virt_base + n * 4 KiB, and holds
 *
 *      0 ...            as the kernel's segments say, usually from 16 MiB
 *      kernel_end       [initial ramdisk]  only for kernels that want it mapped
 *                       [p2m]              only for kernels without an INIT_P2M note
 *                       start_info, console information behind it
 *                       page tables, the root first: mapped read-only
 *                       stack, one page
 *      ...              padding: at least 512 KiB, up to a multiple of 4 MiB
 *      mapped_end       [initial ramdisk]  named by frame (MOD_START_PFN), not mapped
 *                       [p2m and its page tables]  mapped at the address of INIT_P2M
 *
 * The tables are written as plain memory and then validated like any guest's: the builder gets no
 * exception from the page-type rules.
 */
#include <public/elfnote.h>
#include "core/errno.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/decompress.h"
#include "lib/elf.h"
#include "lib/lib.h"
#include "x86/mm/layout.h"
#include "x86/mm/pte.h"
#include "x86/pv/dom0.h"
#include "x86/pv/page_type.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define GUEST_TABLE (PTE_P | PTE_RW | PTE_US | PTE_A)
#define GUEST_RW    (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define GUEST_RO    (PTE_P | PTE_US | PTE_A | PTE_D)
#define MIB         (1UL << 20)

struct build {
    struct domain *d;
    struct dom0_memory *m;
    struct elf_image elf;
    void *unpacked; /* the kernel, if it was packed */
    unsigned unpacked_order;

    uint64_t virt_base;
    uint64_t kernel_end;    /* frame numbers from here on */
    uint64_t initrd_pfn, initrd_pages;
    uint64_t p2m_pfn, p2m_pages;
    uint64_t start_info_pfn;
    uint64_t pt_pfn, pt_pages;
    uint64_t stack_pfn;
    uint64_t mapped_end;
    uint64_t high_pfn, high_pages; /* p2m behind the mapped part, its tables included */
    uint64_t next_table, table_end; /* where tables come from */
    bool initrd_mapped, p2m_high;
};

static void *frame_virt(struct build *b, uint64_t pfn)
{
    return map_frame(dom0_mfn(b->m, pfn));
}

static uint64_t bytes_to_pages(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static uint64_t pfn_virt(const struct build *b, uint64_t pfn)
{
    return b->virt_base + (pfn << PAGE_SHIFT);
}

/* Copy bytes (or zeroes, if src is NULL) to a place in dom0's own frames. */
static void copy_in(struct build *b, uint64_t addr, const void *src, uint64_t len)
{
    const char *s = src;

    while (len > 0) {
        uint64_t off = addr & (PAGE_SIZE - 1), n = MIN(len, PAGE_SIZE - off);
        char *p = frame_virt(b, addr >> PAGE_SHIFT);

        if (s) {
            memcpy(p + off, s, n);
            s += n;
        } else {
            memset(p + off, 0, n);
        }
        unmap_frame(p);
        addr += n;
        len -= n;
    }
}

/* --- the kernel file -------------------------------------------------------------------------- */

static int unpack_kernel(struct build *b, const struct boot_module *k)
{
    const void *image = paddr_to_virt(k->start), *payload;
    size_t payload_len;
    void *work;
    long size;
    int rc;

    rc = bzimage_payload(image, k->size, &payload, &payload_len);
    if (rc != 0) {
        printk(LOG_ERR, "dom0: the kernel is neither a bzImage nor an ELF file\n");
        return rc;
    }
    size = decompressed_size(payload, payload_len);
    if (size <= 0) {
        return -EINVAL;
    }
    if (compression_of(payload, payload_len) == COMPRESSION_NONE) {
        return elf_parse(&b->elf, payload, payload_len);
    }
    while ((PAGE_SIZE << b->unpacked_order) < (uint64_t)size) {
        b->unpacked_order++;
    }
    b->unpacked = heap_alloc_pages(b->unpacked_order);
    work = heap_alloc_pages(6);
    _Static_assert(DECOMPRESS_WORK_SIZE <= (PAGE_SIZE << 6), "workspace");
    rc = -ENOMEM;
    if (b->unpacked && work) {
        rc = decompress(b->unpacked, (size_t)size, payload, payload_len, work,
                        DECOMPRESS_WORK_SIZE);
    }
    heap_free_pages(work, 6);
    if (rc != 0) {
        printk(LOG_ERR, "dom0: cannot unpack the kernel: error %d\n", rc);
        return rc;
    }
    return elf_parse(&b->elf, b->unpacked, (size_t)size);
}

/* Frames that the segments take, by their addresses in memory; all must lie in dom0's memory. */
static int place_kernel(struct build *b)
{
    const struct elf_notes *n = &b->elf.notes;
    uint64_t end = 0;

    if (!elf_has_note(&b->elf, XEN_ELFNOTE_VIRT_BASE) ||
        !elf_has_note(&b->elf, XEN_ELFNOTE_ENTRY)) {
        printk(LOG_ERR, "dom0: the kernel has no notes of a PV kernel\n");
        return -EINVAL;
    }
    b->virt_base = n->virt_base;
    if ((b->virt_base & (PAGE_SIZE - 1)) != 0 || !is_canonical(b->virt_base) ||
        is_hv_address(b->virt_base)) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < b->elf.nr_segments; i++) {
        const struct elf_segment *s = &b->elf.segment[i];
        uint64_t start = s->paddr - n->paddr_offset, last;

        if (s->paddr < n->paddr_offset || __builtin_add_overflow(start, s->memsz, &last) ||
            last > b->m->nr_pages << PAGE_SHIFT) {
            printk(LOG_ERR, "dom0: kernel segment %u does not fit into %lu MiB\n", i,
                   (unsigned long)(b->m->nr_pages >> 8));
            return -EINVAL;
        }
        end = MAX(end, last);
    }
    b->kernel_end = bytes_to_pages(end);
    return 0;
}

static void load_segments(struct build *b)
{
    for (unsigned i = 0; i < b->elf.nr_segments; i++) {
        const struct elf_segment *s = &b->elf.segment[i];
        uint64_t at = s->paddr - b->elf.notes.paddr_offset;

        copy_in(b, at, s->data, s->filesz);
        copy_in(b, at + s->filesz, NULL, s->memsz - s->filesz);
    }
}

/* --- layout ----------------------------------------------------------------------------------- */

/* How many tables map [start, end), without the root. */
static uint64_t tables_for(uint64_t start, uint64_t end)
{
    uint64_t n = 0;

    for (unsigned shift = L2_SHIFT; shift <= L4_SHIFT; shift += 9) {
        n += ((end - 1) >> shift) - (start >> shift) + 1;
    }
    return n;
}

static int plan(struct build *b, const struct boot_module *initrd)
{
    const struct elf_notes *n = &b->elf.notes;
    uint64_t pfn = b->kernel_end, total = b->m->nr_pages, p2m;

    p2m = bytes_to_pages(total * sizeof(uint64_t));
    b->initrd_pages = initrd ? bytes_to_pages(initrd->size) : 0;
    b->initrd_mapped = !n->mod_start_pfn;
    b->p2m_high = elf_has_note(&b->elf, XEN_ELFNOTE_INIT_P2M);
    b->p2m_pages = p2m;
    if (b->initrd_mapped) {
        b->initrd_pfn = pfn;
        pfn += b->initrd_pages;
    }
    if (!b->p2m_high) {
        b->p2m_pfn = pfn;
        pfn += p2m;
    }
    b->start_info_pfn = pfn++;
    b->pt_pfn = pfn;
    for (b->pt_pages = 2;;) {
        uint64_t end = b->pt_pfn + b->pt_pages + 1, need;

        b->stack_pfn = end - 1;
        b->mapped_end = ROUND_UP(end + (512 << 10 >> PAGE_SHIFT), 4 * MIB >> PAGE_SHIFT);
        need = 1 + tables_for(b->virt_base, pfn_virt(b, b->mapped_end));
        if (need <= b->pt_pages) {
            break;
        }
        b->pt_pages = need;
    }
    pfn = b->mapped_end;
    if (!b->initrd_mapped) {
        b->initrd_pfn = pfn;
        pfn += b->initrd_pages;
    }
    if (b->p2m_high) {
        b->p2m_pfn = b->high_pfn = pfn;
        b->high_pages = p2m + tables_for(n->init_p2m, n->init_p2m + (p2m << PAGE_SHIFT));
        pfn += b->high_pages;
    }
    if (pfn > total) {
        printk(LOG_ERR, "dom0: kernel and ramdisk need %lu MiB, it has %lu MiB\n",
               (unsigned long)(pfn >> 8), (unsigned long)(total >> 8));
        return -ENOMEM;
    }
    return 0;
}

/* --- page tables ------------------------------------------------------------------------------ */

/* The table of the level below, made if there is none. */
static uint64_t table_below(struct build *b, uint64_t table_mfn, unsigned index)
{
    pte_t *t = map_frame(MFN(table_mfn));
    uint64_t below;

    if (!(t[index].v & PTE_P)) {
        void *p;

        BUG_ON(b->next_table >= b->table_end); /* tables_for() counted them */
        below = dom0_mfn(b->m, b->next_table++).v;
        p = map_frame(MFN(below));
        arch_clear_page(p);
        unmap_frame(p);
        t[index] = pte_make(MFN(below), GUEST_TABLE);
    } else {
        below = pte_mfn(t[index]).v;
    }
    unmap_frame(t);
    return below;
}

static bool is_table(const struct build *b, uint64_t pfn)
{
    return (pfn >= b->pt_pfn && pfn < b->pt_pfn + b->pt_pages) ||
           (b->p2m_high && pfn >= b->p2m_pfn + b->p2m_pages &&
            pfn < b->high_pfn + b->high_pages);
}

static void map_range(struct build *b, uint64_t root, uint64_t va, uint64_t pfn, uint64_t count)
{
    while (count > 0) {
        uint64_t l3 = table_below(b, root, pt_index(va, 4));
        uint64_t l2 = table_below(b, l3, pt_index(va, 3));
        uint64_t l1 = table_below(b, l2, pt_index(va, 2));
        pte_t *t = map_frame(MFN(l1));

        for (unsigned i = pt_index(va, 1); i < PT_ENTRIES && count > 0; i++) {
            t[i] = pte_make(dom0_mfn(b->m, pfn), is_table(b, pfn) ? GUEST_RO : GUEST_RW);
            va += PAGE_SIZE;
            pfn++;
            count--;
        }
        unmap_frame(t);
    }
}

static uint64_t build_tables(struct build *b)
{
    uint64_t root = dom0_mfn(b->m, b->pt_pfn).v;

    b->next_table = b->pt_pfn + 1;
    b->table_end = b->pt_pfn + b->pt_pages;
    map_range(b, root, b->virt_base, 0, b->mapped_end);
    if (b->p2m_high) {
        b->next_table = b->p2m_pfn + b->p2m_pages;
        b->table_end = b->high_pfn + b->high_pages;
        map_range(b, root, b->elf.notes.init_p2m, b->p2m_pfn, b->p2m_pages);
    }
    return root;
}

/* Frame numbers both ways: the p2m list in dom0's memory, and our machine-to-physical table. */
static void fill_p2m(struct build *b)
{
    uint64_t *slot = NULL;

    for (unsigned i = 0; i < b->m->nr_chunks; i++) {
        const struct dom0_chunk *c = &b->m->chunk[i];

        for (uint64_t k = 0; k < c->count; k++) {
            uint64_t pfn = c->pfn + k;

            if (!slot || pfn % (PAGE_SIZE / 8) == 0) {
                slot = frame_virt(b, b->p2m_pfn + pfn / (PAGE_SIZE / 8));
            }
            slot[pfn % (PAGE_SIZE / 8)] = c->mfn + k;
            arch_m2p_set(MFN(c->mfn + k), pfn);
        }
    }
    unmap_frame(slot);
}

/* --- start_info and the first vcpu ------------------------------------------------------------ */

static void fill_start_info(struct build *b, const struct boot_module *k)
{
    struct start_info *si = frame_virt(b, b->start_info_pfn);

    arch_clear_page(si);
    str_copy(si->magic, "xen-3.0-x86_64p", sizeof(si->magic));
    si->nr_pages = b->m->nr_pages;
    si->shared_info = mfn_to_paddr(arch_page_to_mfn(arch_virt_to_page(b->d->shared_info)));
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = pfn_virt(b, b->pt_pfn);
    si->nr_pt_frames = b->pt_pages;
    si->mfn_list = b->p2m_high ? b->elf.notes.init_p2m : pfn_virt(b, b->p2m_pfn);
    if (b->p2m_high) {
        si->first_p2m_pfn = b->high_pfn;
        si->nr_p2m_frames = b->high_pages;
    }
    if (b->initrd_pages) {
        si->mod_start = b->initrd_mapped ? pfn_virt(b, b->initrd_pfn) : b->initrd_pfn;
        if (!b->initrd_mapped) {
            si->flags |= SIF_MOD_START_PFN;
        }
    }
    str_copy((char *)si->cmd_line, k->cmdline, sizeof(si->cmd_line));
    if (bootinfo.have_vga) {
        si->console.dom0.info_off = sizeof(*si);
        si->console.dom0.info_size = sizeof(bootinfo.vga);
        memcpy(si + 1, &bootinfo.vga, sizeof(bootinfo.vga));
    }
    unmap_frame(si);
}

static void set_module_length(struct build *b, uint64_t len)
{
    struct start_info *si = frame_virt(b, b->start_info_pfn);

    si->mod_len = len;
    unmap_frame(si);
}

static int fill_hypercall_page(struct build *b)
{
    uint64_t at = b->elf.notes.hypercall_page;
    void *p;

    if (!elf_has_note(&b->elf, XEN_ELFNOTE_HYPERCALL_PAGE)) {
        return 0;
    }
    if (at < b->virt_base || (at & (PAGE_SIZE - 1)) != 0 ||
        (at - b->virt_base) >> PAGE_SHIFT >= b->kernel_end) {
        return -EINVAL;
    }
    p = frame_virt(b, (at - b->virt_base) >> PAGE_SHIFT);
    pv_fill_hypercall_page(p);
    unmap_frame(p);
    return 0;
}

static int start_vcpu(struct build *b, uint64_t root)
{
    struct vcpu *v = b->d->vcpu[0];
    struct cpu_user_regs *r = &v->arch.regs;
    int rc;

    while ((rc = pv_set_roots(v, MFN(root), MFN(0))) == -EINTR) {
        do_softirq(); /* preempted: it goes on where it was */
    }
    if (rc == 0) { /* kernels expect their first root pinned, as the tools do it for others */
        struct page *pg = arch_mfn_to_page(MFN(root));

        rc = page_get(pg, v->domain) ? page_pin(pg, PGT_L4) : -EINVAL;
    }
    if (rc != 0) {
        printk(LOG_ERR, "dom0: its page tables were refused: error %d\n", rc);
        return rc;
    }
    r->rip = b->elf.notes.entry;
    r->rsp = pfn_virt(b, b->stack_pfn + 1);
    r->rsi = pfn_virt(b, b->start_info_pfn);
    r->cs = FLAT_KERNEL_CS;
    r->ss = FLAT_KERNEL_SS;
    r->rflags = 0x202;
    v->arch.kernel_ss = FLAT_KERNEL_SS;
    v->arch.kernel_sp = r->rsp;
    v->arch.kernel_mode = true;
    v->initialised = true;
    __atomic_and_fetch(&v->pause_flags, ~(uint32_t)VPF_DOWN, __ATOMIC_SEQ_CST);
    return 0;
}

int dom0_load(struct domain *d, struct dom0_memory *m, const struct boot_module *kernel,
              const struct boot_module *initrd)
{
    struct build b = {.d = d, .m = m};
    int rc = unpack_kernel(&b, kernel);

    if (rc == 0) {
        rc = place_kernel(&b);
    }
    if (rc == 0) {
        rc = plan(&b, initrd);
    }
    if (rc == 0) {
        load_segments(&b);
        rc = fill_hypercall_page(&b);
    }
    heap_free_pages(b.unpacked, b.unpacked_order);
    if (rc != 0) {
        return rc;
    }
    if (initrd) {
        copy_in(&b, b.initrd_pfn << PAGE_SHIFT, paddr_to_virt(initrd->start), initrd->size);
    }
    fill_start_info(&b, kernel);
    if (initrd) {
        set_module_length(&b, initrd->size);
    }
    fill_p2m(&b);
    printk(LOG_INFO, "dom0: kernel to frame %#lx, tables %#lx+%lu, mapped to %#lx, entry %#lx\n",
           (unsigned long)b.kernel_end, (unsigned long)b.pt_pfn, (unsigned long)b.pt_pages,
           (unsigned long)b.mapped_end, (unsigned long)b.elf.notes.entry);
    return start_vcpu(&b, build_tables(&b));
}
