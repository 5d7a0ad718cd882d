/* SPDX-License-Identifier: MIT */
/*
 * The builder of a PV guest.
 *
 * Guest frames from 0 up; virtual addresses are virt_base + frame * 4096 as far as mapped:
 *
 *   kernel | [initrd] | [p2m] | start_info | store | console | tables | stack | padding
 *   ------------------------------------------------- mapped, to a multiple of 4 MiB ---
 *   then, unmapped:  p2m (mapped at the address that the kernel names) | its tables | initrd
 *
 * The parts in brackets lie there only for kernels that cannot take them elsewhere. The padding
 * is at least 512 KiB.
 *
 * Only what gets content is mapped into this process: the kernel file's bytes are read straight
 * into the guest's frames, and frames that must be zero are cleared by the hypervisor.
 */
#include "pv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../internal.h"

#define PADDING ((uint64_t)512 << 10)
#define MAPPING_ALIGN ((uint64_t)4 << 20)
#define MAX_INITRD ((uint64_t)4 << 30)
#define CHUNK_PAGES 4096u

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + CTRL_PAGE_SIZE - 1) >> CTRL_PAGE_SHIFT;
}

static uint64_t va_of(const struct pv_builder *b, uint64_t pfn)
{
    return b->image->virt_base + (pfn << CTRL_PAGE_SHIFT);
}

void pv_init(struct pv_builder *b)
{
    *b = (struct pv_builder){ .ramdisk_fd = -1 };
}

void pv_free(struct pv_builder *b)
{
    free(b->p2m);
    b->p2m = NULL;
    if (b->ramdisk_fd >= 0) {
        close(b->ramdisk_fd);
    }
    b->ramdisk_fd = -1;
}

/* ---- layout ---- */

