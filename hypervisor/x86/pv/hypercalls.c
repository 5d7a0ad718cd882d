/* SPDX-License-Identifier: MIT */
/* The rows of the hypercall table that belong to x86 and its PV guests. */
#include "core/hypercall.h"
#include "x86/pv/pv.h"

#define ROW(n, f, who, args)                                                                       \
    {.nr = __HYPERVISOR_##n, .name = #n, .fn = f, .access = who, .nr_args = args}

const struct hypercall_row arch_hypercalls[] = {
    ROW(set_trap_table, do_set_trap_table, access_any, 1),
    ROW(mmu_update, do_mmu_update, access_any, 4),
    ROW(set_gdt, do_set_gdt, access_any, 2),
    ROW(stack_switch, do_stack_switch, access_any, 2),
    ROW(set_callbacks, do_set_callbacks, access_any, 3),
    ROW(fpu_taskswitch, do_fpu_taskswitch, access_any, 1),
    ROW(platform_op, do_platform_op, access_hardware, 1),
    ROW(set_debugreg, do_set_debugreg, access_any, 2),
    ROW(get_debugreg, do_get_debugreg, access_any, 1),
    ROW(update_descriptor, do_update_descriptor, access_any, 2),
    ROW(update_va_mapping, do_update_va_mapping, access_any, 3),
    ROW(update_va_mapping_otherdomain, do_update_va_mapping_otherdomain, access_any, 4),
    ROW(iret, do_iret, access_any, 0),
    ROW(set_segment_base, do_set_segment_base, access_any, 2),
    ROW(mmuext_op, do_mmuext_op, access_any, 4),
    ROW(callback_op, do_callback_op, access_any, 2),
    ROW(nmi_op, do_nmi_op, access_any, 2),
    ROW(physdev_op, do_physdev_op, access_any, 2),
    ROW(arch_0, do_mca, access_hardware, 1),
};
const unsigned arch_hypercall_count = sizeof(arch_hypercalls) / sizeof(arch_hypercalls[0]);
