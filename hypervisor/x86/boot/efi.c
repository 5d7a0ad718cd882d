/* SPDX-License-Identifier: MIT */
/*
 * UEFI leaves a system table and a memory map. The loader has left boot services; we call no
 * runtime service ourselves. What dom0 asks for (where the configuration tables are, who made the
 * firmware, what kind of memory an address is) is copied here before low memory is unmapped.
 */
#include "x86/boot/efi.h"
#include "core/errno.h"
#include "core/guest.h"
#include "lib/lib.h"
#include "x86/boot/boot.h"
#include "x86/mm/layout.h"

#define EFI_SYSTEM_TABLE_SIGNATURE 0x5453595320494249ULL
#define EFI_PAGE_SHIFT 12
#define VENDOR_MAX 64

struct efi_system_table { /* UEFI 2.9, 4.3 */
    uint64_t signature;
    uint32_t revision, header_size, crc, reserved;
    uint64_t vendor;
    uint32_t firmware_revision, pad;
    uint64_t console[6], runtime, boot;
    uint64_t nr_tables, tables;
};

struct efi_descriptor {
    uint32_t type, pad;
    uint64_t start, virt, pages, attribute;
};

static uint8_t memory_map[32 << 10] __attribute__((aligned(4096)));
static struct {
    bool valid;
    uint32_t version, firmware_revision;
    uint64_t tables;
    uint32_t nr_tables;
    uint16_t vendor[VENDOR_MAX];
    uint32_t vendor_bytes; /* with the final zero */
} efi;

void efi_keep_memory_map(const void *map, size_t size, uint32_t desc_size, uint32_t version)
{
    if (desc_size < sizeof(struct efi_descriptor) || desc_size % 8 != 0) {
        return;
    }
    size = MIN(size, sizeof(memory_map));
    size -= size % desc_size;
    memcpy(memory_map, map, size);
    bootinfo.efi_memory_map = image_to_paddr(memory_map);
    bootinfo.efi_memory_map_size = size;
    bootinfo.efi_desc_size = desc_size;
    bootinfo.efi_desc_version = version;
}

void efi_collect(void)
{
    const struct efi_system_table *t = early_phys(bootinfo.efi_system_table, sizeof(*t));
    const uint16_t *vendor;
    unsigned n = 0;

    if (t->signature != EFI_SYSTEM_TABLE_SIGNATURE) {
        return;
    }
    efi.valid = true;
    efi.version = t->revision;
    efi.firmware_revision = t->firmware_revision;
    efi.tables = t->tables;
    efi.nr_tables = t->nr_tables;
    if (t->vendor != 0) {
        vendor = early_phys(t->vendor, sizeof(efi.vendor));
        while (n < VENDOR_MAX - 1 && vendor[n] != 0) {
            efi.vendor[n] = vendor[n];
            n++;
        }
    }
    efi.vendor_bytes = (n + 1) * 2;
}

static int vendor_info(union xenpf_efi_info *info)
{
    uint32_t n = MIN(info->vendor.bufsz, efi.vendor_bytes);

    info->vendor.revision = efi.firmware_revision;
    if (guest_write(info->vendor.name, efi.vendor, n)) {
        return -EFAULT;
    }
    info->vendor.bufsz = efi.vendor_bytes;
    return 0;
}

static int memory_info(union xenpf_efi_info *info)
{
    uint64_t step = bootinfo.efi_desc_size;

    for (uint64_t off = 0; step != 0 && off < bootinfo.efi_memory_map_size; off += step) {
        const struct efi_descriptor *d = (const void *)(memory_map + off);
        uint64_t len = d->pages << EFI_PAGE_SHIFT;

        if (info->mem.addr >= d->start && info->mem.addr - d->start < len) {
            info->mem.type = d->type;
            info->mem.attr = d->attribute;
            info->mem.size = MIN(info->mem.size, d->start + len - info->mem.addr);
            return 0;
        }
    }
    return -ESRCH;
}

int efi_firmware_info(uint32_t index, union xenpf_efi_info *info)
{
    if (!efi.valid) {
        return -ENODEV;
    }
    switch (index) {
    case XEN_FW_EFI_VERSION:
        info->version = efi.version;
        return 0;
    case XEN_FW_EFI_RT_VERSION:
        return -EINVAL; /* no runtime services */
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = efi.tables;
        info->cfg.nent = efi.nr_tables;
        return 0;
    case XEN_FW_EFI_VENDOR:
        return vendor_info(info);
    case XEN_FW_EFI_MEM_INFO:
        return memory_info(info);
    default:
        return -EINVAL;
    }
}
