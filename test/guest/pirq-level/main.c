/* SPDX-License-Identifier: MIT */
/*
 * pirq-level: the pin of a device, level-triggered, delivered to dom0.
 *
 * Why: the line stays up until dom0 has calmed the device, so the hypervisor keeps it masked until
 * dom0 says that it has; forgetting the answer stops the device, answering too early is a storm.
 * Right outcome: an event, and no storm of them before PHYSDEVOP_eoi; then the same one again if
 * the device was not calmed, or silence, or the next one; irq_status_query and the page of
 * pirq_eoi_gmfn_v2 say that this pirq wants its answer; after close the line disturbs nobody.
 * Environments: pv
 * Boot: -- -device edu,addr=5
 */
#include "pci.h"
#include "time.h"
#include "traps.h"

/* Slot 5, pin A, on a Q35: PIRQF, which is this pin of the IO-APIC. */
#define GSI 21

static volatile uint32_t *edu;
static evtchn_port_t port;

static void eoi(void)
{
    struct physdev_eoi e = {.irq = GSI};

    EXPECT_EQ(HCALL2(physdev_op, PHYSDEVOP_eoi, &e), 0);
}

static bool raises(uint32_t what)
{
    unsigned before = event_count[port];

    edu[EDU_RAISE] = what;
    return WAIT(event_count[port] != before, MS(1000));
}

/* None, or one now and then: the reference opens a line by itself that is not answered. */
static bool no_storm(void)
{
    unsigned before = event_count[port];

    spin_ns(MS(20));
    return event_count[port] - before <= 40;
}

static bool quiet(void)
{
    unsigned before;

    spin_ns(MS(5));
    before = event_count[port];
    return !WAIT(event_count[port] != before, MS(10));
}

static void bind(void)
{
    CHECK_EQ(pirq_bind_port(GSI, BIND_PIRQ__WILL_SHARE, &port), 0);
    port_unmask(port);
}

enum verdict guest_main(void)
{
    uint64_t *bits = alloc_page();
    struct physdev_pirq_eoi_gmfn page = {.gmfn = virt_to_mfn(bits)};
    struct physdev_setup_gsi g = {.gsi = GSI, .triggering = 1, .polarity = 1};
    struct physdev_map_pirq m = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = GSI, .pirq = GSI};
    struct physdev_irq_status_query q = {.irq = GSI};
    struct evtchn_close c;

    pci_start(DEVFN(EDU_SLOT), EDU_ID);
    edu = pci_registers(DEVFN(EDU_SLOT), 0, 0);
    events_unmask();
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &page), 0);
    NEED(HCALL2(physdev_op, PHYSDEVOP_setup_gsi, &g) == 0);
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_map_pirq, &m), 0);
    CHECK_EQ(m.pirq, GSI);
    bind();
    CHECK_EQ(HCALL2(physdev_op, PHYSDEVOP_irq_status_query, &q), 0);
    EXPECT((q.flags & XENIRQSTAT_needs_eoi) != 0);
    EXPECT((bits[0] & 1UL << GSI) != 0);

    CHECK(raises(1));
    EXPECT(no_storm()); /* it was not answered yet, and the device is still at it */
    eoi();
    CHECK(WAIT(event_count[port] >= 2, MS(1000)));
    edu[EDU_ACK] = ~0u;
    eoi();
    EXPECT(quiet());
    eoi(); /* there is nothing to answer */
    CHECK(raises(2));

    /* closed without an answer, and up again: others live on */
    c.port = port;
    CHECK_EQ(HCALL2(event_channel_op, EVTCHNOP_close, &c), 0);
    EXPECT(quiet());
    edu[EDU_ACK] = ~0u;
    bind();
    CHECK(raises(1));
    edu[EDU_ACK] = ~0u;
    eoi();
    EXPECT(quiet());
    CHECK_EQ(pirq_close(port, GSI), 0);
    return SUCCESS;
}
