/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, by its page (xAPIC) or by MSRs (x2APIC; Intel SDM vol. 3, 11). x2APIC is used
 * where the firmware left it on, where an id needs it, and on emulated machines that offer it.
 * The timer runs by TSC deadline if there is one, else as a one-shot count-down.
 */
#include "x86/irq/lapic.h"
#include "core/percpu.h"
#include "core/printk.h"
#include "x86/boot/acpi.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/nmi.h"
#include "x86/cpu/time.h"
#include "x86/irq/irq.h"
#include "x86/mm/map.h"

#define REG_ID       0x020
#define REG_VERSION  0x030
#define REG_TPR      0x080
#define REG_EOI      0x0b0
#define REG_LDR      0x0d0
#define REG_DFR      0x0e0
#define REG_SVR      0x0f0
#define REG_ESR      0x280
#define REG_ICR      0x300
#define REG_ICR_HIGH 0x310
#define REG_LVTT     0x320
#define REG_LVTTHMR  0x330
#define REG_LVTPC    0x340
#define REG_LVT0     0x350
#define REG_LVT1     0x360
#define REG_LVTERR   0x370
#define REG_TMICT    0x380
#define REG_TMCCT    0x390
#define REG_TDCR     0x3e0

#define SVR_ENABLE    0x100
#define LVT_MASKED    (1u << 16)
#define LVT_NMI       (4u << 8)
#define LVTT_DEADLINE (2u << 17)
#define ICR_BUSY      (1u << 12)
#define ICR_ASSERT    (1u << 14)
#define ICR_LEVEL     (1u << 15)
#define ICR_OTHERS    (3u << 18)
#define ICR_MODE_NMI  (4u << 8)
#define ICR_MODE_INIT (5u << 8)
#define ICR_MODE_SIPI (6u << 8)
#define TDCR_BY_1     0xb

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_ENABLE (1ULL << 11)
#define APIC_BASE_X2     (1ULL << 10)
#define MSR_X2APIC(reg)  (0x800 + ((reg) >> 4))
#define MSR_TSC_DEADLINE 0x6e0

static volatile uint8_t *page;
static bool x2apic;
static bool deadline;
static struct time_scale count_per_ns; /* timer ticks = scale(ns) */
static PERCPU(uint32_t, apic_id);

static uint32_t apic_read(unsigned reg)
{
    if (x2apic) {
        return (uint32_t)rdmsr(MSR_X2APIC(reg));
    }
    return *(volatile uint32_t *)(page + reg);
}

static void apic_write(unsigned reg, uint32_t v)
{
    if (x2apic) {
        wrmsr(MSR_X2APIC(reg), v);
    } else {
        *(volatile uint32_t *)(page + reg) = v;
    }
}

