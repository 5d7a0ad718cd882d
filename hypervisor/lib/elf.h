/* SPDX-License-Identifier: MIT */
/*
 * A load plan for an ELF64 kernel: where its segments go and what its Xen notes ask for. The
 * image is checked, never changed; the plan points into it.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16
#define ELF_NOTE_TEXT    128

struct elf_segment {
    uint64_t vaddr, paddr;
    const void *data; /* filesz bytes inside the image; the rest up to memsz is zero */
    uint64_t filesz, memsz;
    uint32_t flags; /* 1 execute, 2 write, 4 read */
};

/* Xen notes (public/elfnote.h). `present` has bit n set when note n was found. */
struct elf_notes {
    uint32_t present;
    uint64_t entry, hypercall_page, virt_base, paddr_offset, hv_start_low, init_p2m;
    uint64_t phys32_entry, suspend_cancel, mod_start_pfn;
    uint64_t l1_mfn_mask, l1_mfn_value;
    uint64_t supported_features; /* note 17, and note 10's names */
    uint64_t required_features;  /* names with '!' in note 10 */
    char guest_os[ELF_NOTE_TEXT], guest_version[ELF_NOTE_TEXT], xen_version[ELF_NOTE_TEXT];
    char loader[ELF_NOTE_TEXT], features[ELF_NOTE_TEXT], pae_mode[ELF_NOTE_TEXT];
};

struct elf_image {
    uint64_t entry; /* of the ELF header */
    unsigned nr_segments;
    struct elf_segment segment[ELF_MAX_SEGMENTS];
    uint64_t vstart, vend; /* what all segments span */
    uint64_t pstart, pend;
    struct elf_notes notes;
};

/* 0; -XEN_ENOEXEC: no ELF64 for x86-64; -XEN_EINVAL: damaged. */
int elf_parse(struct elf_image *elf, const void *image, size_t len);

static inline bool elf_has_note(const struct elf_image *elf, unsigned type)
{
    return type < 32 && (elf->notes.present >> type & 1);
}

#endif
