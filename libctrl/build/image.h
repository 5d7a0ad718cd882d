/* SPDX-License-Identifier: MIT */
/*
 * A kernel file, unpacked and understood: where its segments go and what its notes ask for.
 */
#ifndef CTRL_IMAGE_H
#define CTRL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unpack.h"

#define IMAGE_MAX_SEGMENTS 16
#define IMAGE_NOTE_TEXT 32
#define IMAGE_MAX_ZEROES 8

struct ctrl;

struct image_segment {
    uint64_t offset;   /* in the ELF file */
    uint64_t vaddr;    /* where the guest sees it */
    uint64_t paddr;    /* guest-physical, 0 is the guest's first byte */
    uint64_t file_size;
    uint64_t mem_size; /* the rest is zeroes */
};

struct image {
    /* source: bytes in memory, or a file that is an ELF file from `base` on */
    int fd;
    uint64_t base;
    struct unpacked memory;
    uint64_t size; /* of the ELF file */
    char format[16];
    char compression[16];
    uint64_t file_size;

    struct image_segment segments[IMAGE_MAX_SEGMENTS];
    unsigned int nr_segments;
    uint64_t virt_start, virt_end; /* of all segments, page-rounded */
    /* Stretches of the file that hold sections without contents: zeroes, need not be read. */
    struct image_zeroes {
        uint64_t start, end;
    } zeroes[IMAGE_MAX_ZEROES];
    unsigned int nr_zeroes;

    /* from the notes */
    bool has_notes;
    uint64_t entry;
    uint64_t virt_base;
    uint64_t paddr_offset;
    bool has_virt_base, has_paddr_offset;
    bool has_hypercall_page;
    uint64_t hypercall_page;
    bool has_init_p2m;
    uint64_t init_p2m;
    bool mod_start_pfn;
    bool pvh;
    bool machine_features_known;
    uint64_t supported_features;
    char guest_os[IMAGE_NOTE_TEXT];
    char guest_version[IMAGE_NOTE_TEXT];
    char loader[IMAGE_NOTE_TEXT];
    char xen_version[IMAGE_NOTE_TEXT];
    char features[256];
};

/* Open and understand the file; a sentence names the file. Release with image_close on 0 only. */
int image_open(struct ctrl *h, const char *path, struct image *image);
void image_close(struct image *image);

/* The same from memory that stays the caller's: for tests and fuzzing. */
int image_open_memory(struct ctrl *h, const char *name, const void *data, size_t size,
                      struct image *image);

/* Copy bytes of the ELF file. -ENODATA beyond its end. */
int image_read(const struct image *image, uint64_t offset, void *to, size_t size);

/*
 * The next stretch of [*start, end) that may hold other bytes than zeroes. false: none is left.
 * Holes of a sparse file and sections without contents are passed over.
 */
bool image_next_data(const struct image *image, uint64_t *start, uint64_t end, uint64_t *data_end);

/* notes.c: read the notes of an ELF file whose header is known. */
struct image_table {
    uint64_t offset;
    uint64_t entry_size;
    unsigned int count;
};
int image_notes(struct ctrl *h, const char *name, struct image *image,
                const struct image_table *programs, const struct image_table *sections,
                unsigned int names_section);

#endif
