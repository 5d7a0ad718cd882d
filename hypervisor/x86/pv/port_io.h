/* SPDX-License-Identifier: MIT */
/* A PV guest's access to I/O ports, on its way through the instruction emulator. */
#ifndef X86_PV_PORT_IO_H
#define X86_PV_PORT_IO_H

#include "core/domain.h"

/* May the code that runs (kernel or user) execute IN or OUT on these ports at all? */
bool port_io_permitted(struct vcpu *v, unsigned port, unsigned bytes);
/* Ports that are not the domain's read as all ones; writes to them vanish. */
uint32_t port_io_read(struct vcpu *v, unsigned port, unsigned bytes);
void port_io_write(struct vcpu *v, unsigned port, unsigned bytes, uint32_t value);

#endif
