/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks with a rank (lockrank.h). The _irq variants also keep interrupts off: a lock
 * that an interrupt handler takes is always taken so.
 */
#ifndef CORE_SPINLOCK_H
#define CORE_SPINLOCK_H

#include "core/lockrank.h"
#include "core/types.h"

struct spinlock {
    union {
        uint32_t word;
        struct {
            uint16_t head; /* ticket being served */
            uint16_t tail; /* next ticket to hand out */
        };
    };
    uint16_t rank;
    uint16_t owner; /* processor + 1 while held, in debug builds */
};

#define SPINLOCK(r) ((struct spinlock){.rank = (r)})

void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
/* Second lock of the same rank; the caller keeps the order that lockrank.h names. */
void spin_lock_nested(struct spinlock *l);
unsigned long spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags);
void spin_lock_irq(struct spinlock *l);
void spin_unlock_irq(struct spinlock *l);
bool spin_is_locked(const struct spinlock *l);
/* Assert that the current processor holds nothing: at each return to a guest in debug builds. */
void spin_assert_none_held(void);

#endif
