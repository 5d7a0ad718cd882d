/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: one row for each sub-operation, with who may call it. A handler copies its argument
 * in, checks the copy and acts. What has no row answers -ENOSYS.
 */
#include <public/physdev.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "core/nospec.h"
#include "lib/lib.h"
#include "x86/dev/pci.h"
#include "x86/irq/guest_irq.h"
#include "x86/irq/ioapic.h"
#include "x86/irq/irq.h"
#include "x86/irq/msi.h"
#include "x86/pv/pv.h"

#define MAX_PORTS 65536u

struct physdev_row {
    const char *name;
    long (*fn)(guest_ptr_t arg);
    access_fn access;
};

static long op_eoi(guest_ptr_t arg)
{
    struct physdev_eoi a;

    return guest_get(&a, arg) ? -EFAULT : pirq_eoi(current->domain, a.irq);
}

static long op_irq_status_query(guest_ptr_t arg)
{
    struct physdev_irq_status_query a;
    int rc;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    rc = pirq_status(current->domain, a.irq, &a.flags);
    return rc != 0 ? rc : guest_put(arg, &a);
}

static long set_eoi_page(guest_ptr_t arg, bool auto_unmask)
{
    struct physdev_pirq_eoi_gmfn a;

    return guest_get(&a, arg) ? -EFAULT
                              : pirq_set_eoi_page(current->domain, GFN(a.gmfn), auto_unmask);
}

static long op_pirq_eoi_gmfn_v1(guest_ptr_t arg)
{
    return set_eoi_page(arg, true);
}

static long op_pirq_eoi_gmfn_v2(guest_ptr_t arg)
{
    return set_eoi_page(arg, false);
}

static long op_set_iopl(guest_ptr_t arg)
{
    struct physdev_set_iopl a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    if (a.iopl > 3) {
        return -EINVAL;
    }
    current->arch.iopl = a.iopl;
    return 0;
}

/* The bitmap is read when the guest's user space uses a port; it need not be there before. */
static long op_set_iobitmap(guest_ptr_t arg)
{
    struct physdev_set_iobitmap a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    if (a.nr_ports > MAX_PORTS || !guest_range_ok(a.bitmap, (a.nr_ports + 7) / 8)) {
        return -EINVAL;
    }
    current->arch.iobmp = a.bitmap;
    current->arch.iobmp_limit = a.nr_ports;
    return 0;
}

static long op_apic_read(guest_ptr_t arg)
{
    struct physdev_apic a;
    int rc;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    rc = ioapic_guest_read(a.apic_physbase, a.reg, &a.value);
    return rc != 0 ? rc : guest_put(arg, &a);
}

static long op_apic_write(guest_ptr_t arg)
{
    struct physdev_apic a;

    return guest_get(&a, arg) ? -EFAULT : ioapic_guest_write(a.apic_physbase, a.reg, a.value);
}

/* Old kernels write this number into an IO-APIC route; it only has to be the interrupt's own. */
static long op_alloc_irq_vector(guest_ptr_t arg)
{
    struct physdev_irq a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    if (a.irq >= irq_nr_gsis()) {
        return -EINVAL;
    }
    a.vector = a.irq;
    return guest_put(arg, &a);
}

static long op_setup_gsi(guest_ptr_t arg)
{
    struct physdev_setup_gsi a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    if (a.gsi < 0 || a.triggering > 1 || a.polarity > 1) {
        return -EINVAL;
    }
    return irq_setup_gsi((unsigned)a.gsi, a.triggering == 1, a.polarity == 1);
}

/* --- pirqs ------------------------------------------------------------------------------------ */

static int map_gsi(struct domain *d, const struct physdev_map_pirq *a)
{
    if (a->index < 0 || (unsigned)a->index >= irq_nr_gsis() ||
        irq_desc((unsigned)a->index) == NULL) {
        return -EINVAL;
    }
    return pirq_map(d, a->pirq < 0 ? PIRQ_ANY : a->pirq,
                    (unsigned)index_nospec((unsigned)a->index, irq_nr_gsis()));
}

