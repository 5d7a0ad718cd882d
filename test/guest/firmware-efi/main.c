/* SPDX-License-Identifier: MIT */
/*
 * firmware-efi: what dom0 learns of a machine that UEFI has started.
 *
 * Why: dom0 finds the ACPI tables only by it, and boots blind otherwise.
 * Right outcome: version, vendor and configuration tables are told; among the tables is that of
 * ACPI 2.0, whose pointer dom0 can map and which has its signature; the memory that the tables lie
 * in is described, an address beyond everything is not; an index that does not exist is refused.
 * Environments: pv
 * Boot: --boot iso-uefi --mem 768
 */
#include <public/platform.h>
#include "mm.h"
#include "pci.h"

struct efi_table {
    uint64_t guid[2];
    uint64_t address;
};

static const uint64_t acpi20[2] = {0x11d3e4f18868e871, 0x81883cc7800022bc};

static long ask(struct xen_platform_op *o, uint32_t type, uint32_t index)
{
    o->cmd = XENPF_firmware_info;
    o->interface_version = XENPF_INTERFACE_VERSION;
    o->u.firmware_info.type = type;
    o->u.firmware_info.index = index;
    return HCALL1(platform_op, o);
}

/* One byte range of firmware memory, within a page, read-only. */
static const void *firmware(uint64_t paddr)
{
    CHECK_EQ(map_device(window(0), paddr & ~(PAGE_SIZE - 1), PTE_KRO), 0);
    return (const char *)window(0) + (paddr & (PAGE_SIZE - 1));
}

static uint64_t find_rsdp(uint64_t tables, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct efi_table *t = firmware(tables + i * sizeof(*t));
        struct efi_table copy;

        if (((P(t) + sizeof(copy) - 1) ^ P(t)) >> PAGE_SHIFT != 0) {
            continue; /* across two pages */
        }
        memcpy(&copy, t, sizeof(copy));
        if (memcmp(copy.guid, acpi20, sizeof(acpi20)) == 0) {
            return copy.address;
        }
    }
    return 0;
}

enum verdict guest_main(void)
{
    static uint16_t name[64];
    struct xen_platform_op o = {0};
    union xenpf_efi_info *efi = &o.u.firmware_info.u.efi_info;
    uint64_t tables, rsdp;
    uint32_t n;

    CHECK_EQ(ask(&o, XEN_FW_EFI_INFO, XEN_FW_EFI_VERSION), 0);
    EXPECT(efi->version >= 0x20000);
    memset(&o, 0, sizeof(o));
    CHECK_EQ(ask(&o, XEN_FW_EFI_INFO, XEN_FW_EFI_CONFIG_TABLE), 0);
    tables = efi->cfg.addr;
    n = efi->cfg.nent;
    EXPECT(tables != 0 && n > 1 && n < 100);
    rsdp = find_rsdp(tables, n);
    CHECK(rsdp != 0);
    EXPECT(memcmp(firmware(rsdp), "RSD PTR ", 8) == 0);

    memset(&o, 0, sizeof(o));
    efi->vendor.bufsz = sizeof(name);
    efi->vendor.name = (guest_ptr_t){P(name)};
    CHECK_EQ(ask(&o, XEN_FW_EFI_INFO, XEN_FW_EFI_VENDOR), 0);
    EXPECT(name[0] != 0 && name[0] < 128);
    memset(&o, 0, sizeof(o));
    efi->mem.addr = tables;
    efi->mem.size = 1;
    CHECK_EQ(ask(&o, XEN_FW_EFI_INFO, XEN_FW_EFI_MEM_INFO), 0);
    EXPECT_EQ(efi->mem.size, 1);
    memset(&o, 0, sizeof(o));
    efi->mem.addr = 1UL << 50;
    EXPECT(ask(&o, XEN_FW_EFI_INFO, XEN_FW_EFI_MEM_INFO) < 0);
    memset(&o, 0, sizeof(o));
    EXPECT(ask(&o, XEN_FW_EFI_INFO, 99) < 0);
    return SUCCESS;
}
