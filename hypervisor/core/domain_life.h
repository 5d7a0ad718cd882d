/* SPDX-License-Identifier: MIT */
/* Between domain.c and domain_life.c. */
#ifndef CORE_DOMAIN_LIFE_H
#define CORE_DOMAIN_LIFE_H

#include "core/domain.h"

void domain_life_init(void);
void domain_destroy(struct domain *d); /* domain.c: after the last reference */

#endif
