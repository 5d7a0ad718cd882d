/* SPDX-License-Identifier: MIT */
/*
 * pirq-message: interrupts that devices send as messages, delivered to dom0.
 *
 * Why: all fast devices use them, the hypervisor writes the messages, and a message that goes to
 * the wrong place is lost or worse.
 * Right outcome: an MSI of one device and two MSI-X vectors of another each raise the event that
 * was bound to them, once for each message; a masked port only collects; after close and unmap
 * nothing comes any more, and the message can be taken again.
 * Environments: pv
 * Boot: -- -device edu,addr=5 -device e1000e,addr=6
 */
#include "pci.h"
#include "time.h"
#include "traps.h"

#define NIC_SLOT   6
#define NIC_ID     0x10d38086
#define NIC_ICS    (0x00c8 / 4)
#define NIC_IMS    (0x00d0 / 4)
#define NIC_IMC    (0x00d8 / 4)
#define NIC_IVAR   (0x00e4 / 4)
#define IVAR_RX    0x8     /* receive queue 0: vector 0 */
#define IVAR_MISC  0x90000 /* everything else: vector 1 */
#define CAUSE_RX   (1u << 20)
#define CAUSE_LSC  (1u << 2)
#define CAUSE_MISC (1u << 24)

static long take(struct physdev_map_pirq *m, unsigned devfn, unsigned entry, uint64_t table)
{
    *m = (struct physdev_map_pirq){
        .domid = DOMID_SELF,
        .type = MAP_PIRQ_TYPE_MSI,
        .index = -1,
        .pirq = -1,
        .devfn = (int)devfn,
        .entry_nr = (int)entry,
        .table_base = table,
    };
    return HCALL2(physdev_op, PHYSDEVOP_map_pirq, m);
}

/* Event n, and then an answer if the hypervisor wants one (for messages without mask bits). */
static bool comes(evtchn_port_t port, int pirq, unsigned n)
{
    struct physdev_irq_status_query q = {.irq = (uint32_t)pirq};
    struct physdev_eoi e = {.irq = (uint32_t)pirq};
    bool ok = WAIT(event_count[port] >= n, MS(1000));

    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_irq_status_query, &q), 0);
    if ((q.flags & XENIRQSTAT_needs_eoi) != 0) {
        CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_eoi, &e), 0);
    }
    return ok && !WAIT(event_count[port] > n, MS(5));
}

static void msi(void)
{
    unsigned devfn = DEVFN(EDU_SLOT), cap;
    struct physdev_map_pirq m;
    volatile uint32_t *edu;
    evtchn_port_t port;

    pci_start(devfn, EDU_ID);
    edu = pci_registers(devfn, 0, 0);
    cap = pci_cap(devfn, 5);
    NEED(cap != 0);
    CHECK_EQ(take(&m, devfn, 0, 0), 0);
    CHECK_EQ(pirq_bind_port(m.pirq, 0, &port), 0);
    pci_write16(devfn, cap + 2, 0x81); /* 64 bits, enabled */
    port_unmask(port);
    edu[EDU_RAISE] = 1;
    CHECK(comes(port, m.pirq, 1));
    edu[EDU_RAISE] = 2;
    CHECK(comes(port, m.pirq, 2));
    shared_info->evtchn_mask[port / 64] |= 1UL << (port % 64);
    edu[EDU_RAISE] = 4;
    EXPECT(WAIT(port_pending(port), MS(1000)));
    EXPECT_EQ(event_count[port], 2);
    port_unmask(port);
    CHECK(comes(port, m.pirq, 3));
    CHECK_EQ(pirq_close(port, m.pirq), 0);
    edu[EDU_RAISE] = 8;
    EXPECT(!WAIT(event_count[port] != 3 || port_pending(port), MS(10)));
    edu[EDU_ACK] = ~0u;
    CHECK_EQ(take(&m, devfn, 0, 0), 0);
    CHECK_EQ(pirq_bind_port(m.pirq, 0, &port), 0);
    pci_write16(devfn, cap + 2, 0x81);
    port_unmask(port);
    event_count[port] = 0;
    edu[EDU_RAISE] = 1;
    CHECK(comes(port, m.pirq, 1));
    CHECK_EQ(pirq_close(port, m.pirq), 0);
}

static void msix(void)
{
    unsigned devfn = DEVFN(NIC_SLOT), cap;
    struct physdev_map_pirq m[2], wrong;
    evtchn_port_t port[2];
    volatile uint32_t *nic;
    uint64_t table;

    pci_start(devfn, NIC_ID);
    nic = pci_registers(devfn, 0, 1);
    cap = pci_cap(devfn, 0x11);
    NEED(cap != 0);
    table = pci_bar(devfn, pci_read(devfn, cap + 4) & 7);
    pci_write16(devfn, cap + 2, 0x8000); /* enabled, as Linux has it by then */
    CHECK(take(&wrong, devfn, 2000, table) < 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(take(&m[i], devfn, i, table), 0);
        CHECK_EQ(pirq_bind_port(m[i].pirq, 0, &port[i]), 0);
        port_unmask(port[i]);
        event_count[port[i]] = 0;
    }
    pci_write16(devfn, cap + 2, 0x8000);
    CHECK(m[0].pirq != m[1].pirq);
    nic[NIC_IVAR] = IVAR_RX | IVAR_MISC;
    nic[NIC_IMS] = CAUSE_RX | CAUSE_MISC | CAUSE_LSC;
    nic[NIC_ICS] = CAUSE_RX;
    CHECK(comes(port[0], m[0].pirq, 1));
    CHECK_EQ(event_count[port[1]], 0);
    nic[NIC_ICS] = CAUSE_LSC;
    CHECK(WAIT(event_count[port[1]] >= 1, MS(1000)));
    CHECK_EQ(event_count[port[0]], 1);
    nic[NIC_IMC] = ~0u;
    CHECK_EQ(pirq_close(port[0], m[0].pirq), 0);
    CHECK_EQ(pirq_close(port[1], m[1].pirq), 0);
}

enum verdict guest_main(void)
{
    events_unmask();
    msi();
    msix();
    return SUCCESS;
}
