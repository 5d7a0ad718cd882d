/* SPDX-License-Identifier: MIT */
/*
 * One interrupt of the machine: an IO-APIC input (its number is the GSI) or a message of a PCI
 * device (a number above all GSIs). It has one target processor and one vector there.
 *
 * Life: unused -> (bound by a domain or a driver of ours) started -> unused again. A message's
 * descriptor exists only between map_pirq and unmap_pirq.
 *
 * Level interrupts are masked from arrival until every domain that was told has answered (EOI);
 * edges and messages are never masked while started.
 */
#ifndef X86_IRQ_DESC_H
#define X86_IRQ_DESC_H

#include "core/domain.h"
#include "core/spinlock.h"

#define NR_IRQS        1024
#define IRQ_MAX_GUESTS 4 /* domains that share one line */

struct irq_desc;
struct msi_message;

/* How a kind of interrupt is controlled. All with the descriptor's lock held. */
struct irq_chip {
    const char *name;
    void (*mask)(struct irq_desc *desc);
    void (*unmask)(struct irq_desc *desc);
    /* Write target and vector while masked; false: not now (an interrupt is under way). */
    bool (*program)(struct irq_desc *desc);
    bool (*movable)(const struct irq_desc *desc);
};

struct irq_guest {
    struct domain *domain;
    unsigned pirq;
    bool awaits_eoi;
};

struct irq_desc {
    struct spinlock lock; /* RANK_IRQ_DESC, with interrupts off */
    unsigned irq;
    const struct irq_chip *chip; /* NULL: no such interrupt */
    bool level, active_low;
    bool masked;
    bool started;
    uint8_t vector; /* 0: none yet */
    unsigned cpu;
    uint8_t old_vector; /* before a move; accepted until the new one has been seen */
    unsigned old_cpu;
    int move_to; /* processor that it is to move to at the next chance, -1 none */

    void (*handler)(void *data); /* of ours */
    void *data;

    unsigned nr_guests;
    bool shareable;
    unsigned in_flight; /* domains that have not answered yet */
    struct irq_guest guest[IRQ_MAX_GUESTS];
    unsigned dispatching; /* atomic: processors that are telling domains right now */

    struct msi_message *msi;
    uint64_t count; /* arrivals */
    uint64_t unexpected;
};

/* irq.c */
struct irq_desc *irq_desc(unsigned irq); /* NULL: number out of range or no such interrupt */
/* Give it a vector on `cpu` (or another one that has room) and let it come. 0 or -ENOSPC. */
int irq_prepare_locked(struct irq_desc *desc, unsigned cpu); /* the vector only, still masked */
int irq_start_locked(struct irq_desc *desc, unsigned cpu);
void irq_stop_locked(struct irq_desc *desc);
/* Move to another processor, now or at the next chance. */
void irq_move_locked(struct irq_desc *desc, unsigned cpu);
/* All domains have answered a level interrupt. */
void irq_end_locked(struct irq_desc *desc);
/* A number for a message: -ENOSPC when all are in use. */
int irq_alloc_message(const struct irq_chip *chip, struct msi_message *msi);
void irq_free_message(unsigned irq);
/* A processor goes: interrupts move elsewhere. */
void irq_evacuate(unsigned cpu);
/* Trigger and polarity of a GSI: -EINVAL no such GSI, -EEXIST in use the other way. */
int irq_setup_gsi(unsigned gsi, bool level, bool active_low);

/* guest_irq.c: tell the domains that are bound; called without the lock. */
void guest_irq_deliver(const struct irq_guest *g, unsigned nr);

#endif
