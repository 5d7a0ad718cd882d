/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks. In debug builds each processor keeps a short stack of the locks that it
 * holds, and an acquire is refused (panic) when one of them has the same or a higher rank.
 *
 * An interrupt handler may come in the middle of code that holds locks which no handler ever
 * takes; those are no part of its order. So an acquire that found interrupts already off is
 * compared only with locks that were also taken with interrupts off.
 */
#include "core/spinlock.h"
#include "core/percpu.h"
#include "core/printk.h"

#if BONSAI_DEBUG
#define HELD_MAX 16

struct held {
    const struct spinlock *lock;
    bool irqs_off;
};

struct held_stack {
    struct held held[HELD_MAX];
    unsigned depth;
};
static PERCPU(struct held_stack, held_locks);

/* `were_off`: interrupts were off before the caller came; they may have been put off since. */
static void note_acquire(struct spinlock *l, bool were_off, bool nested)
{
    bool now_off = !irq_enabled();
    unsigned long flags;
    struct held_stack *s;

    if (l->rank == RANK_NONE) {
        return;
    }
    flags = irq_save();
    s = &this_cpu(held_locks);
    for (unsigned i = 0; i < s->depth; i++) {
        const struct held *h = &s->held[i];

        if (were_off && !h->irqs_off) {
            continue;
        }
        if (h->lock == l || h->lock->rank > l->rank || (h->lock->rank == l->rank && !nested)) {
            panic("lock order: rank %u wanted while rank %u is held", l->rank, h->lock->rank);
        }
    }
    if (s->depth == HELD_MAX) {
        panic("more than %u locks held", HELD_MAX);
    }
    s->held[s->depth++] = (struct held){.lock = l, .irqs_off = now_off};
    irq_restore(flags);
}

static void note_owned(struct spinlock *l)
{
    l->owner = (uint16_t)(smp_processor_id() + 1);
}

static void note_release(struct spinlock *l)
{
    unsigned long flags;
    struct held_stack *s;

    if (l->rank == RANK_NONE) {
        return;
    }
    if (l->owner != smp_processor_id() + 1) {
        panic("unlock of a lock of rank %u that processor %d holds", l->rank, (int)l->owner - 1);
    }
    l->owner = 0;
    flags = irq_save();
    s = &this_cpu(held_locks);
    for (unsigned i = s->depth; i-- > 0;) {
        if (s->held[i].lock == l) {
            s->depth--;
            for (; i < s->depth; i++) {
                s->held[i] = s->held[i + 1];
            }
            break;
        }
    }
    irq_restore(flags);
}

void spin_assert_none_held(void)
{
    const struct held_stack *s = &this_cpu(held_locks);

    if (s->depth != 0) {
        panic("lock of rank %u still held", s->held[s->depth - 1].lock->rank);
    }
}
#else
static inline void note_acquire(struct spinlock *l, bool were_off, bool nested)
{
    (void)l;
    (void)were_off;
    (void)nested;
}

static inline void note_owned(struct spinlock *l)
{
    (void)l;
}

static inline void note_release(struct spinlock *l)
{
    (void)l;
}

void spin_assert_none_held(void)
{
}
#endif

static inline void acquire(struct spinlock *l)
{
    uint16_t mine = (uint16_t)(__atomic_fetch_add(&l->word, 1u << 16, __ATOMIC_ACQUIRE) >> 16);

    while (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != mine) {
        cpu_relax();
    }
    note_owned(l);
}

static inline void release(struct spinlock *l)
{
    note_release(l);
    __atomic_store_n(&l->head, (uint16_t)(l->head + 1), __ATOMIC_RELEASE);
}

#if BONSAI_DEBUG
#define IRQS_OFF() (!irq_enabled())
#else
#define IRQS_OFF() false
#endif

void spin_lock(struct spinlock *l)
{
    note_acquire(l, IRQS_OFF(), false);
    acquire(l);
}

void spin_lock_nested(struct spinlock *l)
{
    note_acquire(l, IRQS_OFF(), true);
    acquire(l);
}

bool spin_trylock(struct spinlock *l)
{
    uint32_t old = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

    if ((uint16_t)old != (uint16_t)(old >> 16) ||
        !__atomic_compare_exchange_n(&l->word, &old, old + (1u << 16), false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return false;
    }
#if BONSAI_DEBUG
    if (l->rank != RANK_NONE) { /* cannot wait, so it has no order to keep: only noted */
        bool off = !irq_enabled();
        unsigned long flags = irq_save();
        struct held_stack *s = &this_cpu(held_locks);

        if (s->depth < HELD_MAX) {
            s->held[s->depth++] = (struct held){.lock = l, .irqs_off = off};
        }
        irq_restore(flags);
    }
#endif
    note_owned(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    release(l);
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
    bool off = IRQS_OFF();
    unsigned long flags = irq_save();

    note_acquire(l, off, false);
    acquire(l);
    return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    release(l);
    irq_restore(flags);
}

void spin_lock_irq(struct spinlock *l)
{
    bool off = IRQS_OFF();

    irq_disable();
    note_acquire(l, off, false);
    acquire(l);
}

void spin_unlock_irq(struct spinlock *l)
{
    release(l);
    irq_enable();
}

bool spin_is_locked(const struct spinlock *l)
{
    uint32_t w = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

    return (uint16_t)w != (uint16_t)(w >> 16);
}
