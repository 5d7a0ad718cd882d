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

CORE_CALL(do_set_timer_op);     /* vcpu_op.c: (absolute ns) */
CORE_CALL(do_vcpu_op);          /* vcpu_op.c: (cmd, vcpu id, argument) */
CORE_CALL(do_sched_op);         /* sched_op.c: (cmd, argument) */
CORE_CALL(do_console_io);       /* console_io.c: (cmd, count, buffer) */
CORE_CALL(do_multicall);        /* multicall.c: (list, count) */
CORE_CALL(do_event_channel_op); /* evtchn_op.c: (cmd, argument) */
CORE_CALL(do_grant_table_op);   /* grant_op.c: (cmd, list, count) */
CORE_CALL(do_memory_op);        /* memory.c: (cmd | start << 6, argument) */
CORE_CALL(do_xen_version);      /* version_op.c: (cmd, argument) */
CORE_CALL(do_vm_assist);        /* version_op.c: (cmd, type) */
CORE_CALL(do_domctl);           /* domctl.c: (argument) */
CORE_CALL(do_sysctl);           /* sysctl.c: (argument) */

#endif
