/* SPDX-License-Identifier: MIT */
/* The PVH start info (version 1: with a memory map) to struct bootinfo. */
#include "x86/boot/boot.h"
#include <public/arch-x86/hvm/start_info.h>
#include "lib/lib.h"

static uint32_t e820_type_of(uint32_t type)
{
    switch (type) {
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return E820_RAM;
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return E820_ACPI;
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return E820_NVS;
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return E820_UNUSABLE;
    default:
        return E820_RESERVED;
    }
}

void pvh_collect(paddr_t paddr)
{
    const struct hvm_start_info *si = early_phys(paddr, sizeof(*si));

    bootinfo.loader = "pvh";
    if (si->magic != XEN_HVM_START_MAGIC_VALUE) {
        return;
    }
    bootinfo.rsdp = si->rsdp_paddr;
    if (si->cmdline_paddr) {
        str_copy(bootinfo.cmdline, early_phys(si->cmdline_paddr, sizeof(bootinfo.cmdline)),
                 sizeof(bootinfo.cmdline));
    }
    for (uint32_t i = 0; i < si->nr_modules; i++) {
        const struct hvm_modlist_entry *m =
            early_phys(si->modlist_paddr + i * sizeof(*m), sizeof(*m));
        const char *args = "";

        if (m->cmdline_paddr) {
            args = early_phys(m->cmdline_paddr, sizeof(bootinfo.module[0].cmdline));
        }
        boot_add_module(m->paddr, m->size, args);
    }
    if (si->version < 1) {
        return;
    }
    for (uint32_t i = 0; i < si->memmap_entries; i++) {
        const struct hvm_memmap_table_entry *e =
            early_phys(si->memmap_paddr + i * sizeof(*e), sizeof(*e));

        boot_add_e820(e->addr, e->size, e820_type_of(e->type));
    }
}
