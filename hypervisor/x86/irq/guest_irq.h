/* SPDX-License-Identifier: MIT */
/*
 * A domain's numbers for interrupts (pirq). Mapped: the number stands for an interrupt of the
 * machine. Bound: an event channel is raised when it arrives (pirq_bind and others of
 * core/arch.h).
 */
#ifndef X86_GUEST_IRQ_H
#define X86_GUEST_IRQ_H

#include "core/domain.h"

#define PIRQ_ANY (-1)

/*
 * Map an interrupt under this number, or a free one above the GSIs. The number, or -EINVAL (bad
 * number), -EEXIST (number or interrupt is mapped otherwise), -ENOSPC. Doing it twice is fine.
 */
int pirq_map(struct domain *d, int pirq, unsigned irq);
/* -EINVAL: not mapped. -EBUSY: bound to an event channel. Frees the message behind it. */
int pirq_unmap(struct domain *d, int pirq);
/* The domain has dealt with it: a level interrupt may come again. -EINVAL. */
int pirq_eoi(struct domain *d, unsigned pirq);
/* XENIRQSTAT_*; -EINVAL for a number out of range. */
int pirq_status(struct domain *d, unsigned pirq, uint32_t *flags);
/*
 * A page of the domain's in which bit n says that pirq n needs an EOI call. -EBUSY: it has one.
 * auto_unmask: the EOI call also unmasks the event channel.
 */
int pirq_set_eoi_page(struct domain *d, gfn_t gfn, bool auto_unmask);

#endif
