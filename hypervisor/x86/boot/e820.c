/* SPDX-License-Identifier: MIT */
/*
 * Memory map. Firmware maps come unsorted, with overlaps and with entries that end nowhere; all
 * of that is settled once here: the line of addresses is cut at every edge of every entry, and
 * each piece gets the strongest type that covers it.
 */
#include "x86/boot/e820.h"
#include "core/types.h"
#include "lib/lib.h"

#define ADDRESS_LIMIT (1ULL << 52)

static void sort_edges(uint64_t *edge, unsigned nr)
{
    for (unsigned i = 1; i < nr; i++) {
        uint64_t e = edge[i];
        unsigned j = i;

        for (; j > 0 && edge[j - 1] > e; j--) {
            edge[j] = edge[j - 1];
        }
        edge[j] = e;
    }
}

/* RAM is the weakest claim; types that we do not know count as reserved. */
static uint32_t stronger(uint32_t a, uint32_t b)
{
    return MAX(a, b);
}

static uint32_t strongest_at(const struct e820_entry *map, unsigned nr, uint64_t addr)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < nr; i++) {
        if (addr >= map[i].addr && addr - map[i].addr < map[i].size) {
            type = stronger(type, map[i].type);
        }
    }
    return type;
}

/* Drop what is empty, cut what wraps or ends beyond any processor's reach. */
static unsigned drop_bad_entries(struct e820_entry *map, unsigned nr)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < nr; i++) {
        struct e820_entry e = map[i];

        if (e.size == 0 || e.addr >= ADDRESS_LIMIT) {
            continue;
        }
        if (e.size > ADDRESS_LIMIT - e.addr) {
            e.size = ADDRESS_LIMIT - e.addr;
        }
        if (e.type < E820_RAM || e.type > E820_UNUSABLE) {
            e.type = E820_RESERVED;
        }
        map[kept++] = e;
    }
    return kept;
}

void e820_sanitise(struct e820_entry *map, unsigned *nr, unsigned max)
{
    static struct e820_entry in[BOOT_MAX_E820];
    static uint64_t edge[2 * BOOT_MAX_E820];
    unsigned entries = drop_bad_entries(map, MIN(*nr, BOOT_MAX_E820));
    unsigned out = 0;

    memcpy(in, map, entries * sizeof(in[0]));
    for (unsigned i = 0; i < entries; i++) {
        edge[2 * i] = in[i].addr;
        edge[2 * i + 1] = in[i].addr + in[i].size;
    }
    sort_edges(edge, 2 * entries);
    for (unsigned i = 0; i + 1 < 2 * entries; i++) {
        uint32_t type = strongest_at(in, entries, edge[i]);

        if (edge[i] == edge[i + 1] || type == 0) {
            continue;
        }
        if (out > 0 && map[out - 1].type == type &&
            map[out - 1].addr + map[out - 1].size == edge[i]) {
            map[out - 1].size += edge[i + 1] - edge[i];
        } else if (out < max) {
            map[out++] = (struct e820_entry){edge[i], edge[i + 1] - edge[i], type};
        }
    }
    *nr = out;
}

uint32_t e820_type_at(const struct e820_entry *map, unsigned nr, uint64_t addr)
{
    return strongest_at(map, nr, addr);
}

uint64_t e820_ram_end(const struct e820_entry *map, unsigned nr)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < nr; i++) {
        if (map[i].type == E820_RAM) {
            end = MAX(end, (map[i].addr + map[i].size) & PAGE_MASK);
        }
    }
    return end;
}

void ranges_from_e820(struct ranges *rs, const struct e820_entry *map, unsigned nr, uint32_t type,
                      uint64_t limit)
{
    rs->nr = 0;
    for (unsigned i = 0; i < nr; i++) {
        uint64_t start = ROUND_UP(map[i].addr, PAGE_SIZE);
        uint64_t end = MIN((map[i].addr + map[i].size) & PAGE_MASK, limit);

        if (map[i].type == type && start < end && rs->nr < RANGES_MAX) {
            rs->r[rs->nr++] = (struct range){start, end};
        }
    }
}

static void remove_at(struct ranges *rs, unsigned i)
{
    rs->nr--;
    memmove(&rs->r[i], &rs->r[i + 1], (rs->nr - i) * sizeof(rs->r[0]));
}

bool ranges_subtract(struct ranges *rs, uint64_t start, uint64_t end)
{
    unsigned i = 0;

    if (start >= end) {
        return true;
    }
    while (i < rs->nr) {
        struct range *r = &rs->r[i];

        if (r->end <= start || r->start >= end) {
            i++;
        } else if (start <= r->start && end >= r->end) {
            remove_at(rs, i);
        } else if (start <= r->start) {
            r->start = end;
            i++;
        } else if (end >= r->end) {
            r->end = start;
            i++;
        } else {
            if (rs->nr == RANGES_MAX) {
                return false;
            }
            memmove(r + 1, r, (rs->nr - i) * sizeof(*r));
            rs->nr++;
            r[0].end = start;
            r[1].start = end;
            return true;
        }
    }
    return true;
}

bool ranges_take(struct ranges *rs, uint64_t size, uint64_t align, uint64_t limit,
                 uint64_t *start)
{
    for (unsigned i = rs->nr; i-- > 0;) {
        uint64_t end = MIN(rs->r[i].end, limit), s;

        if (end < size) {
            continue;
        }
        s = ROUND_DOWN(end - size, align);
        if (s >= rs->r[i].start && ranges_subtract(rs, s, s + size)) {
            *start = s;
            return true;
        }
    }
    return false;
}

uint64_t ranges_mark(const struct ranges *rs, unsigned shift, uint64_t *bits, uint64_t nr_bits)
{
    uint64_t marked = 0;

    for (unsigned i = 0; i < rs->nr; i++) {
        uint64_t last = MIN((rs->r[i].end - 1) >> shift, nr_bits - 1);

        for (uint64_t bit = rs->r[i].start >> shift; bit <= last; bit++) {
            uint64_t mask = 1ULL << (bit % 64);

            marked += !(bits[bit / 64] & mask);
            bits[bit / 64] |= mask;
        }
    }
    return marked;
}

uint64_t ranges_total(const struct ranges *rs)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < rs->nr; i++) {
        total += rs->r[i].end - rs->r[i].start;
    }
    return total;
}
