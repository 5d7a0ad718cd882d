/* SPDX-License-Identifier: MIT */
/* What every way of booting tells us, in one struct that multiboot1, multiboot2 and PVH fill. */
#ifndef X86_BOOTINFO_H
#define X86_BOOTINFO_H

#include "core/types.h"
#include <public/xen.h>

#define BOOT_MAX_MODULES 16
#define BOOT_MAX_E820    256

enum e820_type { E820_RAM = 1, E820_RESERVED, E820_ACPI, E820_NVS, E820_UNUSABLE };

struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

struct boot_module {
    paddr_t start;
    uint64_t size;
    char cmdline[1024];
};

struct bootinfo {
    const char *loader; /* "multiboot", "multiboot2", "pvh" */
    char cmdline[2048];
    unsigned nr_modules;
    struct boot_module module[BOOT_MAX_MODULES];
    unsigned nr_e820;
    struct e820_entry e820[BOOT_MAX_E820]; /* as the firmware gave it, sorted, no overlaps */
    paddr_t rsdp;      /* 0: scan the BIOS area */
    bool efi;          /* booted by UEFI */
    paddr_t efi_system_table;
    paddr_t efi_memory_map;
    uint64_t efi_memory_map_size;
    uint32_t efi_desc_size, efi_desc_version;
    bool have_vga;
    dom0_vga_console_info_t vga;
};

extern struct bootinfo bootinfo;

#endif
