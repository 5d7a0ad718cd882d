/* SPDX-License-Identifier: MIT */
/*
 * Every table is checked against the size of the file before it is read. Notes are looked for in
 * note segments and in note sections; a later note of the same type wins. Feature names in note
 * 10 are joined by '|'; an unknown name is an error only when it is required by '!'.
 */
#include "elf.h"
#include "lib.h"
#include <public/elfnote.h>
#include <public/errno.h>
#include <public/features.h>

struct elf64_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf64_program {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf64_section {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

struct elf64_note {
    uint32_t namesz, descsz, type;
};

_Static_assert(sizeof(struct elf64_header) == 64, "ELF header");
_Static_assert(sizeof(struct elf64_program) == 56, "ELF program header");
_Static_assert(sizeof(struct elf64_section) == 64, "ELF section header");

#define ET_EXEC   2
#define ET_DYN    3
#define EM_X86_64 62
#define PT_LOAD   1
#define PT_NOTE   4
#define SHT_NOTE  7

static bool inside(uint64_t offset, uint64_t size, size_t len)
{
    return offset <= len && size <= len - offset;
}

static const char *const feature_names[] = {
    [XENFEAT_writable_page_tables] = "writable_page_tables",
    [XENFEAT_writable_descriptor_tables] = "writable_descriptor_tables",
    [XENFEAT_auto_translated_physmap] = "auto_translated_physmap",
    [XENFEAT_supervisor_mode_kernel] = "supervisor_mode_kernel",
    [XENFEAT_pae_pgdir_above_4gb] = "pae_pgdir_above_4gb",
    [XENFEAT_hvm_callback_vector] = "hvm_callback_vector",
    [XENFEAT_dom0] = "dom0",
};

static int parse_features(struct elf_notes *n)
{
    const char *p = n->features, *end;

    for (; *p != '\0'; p = *end ? end + 1 : end) {
        bool required = *p == '!', known = false;

        p += required;
        for (end = p; *end != '\0' && *end != '|'; end++) {
        }
        for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
            const char *name = feature_names[i];

            if (name && strlen(name) == (size_t)(end - p) &&
                strncmp(name, p, (size_t)(end - p)) == 0) {
                n->supported_features |= 1ULL << i;
                n->required_features |= (uint64_t)required << i;
                known = true;
            }
        }
        if (required && !known) {
            return -XEN_EINVAL;
        }
    }
    return 0;
}

/* Numbers come as 4 or 8 bytes. */
static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
    uint64_t n = 0;

    memcpy(&n, desc, MIN(size, 8u));
    return n;
}

static void note_text(char *text, const uint8_t *desc, uint32_t size)
{
    size_t n = MIN(size, ELF_NOTE_TEXT - 1u);

    memcpy(text, desc, n);
    text[n] = '\0';
}

static void take_note(struct elf_notes *n, uint32_t type, const uint8_t *desc, uint32_t size)
{
    uint64_t *numbers[] = {
        [XEN_ELFNOTE_ENTRY] = &n->entry,
        [XEN_ELFNOTE_HYPERCALL_PAGE] = &n->hypercall_page,
        [XEN_ELFNOTE_VIRT_BASE] = &n->virt_base,
        [XEN_ELFNOTE_PADDR_OFFSET] = &n->paddr_offset,
        [XEN_ELFNOTE_HV_START_LOW] = &n->hv_start_low,
        [XEN_ELFNOTE_L1_MFN_VALID] = &n->l1_mfn_mask,
        [XEN_ELFNOTE_SUSPEND_CANCEL] = &n->suspend_cancel,
        [XEN_ELFNOTE_INIT_P2M] = &n->init_p2m,
        [XEN_ELFNOTE_MOD_START_PFN] = &n->mod_start_pfn,
        [XEN_ELFNOTE_SUPPORTED_FEATURES] = &n->supported_features,
        [XEN_ELFNOTE_PHYS32_ENTRY] = &n->phys32_entry,
    };
    char *texts[] = {
        [XEN_ELFNOTE_XEN_VERSION] = n->xen_version,     [XEN_ELFNOTE_GUEST_OS] = n->guest_os,
        [XEN_ELFNOTE_GUEST_VERSION] = n->guest_version, [XEN_ELFNOTE_LOADER] = n->loader,
        [XEN_ELFNOTE_PAE_MODE] = n->pae_mode,           [XEN_ELFNOTE_FEATURES] = n->features,
    };

    if (type > XEN_ELFNOTE_MAX) {
        return;
    }
    n->present |= 1u << type;
    if (type < ARRAY_SIZE(numbers) && numbers[type]) {
        *numbers[type] = note_number(desc, size);
    }
    if (type < ARRAY_SIZE(texts) && texts[type]) {
        note_text(texts[type], desc, size);
    }
    if (type == XEN_ELFNOTE_L1_MFN_VALID && size >= 16) {
        n->l1_mfn_value = note_number(desc + 8, 8);
    }
}

