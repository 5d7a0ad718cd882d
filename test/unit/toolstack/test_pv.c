/* SPDX-License-Identifier: MIT */
/*
 * The PV builder against a fake machine: frames are an array, the "hypervisor" gives extents from
 * it, and afterwards the guest's page tables are walked as a processor would.
 */
#include "../../../libctrl/build/pv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../libctrl/internal.h"

#define FRAMES 24576u
#define FIRST_MFN 1000u
#define BASE 0xffffffff80000000
#define P2M_VA 0x8000000000
#define GUEST_PAGES 16384u
#define SHARED_MFN (FIRST_MFN + FRAMES - 1)

static struct ctrl handle;
static int machine_fd = -1; /* a memory file with all frames */
static uint8_t *machine;
static uint64_t next_mfn;
static unsigned int large_left;
static uint64_t pinned;
static struct vcpu_guest_context context;
static struct grant_entry_fake {
    uint16_t flags, domid;
    uint32_t frame;
} grants[512];

/* ---- the fake hypervisor ---- */

int64_t memory_populate(struct ctrl *h, uint32_t domid, unsigned int order, uint64_t *extents,
                        size_t count)
{
    size_t i;

    (void)h;
    (void)domid;
    for (i = 0; i < count; i++) {
        if (order > 0 && large_left-- == 0) {
            large_left = 0;
            break;
        }
        if (next_mfn + (1u << order) > FIRST_MFN + FRAMES - 1) {
            break;
        }
        extents[i] = next_mfn;
        next_mfn += 1u << order;
    }
    return (int64_t)i;
}

int memory_clear_frames(struct ctrl *h, uint32_t domid, const uint64_t *mfns, size_t count)
{
    (void)h;
    (void)domid;
    for (size_t i = 0; i < count; i++) {
        memset(machine + (mfns[i] - FIRST_MFN) * 4096, 0, 4096);
    }
    return 0;
}

int memory_pin_l4(struct ctrl *h, uint32_t domid, uint64_t mfn)
{
    (void)h;
    (void)domid;
    pinned = mfn;
    return 0;
}

int ctrl_foreign_map(struct ctrl *h, uint32_t domid, bool writable, const uint64_t *frames,
                     size_t count, void **out)
{
    uint8_t *p = mmap(NULL, count * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)h;
    (void)domid;
    assert_true(writable);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(frames[i], FIRST_MFN, FIRST_MFN + FRAMES - 1);
        assert_ptr_equal(mmap(p + i * 4096, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                              machine_fd, (off_t)((frames[i] - FIRST_MFN) * 4096)),
                         p + i * 4096);
    }
    *out = p;
    return 0;
}

int ctrl_foreign_unmap(struct ctrl *h, void *address, size_t count)
{
    (void)h;
    return address == (void *)grants ? 0 : munmap(address, count * 4096);
}

int ctrl_resource_map(struct ctrl *h, uint32_t domid, unsigned int type, unsigned int id,
                      uint32_t frame, size_t count, void **out)
{
    (void)h;
    (void)domid;
    assert_int_equal(type, XENMEM_resource_grant_table);
    assert_int_equal(id + frame, 0);
    assert_int_equal(count, 1);
    *out = grants;
    return 0;
}

void *hbuf_get(struct ctrl *h, size_t size)
{
    (void)h;
    return calloc(1, size);
}

void hbuf_put(struct ctrl *h, void *buffer, size_t size)
{
    (void)h;
    (void)size;
    free(buffer);
}

int ctrl_domctl(struct ctrl *h, struct xen_domctl *op)
{
    (void)h;
    assert_int_equal(op->cmd, XEN_DOMCTL_setvcpucontext);
    memcpy(&context, (void *)(uintptr_t)op->u.vcpucontext.ctxt.va, sizeof(context));
    return 0;
}

/* image.c is not linked: bytes of the kernel come from here */
static uint8_t kernel_bytes[3 * 4096 + 100];

int image_read(const struct image *image, uint64_t offset, void *to, size_t size)
{
    if (image->fd >= 0) {
        return pread(image->fd, to, size, (off_t)offset) == (ssize_t)size ? 0 : -EIO;
    }
    assert_true(offset + size <= sizeof(kernel_bytes));
    memcpy(to, kernel_bytes + offset, size);
    return 0;
}

/* The third page of the kernel is zeroes and need not be read. */
bool image_next_data(const struct image *image, uint64_t *start, uint64_t end, uint64_t *data_end)
{
    (void)image;
    if (*start >= 2 * 4096 && *start < 3 * 4096 + 10) {
        *start = 3 * 4096 + 10;
    }
    *data_end = *start < 2 * 4096 ? 2 * 4096 : end;
    return *start < end;
}

