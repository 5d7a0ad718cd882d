/* SPDX-License-Identifier: MIT */
/*
 * What a kernel says about itself: ELF notes named "Xen", in note segments or else in note
 * sections, or the older string in the section __xen_guest ("KEY=value,KEY=value").
 */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <public/elfnote.h>

#include "../internal.h"

#define NOTES_LIMIT ((uint64_t)1 << 20)

static uint64_t note_number(const uint8_t *data, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, data, size < sizeof(v) ? size : sizeof(v));
    return v;
}

static void note_text(char *out, size_t room, const uint8_t *data, size_t size)
{
    size_t n = strnlen((const char *)data, size);

    n = n < room ? n : room - 1;
    for (size_t i = 0; i < n; i++) {
        out[i] = data[i] >= ' ' && data[i] < 127 ? (char)data[i] : '?';
    }
    out[n] = '\0';
}

static void apply_note(struct image *image, uint32_t type, const uint8_t *data, size_t size)
{
    uint64_t number = note_number(data, size);

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        image->entry = number;
        image->has_notes = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        image->hypercall_page = number;
        image->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        image->virt_base = number;
        image->has_virt_base = true;
        image->has_notes = true;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        image->paddr_offset = number;
        image->has_paddr_offset = true;
        break;
    case XEN_ELFNOTE_INIT_P2M:
        image->init_p2m = number;
        image->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        image->mod_start_pfn = number != 0;
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        image->supported_features = number;
        image->machine_features_known = true;
        break;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        image->pvh = true;
        break;
    case XEN_ELFNOTE_GUEST_OS:
        note_text(image->guest_os, sizeof(image->guest_os), data, size);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        note_text(image->guest_version, sizeof(image->guest_version), data, size);
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        note_text(image->xen_version, sizeof(image->xen_version), data, size);
        break;
    case XEN_ELFNOTE_LOADER:
        note_text(image->loader, sizeof(image->loader), data, size);
        break;
    case XEN_ELFNOTE_FEATURES:
        note_text(image->features, sizeof(image->features), data, size);
        break;
    default:
        break;
    }
}

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static int walk_notes(struct image *image, uint64_t offset, uint64_t size)
{
    uint8_t *data;
    size_t at = 0;
    int rc;

    if (size > NOTES_LIMIT) {
        return 0;
    }
    data = malloc(size + 1);
    if (data == NULL) {
        return -ENOMEM;
    }
    rc = image_read(image, offset, data, size);
    while (rc == 0 && size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        size_t name, desc;

        memcpy(&n, data + at, sizeof(n));
        at += sizeof(n);
        name = padded(n.n_namesz);
        desc = padded(n.n_descsz);
        if (name > size - at || n.n_descsz > size - at - name) {
            break;
        }
        if (n.n_namesz == 4 && memcmp(data + at, "Xen", 4) == 0) {
            apply_note(image, n.n_type, data + at + name, n.n_descsz);
        }
        if (desc > size - at - name) {
            break;
        }
        at += name + desc;
    }
    free(data);
    return rc;
}

/* ---- the older string ---- */

static void apply_word(struct image *image, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    if (strcmp(word, "VIRT_BASE") == 0) {
        image->virt_base = strtoull(value, NULL, 0);
        image->has_virt_base = true;
    } else if (strcmp(word, "VIRT_ENTRY") == 0) {
        image->entry = strtoull(value, NULL, 0);
    } else if (strcmp(word, "ELF_PADDR_OFFSET") == 0) {
        image->paddr_offset = strtoull(value, NULL, 0);
        image->has_paddr_offset = true;
    } else if (strcmp(word, "HYPERCALL_PAGE") == 0) {
        /* a frame number, relative to the base */
        image->hypercall_page = strtoull(value, NULL, 0) << CTRL_PAGE_SHIFT;
        image->has_hypercall_page = true;
    } else if (strcmp(word, "GUEST_OS") == 0) {
        note_text(image->guest_os, sizeof(image->guest_os), (uint8_t *)value, strlen(value));
    } else if (strcmp(word, "LOADER") == 0) {
        note_text(image->loader, sizeof(image->loader), (uint8_t *)value, strlen(value));
    } else if (strcmp(word, "FEATURES") == 0) {
        note_text(image->features, sizeof(image->features), (uint8_t *)value, strlen(value));
    }
}

static int parse_string(struct image *image, uint64_t offset, uint64_t size)
{
    char text[1024], *word, *rest = text;
    size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    int rc = image_read(image, offset, text, n);

    if (rc < 0) {
        return rc;
    }
    text[n] = '\0';
    while ((word = strsep(&rest, ",")) != NULL) {
        apply_word(image, word);
    }
    if (!image->has_paddr_offset) {
        image->paddr_offset = image->virt_base;
        image->has_paddr_offset = true;
    }
    if (image->has_hypercall_page) {
        image->hypercall_page += image->virt_base;
    }
    image->has_notes = true;
    return 0;
}

/* ---- tables ---- */

static int from_programs(struct image *image, const struct image_table *t)
{
    for (unsigned int i = 0; i < t->count; i++) {
        Elf64_Phdr p;
        int rc = image_read(image, t->offset + i * t->entry_size, &p, sizeof(p));

        if (rc == 0 && p.p_type == PT_NOTE) {
            rc = walk_notes(image, p.p_offset, p.p_filesz);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int section(const struct image *image, const struct image_table *t, unsigned int i,
                   Elf64_Shdr *out)
{
    if (i >= t->count || t->offset > image->size) {
        return -ENODATA;
    }
    return image_read(image, t->offset + i * t->entry_size, out, sizeof(*out));
}

/* A file without sections, or with damaged ones, simply has no notes there. */
static void from_sections(struct image *image, const struct image_table *t, unsigned int names)
{
    static const char wanted[] = "__xen_guest";
    Elf64_Shdr strings = { 0 }, s;

    if (t->entry_size != sizeof(Elf64_Shdr)) {
        return;
    }
    for (unsigned int i = 0; i < t->count && !image->has_notes; i++) {
        if (section(image, t, i, &s) == 0 && s.sh_type == SHT_NOTE) {
            walk_notes(image, s.sh_offset, s.sh_size);
        }
    }
    if (image->has_notes || section(image, t, names, &strings) < 0) {
        return;
    }
    for (unsigned int i = 0; i < t->count && !image->has_notes; i++) {
        char name[sizeof(wanted)] = "";

        if (section(image, t, i, &s) == 0 && s.sh_type != SHT_NOBITS &&
            s.sh_name <= strings.sh_size &&
            image_read(image, strings.sh_offset + s.sh_name, name, sizeof(name)) == 0 &&
            memcmp(name, wanted, sizeof(wanted)) == 0) {
            parse_string(image, s.sh_offset, s.sh_size);
        }
    }
}

int image_notes(struct ctrl *h, const char *name, struct image *image,
                const struct image_table *programs, const struct image_table *sections,
                unsigned int names_section)
{
    int rc = from_programs(image, programs);

    if (rc == -ENODATA) {
        return ctrl_fail(h, -ENOEXEC, "%s is truncated: its notes reach beyond its end", name);
    }
    if (rc < 0) {
        return ctrl_fail(h, rc, "cannot read the notes of %s: %s", name, strerror(-rc));
    }
    if (!image->has_notes) {
        from_sections(image, sections, names_section);
    }
    return 0;
}
