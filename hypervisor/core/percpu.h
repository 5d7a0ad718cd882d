/* SPDX-License-Identifier: MIT */
/* Per-processor variables: an array with one element for each possible processor. */
#ifndef CORE_PERCPU_H
#define CORE_PERCPU_H

#include "core/arch.h"

#define PERCPU(type, name)         type name[MAX_CPUS]
#define DECLARE_PERCPU(type, name) extern type name[MAX_CPUS]
#define this_cpu(name)             ((name)[smp_processor_id()])
#define per_cpu(name, cpu)         ((name)[cpu])

#endif