static int map_message(struct domain *d, const struct physdev_map_pirq *a, unsigned seg)
{
    bool msix = a->table_base != 0;
    int irq, pirq;

    if ((a->bus & 0xffff) > 0xff || a->devfn < 0 || a->devfn > 0xff || a->entry_nr < 0) {
        return -EINVAL;
    }
    irq = msi_create(PCI_SBDF(seg, a->bus, a->devfn), msix, (unsigned)a->entry_nr, current->cpu);
    if (irq < 0) {
        return irq;
    }
    pirq = pirq_map(d, a->pirq < 0 ? PIRQ_ANY : a->pirq, (unsigned)irq);
    if (pirq < 0) {
        msi_destroy((unsigned)irq);
    }
    return pirq;
}

/* Several messages of one MSI need neighbouring vectors on one processor: one only is offered. */
static int map_multi(struct domain *d, struct physdev_map_pirq *a)
{
    if (a->entry_nr != 1 || a->table_base != 0) {
        return a->entry_nr <= 0 || a->entry_nr > 32 ? -EINVAL : -EOPNOTSUPP;
    }
    a->entry_nr = 0;
    return map_message(d, a, (uint32_t)a->bus >> 16);
}

static int map_by_type(struct domain *d, struct physdev_map_pirq *a)
{
    switch (a->type) {
    case MAP_PIRQ_TYPE_GSI:
        return map_gsi(d, a);
    case MAP_PIRQ_TYPE_MSI:
        return (uint32_t)a->bus >> 16 != 0 ? -EINVAL : map_message(d, a, 0);
    case MAP_PIRQ_TYPE_MSI_SEG:
        return map_message(d, a, (uint32_t)a->bus >> 16);
    case MAP_PIRQ_TYPE_MULTI_MSI:
        return map_multi(d, a);
    default:
        return -EINVAL;
    }
}

static long op_map_pirq(guest_ptr_t arg)
{
    struct physdev_map_pirq a, in;
    struct domain *d;
    int rc;

    if (guest_get(&a, arg) != 0 || guest_put(arg, &a) != 0) { /* it will be written to */
        return -EFAULT;
    }
    d = domain_get_any(a.domid);
    if (d == NULL) {
        return -ESRCH;
    }
    in = a;
    rc = arch_nr_pirqs(d) != 0 ? map_by_type(d, &a) : -ESRCH;
    if (rc >= 0) {
        in.pirq = rc;
        rc = guest_put(arg, &in);
    }
    domain_put(d);
    return rc;
}

static long op_unmap_pirq(guest_ptr_t arg)
{
    struct physdev_unmap_pirq a;
    struct domain *d;
    long rc;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    d = domain_get_any(a.domid);
    if (d == NULL) {
        return -ESRCH;
    }
    rc = a.pirq >= 0 && (unsigned)a.pirq < arch_nr_pirqs(d) ? pirq_unmap(d, a.pirq) : -EINVAL;
    domain_put(d);
    return rc;
}

/* --- PCI devices ------------------------------------------------------------------------------ */

