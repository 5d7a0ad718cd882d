/* SPDX-License-Identifier: MIT */
/*
 * NMI. Three reasons are ours: another processor panics and stops everybody; somebody asked for
 * a dump of this processor; or the chipset reports an error on port 0x61. What is left goes to
 * dom0 like on bare hardware, and to the log. An NMI comes in the middle of anything, also where a
 * lock is held: waking dom0 is left to a softirq.
 */
#include "x86/cpu/nmi.h"
#include <public/nmi.h>
#include "core/domain.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/traps.h"
#include "x86/irq/irq.h"

#define PORT_NMI_REASON 0x61
#define REASON_SERR     0x80
#define REASON_IOCHK    0x40

static bool stopping;
static cpumask_t dump_wanted;

static void stop_this_cpu(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}

void nmi_stop_others(void)
{
    __atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
    lapic_send_nmi_others();
}

void nmi_request_dump(cpumask_t cpus)
{
    __atomic_fetch_or(&dump_wanted, cpus, __ATOMIC_SEQ_CST);
    lapic_send_nmi_others();
}

/* Tell dom0's first vcpu, by its NMI callback, what the chipset said. */
static void pass_to_dom0(unsigned long reason)
{
    struct domain *d = domain_hardware;

    if (d == NULL || d->vcpu[0] == NULL || d->shared_info == NULL) {
        return;
    }
    __atomic_fetch_or(&d->shared_info->arch.nmi_reason, reason, __ATOMIC_SEQ_CST);
    softirq_raise(SOFTIRQ_NMI);
}

static void raise_in_dom0(void)
{
    arch_raise_nmi(domain_hardware->vcpu[0]);
}

void nmi_init(void)
{
    softirq_open(SOFTIRQ_NMI, raise_in_dom0);
}

void nmi_handle(struct cpu_user_regs *regs)
{
    cpumask_t me = 1ULL << smp_processor_id();
    uint8_t port;

    if (__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
        stop_this_cpu();
    }
    if ((__atomic_fetch_and(&dump_wanted, ~me, __ATOMIC_SEQ_CST) & me) != 0) {
        trap_report(regs);
        return;
    }
    if (smp_processor_id() != 0) {
        return; /* the chipset's go to the boot processor */
    }
    port = inb(PORT_NMI_REASON);
    if ((port & REASON_SERR) != 0) {
        printk(LOG_ERR, "NMI: PCI system error\n");
        outb(PORT_NMI_REASON, (port & 0x0f) | 0x04); /* clear and disable SERR */
        pass_to_dom0(XEN_NMIREASON_pci_serr);
    } else if ((port & REASON_IOCHK) != 0) {
        printk(LOG_ERR, "NMI: I/O channel check\n");
        outb(PORT_NMI_REASON, (port & 0x0f) | 0x08);
        pass_to_dom0(XEN_NMIREASON_io_error);
    } else {
        printk(LOG_WARNING, "NMI of unknown origin\n");
        pass_to_dom0(XEN_NMIREASON_unknown);
    }
}
