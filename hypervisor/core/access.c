/* SPDX-License-Identifier: MIT */
/*
 * The predicates that "who may call" columns name. A right is an attribute that a domain was
 * created with; no predicate looks at a domain's number.
 */
#include "core/hypercall.h"

bool access_any(const struct domain *caller)
{
    (void)caller;
    return true;
}

bool access_control(const struct domain *caller)
{
    return (caller->rights & RIGHT_CONTROL) != 0;
}

bool access_hardware(const struct domain *caller)
{
    return (caller->rights & RIGHT_HARDWARE) != 0;
}

/* The hypervisor's console belongs to those who run the machine. */
bool access_console(const struct domain *caller)
{
    return (caller->rights & (RIGHT_CONTROL | RIGHT_HARDWARE)) != 0;
}

bool access_target(const struct domain *caller, const struct domain *target)
{
    return caller == target || access_control(caller);
}
