/* SPDX-License-Identifier: MIT */
/*
 * Kernel files: built here byte by byte, packed by the real libraries, cut at every length and
 * damaged at random. No input may do worse than be refused with a sentence.
 */
#include "../../../libctrl/build/image.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <public/elfnote.h>

#include "ctrl.h"

#define FILE_SIZE 12288u
#define CODE_OFFSET 4096u
#define BASE 0xffffffff80000000
#define ENTRY (BASE + 0x1000010)

static struct ctrl *h;

static int setup(void **state)
{
    (void)state;
    return ctrl_open(&h);
}

static int teardown(void **state)
{
    (void)state;
    ctrl_close(h);
    return 0;
}

static size_t add_note(uint8_t *at, uint32_t type, const void *data, uint32_t size)
{
    Elf64_Nhdr n = { 4, size, type };

    memcpy(at, &n, sizeof(n));
    memcpy(at + sizeof(n), "Xen", 4);
    memcpy(at + sizeof(n) + 4, data, size);
    return sizeof(n) + 4 + ((size + 3) & ~3u);
}

static size_t add_number(uint8_t *at, uint32_t type, uint64_t value)
{
    return add_note(at, type, &value, sizeof(value));
}

/* A small kernel: one segment at 16 MiB with 4 KiB of code and 8 KiB of zeroes, and notes. */
static uint8_t *make_kernel(void)
{
    uint8_t *file = calloc(1, FILE_SIZE);
    Elf64_Ehdr e = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1 };
    Elf64_Phdr p[2] = { 0 };
    size_t at = 1024;

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS64;
    e.e_ident[EI_DATA] = ELFDATA2LSB;
    e.e_phoff = sizeof(e);
    e.e_phentsize = sizeof(p[0]);
    e.e_phnum = 2;
    e.e_entry = 0x1000000;
    p[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = CODE_OFFSET, .p_vaddr = BASE + 0x1000000,
                         .p_paddr = 0x1000000, .p_filesz = 4096, .p_memsz = 12288 };
    at += add_number(file + at, XEN_ELFNOTE_ENTRY, ENTRY);
    at += add_number(file + at, XEN_ELFNOTE_VIRT_BASE, BASE);
    at += add_number(file + at, XEN_ELFNOTE_PADDR_OFFSET, 0);
    at += add_number(file + at, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    at += add_number(file + at, XEN_ELFNOTE_MOD_START_PFN, 1);
    at += add_note(file + at, XEN_ELFNOTE_GUEST_OS, "test", 5);
    p[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 1024, .p_filesz = at - 1024 };
    memcpy(file, &e, sizeof(e));
    memcpy(file + e.e_phoff, p, sizeof(p));
    for (unsigned int i = CODE_OFFSET; i < CODE_OFFSET + 4096; i++) {
        file[i] = (uint8_t)(i * 7);
    }
    return file;
}

static void check_kernel(const struct image *image)
{
    uint8_t byte;

    assert_int_equal(image->entry, ENTRY);
    assert_int_equal(image->virt_base, BASE);
    assert_true(image->has_init_p2m);
    assert_true(image->mod_start_pfn);
    assert_string_equal(image->guest_os, "test");
    assert_int_equal(image->nr_segments, 1);
    assert_int_equal(image->virt_start, BASE + 0x1000000);
    assert_int_equal(image->virt_end, BASE + 0x1003000);
    assert_int_equal(image_read(image, CODE_OFFSET + 3, &byte, 1), 0);
    assert_int_equal(byte, (uint8_t)((CODE_OFFSET + 3) * 7));
}

static void a_plain_elf_kernel_is_understood(void **state)
{
    uint8_t *file = make_kernel();
    struct image image;

    (void)state;
    assert_int_equal(image_open_memory(h, "k", file, FILE_SIZE, &image), 0);
    check_kernel(&image);
    image_close(&image);
    free(file);
}

static void a_kernel_cut_anywhere_is_refused_with_a_sentence(void **state)
{
    uint8_t *file = make_kernel();

    (void)state;
    for (size_t size = 0; size < CODE_OFFSET + 4096; size += size < 1400 ? 1 : 61) {
        uint8_t *cut = malloc(size + 1);
        struct image image;

        memcpy(cut, file, size);
        assert_int_equal(image_open_memory(h, "k", cut, size, &image), -ENOEXEC);
        assert_true(strlen(ctrl_error(h)) > 10);
        free(cut);
    }
    free(file);
}

static void damage_at_random_never_reads_outside(void **state)
{
    uint8_t *file = make_kernel(), *copy = malloc(FILE_SIZE);

    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        struct image image;

        memcpy(copy, file, FILE_SIZE);
        for (int i = 0; i < 1 + rand() % 4; i++) {
            copy[rand() % 1300] = (uint8_t)(rand() % 3 == 0 ? 0xff : rand());
        }
        if (image_open_memory(h, "k", copy, FILE_SIZE, &image) == 0) {
            for (unsigned int i = 0; i < image.nr_segments; i++) {
                assert_true(image.segments[i].offset + image.segments[i].file_size <= FILE_SIZE);
            }
            image_close(&image);
        }
    }
    free(copy);
    free(file);
}

