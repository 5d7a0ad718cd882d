/* SPDX-License-Identifier: MIT */
/*
 * User mode of a tiny PV kernel: an address space of two pages (code and data) with nothing of
 * the kernel in it, entered by the iret hypercall. Its traps run on a stack of their own, so that
 * user_run()'s caller is still there when one of them ends it.
 */
#include "mm.h"
#include "traps.h"

char *user_data;
extern char user_trap_stack_end[];

void user_root(void)
{
    uint64_t *root = alloc_page();

    user_data = alloc_page();
    table_map(root, USER_CODE, virt_to_mfn(user_text), PTE_P | PTE_US | PTE_A);
    table_map(root, USER_DATA, virt_to_mfn(user_data), PTE_KRW | PTE_US | PTE_NX);
    NEED(table_pin(root) == 0);
    NEED(mmuext(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(root), 0) == 0);
    NEED(HCALL2(stack_switch, FLAT_KERNEL_SS, user_trap_stack_end) == 0);
}

int user_run(uint64_t rip, uint64_t arg, uint64_t rflags)
{
    struct iret_context c = {
        .rip = rip,
        .cs = FLAT_USER_CS64,
        .rflags = rflags | 2,
        .rsp = USER_DATA + PAGE_SIZE - 16,
        .ss = FLAT_USER_SS64,
    };

    trap_none();
    return (int)user_switch(&c, arg);
}
