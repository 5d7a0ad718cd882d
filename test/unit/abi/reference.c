/* SPDX-License-Identifier: MIT */
/* The table as the reference package (libxen-dev) defines it. */
#define __XEN_TOOLS__ 1
#include <stdint.h>
#include <xen/errno.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/callback.h>
#include <xen/nmi.h>
#include <xen/elfnote.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/hvm/params.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/io/xs_wire.h>
#include <xen/io/console.h>
#include <xen/io/xenbus.h>
#include <xen/io/protocols.h>

#include "table.h"

const struct abi_row abi_reference[] = {
#include "constants.inc"
#include "structs.inc"
};
const size_t abi_reference_count = sizeof(abi_reference) / sizeof(abi_reference[0]);
