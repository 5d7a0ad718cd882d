/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the machine: what the loader said is collected into `bootinfo`, then core/main.c
 * calls the arch_init_*() steps below, each a list of calls to the parts of x86/.
 */
#include "core/arch.h"
#include "core/main.h"
#include "core/page.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/boot/boot.h"
#include "x86/boot/efi.h"
#include "x86/boot/image.h"
#include "x86/boot/smpboot.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/nmi.h"
#include "x86/cpu/mitigations.h"
#include "x86/cpu/policy.h"
#include "x86/irq/irq.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"
#include "x86/mm/tlb.h"

struct bootinfo bootinfo = {.loader = "nobody"};
const char *hv_cmdline = "";

void boot_add_e820(uint64_t addr, uint64_t size, uint32_t type)
{
    if (bootinfo.nr_e820 < BOOT_MAX_E820) {
        bootinfo.e820[bootinfo.nr_e820++] = (struct e820_entry){addr, size, type};
    }
}

void boot_add_module(paddr_t start, uint64_t size, const char *cmdline)
{
    struct boot_module *m = &bootinfo.module[bootinfo.nr_modules];

    if (bootinfo.nr_modules < BOOT_MAX_MODULES) {
        m->start = start;
        m->size = size;
        str_copy(m->cmdline, cmdline, sizeof(m->cmdline));
        bootinfo.nr_modules++;
    }
}

const char *boot_skip_word(const char *s)
{
    while (*s == ' ') {
        s++;
    }
    while (*s != ' ' && *s != '\0') {
        s++;
    }
    while (*s == ' ') {
        s++;
    }
    return s;
}

/* BIOS data area: is the screen in the text mode that dom0 knows how to use? */
static void find_text_screen(void)
{
    const uint8_t *bda = early_phys(0x400, 0x100);
    dom0_vga_console_info_t *vga = &bootinfo.vga;

    if (bootinfo.efi || bootinfo.have_vga || bda[0x49] != 3) {
        return;
    }
    bootinfo.have_vga = true;
    vga->video_type = XEN_VGATYPE_TEXT_MODE_3;
    vga->u.text_mode_3.font_height = bda[0x85];
    vga->u.text_mode_3.cursor_x = bda[0x50];
    vga->u.text_mode_3.cursor_y = bda[0x51];
    vga->u.text_mode_3.rows = bda[0x84] + 1;
    vga->u.text_mode_3.columns = bda[0x4a];
}

/* The root pointer stands on a 16-byte boundary, in the extended BIOS data area or below 1 MiB. */
paddr_t acpi_scan_bios(void)
{
    paddr_t ebda = (paddr_t)*(const uint16_t *)early_phys(0x40e, 2) << 4;
    const paddr_t area[2][2] = {{ebda, ebda + 1024}, {0xe0000, 0x100000}};

    for (unsigned i = 0; i < ARRAY_SIZE(area); i++) {
        for (paddr_t p = area[i][0]; p >= 0x400 && p + 36 <= area[i][1]; p += 16) {
            if (acpi_rsdp_valid(early_phys(p, 36))) {
                return p;
            }
        }
    }
    return 0;
}

void x86_boot(uint32_t magic, uint32_t info)
{
    format_symbol_hook = arch_symbol;
    serial_init_early();
    switch (magic) {
    case BOOT_MAGIC_MULTIBOOT1:
        multiboot1_collect(info);
        break;
    case BOOT_MAGIC_MULTIBOOT2:
        multiboot2_collect(info);
        break;
    case BOOT_MAGIC_PVH:
        pvh_collect(info);
        break;
    default:
        panic("started by an unknown boot loader (%#x)", magic);
    }
    e820_sanitise(bootinfo.e820, &bootinfo.nr_e820, BOOT_MAX_E820);
    if (bootinfo.efi) {
        efi_collect();
    }
    find_text_screen();
    if (bootinfo.rsdp == 0 && !bootinfo.efi) {
        bootinfo.rsdp = acpi_scan_bios();
    }
    hv_cmdline = bootinfo.cmdline;
    bonsai_main();
}

void arch_init_early(void)
{
    serial_init_early();
    cpu_identify();
    traps_init();
    nmi_init();
    desc_init(0);
    cpu_init(0);
    cpu_policy_subsys_init();
    mitigations_init();
}

static void print_memory_map(void)
{
    static const char *const names[] = {"hole", "RAM", "reserved", "ACPI", "NVS", "unusable"};

    for (unsigned i = 0; i < bootinfo.nr_e820; i++) {
        const struct e820_entry *e = &bootinfo.e820[i];

        printk(LOG_INFO, "  %012lx-%012lx %s\n", e->addr, e->addr + e->size - 1, names[e->type]);
    }
}

void arch_init_memory(void)
{
    uint64_t free;

    printk(LOG_INFO, "started by %s%s, %u modules; command line: %s\n", bootinfo.loader,
           bootinfo.efi ? " on UEFI" : "", bootinfo.nr_modules, bootinfo.cmdline);
    print_memory_map();
    mm_init();
    tlb_subsys_init();
    free = page_alloc_free_count();
    printk(LOG_INFO, "%lu MiB of memory are free\n", free >> 8);
}

static const void *map_table(paddr_t p, size_t len)
{
    uint64_t end = p + len;
    unsigned pages;
    char *va;

    if (end < p || end > 1ULL << cpu_features.phys_bits) {
        return NULL;
    }
    pages = (ROUND_UP(end, PAGE_SIZE) - (p & PAGE_MASK)) >> PAGE_SHIFT;
    va = vmap_range(paddr_to_mfn(p), pages, PTE_HV_RO);
    return va != NULL ? va + (p & ~PAGE_MASK) : NULL;
}

static void unmap_table(const void *va)
{
    vunmap((void *)va);
}

void arch_init_platform(void)
{
    static const struct acpi_memory mem = {map_table, unmap_table};

    if (!acpi_parse(&acpi_info, bootinfo.rsdp, &mem)) {
        printk(LOG_WARNING, "no usable ACPI tables: one processor, no IO-APIC\n");
    }
    if (acpi_info.lapic_base == 0) {
        acpi_info.lapic_base = 0xfee00000;
    }
    smpboot_enumerate();
    irq_init();
    lapic_init_bsp(acpi_info.lapic_base);
    time_init();
    lapic_timer_calibrate();
    serial_init_irq();
}

void arch_init_done(void)
{
    /* The identity mapping went when smpboot.c took its place; nothing else is left over. */
}
