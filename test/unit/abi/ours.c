/* SPDX-License-Identifier: MIT */
/* The table as our own headers define it. */
#include <public/errno.h>
#include <public/xen.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/callback.h>
#include <public/nmi.h>
#include <public/elfnote.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/domctl.h>
#include <public/sysctl.h>
#include <public/hvm/params.h>
#include <public/arch-x86/cpuid.h>
#include <public/arch-x86/xen-mca.h>
#include <public/arch-x86/hvm/start_info.h>
#include <public/io/xs_wire.h>
#include <public/io/console.h>
#include <public/io/xenbus.h>
#include <public/io/protocols.h>

#include "table.h"

const struct abi_row abi_ours[] = {
#include "constants.inc"
#include "structs.inc"
};
const size_t abi_ours_count = sizeof(abi_ours) / sizeof(abi_ours[0]);
