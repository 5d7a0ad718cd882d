/* SPDX-License-Identifier: MIT */
/* Calls that run on other processors, and what the processors' interrupts of ours mean. */
#ifndef CORE_SMP_H
#define CORE_SMP_H

#include "core/arch.h"

/*
 * Run fn(data) on each online processor of `cpus` (this one too when its bit is set), with
 * interrupts off there. wait: until all are done; else until all have taken it. Only with
 * interrupts on and no lock of a higher rank than RANK_SMP_CALL.
 */
void smp_call(cpumask_t cpus, void (*fn)(void *data), void *data, bool wait);
/* The machine's handlers of IPI_CALL and IPI_STOP call these. */
void smp_handle_call(void);
void smp_handle_stop(void) __attribute__((noreturn));

#endif
