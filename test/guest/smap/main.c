/* SPDX-License-Identifier: MIT */
/*
 * smap: the hypervisor runs with SMAP where the processor has it.
 *
 * Why: a pointer that the hypervisor follows by mistake then faults instead of reading what a
 * guest put there. That it is on shows in a fault of QEMU 7.2: its IRET at CPL 3 pops the stack as
 * a supervisor would. A machine without that fault cannot show it, and the test is skipped.
 * Right outcome: native IRET page-faults on a stack that is there; calls that read and write guest
 * memory work, and bad pointers are still -EFAULT.
 * Environments: pv
 * Boot: --cpu EPYC,-monitor
 */
#include <public/version.h>
#include "cpu.h"
#include "mm.h"

static bool native_iret_faults(void)
{
    uint64_t frame[5];

    trap_none();
    __asm__ volatile(
        "movq $77f, trap_resume(%%rip)\n"
        "movq %%rsp, %%rbx\n"
        "movq $77f, (%[f]); movq %[cs], 8(%[f]); pushfq; popq 16(%[f])\n"
        "movq %%rsp, 24(%[f]); movq %[ss], 32(%[f])\n"
        "movq %[f], %%rsp; iretq\n"
        "77: movq %%rbx, %%rsp; movq $0, trap_resume(%%rip)"
        :
        : [f] "r"(frame), [cs] "r"((uint64_t)FLAT_KERNEL_CS), [ss] "r"((uint64_t)FLAT_KERNEL_SS)
        : "rbx", "memory", "cc");
    return trapped.entry == 14;
}

enum verdict guest_main(void)
{
    xen_extraversion_t extra = {0};
    uint64_t cr4 = 0;
    bool faults;

    EXPECT(HCALL2(xen_version, XENVER_extraversion, extra) >= 0);
    EXPECT_EQ(HCALL2(xen_version, XENVER_extraversion, 0x1000), E_FAULT);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 8, 0xffff830000000000), E_FAULT);
    EXPECT_EQ(TRY_INSN("movq %%cr4, %0", : "=r"(cr4)), -1);
    EXPECT((cr4 & (1u << 21)) == 0); /* the guest does not see it */
    faults = native_iret_faults();
    if (!faults) {
        print("native IRET works: this machine cannot show SMAP\n");
        return SKIP;
    }
    return SUCCESS;
}
