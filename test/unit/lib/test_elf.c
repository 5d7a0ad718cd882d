/* SPDX-License-Identifier: MIT */
/* ELF load plans of a small kernel made here, whole and damaged. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"
#include <public/elfnote.h>
#include <public/errno.h>
#include <public/features.h>

#include <cmocka.h>

struct kernel {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    uint8_t notes[512];
    uint8_t text[64];
};

static size_t add_note(struct kernel *k, size_t at, uint32_t type, const void *desc, uint32_t size)
{
    uint32_t head[4] = {4, size, type, 0};

    memcpy(&head[3], "Xen", 4);
    memcpy(k->notes + at, head, sizeof(head));
    memcpy(k->notes + at + sizeof(head), desc, size);
    return at + sizeof(head) + (size + 3) / 4 * 4;
}

static void make_kernel(struct kernel *k)
{
    uint64_t entry = 0xffffffff81000040, base = 0xffffffff80000000, l1[2] = {1, 1};
    uint32_t mod = 1;
    size_t n = 0;

    memset(k, 0, sizeof(*k));
    memcpy(k->eh.e_ident, "\177ELF\2\1\1", 7);
    k->eh.e_type = ET_EXEC;
    k->eh.e_machine = EM_X86_64;
    k->eh.e_entry = 0x1000000;
    k->eh.e_phoff = offsetof(struct kernel, ph);
    k->eh.e_phentsize = sizeof(Elf64_Phdr);
    k->eh.e_phnum = 3;
    k->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_vaddr = base + 0x1000000,
                            .p_offset = offsetof(struct kernel, text),
                            .p_paddr = 0x1000000,
                            .p_filesz = 64,
                            .p_memsz = 0x3000};
    k->ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_W,
                            .p_vaddr = base + 0x1004000,
                            .p_paddr = 0x1004000,
                            .p_memsz = 0x1000};
    n = add_note(k, n, XEN_ELFNOTE_GUEST_OS, "linux", 6);
    n = add_note(k, n, XEN_ELFNOTE_ENTRY, &entry, 8);
    n = add_note(k, n, XEN_ELFNOTE_VIRT_BASE, &base, 8);
    n = add_note(k, n, XEN_ELFNOTE_MOD_START_PFN, &mod, 4);
    n = add_note(k, n, XEN_ELFNOTE_L1_MFN_VALID, l1, 16);
    n = add_note(k, n, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb|new", 46);
    k->ph[2] =
        (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offsetof(struct kernel, notes), .p_filesz = n};
}

static void a_kernel_gives_its_plan(void **state)
{
    struct kernel k;
    struct elf_image e;

    (void)state;
    make_kernel(&k);
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), 0);
    assert_int_equal(e.nr_segments, 2);
    assert_ptr_equal(e.segment[0].data, k.text);
    assert_int_equal(e.pstart, 0x1000000);
    assert_int_equal(e.pend, 0x1005000);
    assert_true(e.vstart == 0xffffffff81000000 && e.vend == 0xffffffff81005000);
    assert_true(e.notes.entry == 0xffffffff81000040);
    assert_true(e.notes.virt_base == 0xffffffff80000000);
    assert_string_equal(e.notes.guest_os, "linux");
    assert_int_equal(e.notes.mod_start_pfn, 1);
    assert_int_equal(e.notes.l1_mfn_value, 1);
    assert_int_equal(e.notes.required_features, 1 << XENFEAT_writable_page_tables);
    assert_int_equal(e.notes.supported_features,
                     1 << XENFEAT_writable_page_tables | 1 << XENFEAT_pae_pgdir_above_4gb);
    assert_true(elf_has_note(&e, XEN_ELFNOTE_ENTRY));
    assert_false(elf_has_note(&e, XEN_ELFNOTE_HYPERCALL_PAGE));
}

static void damaged_files_are_refused(void **state)
{
    struct kernel k;
    struct elf_image e;

    (void)state;
    make_kernel(&k);
    assert_int_equal(elf_parse(&e, &k, 10), -XEN_ENOEXEC);
    assert_int_equal(elf_parse(&e, &k, 100), -XEN_EINVAL);
    k.eh.e_machine = EM_386;
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_ENOEXEC);
    make_kernel(&k);
    k.ph[0].p_filesz = 0x4000;
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_EINVAL);
    make_kernel(&k);
    k.ph[0].p_offset = UINT64_MAX - 10;
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_EINVAL);
    make_kernel(&k);
    k.ph[1].p_memsz = UINT64_MAX;
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_EINVAL);
    make_kernel(&k);
    k.eh.e_phnum = 0;
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_EINVAL);
}

static void an_unknown_required_feature_is_refused(void **state)
{
    struct kernel k;
    struct elf_image e;

    (void)state;
    make_kernel(&k);
    k.ph[2].p_filesz = add_note(&k, 0, XEN_ELFNOTE_FEATURES, "!future", 8);
    assert_int_equal(elf_parse(&e, &k, sizeof(k)), -XEN_EINVAL);
}

static void flipped_bits_do_no_harm(void **state)
{
    struct kernel k;
    struct elf_image *e = malloc(sizeof(*e));
    uint8_t *copy;

    (void)state;
    make_kernel(&k);
    for (int round = 0; round < 50000; round++) {
        size_t len = sizeof(k) - (size_t)(rand() % 4 == 0 ? rand() % (int)sizeof(k) : 0);

        copy = malloc(len);
        memcpy(copy, &k, len);
        for (int i = rand() % 8; i >= 0 && len > 0; i--) {
            copy[(size_t)rand() % len] ^= (uint8_t)(1 << rand() % 8);
        }
        if (elf_parse(e, copy, len) == 0) {
            for (unsigned i = 0; i < e->nr_segments; i++) {
                const uint8_t *d = e->segment[i].data;

                assert_true(d >= copy && d + e->segment[i].filesz <= copy + len);
            }
        }
        free(copy);
    }
    free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_gives_its_plan),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(an_unknown_required_feature_is_refused),
        cmocka_unit_test(flipped_bits_do_no_harm),
    };

    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
