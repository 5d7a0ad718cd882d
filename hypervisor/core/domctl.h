/* SPDX-License-Identifier: MIT */
/* Handlers of domctl rows; the table is in domctl.c. */
#ifndef CORE_DOMCTL_H
#define CORE_DOMCTL_H

#include <public/domctl.h>
#include "core/hypercall.h"

/*
 * A handler works on a copy of the argument; what it changes goes back to the caller after
 * success if its row says so. -ERESTART: the call is made again from the start.
 */
typedef long (*domctl_fn)(struct domain *d, struct xen_domctl *op);

/* domctl_vcpu.c */
long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op);
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op);
long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op);

#endif