/* ---- fixtures ---- */

static int setup(void **state)
{
    (void)state;
    machine_fd = memfd_create("machine", 0);
    if (machine_fd < 0 || ftruncate(machine_fd, (off_t)FRAMES * 4096) < 0) {
        return -1;
    }
    machine = mmap(NULL, FRAMES * 4096ul, PROT_READ | PROT_WRITE, MAP_SHARED, machine_fd, 0);
    memset(machine, 0xa5, FRAMES * 4096ul); /* frames come with somebody's old contents */
    memset(grants, 0, sizeof(grants));
    next_mfn = FIRST_MFN + 7;
    large_left = 20;
    for (size_t i = 0; i < sizeof(kernel_bytes); i++) {
        kernel_bytes[i] = i >= 2 * 4096 && i < 3 * 4096 + 10 ? 0 : (uint8_t)(i % 251 + 1);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    munmap(machine, FRAMES * 4096ul);
    close(machine_fd);
    return 0;
}

static struct image make_image(bool modern)
{
    struct image image = {
        .fd = -1, .has_notes = true, .virt_base = BASE, .entry = BASE + 0x1000010,
        .has_init_p2m = modern, .init_p2m = P2M_VA, .mod_start_pfn = modern,
        .nr_segments = 1, .virt_start = BASE + 0x1000000, .virt_end = BASE + 0x1006000,
    };

    image.segments[0] = (struct image_segment){
        .vaddr = BASE + 0x1000000, .paddr = 0x1000000,
        .file_size = sizeof(kernel_bytes), .mem_size = 6 * 4096,
    };
    return image;
}

static struct pv_builder make_builder(const struct image *image, const char *ramdisk)
{
    struct pv_builder b;

    pv_init(&b);
    b.h = &handle;
    b.domid = 5;
    b.image = image;
    b.ramdisk = ramdisk;
    b.cmdline = "console=hvc0";
    b.nr_pages = GUEST_PAGES;
    b.shared_info_mfn = SHARED_MFN;
    b.store_port = 3;
    b.console_port = 4;
    return b;
}

static void build(struct pv_builder *b)
{
    assert_int_equal(pv_layout(b), 0);
    assert_int_equal(pv_populate(b), 0);
    assert_int_equal(pv_load(b), 0);
    assert_int_equal(pv_boot(b), 0);
}

static uint64_t *frame(uint64_t mfn)
{
    assert_in_range(mfn, FIRST_MFN, FIRST_MFN + FRAMES - 1);
    return (uint64_t *)(machine + (mfn - FIRST_MFN) * 4096);
}

/* The leaf entry for an address, or 0. */
static uint64_t walk(uint64_t root, uint64_t va)
{
    uint64_t table = root;

    for (int shift = 39; shift > 12; shift -= 9) {
        uint64_t e = frame(table)[va >> shift & 511];

        if ((e & 1) == 0) {
            return 0;
        }
        table = e >> 12;
    }
    return frame(table)[va >> 12 & 511];
}

static bool is_table_frame(const struct pv_builder *b, uint64_t pfn)
{
    return pfn - b->kernel.tables_pfn < pv_tables_of(&b->kernel) ||
           pfn - b->lists.tables_pfn < pv_tables_of(&b->lists);
}

static void check_tables(const struct pv_builder *b)
{
    uint64_t root = context.ctrlreg[3] >> 12;

    assert_int_equal(root, pinned);
    assert_int_equal(root, b->p2m[b->kernel.tables_pfn]);
    for (uint64_t pfn = 0; pfn < b->mapped_end_pfn; pfn++) {
        uint64_t e = walk(root, BASE + pfn * 4096);

        assert_int_equal(e >> 12, b->p2m[pfn]);
        assert_int_equal(e & 1, 1);
        assert_int_equal((e >> 1) & 1, !is_table_frame(b, pfn));
    }
    assert_int_equal(walk(root, BASE + b->mapped_end_pfn * 4096), 0);
    for (uint64_t i = 0; i < b->p2m_pages; i++) {
        assert_int_equal(walk(root, b->p2m_va + i * 4096) >> 12, b->p2m[b->p2m_pfn + i]);
    }
    assert_int_equal(frame(root)[256], 0); /* the hypervisor's slots */
}

static void check_contents(const struct pv_builder *b)
{
    const struct start_info *si = (void *)frame(b->p2m[b->start_info_pfn]);
    const uint8_t *kernel = (void *)frame(b->p2m[0x1000]);

    assert_memory_equal(kernel, kernel_bytes, 4096);
    assert_memory_equal(frame(b->p2m[0x1002]), kernel_bytes + 2 * 4096, 4096);
    assert_memory_equal(frame(b->p2m[0x1003]), kernel_bytes + 3 * 4096, 100);
    for (unsigned int i = 100; i < 4096; i++) {
        assert_int_equal(((uint8_t *)frame(b->p2m[0x1003]))[i], 0);
    }
    assert_int_equal(frame(b->p2m[0x1005])[511], 0);
    assert_int_equal(frame(b->store_mfn)[0], 0);
    assert_int_equal(frame(b->console_mfn)[511], 0);
    assert_string_equal(si->magic, "xen-3.0-x86_64");
    assert_int_equal(si->nr_pages, GUEST_PAGES);
    assert_int_equal(si->shared_info, (uint64_t)SHARED_MFN << 12);
    assert_int_equal(si->store_evtchn, 3);
    assert_int_equal(si->console.domU.evtchn, 4);
    assert_int_equal(si->console.domU.mfn, b->console_mfn);
    assert_int_equal(si->mfn_list, b->p2m_va);
    assert_string_equal((const char *)si->cmd_line, "console=hvc0");
    for (uint64_t i = 0; i < GUEST_PAGES; i++) {
        assert_int_equal(frame(b->p2m[b->p2m_pfn + i / 512])[i % 512], b->p2m[i]);
    }
    assert_int_equal(grants[0].frame, b->console_mfn);
    assert_int_equal(grants[1].frame, b->store_mfn);
    assert_int_equal(context.user_regs.rip, BASE + 0x1000010);
    assert_int_equal(context.user_regs.rsi, BASE + b->start_info_pfn * 4096);
}

static void a_modern_kernel_is_built_as_a_processor_sees_it(void **state)
{
    struct image image = make_image(true);
    struct pv_builder b = make_builder(&image, NULL);

    (void)state;
    build(&b);
    assert_int_equal(b.p2m_va, P2M_VA);
    check_tables(&b);
    check_contents(&b);
    pv_free(&b);
}

static void an_old_kernel_finds_its_list_and_ramdisk_mapped(void **state)
{
    char path[] = "/tmp/ramdisk-XXXXXX";
    struct image image = make_image(false);
    const struct start_info *si;
    struct pv_builder b;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, kernel_bytes, 5000), 5000);
    close(fd);
    b = make_builder(&image, path);
    build(&b);
    check_tables(&b);
    check_contents(&b);
    si = (void *)frame(b.p2m[b.start_info_pfn]);
    assert_int_equal(si->mod_len, 5000);
    assert_int_equal(si->mod_start, BASE + b.ramdisk_pfn * 4096);
    assert_int_equal(walk(pinned, si->mod_start) >> 12, b.p2m[b.ramdisk_pfn]);
    assert_memory_equal(frame(b.p2m[b.ramdisk_pfn + 1]), kernel_bytes + 4096, 904);
    assert_int_equal(frame(b.p2m[b.ramdisk_pfn + 1])[511], 0);
    pv_free(&b);
    unlink(path);
}

