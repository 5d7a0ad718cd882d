/* SPDX-License-Identifier: MIT */
/*
 * The generic hypercall handlers, one prototype a line; the table is in hypercall.c. All have the
 * table's signature; a handler that uses fewer arguments is defined with CORE_CALL all the same.
 */
#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include <stdint.h>

#define CORE_CALL_ARG(n) uint64_t n __attribute__((unused))
#define CORE_CALL(name)                                                                            \
    long name(CORE_CALL_ARG(a1), CORE_CALL_ARG(a2), CORE_CALL_ARG(a3), CORE_CALL_ARG(a4),          \
              CORE_CALL_ARG(a5), CORE_CALL_ARG(a6))

CORE_CALL(do_set_timer_op); /* vcpu_op.c: (absolute ns) */
CORE_CALL(do_vcpu_op);      /* vcpu_op.c: (cmd, vcpu id, argument) */
CORE_CALL(do_sched_op);     /* sched_op.c: (cmd, argument) */
CORE_CALL(do_console_io);   /* console_io.c: (cmd, count, buffer) */

#endif