static int open_ramdisk(struct pv_builder *b)
{
    struct stat st;

    if (b->ramdisk == NULL || b->ramdisk[0] == '\0') {
        return 0;
    }
    b->ramdisk_fd = open(b->ramdisk, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (b->ramdisk_fd < 0) {
        return ctrl_fail(b->h, -errno, "cannot open the ramdisk %s: %s", b->ramdisk,
                         strerror(errno));
    }
    if (fstat(b->ramdisk_fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return ctrl_fail(b->h, -EINVAL, "the ramdisk %s is not a regular file", b->ramdisk);
    }
    if ((uint64_t)st.st_size > MAX_INITRD) {
        return ctrl_fail(b->h, -EFBIG, "the ramdisk %s is larger than 4 GiB", b->ramdisk);
    }
    b->ramdisk_size = (uint64_t)st.st_size;
    return 0;
}

/*
 * The number of tables depends on the end of the mapping, which depends on the number of tables:
 * repeat until it holds.
 */
static void layout_kernel_mapping(struct pv_builder *b, uint64_t tables_pfn)
{
    struct pv_mapping *m = &b->kernel;
    uint64_t tables = 1;

    m->start = b->image->virt_base;
    m->first_pfn = 0;
    m->tables_pfn = tables_pfn;
    for (;;) {
        uint64_t end = va_of(b, tables_pfn + tables + 1) + PADDING;

        m->end = (end + MAPPING_ALIGN - 1) & ~(MAPPING_ALIGN - 1);
        /* The very top of the address space cannot be rounded up. */
        if (m->end == 0) {
            m->end = (uint64_t)0 - CTRL_PAGE_SIZE;
        }
        pv_count_tables(m, 1);
        if (pv_tables_of(m) <= tables) {
            break;
        }
        tables = pv_tables_of(m);
    }
    b->stack_pfn = tables_pfn + tables;
    b->mapped_end_pfn = (m->end - m->start) >> CTRL_PAGE_SHIFT;
}

static void layout_lists_mapping(struct pv_builder *b)
{
    struct pv_mapping *m = &b->lists;

    m->start = b->image->init_p2m;
    m->end = m->start + (b->p2m_pages << CTRL_PAGE_SHIFT);
    m->first_pfn = b->p2m_pfn;
    m->tables_pfn = b->p2m_pfn + b->p2m_pages;
    pv_count_tables(m, 0);
}

static int check_kernel(const struct pv_builder *b)
{
    const struct image *image = b->image;
    const uint64_t hole = 0xffff800000000000, hole_end = 0xffff880000000000;
    uint64_t end = image->virt_end;

    if (!image->has_notes) {
        return ctrl_fail(b->h, -ENOEXEC, "this kernel cannot be started as a PV guest: it has no"
                                         " Xen PV entry");
    }
    if (image->virt_start < image->virt_base || (image->virt_base & (CTRL_PAGE_SIZE - 1)) != 0 ||
        end <= image->virt_start || end > (uint64_t)0 - MAPPING_ALIGN ||
        (end > hole && image->virt_base < hole_end)) {
        return ctrl_fail(b->h, -ENOEXEC, "this kernel wants to lie at an address where no PV guest"
                                         " can: 0x%" PRIx64, image->virt_start);
    }
    if (image->entry < image->virt_start || image->entry >= end) {
        return ctrl_fail(b->h, -ENOEXEC, "this kernel's entry 0x%" PRIx64 " lies outside of it",
                         image->entry);
    }
    if (image->has_init_p2m && ((image->init_p2m & (CTRL_PAGE_SIZE - 1)) != 0 ||
                                image->init_p2m >> 39 == image->virt_base >> 39 ||
                                (image->init_p2m >= hole && image->init_p2m < hole_end))) {
        return ctrl_fail(b->h, -ENOEXEC, "this kernel wants its frame list at 0x%" PRIx64
                                         ", where it cannot lie", image->init_p2m);
    }
    return 0;
}

int pv_layout(struct pv_builder *b)
{
    const struct image *image = b->image;
    uint64_t next;
    int rc = check_kernel(b);

    if (rc == 0 && b->cmdline != NULL && strlen(b->cmdline) >= MAX_GUEST_CMDLINE) {
        rc = ctrl_fail(b->h, -E2BIG, "the kernel's command line is too long: %zu characters, at"
                                     " most %d", strlen(b->cmdline), MAX_GUEST_CMDLINE - 1);
    }
    rc = rc < 0 ? rc : open_ramdisk(b);
    if (rc < 0) {
        return rc;
    }
    next = (image->virt_end - image->virt_base) >> CTRL_PAGE_SHIFT;
    b->p2m_pages = pages_of(b->nr_pages * sizeof(uint64_t));
    if (!image->mod_start_pfn) {
        b->ramdisk_pfn = next;
        next += pages_of(b->ramdisk_size);
    }
    if (!image->has_init_p2m) {
        b->p2m_pfn = next;
        b->p2m_va = va_of(b, next);
        next += b->p2m_pages;
    }
    b->start_info_pfn = next;
    b->store_pfn = next + 1;
    b->console_pfn = next + 2;
    layout_kernel_mapping(b, next + 3);
    next = b->mapped_end_pfn;
    if (image->has_init_p2m) {
        b->p2m_pfn = next;
        b->p2m_va = image->init_p2m;
        layout_lists_mapping(b);
        next += b->p2m_pages + pv_tables_of(&b->lists);
    }
    if (image->mod_start_pfn) {
        b->ramdisk_pfn = next;
        next += pages_of(b->ramdisk_size);
    }
    b->used_pages = next;
    if (next > b->nr_pages) {
        return ctrl_fail(b->h, -ENOMEM, "%" PRIu64 " MiB are too little for this kernel and"
                                        " ramdisk: they need at least %" PRIu64 " MiB",
                         b->nr_pages >> 8, (next + 255) >> 8);
    }
    return 0;
}

int pv_populate(struct pv_builder *b)
{
    b->p2m = malloc(b->nr_pages * sizeof(*b->p2m));
    if (b->p2m == NULL) {
        return ctrl_no_memory(b->h);
    }
    return populate_pages(b->h, b->domid, b->p2m, b->nr_pages);
}

/* ---- contents ---- */

static int map(struct pv_builder *b, uint64_t pfn, uint64_t count, void *out)
{
    return ctrl_foreign_map(b->h, b->domid, true, b->p2m + pfn, count, out);
}

/* Read `size` bytes of a source to a guest-physical address. */
static int load_bytes(struct pv_builder *b, uint64_t paddr, uint64_t size, uint64_t offset,
                      bool from_ramdisk)
{
    struct image ramdisk = { .fd = b->ramdisk_fd, .size = b->ramdisk_size };
    const struct image *source = from_ramdisk ? &ramdisk : b->image;

    while (size > 0) {
        uint64_t in_page = paddr % CTRL_PAGE_SIZE;
        uint64_t n = (uint64_t)CHUNK_PAGES * CTRL_PAGE_SIZE - in_page;
        uint8_t *p;
        int rc;

        if (ctrl_cancelled(b->h)) {
            return ctrl_fail(b->h, -EINTR, "interrupted");
        }
        n = n < size ? n : size;
        rc = map(b, paddr >> CTRL_PAGE_SHIFT, pages_of(in_page + n), &p);
        if (rc < 0) {
            return rc;
        }
        rc = image_read(source, offset, p + in_page, n);
        if (!b->short_lived) {
            ctrl_foreign_unmap(b->h, p, pages_of(in_page + n));
        }
        if (rc < 0) {
            return ctrl_fail(b->h, rc, "cannot read the %s: %s",
                             from_ramdisk ? "ramdisk" : "kernel", strerror(-rc));
        }
        paddr += n;
        offset += n;
        size -= n;
    }
    return 0;
}

static int clear(struct pv_builder *b, uint64_t first, uint64_t end)
{
    return end > first ? memory_clear_frames(b->h, b->domid, b->p2m + first, end - first) : 0;
}

/* Every frame of a segment that its bytes do not fill wholly starts as zeroes. */
static int clear_segment(struct pv_builder *b, const struct image_segment *s)
{
    uint64_t first = s->paddr >> CTRL_PAGE_SHIFT;
    uint64_t full = (s->paddr + s->file_size) >> CTRL_PAGE_SHIFT;
    uint64_t end = pages_of(s->paddr + s->mem_size);
    int rc = 0;

    if (s->paddr % CTRL_PAGE_SIZE != 0 && full > first) {
        rc = clear(b, first, first + 1);
    }
    return rc < 0 ? rc : clear(b, full, end);
}

/* What the file has of a segment; frames that would only get zeroes are cleared instead. */
static int load_segment(struct pv_builder *b, const struct image_segment *s)
{
    uint64_t at = s->offset, end = s->offset + s->file_size, data_end;
    uint64_t loaded = s->paddr; /* up to here the guest has what it should */
    int rc = 0;

    while (rc == 0 && image_next_data(b->image, &at, end, &data_end)) {
        uint64_t paddr = s->paddr + (at - s->offset);

        rc = clear(b, pages_of(loaded), paddr >> CTRL_PAGE_SHIFT);
        if (rc == 0 && paddr % CTRL_PAGE_SIZE != 0 && paddr > loaded) {
            /* Whole pages are read, the zeroes before the data with them. */
            uint64_t back = paddr % CTRL_PAGE_SIZE;

            back = back < paddr - loaded ? back : paddr - loaded;
            paddr -= back;
            at -= back;
        }
        data_end = data_end + (CTRL_PAGE_SIZE - 1 - (paddr + data_end - at - 1) % CTRL_PAGE_SIZE);
        data_end = data_end < end ? data_end : end;
        rc = rc < 0 ? rc : load_bytes(b, paddr, data_end - at, at, false);
        loaded = paddr + (data_end - at);
        at = data_end;
    }
    return rc < 0 ? rc : clear(b, pages_of(loaded),
                               (s->paddr + s->file_size) >> CTRL_PAGE_SHIFT);
}

static int load_kernel(struct pv_builder *b)
{
    const struct image *image = b->image;
    int rc = 0;

    for (unsigned int i = 0; i < image->nr_segments && rc == 0; i++) {
        rc = clear_segment(b, &image->segments[i]);
    }
    for (unsigned int i = 0; i < image->nr_segments && rc == 0; i++) {
        rc = load_segment(b, &image->segments[i]);
    }
    return rc;
}

static int load_ramdisk(struct pv_builder *b)
{
    uint64_t end = b->ramdisk_pfn + pages_of(b->ramdisk_size);
    int rc;

    if (b->ramdisk_size == 0) {
        return 0;
    }
    rc = clear(b, end - 1, end);
    return rc < 0 ? rc : load_bytes(b, b->ramdisk_pfn << CTRL_PAGE_SHIFT, b->ramdisk_size, 0, true);
}

static void fill_start_info(const struct pv_builder *b, struct start_info *si)
{
    memset(si, 0, CTRL_PAGE_SIZE);
    memcpy(si->magic, "xen-3.0-x86_64", 15);
    si->nr_pages = b->nr_pages;
    si->shared_info = b->shared_info_mfn << CTRL_PAGE_SHIFT;
    si->flags = SIF_VIRT_P2M_4TOOLS;
    si->store_mfn = b->store_mfn;
    si->store_evtchn = b->store_port;
    si->console.domU.mfn = b->console_mfn;
    si->console.domU.evtchn = b->console_port;
    si->pt_base = va_of(b, b->kernel.tables_pfn);
    si->nr_pt_frames = pv_tables_of(&b->kernel);
    si->mfn_list = b->p2m_va;
    if (b->image->has_init_p2m) {
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->p2m_pages + pv_tables_of(&b->lists);
    }
    if (b->ramdisk_size > 0) {
        si->mod_len = b->ramdisk_size;
        si->mod_start = b->image->mod_start_pfn ? b->ramdisk_pfn : va_of(b, b->ramdisk_pfn);
        si->flags |= b->image->mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    if (b->cmdline != NULL) {
        strncpy((char *)si->cmd_line, b->cmdline, sizeof(si->cmd_line) - 1);
    }
}

/* start_info, store, console, tables: neighbours, filled through one mapping. */
static int load_special(struct pv_builder *b)
{
    uint64_t tables = pv_tables_of(&b->kernel), list_tables = pv_tables_of(&b->lists);
    uint8_t *p, *lists = NULL;
    int rc = map(b, b->start_info_pfn, 3 + tables, &p);

    if (rc < 0) {
        return rc;
    }
    fill_start_info(b, (struct start_info *)p);
    memset(p + CTRL_PAGE_SIZE, 0, (2 + tables) * CTRL_PAGE_SIZE);
    pv_fill_tables(b, &b->kernel, (uint64_t *)(p + 3 * CTRL_PAGE_SIZE), NULL);
    rc = map(b, b->p2m_pfn, b->p2m_pages + list_tables, &lists);
    if (rc == 0) {
        uint8_t *behind = lists + b->p2m_pages * CTRL_PAGE_SIZE;
        uint64_t bytes = b->nr_pages * sizeof(uint64_t);

        memcpy(lists, b->p2m, bytes);
        memset(lists + bytes, 0xff, b->p2m_pages * CTRL_PAGE_SIZE - bytes);
        if (list_tables > 0) {
            memset(behind, 0, list_tables * CTRL_PAGE_SIZE);
            pv_fill_tables(b, &b->lists, (uint64_t *)behind,
                           (uint64_t *)(p + 3 * CTRL_PAGE_SIZE));
        }
        ctrl_foreign_unmap(b->h, lists, b->p2m_pages + list_tables);
    }
    ctrl_foreign_unmap(b->h, p, 3 + tables);
    return rc;
}

/* All vcpus start with event delivery masked. */
static int load_shared_info(struct pv_builder *b)
{
    struct shared_info *shared;
    void *p;
    int rc = ctrl_foreign_map(b->h, b->domid, true, &b->shared_info_mfn, 1, &p);

    if (rc < 0) {
        return rc;
    }
    shared = p;
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    }
    ctrl_foreign_unmap(b->h, p, 1);
    return 0;
}

static int fill_hypercall_page(struct pv_builder *b)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_hypercall_init, .domain = (domid_t)b->domid };
    uint64_t pfn = (b->image->hypercall_page - b->image->virt_base) >> CTRL_PAGE_SHIFT;
    int rc;

    if (!b->image->has_hypercall_page) {
        return 0;
    }
    if (b->image->hypercall_page < b->image->virt_start || pfn >= b->mapped_end_pfn) {
        return ctrl_fail(b->h, -ENOEXEC, "this kernel's hypercall page lies outside of it");
    }
    op.u.hypercall_init.gmfn = b->p2m[pfn];
    rc = ctrl_domctl(b->h, &op);
    return rc < 0 ? ctrl_fail(b->h, rc, "the hypervisor fills no hypercall page: %s",
                              strerror(-rc))
                  : 0;
}

static int load_files(struct pv_builder *b)
{
    int rc = load_kernel(b);

    return rc < 0 ? rc : load_ramdisk(b);
}

int pv_load(struct pv_builder *b)
{
    int rc;

    b->store_mfn = b->p2m[b->store_pfn];
    b->console_mfn = b->p2m[b->console_pfn];
    rc = pv_in_child(b, load_files);
    rc = rc < 0 ? rc : load_special(b);
    rc = rc < 0 ? rc : load_shared_info(b);
    return rc < 0 ? rc : fill_hypercall_page(b);
}
