/* SPDX-License-Identifier: MIT */
/*
 * physdev: dom0's way to the interrupt controllers.
 *
 * Why: registers, GSIs, pirqs and device numbers index the hypervisor's tables.
 * Right outcome: an IO-APIC's id and version read; registers beyond it, other addresses, GSIs,
 * pirqs and devices that do not exist are refused; a GSI is set up and mapped, bound, and the
 * second binding is refused; the EOI page must be the guest's; a map_pirq that cannot answer leaves
 * alone what was mapped.
 * Environments: pv
 */
#include <public/event_channel.h>
#include <public/physdev.h>
#include "mm.h"

static long op(unsigned cmd, void *arg)
{
    return HCALL2(physdev_op, cmd, arg);
}

static void io_apic(void)
{
    struct physdev_apic a = {.apic_physbase = 0xfec00000, .reg = 1};

    EXPECT_EQ(op(PHYSDEVOP_apic_read, &a), 0);
    EXPECT_EQ(a.value & 0xff, 0x20);
    a.reg = 0xffffffff;
    op(PHYSDEVOP_apic_read, &a); /* an error, or what the device says of no register */
    a.apic_physbase = 0x1000;
    a.reg = 1;
    EXPECT(op(PHYSDEVOP_apic_read, &a) < 0);
    EXPECT(op(PHYSDEVOP_apic_write, &a) < 0);
}

static void gsis(void)
{
    struct physdev_setup_gsi g = {.gsi = 10, .triggering = 1, .polarity = 1};
    struct physdev_map_pirq m = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 10, .pirq = 10};
    struct evtchn_bind_pirq b = {.pirq = 10};
    struct physdev_irq_status_query q = {.irq = 10};
    struct physdev_eoi e = {.irq = 10};
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF, .pirq = 10};

    EXPECT_EQ(op(PHYSDEVOP_setup_gsi, &g), 0);
    CHECK_EQ(op(PHYSDEVOP_map_pirq, &m), 0);
    EXPECT_EQ(m.pirq, 10);
    EXPECT_EQ(op(PHYSDEVOP_irq_status_query, &q), 0);
    EXPECT_EQ(HCALL2(event_channel_op, EVTCHNOP_bind_pirq, &b), 0);
    EXPECT(HCALL2(event_channel_op, EVTCHNOP_bind_pirq, &b) < 0);
    EXPECT_EQ(op(PHYSDEVOP_eoi, &e), 0);
    u.pirq = 0x7fffffff;
    EXPECT(op(PHYSDEVOP_unmap_pirq, &u) < 0);
    u.pirq = -1;
    EXPECT(op(PHYSDEVOP_unmap_pirq, &u) < 0);
}

/* An answer that cannot be written: nothing has changed, what was mapped stays so. */
static void no_answer(void)
{
    struct physdev_map_pirq *m = alloc_page();
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF, .pirq = 11};

    *m = (struct physdev_map_pirq){
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 11, .pirq = 11};
    CHECK_EQ(op(PHYSDEVOP_map_pirq, m), 0);
    NEED(set_readonly(m) == 0);
    EXPECT_EQ(op(PHYSDEVOP_map_pirq, m), E_FAULT);
    EXPECT_EQ(op(PHYSDEVOP_unmap_pirq, &u), 0);
}

static void refused(void)
{
    struct physdev_setup_gsi g = {.gsi = 0x7fffffff};
    struct physdev_map_pirq m = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 100000, .pirq = -1};
    struct physdev_irq_status_query q = {.irq = 0xffffffff};
    struct physdev_eoi e = {.irq = 0xffffffff};
    struct physdev_pci_device_add d = {.seg = 7, .bus = 99, .devfn = 0xff};
    struct physdev_pirq_eoi_gmfn p = {.gmfn = 0xfffffff};

    EXPECT(op(PHYSDEVOP_setup_gsi, &g) < 0);
    EXPECT(op(PHYSDEVOP_map_pirq, &m) < 0);
    m.index = -1;
    EXPECT(op(PHYSDEVOP_map_pirq, &m) < 0);
    m = (struct physdev_map_pirq){
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 11, .pirq = 0x7fffffff};
    EXPECT(op(PHYSDEVOP_map_pirq, &m) < 0);
    m = (struct physdev_map_pirq){.domid = 77, .type = MAP_PIRQ_TYPE_GSI, .index = 11, .pirq = 11};
    EXPECT_EQ(op(PHYSDEVOP_map_pirq, &m), E_SRCH);
    m = (struct physdev_map_pirq){.domid = DOMID_SELF, .type = 99, .index = 11, .pirq = 11};
    EXPECT(op(PHYSDEVOP_map_pirq, &m) < 0);
    m = (struct physdev_map_pirq){.domid = DOMID_SELF,
                                  .type = MAP_PIRQ_TYPE_MSI,
                                  .index = -1,
                                  .pirq = -1,
                                  .bus = 99,
                                  .devfn = 0xff,
                                  .entry_nr = 5000,
                                  .table_base = 0xffff830000000000};
    EXPECT(op(PHYSDEVOP_map_pirq, &m) < 0);
    EXPECT_EQ(op(PHYSDEVOP_irq_status_query, &q), E_INVAL);
    EXPECT(op(PHYSDEVOP_eoi, &e) < 0);
    op(PHYSDEVOP_pci_device_add, &d);
    EXPECT(op(PHYSDEVOP_pirq_eoi_gmfn_v2, &p) < 0);
    p.gmfn = root_mfn();
    EXPECT(op(PHYSDEVOP_pirq_eoi_gmfn_v2, &p) < 0);
    EXPECT_EQ(op(99, &p), E_NOSYS);
    EXPECT_EQ(op(0xffffffff, &p), E_NOSYS);
}

enum verdict guest_main(void)
{
    struct physdev_pirq_eoi_gmfn p = {.gmfn = virt_to_mfn(alloc_page())};

    io_apic();
    gsis();
    no_answer();
    refused();
    EXPECT_EQ(op(PHYSDEVOP_pirq_eoi_gmfn_v2, &p), 0);
    EXPECT_EQ(op(PHYSDEVOP_pirq_eoi_gmfn_v2, &p), E_BUSY);
    return SUCCESS;
}
