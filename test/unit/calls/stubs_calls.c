/* SPDX-License-Identifier: MIT */
/* Calls that the hypercall table names and most tests do not link. */
#include "core/calls.h"
#include "core/errno.h"

CORE_CALL(do_set_timer_op)
{
    return -ENOSYS;
}

CORE_CALL(do_vcpu_op)
{
    return -ENOSYS;
}

CORE_CALL(do_sched_op)
{
    return -ENOSYS;
}

CORE_CALL(do_console_io)
{
    return -ENOSYS;
}

CORE_CALL(do_xen_version)
{
    return -ENOSYS;
}

CORE_CALL(do_vm_assist)
{
    return -ENOSYS;
}

CORE_CALL(do_domctl)
{
    return -ENOSYS;
}

CORE_CALL(do_sysctl)
{
    return -ENOSYS;
}
