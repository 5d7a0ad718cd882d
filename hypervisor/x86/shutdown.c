/* SPDX-License-Identifier: MIT */
/*
 * The ways out: reset, power off, halt, leaving the emulator. Each tries what the machine offers,
 * from the polite to the certain.
 *
 * Power off needs the sleep type of S5, which only the firmware's byte code holds. dom0's kernel
 * runs that code and hands the values in (XENPF_enter_acpi_sleep); a power-off that does not come
 * by that way tries type 0, which is the one of the emulators, and halts if the machine stays on.
 */
#include "x86/shutdown.h"
#include "core/arch.h"
#include "core/errno.h"
#include "core/printk.h"
#include "x86/boot/acpi.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/nmi.h"
#include "x86/mm/map.h"

#define SLP_EN          0x2000 /* PM1 control */
#define SLP_EN_EXTENDED 0x20   /* sleep control register: type in bits 2-4 */
#define FADT_RESET      (1u << 10)
#define PORT_DEBUG_EXIT 0xf4
#define PORT_KBC_STATUS 0x64
#define PORT_RESET      0xcf9
#define KBC_BUSY        0x02
#define KBC_RESET       0xfe
#define POLLS           100000

static void pause_a_while(void)
{
    for (unsigned i = 0; i < POLLS; i++) {
        (void)inb(0x80); /* about a microsecond each */
    }
}

static void write_register(const struct acpi_address *a, uint32_t value, unsigned bytes)
{
    if (a->space == ACPI_SPACE_IO) {
        if (bytes == 1) {
            outb((uint16_t)a->address, (uint8_t)value);
        } else {
            outw((uint16_t)a->address, (uint16_t)value);
        }
    } else if (a->space == ACPI_SPACE_MEMORY) {
        void *page = vmap_range(paddr_to_mfn(a->address), 1, PTE_HV_UC);

        if (page != NULL) {
            volatile char *p = (volatile char *)page + (a->address & ~PAGE_MASK);

            if (bytes == 1) {
                *p = (char)value;
            } else {
                *(volatile uint16_t *)p = (uint16_t)value;
            }
        }
    }
}

int shutdown_enter_s5(uint16_t pm1a, uint16_t pm1b, bool extended)
{
    if (extended) {
        if (acpi_info.sleep_control.address == 0) {
            return -ENODEV;
        }
        write_register(&acpi_info.sleep_control, (pm1a & 0xff) | SLP_EN_EXTENDED, 1);
    } else {
        if (acpi_info.pm1a_cnt.address == 0) {
            return -ENODEV;
        }
        write_register(&acpi_info.pm1a_cnt, pm1a | SLP_EN, 2);
        if (acpi_info.pm1b_cnt.address != 0) {
            write_register(&acpi_info.pm1b_cnt, pm1b | SLP_EN, 2);
        }
    }
    pause_a_while();
    return -EIO;
}

void arch_halt(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}

void arch_power_off(void)
{
    irq_disable();
    nmi_stop_others();
    shutdown_enter_s5(0, 0, false);
    printk(LOG_ERR, "The machine can be switched off now\n");
    arch_halt();
}

static void reset_by_acpi(void)
{
    const struct acpi_address *a = &acpi_info.reset;

    if (!acpi_info.have_reset || (acpi_info.fadt_flags & FADT_RESET) == 0) {
        return;
    }
    if (a->space == ACPI_SPACE_PCI) {
        return; /* device and register are packed in the address; the next ways are better */
    }
    write_register(a, acpi_info.reset_value, 1);
    pause_a_while();
}

static void reset_by_chipset(void)
{
    outb(PORT_RESET, 0x02);
    outb(PORT_RESET, 0x06);
    pause_a_while();
}

static void reset_by_keyboard(void)
{
    for (unsigned i = 0; i < POLLS && (inb(PORT_KBC_STATUS) & KBC_BUSY) != 0; i++) {
        cpu_relax();
    }
    outb(PORT_KBC_STATUS, KBC_RESET);
    pause_a_while();
}

/* An exception without any handler resets the processor. */
static void reset_by_triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    __asm__ volatile("lidt %0; int3" : : "m"(none) : "memory");
}

void arch_reboot(void)
{
    irq_disable();
    nmi_stop_others();
    reset_by_acpi();
    reset_by_keyboard();
    reset_by_chipset();
    reset_by_triple_fault();
    arch_halt();
}

/* The emulator's debug-exit device; on a machine without it nothing happens. */
void arch_panic_exit(void)
{
    outl(PORT_DEBUG_EXIT, 0x10);
}
