/* SPDX-License-Identifier: MIT */
/*
 * Vectors of device interrupts: a table for each processor, so the machine has room for about
 * 200 interrupts a processor. Vectors are handed out in a round, so that a late interrupt of a
 * freed one meets an empty entry and is dropped instead of being taken for its successor.
 */
#include "x86/irq/vector.h"
#include "core/errno.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "x86/irq/irq.h"

#define VECTOR_INT80 0x80 /* PV guests' user space raises it by INT */

static struct spinlock vector_lock = SPINLOCK(RANK_VECTOR);
static PERCPU(uint16_t, vector_irq)[256]; /* irq + 1; read without the lock */
static PERCPU(uint8_t, next_vector);
static PERCPU(unsigned, used);

static bool take_on(unsigned irq, unsigned cpu, uint8_t *out)
{
    unsigned v = per_cpu(next_vector, cpu);

    for (unsigned i = VECTOR_FIRST_DEVICE; i <= VECTOR_LAST_DEVICE; i++) {
        v = v < VECTOR_FIRST_DEVICE || v >= VECTOR_LAST_DEVICE ? VECTOR_FIRST_DEVICE : v + 1;
        if (v != VECTOR_INT80 && per_cpu(vector_irq, cpu)[v] == 0) {
            __atomic_store_n(&per_cpu(vector_irq, cpu)[v], (uint16_t)(irq + 1), __ATOMIC_RELEASE);
            per_cpu(next_vector, cpu) = (uint8_t)v;
            per_cpu(used, cpu)++;
            *out = (uint8_t)v;
            return true;
        }
    }
    return false;
}

int vector_alloc(unsigned irq, unsigned cpu, cpumask_t others, unsigned *out_cpu,
                 uint8_t *out_vector)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);
    int rc = -ENOSPC;

    for (;;) {
        if (take_on(irq, cpu, out_vector)) {
            *out_cpu = cpu;
            rc = 0;
            break;
        }
        others &= ~(1ULL << cpu);
        if (others == 0) {
            break;
        }
        cpu = (unsigned)__builtin_ctzll(others);
    }
    spin_unlock_irqrestore(&vector_lock, flags);
    return rc;
}

void vector_free(unsigned cpu, uint8_t vector)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);

    if (per_cpu(vector_irq, cpu)[vector] != 0) {
        __atomic_store_n(&per_cpu(vector_irq, cpu)[vector], 0, __ATOMIC_RELEASE);
        per_cpu(used, cpu)--;
    }
    spin_unlock_irqrestore(&vector_lock, flags);
}

int vector_to_irq(unsigned cpu, unsigned vector)
{
    return (int)__atomic_load_n(&per_cpu(vector_irq, cpu)[vector], __ATOMIC_ACQUIRE) - 1;
}

unsigned vector_in_use(unsigned cpu)
{
    return per_cpu(used, cpu);
}
