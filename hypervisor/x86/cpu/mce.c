/* SPDX-License-Identifier: MIT */
/*
 * Machine check (AMD APM vol. 2, 9; Intel SDM vol. 3, 16). Every bank is on; an exception is the
 * end: the banks that hold something are printed, then panic. Telemetry for dom0 is not offered,
 * do_mca refuses.
 */
#include "x86/cpu/mce.h"
#include "core/errno.h"
#include "core/printk.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/traps.h"
#include "x86/pv/pv.h"

#define MSR_MCG_CAP       0x179
#define MSR_MCG_STATUS    0x17a
#define MSR_MCG_CTL       0x17b
#define MSR_MC_CTL(n)     (0x400 + 4 * (n))
#define MSR_MC_STATUS(n)  (0x401 + 4 * (n))
#define MSR_MC_ADDR(n)    (0x402 + 4 * (n))
#define MCG_CAP_COUNT     0xff
#define MCG_CAP_CTL       (1u << 8)
#define MC_STATUS_VALID   (1ULL << 63)
#define MC_STATUS_ADDRV   (1ULL << 58)
#define CPUID_EDX_MCE_MCA (1u << 7 | 1u << 14)

static unsigned bank_count(void)
{
    uint64_t cap;

    if ((cpu_features.l1[3] & CPUID_EDX_MCE_MCA) != CPUID_EDX_MCE_MCA ||
        rdmsr_safe(MSR_MCG_CAP, &cap) != 0) {
        return 0;
    }
    return cap & MCG_CAP_COUNT;
}

void mce_init_cpu(void)
{
    unsigned n = bank_count();
    uint64_t cap;

    if (n != 0 && rdmsr_safe(MSR_MCG_CAP, &cap) == 0 && (cap & MCG_CAP_CTL) != 0) {
        wrmsr_safe(MSR_MCG_CTL, ~0ULL);
    }
    for (unsigned i = 0; i < n; i++) {
        wrmsr_safe(MSR_MC_CTL(i), ~0ULL);
        wrmsr_safe(MSR_MC_STATUS(i), 0);
    }
}

void mce_handle(struct cpu_user_regs *regs)
{
    uint64_t status, addr;

    printk(LOG_ERR, "Machine check on processor %u\n", smp_processor_id());
    if (rdmsr_safe(MSR_MCG_STATUS, &status) == 0) {
        printk(LOG_ERR, "  MCG_STATUS %016lx\n", status);
    }
    for (unsigned i = 0, n = bank_count(); i < n; i++) {
        if (rdmsr_safe(MSR_MC_STATUS(i), &status) != 0 || (status & MC_STATUS_VALID) == 0) {
            continue;
        }
        addr = 0;
        if ((status & MC_STATUS_ADDRV) != 0) {
            rdmsr_safe(MSR_MC_ADDR(i), &addr);
        }
        printk(LOG_ERR, "  bank %u: status %016lx address %016lx\n", i, status, addr);
    }
    trap_report(regs);
    panic("machine check");
}

/* arch_0: machine-check telemetry for dom0. Linux goes on without it. */
long do_mca(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return -ENOSYS;
}