/* A list of notes; a broken one ends it. Other owners' notes are stepped over. */
static void parse_notes(struct elf_notes *n, const uint8_t *p, uint64_t size)
{
    struct elf64_note h;

    while (size >= sizeof(h)) {
        uint64_t name_len, desc_len;

        memcpy(&h, p, sizeof(h));
        name_len = ROUND_UP((uint64_t)h.namesz, 4);
        desc_len = ROUND_UP((uint64_t)h.descsz, 4);
        p += sizeof(h);
        size -= sizeof(h);
        if (name_len > size || h.descsz > size - name_len) {
            return;
        }
        if (h.namesz == 4 && memcmp(p, "Xen", 4) == 0) {
            take_note(n, h.type, p + name_len, h.descsz);
        }
        if (desc_len > size - name_len) {
            return;
        }
        p += name_len + desc_len;
        size -= name_len + desc_len;
    }
}

static int add_segment(struct elf_image *elf, const struct elf64_program *ph, const uint8_t *image)
{
    struct elf_segment *s = &elf->segment[elf->nr_segments];

    if (ph->memsz == 0) {
        return 0;
    }
    if (elf->nr_segments == ELF_MAX_SEGMENTS || ph->filesz > ph->memsz ||
        ph->vaddr + ph->memsz < ph->vaddr || ph->paddr + ph->memsz < ph->paddr) {
        return -XEN_EINVAL;
    }
    *s = (struct elf_segment){.vaddr = ph->vaddr,
                              .paddr = ph->paddr,
                              .data = image + ph->offset,
                              .filesz = ph->filesz,
                              .memsz = ph->memsz,
                              .flags = ph->flags};
    if (elf->nr_segments == 0) {
        elf->vstart = ph->vaddr;
        elf->pstart = ph->paddr;
    }
    elf->vstart = MIN(elf->vstart, ph->vaddr);
    elf->pstart = MIN(elf->pstart, ph->paddr);
    elf->vend = MAX(elf->vend, ph->vaddr + ph->memsz);
    elf->pend = MAX(elf->pend, ph->paddr + ph->memsz);
    elf->nr_segments++;
    return 0;
}

static int parse_programs(struct elf_image *elf, const struct elf64_header *h, const uint8_t *image,
                          size_t len)
{
    struct elf64_program ph;
    int rc;

    for (unsigned i = 0; i < h->phnum; i++) {
        memcpy(&ph, image + h->phoff + i * sizeof(ph), sizeof(ph));
        if (ph.type != PT_LOAD && ph.type != PT_NOTE) {
            continue;
        }
        if (!inside(ph.offset, ph.filesz, len)) {
            return -XEN_EINVAL;
        }
        if (ph.type == PT_NOTE) {
            parse_notes(&elf->notes, image + ph.offset, ph.filesz);
            continue;
        }
        rc = add_segment(elf, &ph, image);
        if (rc) {
            return rc;
        }
    }
    return elf->nr_segments > 0 ? 0 : -XEN_EINVAL;
}

/* Sections are optional: a damaged table is as good as none. */
static void parse_sections(struct elf_image *elf, const struct elf64_header *h,
                           const uint8_t *image, size_t len)
{
    struct elf64_section sh;

    if (h->shentsize != sizeof(sh) || !inside(h->shoff, (uint64_t)h->shnum * sizeof(sh), len)) {
        return;
    }
    for (unsigned i = 0; i < h->shnum; i++) {
        memcpy(&sh, image + h->shoff + i * sizeof(sh), sizeof(sh));
        if (sh.type == SHT_NOTE && inside(sh.offset, sh.size, len)) {
            parse_notes(&elf->notes, image + sh.offset, sh.size);
        }
    }
}

int elf_parse(struct elf_image *elf, const void *image, size_t len)
{
    static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    struct elf64_header h;
    int rc;

    memset(elf, 0, sizeof(*elf));
    if (len < sizeof(h)) {
        return -XEN_ENOEXEC;
    }
    memcpy(&h, image, sizeof(h));
    if (memcmp(h.ident, ident, sizeof(ident)) != 0 || h.machine != EM_X86_64 ||
        (h.type != ET_EXEC && h.type != ET_DYN)) {
        return -XEN_ENOEXEC;
    }
    if (h.phentsize != sizeof(struct elf64_program) ||
        !inside(h.phoff, (uint64_t)h.phnum * sizeof(struct elf64_program), len)) {
        return -XEN_EINVAL;
    }
    elf->entry = h.entry;
    rc = parse_programs(elf, &h, image, len);
    if (rc) {
        return rc;
    }
    parse_sections(elf, &h, image, len);
    return parse_features(&elf->notes);
}