static long op_pci_device_add(guest_ptr_t arg)
{
    struct physdev_pci_device_add a;

    if (guest_read(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    if ((a.flags & ~(uint32_t)(XEN_PCI_DEV_EXTFN | XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_PXM)) != 0) {
        return -EINVAL;
    }
    return pci_device_add(PCI_SBDF(a.seg, a.bus, a.devfn), a.flags, a.physfn.bus, a.physfn.devfn);
}

static long op_pci_device_remove(guest_ptr_t arg)
{
    struct physdev_pci_device a;

    return guest_get(&a, arg) ? -EFAULT : pci_device_remove(PCI_SBDF(a.seg, a.bus, a.devfn));
}

static long op_manage_pci_add(guest_ptr_t arg)
{
    struct physdev_manage_pci a;

    return guest_get(&a, arg) ? -EFAULT : pci_device_add(PCI_SBDF(0, a.bus, a.devfn), 0, 0, 0);
}

static long op_manage_pci_remove(guest_ptr_t arg)
{
    struct physdev_manage_pci a;

    return guest_get(&a, arg) ? -EFAULT : pci_device_remove(PCI_SBDF(0, a.bus, a.devfn));
}

static long op_manage_pci_add_ext(guest_ptr_t arg)
{
    struct physdev_manage_pci_ext a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    if (a.is_extfn > 1 || a.is_virtfn > 1) {
        return -EINVAL;
    }
    return pci_device_add(PCI_SBDF(0, a.bus, a.devfn),
                          (a.is_extfn ? XEN_PCI_DEV_EXTFN : 0u) |
                              (a.is_virtfn ? XEN_PCI_DEV_VIRTFN : 0u),
                          a.physfn.bus, a.physfn.devfn);
}

static long op_restore_msi(guest_ptr_t arg)
{
    struct physdev_restore_msi a;

    return guest_get(&a, arg) ? -EFAULT : msi_restore(PCI_SBDF(0, a.bus, a.devfn));
}

static long op_restore_msi_ext(guest_ptr_t arg)
{
    struct physdev_pci_device a;

    return guest_get(&a, arg) ? -EFAULT : msi_restore(PCI_SBDF(a.seg, a.bus, a.devfn));
}

static long op_pci_mmcfg_reserved(guest_ptr_t arg)
{
    struct physdev_pci_mmcfg_reserved a;

    return guest_get(&a, arg) ? -EFAULT
                              : pci_mmcfg_reserved(a.address, a.segment, a.start_bus, a.end_bus);
}

/* The hypervisor has no console on a USB debug port, so dom0 may reset its controller. */
static long op_dbgp_op(guest_ptr_t arg)
{
    struct physdev_dbgp_op a;

    if (guest_get(&a, arg) != 0) {
        return -EFAULT;
    }
    return (a.op == PHYSDEVOP_DBGP_RESET_PREPARE || a.op == PHYSDEVOP_DBGP_RESET_DONE) &&
                   a.bus <= PHYSDEVOP_DBGP_BUS_PCI
               ? 0
               : -EINVAL;
}

#define ROW(n, who) [PHYSDEVOP_##n] = {#n, op_##n, who}

static const struct physdev_row rows[] = {
    ROW(irq_status_query, access_hardware),
    ROW(set_iopl, access_any),
    ROW(set_iobitmap, access_any),
    ROW(apic_read, access_hardware),
    ROW(apic_write, access_hardware),
    ROW(alloc_irq_vector, access_hardware),
    ROW(eoi, access_hardware),
    ROW(map_pirq, access_hardware),
    ROW(unmap_pirq, access_hardware),
    ROW(manage_pci_add, access_hardware),
    ROW(manage_pci_remove, access_hardware),
    ROW(pirq_eoi_gmfn_v1, access_hardware),
    ROW(restore_msi, access_hardware),
    ROW(manage_pci_add_ext, access_hardware),
    ROW(setup_gsi, access_hardware),
    ROW(pci_mmcfg_reserved, access_hardware),
    ROW(pci_device_add, access_hardware),
    ROW(pci_device_remove, access_hardware),
    ROW(restore_msi_ext, access_hardware),
    ROW(pirq_eoi_gmfn_v2, access_hardware),
    ROW(dbgp_op, access_hardware),
};

/* (command, argument) */
long do_physdev_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
{
    const struct physdev_row *row;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if ((int)cmd < 0 || (unsigned)cmd >= ARRAY_SIZE(rows)) {
        return -ENOSYS;
    }
    row = &rows[index_nospec((unsigned)cmd, ARRAY_SIZE(rows))];
    if (row->fn == NULL) {
        return -ENOSYS;
    }
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    return row->fn(GUEST_PTR(arg));
}
