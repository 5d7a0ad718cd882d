/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor takes from the firmware's tables; dom0 reads everything else itself. Nothing
 * but acpi.c parses tables. All numbers are checked: a table with a bad length or checksum counts
 * as absent.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include "core/types.h"

#define ACPI_MAX_CPUS      256
#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 32
#define ACPI_MAX_MCFG      16

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1
#define ACPI_SPACE_PCI    2

/* Generic address (ACPI 6.4, 5.2.3.2). */
struct acpi_address {
    uint8_t space; /* ACPI_SPACE_* */
    uint8_t bits;
    uint8_t offset;
    uint8_t access;
    uint64_t address;
} __attribute__((packed));

struct acpi_cpu {
    uint32_t apic_id;
    uint32_t acpi_id;
    bool enabled;
};

struct acpi_ioapic {
    uint32_t id;
    paddr_t base;
    uint32_t gsi_base;
};

struct acpi_override { /* ISA interrupt `irq` arrives at `gsi` */
    uint8_t irq;
    uint32_t gsi;
    uint16_t flags; /* MPS INTI: bits 0-1 polarity, 2-3 trigger */
};

struct acpi_mcfg_area {
    paddr_t base;
    uint16_t segment;
    uint8_t bus_start, bus_end;
};

struct acpi_info {
    paddr_t rsdp; /* 0: no ACPI at all */
    bool have_madt;
    paddr_t lapic_base;
    bool have_8259;
    unsigned nr_cpus; /* in table order; entries that can never be used are left out */
    struct acpi_cpu cpu[ACPI_MAX_CPUS];
    unsigned nr_ioapics;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    unsigned nr_overrides;
    struct acpi_override override[ACPI_MAX_OVERRIDES];

    paddr_t hpet_base; /* 0: none */

    bool have_fadt;
    uint32_t fadt_flags;
    uint16_t sci_irq;
    uint16_t boot_arch;
    uint32_t pm_timer_port; /* 0: none */
    bool pm_timer_32bit;
    struct acpi_address pm1a_cnt, pm1b_cnt, pm1a_evt, pm1b_evt, sleep_control, sleep_status;
    bool have_reset;
    struct acpi_address reset;
    uint8_t reset_value;
    uint8_t century;

    unsigned nr_mcfg;
    struct acpi_mcfg_area mcfg[ACPI_MAX_MCFG];
};

extern struct acpi_info acpi_info;

/* How the parser reaches memory: NULL if it cannot. */
struct acpi_memory {
    const void *(*map)(paddr_t p, size_t len);
    void (*unmap)(const void *va);
};

/* Fill `info` from the tables behind the root pointer; false: there are no usable tables. */
bool acpi_parse(struct acpi_info *info, paddr_t rsdp, const struct acpi_memory *mem);
/* Is there a valid root pointer at va (36 bytes can be read)? */
bool acpi_rsdp_valid(const void *va);
/* setup.c: find the root pointer in the BIOS area (before mm_init) */
paddr_t acpi_scan_bios(void);
/* The gsi, and its MPS INTI flags, of an ISA interrupt. */
uint32_t acpi_isa_to_gsi(unsigned irq, uint16_t *flags);

#endif
