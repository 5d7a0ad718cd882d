/* SPDX-License-Identifier: MIT */
/*
 * Interrupt descriptors, and what happens when a vector arrives.
 *
 * Vectors from 0xf0 on are the hypervisor's own and have a fixed function. A device's vector
 * leads to a descriptor: a level interrupt is masked, the local APIC gets its EOI at once in any
 * case, and then the driver of ours is called or the bound domains are told. Domains are told
 * without the descriptor's lock (event channels rank below it); unbinding waits until nobody is
 * telling, so a domain that is unbound hears nothing more.
 */
#include "x86/irq/irq.h"
#include "core/debugkeys.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/smp.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/irq/i8259.h"
#include "x86/irq/ioapic.h"
#include "x86/irq/irq_desc.h"
#include "x86/irq/lapic.h"
#include "x86/irq/vector.h"
#include "x86/mm/tlb.h"

#define NR_ISA_IRQS 16

static struct irq_desc descs[NR_IRQS];
static unsigned nr_gsis;

unsigned irq_nr_gsis(void)
{
    return nr_gsis;
}

struct irq_desc *irq_desc(unsigned irq)
{
    return irq < NR_IRQS && descs[irq].chip != NULL ? &descs[irq] : NULL;
}

/* --- start, stop, move ------------------------------------------------------------------------ */

static cpumask_t usable_cpus(void)
{
    cpumask_t usable = 0, online = arch_online_cpus();

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if ((online >> cpu & 1) != 0 && lapic_id_reachable(lapic_id_of_cpu(cpu))) {
            usable |= 1ULL << cpu;
        }
    }
    return usable;
}

static unsigned nearest_usable(unsigned cpu, cpumask_t usable)
{
    return cpu < MAX_CPUS && (usable >> cpu & 1) != 0 ? cpu : (unsigned)__builtin_ctzll(usable);
}

int irq_prepare_locked(struct irq_desc *desc, unsigned cpu)
{
    cpumask_t usable = usable_cpus();
    int rc;

    if (desc->vector != 0) {
        return 0;
    }
    rc = vector_alloc(desc->irq, nearest_usable(cpu, usable), usable, &desc->cpu, &desc->vector);
    if (rc == 0) {
        desc->chip->mask(desc);
        desc->chip->program(desc);
    }
    return rc;
}

int irq_start_locked(struct irq_desc *desc, unsigned cpu)
{
    int rc = irq_prepare_locked(desc, cpu);

    if (rc == 0) {
        desc->started = true;
        desc->move_to = -1;
        desc->in_flight = 0;
        desc->chip->unmask(desc);
    }
    return rc;
}

static void release_old(struct irq_desc *desc)
{
    if (desc->old_vector != 0) {
        vector_free(desc->old_cpu, desc->old_vector);
        desc->old_vector = 0;
    }
}

/* The vector stays with the descriptor: a late arrival must still find its way here. */
void irq_stop_locked(struct irq_desc *desc)
{
    desc->chip->mask(desc);
    desc->started = false;
    desc->in_flight = 0;
    desc->move_to = -1;
}

static void try_move(struct irq_desc *desc, unsigned cpu)
{
    bool was_masked = desc->masked;
    unsigned from_cpu = desc->cpu, new_cpu;
    uint8_t from_vector = desc->vector, new_vector;

    desc->move_to = -1;
    if (vector_alloc(desc->irq, cpu, 0, &new_cpu, &new_vector) != 0) {
        return; /* no room there: it stays where it is */
    }
    if (!was_masked) {
        desc->chip->mask(desc);
    }
    desc->cpu = new_cpu;
    desc->vector = new_vector;
    if (desc->chip->program(desc)) {
        desc->old_cpu = from_cpu;
        desc->old_vector = from_vector;
    } else {
        desc->cpu = from_cpu;
        desc->vector = from_vector;
        vector_free(new_cpu, new_vector);
        desc->move_to = (int)cpu;
    }
    if (!was_masked) {
        desc->chip->unmask(desc);
    }
}

void irq_move_locked(struct irq_desc *desc, unsigned cpu)
{
    cpumask_t usable = usable_cpus();

    if (!desc->started || !desc->chip->movable(desc)) {
        return;
    }
    cpu = nearest_usable(cpu, usable);
    if (cpu == desc->cpu) {
        desc->move_to = -1;
    } else if (desc->old_vector != 0 || desc->in_flight != 0) {
        desc->move_to = (int)cpu; /* one move at a time, and none while in service */
    } else {
        try_move(desc, cpu);
    }
}

