/* SPDX-License-Identifier: MIT */
/* What vcpu_op asks of the machine: frames behind a guest's addresses, numbers of processors. */
#include "x86/boot/smpboot.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

mfn_t arch_guest_va_to_mfn(struct vcpu *v, uint64_t va)
{
    struct spinlock *lock = &v->domain->arch.pt_lock;
    mfn_t m = INVALID_MFN;
    uint64_t rights;
    pte_t *p;

    if (!is_guest_address(va)) {
        return m;
    }
    spin_lock(lock);
    p = pt_walk_l1(v, va, false, &rights);
    if (p != NULL) {
        if ((p->v & PTE_P) && (p->v & rights & PTE_RW)) {
            m = pte_mfn(*p);
        }
        unmap_frame(p);
    }
    spin_unlock(lock);
    return m;
}

uint64_t arch_cpu_physid(unsigned cpu)
{
    return (uint64_t)cpu_to_acpi_id(cpu) << 32 | cpu_to_apic_id(cpu);
}