/* ---- packed kernels ---- */

typedef size_t pack_fn(const uint8_t *in, size_t size, uint8_t *out, size_t room);

static size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    z_stream z = { .next_in = (uint8_t *)in, .avail_in = (uInt)size, .next_out = out,
                   .avail_out = (uInt)room };

    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    size_t n = 0;

    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, size, out, &n, room),
                     LZMA_OK);
    return n;
}

static size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    return ZSTD_compress(out, room, in, size, 3);
}

static size_t pack_lz4(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
    uint32_t magic = 0x184c2102;
    int n = LZ4_compress_default((const char *)in, (char *)out + 8, (int)size, (int)room - 8);

    memcpy(out, &magic, 4);
    memcpy(out + 4, &n, 4);
    return 8 + (size_t)n;
}

static const struct {
    const char *name;
    pack_fn *pack;
    int sized;
} packers[] = {
    { "gzip", pack_gzip, 0 }, { "xz", pack_xz, 1 }, { "zstd", pack_zstd, 1 },
    { "lz4", pack_lz4, 1 },
};

/* A bzImage: one sector of set-up code, then the payload. */
static uint8_t *make_bzimage(unsigned int which, size_t *size)
{
    uint8_t *elf = make_kernel(), *file = calloc(1, 65536);
    uint32_t unpacked = FILE_SIZE, length, offset = 0;
    uint16_t flag = 0xaa55, version = 0x20f;
    size_t n = packers[which].pack(elf, FILE_SIZE, file + 1024, 60000);

    if (packers[which].sized) {
        memcpy(file + 1024 + n, &unpacked, 4);
        n += 4;
    }
    length = (uint32_t)n;
    file[0x1f1] = 1;
    memcpy(file + 0x1fe, &flag, 2);
    memcpy(file + 0x202, "HdrS", 4);
    memcpy(file + 0x206, &version, 2);
    memcpy(file + 0x248, &offset, 4);
    memcpy(file + 0x24c, &length, 4);
    free(elf);
    *size = 1024 + n;
    return file;
}

static void every_packing_unpacks_to_the_same_kernel(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        struct image image;
        size_t size;
        uint8_t *file = make_bzimage(i, &size);

        assert_int_equal(image_open_memory(h, packers[i].name, file, size, &image), 0);
        assert_string_equal(image.format, "bzImage");
        check_kernel(&image);
        image_close(&image);
        free(file);
    }
}

static void packed_kernels_cut_or_damaged_are_refused(void **state)
{
    (void)state;
    srand(2);
    for (unsigned int i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        size_t size;
        uint8_t *file = make_bzimage(i, &size);

        for (size_t cut = 1030; cut < size; cut += 7) {
            uint32_t length = (uint32_t)(cut - 1024);
            uint8_t *copy = malloc(cut);
            struct image image;

            memcpy(copy, file, cut);
            assert_int_equal(image_open_memory(h, "cut", copy, cut, &image), -ENOEXEC);
            memcpy(copy + 0x24c, &length, 4);
            if (image_open_memory(h, "cut", copy, cut, &image) == 0) {
                image_close(&image);
            }
            copy[1024 + (size_t)rand() % (cut - 1024)] ^= (uint8_t)(1 + rand() % 255);
            if (image_open_memory(h, "damaged", copy, cut, &image) == 0) {
                image_close(&image);
            }
            free(copy);
        }
        free(file);
    }
}

static void what_is_no_kernel_is_called_so(void **state)
{
    uint8_t zeroes[4096] = { 0 };
    struct image image;

    (void)state;
    assert_int_equal(image_open_memory(h, "zeroes", zeroes, sizeof(zeroes), &image), -ENOEXEC);
    assert_non_null(strstr(ctrl_error(h), "not a kernel"));
    assert_int_equal(image_open(h, "/nonexistent", &image), -ENOENT);
    assert_int_equal(image_open(h, "/tmp", &image), -ENOEXEC);
}

/* A kernel all of whose parts are right, but for one field of its ELF header. */
static void a_kernel_for_another_machine_is_refused(void **state)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } wrong[] = {
        { EI_CLASS, ELFCLASS32 },
        { EI_DATA, ELFDATA2MSB },
        { offsetof(Elf64_Ehdr, e_machine), EM_386 },
        { offsetof(Elf64_Ehdr, e_type), ET_REL },
    };
    struct image image;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t *kernel = make_kernel();

        kernel[wrong[i].offset] = wrong[i].value;
        assert_int_equal(image_open_memory(h, "k", kernel, FILE_SIZE, &image), -ENOEXEC);
        assert_non_null(strstr(ctrl_error(h), "not a kernel"));
        free(kernel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_elf_kernel_is_understood),
        cmocka_unit_test(a_kernel_cut_anywhere_is_refused_with_a_sentence),
        cmocka_unit_test(damage_at_random_never_reads_outside),
        cmocka_unit_test(every_packing_unpacks_to_the_same_kernel),
        cmocka_unit_test(packed_kernels_cut_or_damaged_are_refused),
        cmocka_unit_test(what_is_no_kernel_is_called_so),
        cmocka_unit_test(a_kernel_for_another_machine_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
