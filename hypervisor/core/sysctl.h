/* SPDX-License-Identifier: MIT */
/* Handlers of sysctl rows that live beside the table in sysctl.c. */
#ifndef CORE_SYSCTL_H
#define CORE_SYSCTL_H

#include <public/sysctl.h>
#include "core/hypercall.h"

/* sysctl_topology.c: the machine's processors, nodes and memory */
unsigned sysctl_nr_cpus(void); /* one past the highest processor that is online */
long sysctl_physinfo(struct xen_sysctl *op);
long sysctl_cputopoinfo(struct xen_sysctl *op);
long sysctl_numainfo(struct xen_sysctl *op);
long sysctl_pcitopoinfo(struct xen_sysctl *op);

#endif
