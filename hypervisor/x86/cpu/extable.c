/* SPDX-License-Identifier: MIT */
/*
 * The fix-up table, and the two MSR accessors that rest on it. The table is short (a few dozen
 * entries) and is asked only when something has faulted, so it is searched from end to end.
 */
#include "x86/cpu/extable.h"
#include "core/errno.h"
#include "x86/cpu/cpu.h"

struct extable_entry {
    int32_t insn;
    int32_t fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];

uint64_t extable_find(uint64_t rip)
{
    for (const struct extable_entry *e = __extable_start; e < __extable_end; e++) {
        if ((uint64_t)&e->insn + (uint64_t)(int64_t)e->insn == rip) {
            return (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
        }
    }
    return 0;
}

bool extable_fix(struct cpu_user_regs *regs)
{
    uint64_t to = extable_find(regs->rip);

    if (to == 0) {
        return false;
    }
    regs->rip = to;
    return true;
}

int rdmsr_safe(uint32_t msr, uint64_t *v)
{
    uint32_t lo = 0, hi = 0;
    int rc = -EFAULT;

    __asm__ volatile("1: rdmsr\n"
                     "xorl %2, %2\n"
                     "2:\n" EX_TABLE("1b", "2b")
                     : "+a"(lo), "+d"(hi), "+r"(rc)
                     : "c"(msr));
    *v = ((uint64_t)hi << 32) | lo;
    return rc;
}

int wrmsr_safe(uint32_t msr, uint64_t v)
{
    int rc = -EFAULT;

    __asm__ volatile("1: wrmsr\n"
                     "xorl %0, %0\n"
                     "2:\n" EX_TABLE("1b", "2b")
                     : "+r"(rc)
                     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
                     : "memory");
    return rc;
}