static void too_little_memory_is_refused_before_anything_is_given(void **state)
{
    struct image image = make_image(true);
    struct pv_builder b = make_builder(&image, NULL);

    (void)state;
    b.nr_pages = 4096;
    assert_int_equal(pv_layout(&b), -ENOMEM);
    assert_int_equal(next_mfn, FIRST_MFN + 7);
    pv_free(&b);
    b = make_builder(&image, NULL);
    b.nr_pages = FRAMES;
    assert_int_equal(pv_layout(&b), 0);
    assert_int_equal(pv_populate(&b), -ENOMEM);
    pv_free(&b);
}

static void kernels_that_want_impossible_places_are_refused(void **state)
{
    static const uint64_t bases[] = { 0xffff800000000000, 0xffff87fffff00000, BASE + 1,
                                      0xfffffffffffff000 };
    struct image image;
    struct pv_builder b;

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        image = make_image(true);
        image.virt_base = bases[i];
        image.virt_start = bases[i];
        image.virt_end = bases[i] + 0x2000;
        image.entry = bases[i];
        b = make_builder(&image, NULL);
        assert_int_equal(pv_layout(&b), -ENOEXEC);
    }
    image = make_image(true);
    image.entry = BASE;
    b = make_builder(&image, NULL);
    assert_int_equal(pv_layout(&b), -ENOEXEC);
    image = make_image(true);
    image.init_p2m = 0xffff800000000000;
    b = make_builder(&image, NULL);
    assert_int_equal(pv_layout(&b), -ENOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_modern_kernel_is_built_as_a_processor_sees_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_old_kernel_finds_its_list_and_ramdisk_mapped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(too_little_memory_is_refused_before_anything_is_given,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(kernels_that_want_impossible_places_are_refused, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