uint32_t lapic_id(void)
{
    return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

uint32_t lapic_id_of_cpu(unsigned cpu)
{
    return per_cpu(apic_id, cpu);
}

bool lapic_is_x2apic(void)
{
    return x2apic;
}

bool lapic_id_reachable(uint32_t id)
{
    return id < 0xff;
}

void lapic_eoi(void)
{
    apic_write(REG_EOI, 0);
}

/* --- set-up ----------------------------------------------------------------------------------- */

static void enable_apic(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    if ((base & APIC_BASE_ENABLE) == 0) {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
        base |= APIC_BASE_ENABLE;
    }
    if (x2apic && (base & APIC_BASE_X2) == 0) {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
    }
}

void lapic_init_cpu(void)
{
    unsigned cpu = smp_processor_id();

    enable_apic();
    per_cpu(apic_id, cpu) = lapic_id();
    apic_write(REG_TPR, 0xff); /* nothing comes until all entries are set */
    if (!x2apic) {
        apic_write(REG_DFR, 0xffffffff); /* flat; a logical id of its own is not used */
    }
    apic_write(REG_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(REG_LVTT, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_LVT0, LVT_MASKED);
    apic_write(REG_LVT1, cpu == 0 ? LVT_NMI : LVT_NMI | LVT_MASKED);
    if ((apic_read(REG_VERSION) >> 16 & 0xff) >= 4) {
        apic_write(REG_LVTPC, LVT_MASKED);
    }
    apic_write(REG_ESR, 0);
    apic_write(REG_LVTERR, VECTOR_ERROR);
    apic_write(REG_TDCR, TDCR_BY_1);
    apic_write(REG_LVTT, (deadline ? LVTT_DEADLINE : 0) | VECTOR_TIMER);
    if (!deadline) {
        apic_write(REG_TMICT, 0);
    }
    apic_write(REG_TPR, 0);
}

static bool wide_ids(void)
{
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        if (acpi_info.cpu[i].enabled && !lapic_id_reachable(acpi_info.cpu[i].apic_id)) {
            return true;
        }
    }
    return false;
}

void lapic_init_bsp(paddr_t base)
{
    bool on = (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2) != 0;

    x2apic = cpu_features.x2apic && (on || cpu_features.hypervisor || wide_ids());
    deadline = cpu_features.tsc_deadline;
    if (!x2apic) {
        page = fixmap_device(base);
    }
    lapic_init_cpu();
    printk(LOG_INFO, "Local APIC: %s, id %u, timer by %s\n", x2apic ? "x2APIC" : "xAPIC",
           lapic_id(), deadline ? "TSC deadline" : "count-down");
}

void lapic_disable_cpu(void)
{
    apic_write(REG_LVTT, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_LVT1, LVT_NMI | LVT_MASKED);
    apic_write(REG_SVR, VECTOR_SPURIOUS);
}

/* Illegal vectors and messages that nobody took: none should happen. */
void lapic_error_interrupt(void)
{
    uint32_t status;

    apic_write(REG_ESR, 0);
    status = apic_read(REG_ESR);
    printk(LOG_WARNING, "Local APIC error on processor %u: %#x\n", smp_processor_id(), status);
}

/* --- messages to other processors ------------------------------------------------------------- */

static void wait_idle(void)
{
    if (!x2apic) {
        while ((apic_read(REG_ICR) & ICR_BUSY) != 0) {
            cpu_relax();
        }
    }
}

static void send(uint32_t id, uint32_t command)
{
    unsigned long flags = irq_save();

    if (x2apic) {
        smp_mb(); /* MSR writes do not wait for earlier stores */
        wrmsr(MSR_X2APIC(REG_ICR), (uint64_t)id << 32 | command);
    } else {
        wait_idle();
        apic_write(REG_ICR_HIGH, id << 24);
        apic_write(REG_ICR, command);
    }
    irq_restore(flags);
}

void lapic_send_ipi(unsigned cpu, unsigned vector)
{
    send(per_cpu(apic_id, cpu), ICR_ASSERT | vector);
}

void lapic_send_ipi_mask(cpumask_t cpus, unsigned vector)
{
    cpus &= ~(1ULL << smp_processor_id());
    while (cpus != 0) {
        unsigned cpu = (unsigned)__builtin_ctzll(cpus);

        cpus &= cpus - 1;
        lapic_send_ipi(cpu, vector);
    }
}

void lapic_send_init(uint32_t id)
{
    send(id, ICR_MODE_INIT | ICR_LEVEL | ICR_ASSERT);
    wait_idle();
    send(id, ICR_MODE_INIT | ICR_LEVEL); /* de-assert: old parts want it, others ignore it */
    wait_idle();
}

void lapic_send_sipi(uint32_t id, unsigned sipi_page)
{
    send(id, ICR_MODE_SIPI | (sipi_page & 0xff));
    wait_idle();
}

/* May be called from a report that interrupted a send: no waiting for ever. */
void lapic_send_nmi_others(void)
{
    if (x2apic) {
        wrmsr(MSR_X2APIC(REG_ICR), ICR_OTHERS | ICR_ASSERT | ICR_MODE_NMI);
    } else if (page != NULL) {
        for (unsigned i = 0; i < 100000 && (apic_read(REG_ICR) & ICR_BUSY) != 0; i++) {
            cpu_relax();
        }
        apic_write(REG_ICR, ICR_OTHERS | ICR_ASSERT | ICR_MODE_NMI);
    }
}

void arch_send_ipi(cpumask_t cpus, enum ipi what)
{
    switch (what) {
    case IPI_EVENT_CHECK:
        lapic_send_ipi_mask(cpus, VECTOR_EVENT_CHECK);
        break;
    case IPI_CALL:
        lapic_send_ipi_mask(cpus, VECTOR_CALL);
        break;
    case IPI_STOP:
        nmi_stop_others(); /* all of them, whatever they have masked */
        break;
    }
}

/* --- the timer -------------------------------------------------------------------------------- */

#define CALIBRATION_NS MILLISECS(2)

void lapic_timer_calibrate(void)
{
    stime_t start, end;
    uint32_t left;
    uint64_t hz;

    if (deadline) {
        return;
    }
    apic_write(REG_LVTT, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_TMICT, 0xffffffff);
    start = arch_now();
    do {
        end = arch_now();
    } while (end - start < CALIBRATION_NS);
    left = apic_read(REG_TMCCT);
    apic_write(REG_TMICT, 0);
    apic_write(REG_LVTT, VECTOR_TIMER);
    hz = (uint64_t)(0xffffffff - left) * 1000000000ULL / (uint64_t)(end - start);
    if (hz < 100000) {
        panic("the local APIC timer does not count");
    }
    count_per_ns = time_scale_to_hz(hz);
}

void lapic_timer_program(stime_t when)
{
    stime_t delta;
    uint64_t count;

    if (deadline) {
        wrmsr(MSR_TSC_DEADLINE, when == STIME_MAX ? 0 : time_to_tsc(when) | 1);
        return;
    }
    if (when == STIME_MAX) {
        apic_write(REG_TMICT, 0);
        return;
    }
    delta = when - arch_now();
    if (delta > SECONDS(1)) {
        delta = SECONDS(1); /* the count has 32 bits; too early is asked again */
    }
    count = delta > 0 ? time_scale_apply(count_per_ns, (uint64_t)delta) : 0;
    if (count > 0xffffffff) {
        count = 0xffffffff;
    }
    apic_write(REG_TMICT, count > 0 ? (uint32_t)count : 1);
}

void arch_timer_program(stime_t when)
{
    lapic_timer_program(when);
}
