/* SPDX-License-Identifier: MIT */
/*
 * The memory map, and lists of address ranges: pure, tested on the host. A map entry is bytes and
 * a type; a range list is what of the RAM nobody has taken yet.
 */
#ifndef X86_E820_H
#define X86_E820_H

#include "x86/boot/bootinfo.h"

#define RANGES_MAX 512

struct range {
    uint64_t start, end;
};

struct ranges {
    unsigned nr;
    struct range r[RANGES_MAX]; /* ascending, disjoint */
};

/*
 * Sort, drop empty and wrapping entries, cut overlaps (anything else wins over RAM, then the
 * higher type) and join neighbours of one type. The result may have more entries than the input:
 * at most `max`, the rest is lost from the top.
 */
void e820_sanitise(struct e820_entry *map, unsigned *nr, unsigned max);
/* The type at this address; 0 in a hole. The map is sanitised. */
uint32_t e820_type_at(const struct e820_entry *map, unsigned nr, uint64_t addr);
/* End of the highest RAM, rounded down to a page; 0: none. */
uint64_t e820_ram_end(const struct e820_entry *map, unsigned nr);

/* Whole pages of entries of this type below `limit`. */
void ranges_from_e820(struct ranges *rs, const struct e820_entry *map, unsigned nr, uint32_t type,
                      uint64_t limit);
/* Take [start, end) out. False if the list is full (then nothing changes). */
bool ranges_subtract(struct ranges *rs, uint64_t start, uint64_t end);
/* Take `size` bytes at a multiple of `align`, as high as possible but below `limit`. */
bool ranges_take(struct ranges *rs, uint64_t size, uint64_t align, uint64_t limit,
                 uint64_t *start);
/* Set the bit of each piece of 2^shift bytes that a range touches; pieces beyond the map are left
 * out. Returns how many bits were newly set. */
uint64_t ranges_mark(const struct ranges *rs, unsigned shift, uint64_t *bits, uint64_t nr_bits);
uint64_t ranges_total(const struct ranges *rs);

#endif
