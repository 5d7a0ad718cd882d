/* SPDX-License-Identifier: MIT */
/* The memory_op calls that tell of this machine's memory, and a domain's own map. */
#include <public/memory.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "lib/lib.h"
#include "x86/boot/bootinfo.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"

#define MAX_GUEST_E820 128

/* Copy as many entries as fit and say how many there were. */
static long copy_map(guest_ptr_t arg, struct xen_memory_map *map, const struct e820_entry *e,
                     unsigned n)
{
    if (!guest_ptr_null(map->buffer)) {
        if (map->nr_entries < n) {
            n = map->nr_entries;
        }
        if (n && guest_write(map->buffer, e, n * sizeof(*e)) != 0) {
            return -EFAULT;
        }
    }
    map->nr_entries = n;
    return guest_put(arg, map) != 0 ? -EFAULT : 0;
}

static long machine_memory_map(guest_ptr_t arg)
{
    struct xen_memory_map map;

    if (guest_get(&map, arg) != 0) {
        return -EFAULT;
    }
    if (map.nr_entries < bootinfo.nr_e820 && !guest_ptr_null(map.buffer)) {
        return -EINVAL;
    }
    return copy_map(arg, &map, bootinfo.e820, bootinfo.nr_e820);
}

static long memory_map(guest_ptr_t arg)
{
    struct domain *d = current->domain;
    struct xen_memory_map map;
    long rc;

    if (guest_get(&map, arg) != 0) {
        return -EFAULT;
    }
    spin_lock(&d->lock); /* a tool may replace it */
    rc = d->arch.nr_e820 == 0 ? -ENOSYS : copy_map(arg, &map, d->arch.e820, d->arch.nr_e820);
    spin_unlock(&d->lock);
    return rc;
}

static long set_memory_map(guest_ptr_t arg)
{
    struct xen_foreign_memory_map fmap;
    struct e820_entry *e, *old;
    struct domain *d;

    if (guest_get(&fmap, arg) != 0) {
        return -EFAULT;
    }
    if (fmap.map.nr_entries > MAX_GUEST_E820) {
        return -EINVAL;
    }
    d = domain_get_any(fmap.domid);
    if (!d) {
        return -ESRCH;
    }
    e = heap_alloc(MAX(fmap.map.nr_entries, 1) * sizeof(*e));
    if (!e) {
        domain_put(d);
        return -ENOMEM;
    }
    if (guest_read(e, fmap.map.buffer, fmap.map.nr_entries * sizeof(*e)) != 0) {
        heap_free(e);
        domain_put(d);
        return -EFAULT;
    }
    spin_lock(&d->lock);
    old = d->arch.e820;
    d->arch.e820 = e;
    d->arch.nr_e820 = fmap.map.nr_entries;
    spin_unlock(&d->lock);
    heap_free(old);
    domain_put(d);
    return 0;
}

static long machphys_mapping(guest_ptr_t arg)
{
    struct xen_machphys_mapping map = {
        .v_start = M2P_RO_START,
        .v_end = M2P_RO_END,
        .max_mfn = arch_max_mfn() - 1,
    };

    return guest_put(arg, &map) != 0 ? -EFAULT : 0;
}

/* Frames of the table belong to DOMID_XEN once somebody asks: saving a domain maps them to read. */
static void show_piece(uint64_t frame)
{
    struct page *pg = arch_mfn_to_page(MFN(frame));

    spin_lock(&domain_xen->lock);
    for (unsigned i = 0; i < 512 && pg[i].owner == NULL; i++) {
        page_share(&pg[i], domain_xen, false);
    }
    spin_unlock(&domain_xen->lock);
}

/* The frames of the machine-to-physical table itself, one for each 2 MiB of it. */
static long machphys_mfn_list(guest_ptr_t arg)
{
    struct xen_machphys_mfn_list list;
    unsigned n = (unsigned)DIV_ROUND_UP(arch_max_mfn() * sizeof(uint64_t), 2UL << 20), i;

    if (guest_get(&list, arg) != 0) {
        return -EFAULT;
    }
    for (i = 0; i < n && i < list.max_extents; i++) {
        paddr_t pa;
        xen_pfn_t frame = 0;

        if (hv_translate(M2P_RW_START + ((uint64_t)i << 21), &pa)) {
            frame = pa >> PAGE_SHIFT;
            show_piece(frame);
        }
        if (guest_put_at(list.extent_start, i, &frame) != 0) {
            return -EFAULT;
        }
    }
    list.nr_extents = i;
    return guest_put(arg, &list) != 0 ? -EFAULT : 0;
}

static const struct {
    unsigned cmd;
    long (*fn)(guest_ptr_t arg);
    access_fn access;
} rows[] = {
    {XENMEM_memory_map, memory_map, access_any},
    {XENMEM_machine_memory_map, machine_memory_map, access_hardware},
    {XENMEM_set_memory_map, set_memory_map, access_control},
    {XENMEM_machphys_mapping, machphys_mapping, access_any},
    {XENMEM_machphys_mfn_list, machphys_mfn_list, access_any},
};

long arch_memory_op(unsigned cmd, guest_ptr_t arg)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == cmd) {
            return rows[i].access(current->domain) ? rows[i].fn(arg) : -EPERM;
        }
    }
    return -ENOSYS;
}
