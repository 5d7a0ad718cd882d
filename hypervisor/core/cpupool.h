/* SPDX-License-Identifier: MIT */
/* Processor pools as tools see them: one pool, number 0, with all processors and domains. */
#ifndef CORE_CPUPOOL_H
#define CORE_CPUPOOL_H

#include <public/sysctl.h>
#include "core/types.h"

#define CPUPOOL_DEFAULT 0

long cpupool_op(struct xen_sysctl_cpupool_op *op);
/* A processor set to a tool's bitmap: the bits that fit, the rest of its bytes zero. */
int cpumask_to_guest(const struct xenctl_bitmap *map, cpumask_t mask);
/* And back; bits beyond MAX_CPUS are ignored. */
int cpumask_from_guest(cpumask_t *mask, const struct xenctl_bitmap *map);

#endif
