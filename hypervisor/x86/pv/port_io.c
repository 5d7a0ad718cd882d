/* SPDX-License-Identifier: MIT */
/*
 * Every IN and OUT of a PV guest traps, since it runs at ring 3 without a port bitmap. Two
 * questions decide: does the guest let this code use ports (its IOPL, or its own bitmap), and
 * are the ports the domain's (d->ioports)? The PCI configuration ports belong to nobody; accesses
 * of the hardware domain are carried out here, device registers that we program left out.
 */
#include "x86/pv/port_io.h"
#include "core/guest.h"
#include "lib/rangeset.h"
#include "x86/cpu/cpu.h"
#include "x86/dev/pci.h"
#include "x86/pv/pv.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc

/* The bitmap lies where the guest's kernel sees it, whoever uses the port. */
static int read_bitmap(struct vcpu *v, unsigned port, uint16_t *bits)
{
    bool from_user = !v->arch.kernel_mode;
    int rc;

    if (from_user) {
        pv_toggle_mode(v);
    }
    rc = guest_read(bits, (guest_ptr_t){v->arch.iobmp.va + port / 8}, sizeof(*bits));
    if (from_user) {
        pv_toggle_mode(v);
    }
    return rc;
}

bool port_io_permitted(struct vcpu *v, unsigned port, unsigned bytes)
{
    unsigned needed = v->arch.kernel_mode ? 1 : 3;
    uint16_t bits;

    if (v->arch.iopl >= needed) {
        return true;
    }
    if (guest_ptr_null(v->arch.iobmp) || port + bytes > v->arch.iobmp_limit) {
        return false;
    }
    if (read_bitmap(v, port, &bits) != 0) {
        return false;
    }
    return ((bits >> (port & 7)) & ((1u << bytes) - 1)) == 0;
}

static bool is_mine(const struct vcpu *v, unsigned port, unsigned bytes)
{
    return rangeset_contains(v->domain->ioports, port, port + bytes - 1);
}

static bool is_config(const struct vcpu *v, unsigned port)
{
    return (v->domain->rights & RIGHT_HARDWARE) && port >= PCI_ADDRESS && port < PCI_DATA + 4;
}

static uint32_t ones(unsigned bytes)
{
    return bytes == 4 ? ~0u : (1u << (bytes * 8)) - 1;
}

static uint32_t config_read(struct vcpu *v, unsigned port, unsigned bytes)
{
    uint32_t sbdf;
    unsigned reg;

    if (port < PCI_DATA) {
        return port == PCI_ADDRESS && bytes == 4 ? v->domain->arch.cf8 : ones(bytes);
    }
    if (!pci_cf8_decode(v->domain->arch.cf8, port - PCI_DATA, &sbdf, &reg) ||
        !pci_cfg_access_ok(sbdf, reg, bytes, false)) {
        return ones(bytes);
    }
    return pci_conf_read(sbdf, reg, bytes);
}

static void config_write(struct vcpu *v, unsigned port, unsigned bytes, uint32_t value)
{
    uint32_t sbdf;
    unsigned reg;

    if (port < PCI_DATA) {
        if (port == PCI_ADDRESS && bytes == 4) {
            v->domain->arch.cf8 = value;
        }
        return;
    }
    if (pci_cf8_decode(v->domain->arch.cf8, port - PCI_DATA, &sbdf, &reg) &&
        pci_cfg_access_ok(sbdf, reg, bytes, true)) {
        pci_conf_write(sbdf, reg, bytes, value);
    }
}

uint32_t port_io_read(struct vcpu *v, unsigned port, unsigned bytes)
{
    if (is_config(v, port)) {
        return config_read(v, port, bytes);
    }
    if (!is_mine(v, port, bytes)) {
        return ones(bytes);
    }
    switch (bytes) {
    case 1:
        return inb((uint16_t)port);
    case 2:
        return inw((uint16_t)port);
    default:
        return inl((uint16_t)port);
    }
}

void port_io_write(struct vcpu *v, unsigned port, unsigned bytes, uint32_t value)
{
    if (is_config(v, port)) {
        config_write(v, port, bytes, value);
        return;
    }
    if (!is_mine(v, port, bytes)) {
        return;
    }
    switch (bytes) {
    case 1:
        outb((uint16_t)port, (uint8_t)value);
        break;
    case 2:
        outw((uint16_t)port, (uint16_t)value);
        break;
    default:
        outl((uint16_t)port, value);
        break;
    }
}
