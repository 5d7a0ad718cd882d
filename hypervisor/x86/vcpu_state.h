/* SPDX-License-Identifier: MIT */
/* State of a paused vcpu that save, restore and debuggers move: rows of x86/domctl.c. */
#ifndef X86_VCPU_STATE_H
#define X86_VCPU_STATE_H

#include "core/domain.h"

/* Each -errno as the domctl answers; the vcpu's number was checked by nobody yet. */
long vcpu_state_ext(struct domain *d, struct xen_domctl_ext_vcpucontext *c, bool set);
long vcpu_state_xsave_get(struct domain *d, struct xen_domctl_vcpuextstate *s);
long vcpu_state_xsave_set(struct domain *d, struct xen_domctl_vcpuextstate *s);
long vcpu_state_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *m, bool set);

#endif