void irq_end_locked(struct irq_desc *desc)
{
    if (!desc->started) {
        return;
    }
    if (desc->move_to >= 0 && desc->old_vector == 0) {
        try_move(desc, (unsigned)desc->move_to);
    }
    desc->chip->unmask(desc);
}

void irq_evacuate(unsigned cpu)
{
    for (unsigned i = 0; i < NR_IRQS; i++) {
        struct irq_desc *desc = &descs[i];
        unsigned long flags = spin_lock_irqsave(&desc->lock);

        if (desc->chip != NULL && desc->vector != 0 && desc->old_cpu == cpu) {
            release_old(desc);
        }
        if (desc->chip != NULL && desc->started && desc->cpu == cpu) {
            release_old(desc);
            irq_move_locked(desc, (unsigned)__builtin_ctzll(usable_cpus()));
        }
        spin_unlock_irqrestore(&desc->lock, flags);
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */

int irq_alloc_message(const struct irq_chip *chip, struct msi_message *msi)
{
    for (unsigned i = nr_gsis; i < NR_IRQS; i++) {
        struct irq_desc *desc = &descs[i];
        unsigned long flags = spin_lock_irqsave(&desc->lock);
        bool mine =
            desc->chip == NULL && __atomic_load_n(&desc->dispatching, __ATOMIC_SEQ_CST) == 0;

        if (mine) {
            desc->level = desc->active_low = desc->started = desc->shareable = false;
            desc->masked = true;
            desc->move_to = -1;
            desc->in_flight = 0;
            desc->count = desc->unexpected = 0;
            desc->msi = msi;
            desc->chip = chip;
        }
        spin_unlock_irqrestore(&desc->lock, flags);
        if (mine) {
            return (int)i;
        }
    }
    return -ENOSPC;
}

void irq_free_message(unsigned irq)
{
    struct irq_desc *desc = &descs[irq];
    unsigned long flags = spin_lock_irqsave(&desc->lock);

    ASSERT(irq >= nr_gsis && desc->nr_guests == 0);
    release_old(desc);
    if (desc->vector != 0) {
        vector_free(desc->cpu, desc->vector);
        desc->vector = 0;
    }
    desc->msi = NULL;
    desc->started = false;
    desc->chip = NULL;
    spin_unlock_irqrestore(&desc->lock, flags);
}

int irq_setup_gsi(unsigned gsi, bool level, bool active_low)
{
    struct irq_desc *desc = gsi < nr_gsis ? irq_desc(gsi) : NULL;
    unsigned long flags;
    int rc = 0;

    if (desc == NULL) {
        return -EINVAL;
    }
    flags = spin_lock_irqsave(&desc->lock);
    if (desc->level != level || desc->active_low != active_low) {
        if (desc->started) {
            rc = -EEXIST;
        } else {
            desc->level = level;
            desc->active_low = active_low;
            if (desc->vector != 0) {
                desc->chip->mask(desc);
            }
        }
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

/* Default of ISA: edge, high; of everything above: level, low; the firmware's overrides win. */
static void set_defaults(void)
{
    for (unsigned i = 0; i < nr_gsis; i++) {
        if (ioapic_has_gsi(i)) {
            descs[i].chip = &ioapic_chip;
            descs[i].level = descs[i].active_low = i >= NR_ISA_IRQS;
        }
    }
    for (unsigned irq = 0; irq < NR_ISA_IRQS; irq++) {
        uint16_t flags = 0;
        struct irq_desc *desc = irq_desc(acpi_isa_to_gsi(irq, &flags));
        bool sci = acpi_info.have_fadt && irq == acpi_info.sci_irq;

        if (desc != NULL) {
            desc->active_low = (flags & 3) == 3 || ((flags & 3) == 0 && sci);
            desc->level = (flags >> 2 & 3) == 3 || ((flags >> 2 & 3) == 0 && sci);
        }
    }
}

void irq_init(void)
{
    i8259_mask_all();
    for (unsigned i = 0; i < NR_IRQS; i++) {
        descs[i].lock = SPINLOCK(RANK_IRQ_DESC);
        descs[i].irq = i;
        descs[i].masked = true;
        descs[i].move_to = -1;
    }
    debugkeys_register('i', "interrupts", irq_dump);
    nr_gsis = ioapic_init();
    if (nr_gsis < NR_ISA_IRQS) {
        nr_gsis = NR_ISA_IRQS;
    }
    set_defaults();
}

int irq_request(unsigned gsi, void (*handler)(void *), void *data)
{
    struct irq_desc *desc = gsi < nr_gsis ? irq_desc(gsi) : NULL;
    unsigned long flags;
    int rc;

    if (desc == NULL) {
        return -EINVAL;
    }
    flags = spin_lock_irqsave(&desc->lock);
    if (desc->handler != NULL || desc->nr_guests != 0) {
        rc = -EBUSY;
    } else {
        desc->data = data;
        desc->handler = handler;
        rc = irq_start_locked(desc, smp_processor_id());
        if (rc != 0) {
            desc->handler = NULL;
        }
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

/* --- arrival ---------------------------------------------------------------------------------- */

/* A copy of the bound domains, marked as told. Level: masked until all have answered. */
static unsigned collect_guests(struct irq_desc *desc, struct irq_guest *out)
{
    unsigned n = desc->nr_guests;

    if (n == 0) {
        return 0;
    }
    memcpy(out, desc->guest, n * sizeof(*out));
    if (desc->level) {
        for (unsigned i = 0; i < n; i++) {
            desc->guest[i].awaits_eoi = true;
        }
        desc->in_flight = n;
    }
    __atomic_add_fetch(&desc->dispatching, 1, __ATOMIC_SEQ_CST);
    return n;
}

static void device_interrupt(struct irq_desc *desc, unsigned cpu, unsigned vector)
{
    struct irq_guest guests[IRQ_MAX_GUESTS];
    void (*handler)(void *) = NULL;
    void *data = NULL;
    unsigned n = 0;

    spin_lock(&desc->lock);
    if (desc->old_vector != 0 && cpu == desc->cpu && vector == desc->vector) {
        release_old(desc);
    }
    desc->count++;
    if (desc->chip != NULL && desc->level) {
        desc->chip->mask(desc);
    }
    lapic_eoi();
    if (desc->chip == NULL || !desc->started) {
        desc->unexpected++;
    } else if (desc->handler != NULL) {
        handler = desc->handler;
        data = desc->data;
    } else if (desc->in_flight == 0) {
        n = collect_guests(desc, guests);
    }
    spin_unlock(&desc->lock);

    if (handler != NULL) {
        handler(data);
        if (desc->level) {
            spin_lock(&desc->lock);
            irq_end_locked(desc);
            spin_unlock(&desc->lock);
        }
    } else if (n != 0) {
        guest_irq_deliver(guests, n);
    }
    if (n != 0) {
        __atomic_sub_fetch(&desc->dispatching, 1, __ATOMIC_SEQ_CST);
    }
}

static void timer_interrupt(void)
{
    softirq_raise(SOFTIRQ_TIMER);
}

static void nothing(void)
{
    /* the way back to the guest looks for events and deferred work */
}

static const struct {
    void (*fn)(void);
    bool eoi;
} own_vectors[16] = {
    [VECTOR_TIMER - 0xf0] = {timer_interrupt, true},
    [VECTOR_EVENT_CHECK - 0xf0] = {nothing, true},
    [VECTOR_CALL - 0xf0] = {smp_handle_call, true},
    [VECTOR_TLB_FLUSH - 0xf0] = {tlb_handle_flush_ipi, true},
    [VECTOR_ERROR - 0xf0] = {lapic_error_interrupt, true},
    [VECTOR_SPURIOUS - 0xf0] = {nothing, false},
};

void do_irq(struct cpu_user_regs *regs)
{
    unsigned vector = regs->entry_vector & 0xff, cpu = smp_processor_id();
    int irq;

    if (vector >= 0xf0 && own_vectors[vector - 0xf0].fn != NULL) {
        if (own_vectors[vector - 0xf0].eoi) {
            lapic_eoi();
        }
        own_vectors[vector - 0xf0].fn();
        return;
    }
    irq = vector_to_irq(cpu, vector);
    if (irq >= 0) {
        device_interrupt(&descs[irq], cpu, vector);
    } else {
        lapic_eoi(); /* late, of an interrupt that has moved on or is gone */
    }
}

void irq_dump(void)
{
    printk(LOG_INFO, "Interrupts:\n");
    for (unsigned i = 0; i < NR_IRQS; i++) {
        const struct irq_desc *d = &descs[i];

        if (d->chip == NULL || (d->vector == 0 && d->nr_guests == 0)) {
            continue;
        }
        printk(LOG_INFO, "  %u: %s %s%s vector %#x on %u, %lu times, %lu unexpected%s%s\n", i,
               d->chip->name, d->level ? "level" : "edge", d->masked ? ", masked" : "", d->vector,
               d->cpu, d->count, d->unexpected, d->handler ? ", ours" : "",
               d->in_flight ? ", awaits EOI" : "");
        for (unsigned g = 0; g < d->nr_guests; g++) {
            printk(LOG_INFO, "      domain %u pirq %u\n", d->guest[g].domain->id, d->guest[g].pirq);
        }
    }
    ioapic_dump();
}
