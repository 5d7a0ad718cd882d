/* SPDX-License-Identifier: MIT */
/* A second vcpu for a tiny PV kernel: what smp.h promises. */
#include "smp.h"
#include "mm.h"
#include "traps.h"
#include <public/vcpu.h>

extern char boot_stack[];

void vcpu_context(struct vcpu_guest_context *c, unsigned id, void (*fn)(void))
{
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_in_kernel;
    c->user_regs.rip = P(fn);
    c->user_regs.rsp = P(boot_stack) + (id + 1) * VCPU_STACK - 8;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->user_regs.rflags = 0x2;
    for (unsigned v = 0; v < 256; v++) {
        c->trap_ctxt[v] = (struct trap_info){
            .vector = (uint8_t)v,
            .cs = FLAT_KERNEL_CS,
            .address = P(entry_address(v)),
        };
    }
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = c->user_regs.rsp;
    c->ctrlreg[3] = xen_pfn_to_cr3(root_mfn());
    c->event_callback_eip = P(entry_address(ENTRY_EVENT));
    c->failsafe_callback_eip = P(entry_address(ENTRY_FAILSAFE));
    c->syscall_callback_eip = P(entry_address(ENTRY_SYSCALL));
}

long vcpu_start(unsigned id, void (*fn)(void))
{
    static struct vcpu_guest_context c;
    long rc;

    vcpu_info_at[id] = &shared_info->vcpu_info[id];
    vcpu_context(&c, id, fn);
    rc = HCALL3(vcpu_op, VCPUOP_initialise, id, &c);
    return rc != 0 ? rc : HCALL3(vcpu_op, VCPUOP_up, id, NULL);
}
