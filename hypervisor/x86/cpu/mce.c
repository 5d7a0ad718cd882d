/* SPDX-License-Identifier: MIT */
/*
 * Machine check (AMD APM vol. 2, 9; Intel SDM vol. 3, 16). Every bank is on; an exception is the
 * end: the banks that hold something are printed, then panic. dom0 may ask about processors.
 */
#include "x86/cpu/mce.h"
#include <public/arch-x86/xen-mca.h>
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/boot/smpboot.h"
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

/* --- arch_0: what dom0 may ask -----------------------------------------------------------------
 */

/* The head of struct xen_mc and the two requests that are answered. */
struct mca_request {
    uint32_t cmd;
    uint32_t interface_version;
    union {
        struct xen_mc_fetch fetch;
        struct xen_mc_physcpuinfo cpus;
    };
};

static void describe_cpu(unsigned cpu, struct mcinfo_logical_cpu *c)
{
    uint32_t r[4];

    *c = (struct mcinfo_logical_cpu){
        .mc_cpunr = cpu,
        .mc_chipid = arch_cpu_to_socket(cpu),
        .mc_coreid = (uint16_t)arch_cpu_to_core(cpu),
        .mc_apicid = cpu_to_apic_id(cpu),
        .mc_ncores = 1,
        .mc_ncores_active = 1,
        .mc_nthreads = 1,
        .mc_cpuid_level = (int32_t)cpu_features.max_leaf,
        .mc_family = cpu_features.family,
        .mc_model = cpu_features.model,
        .mc_step = cpu_features.stepping,
    };
    cpuid_raw(0, 0, r);
    memcpy(c->mc_vendorid, &r[1], 4);
    memcpy(c->mc_vendorid + 4, &r[3], 4);
    memcpy(c->mc_vendorid + 8, &r[2], 4);
}

/* How many processors there are, and what each is, as far as the caller has room. */
static long physcpuinfo(struct xen_mc_physcpuinfo *a)
{
    unsigned nr = (unsigned)__builtin_popcountll(arch_online_cpus());
    struct mcinfo_logical_cpu c;

    if (!guest_ptr_null(a->info)) {
        nr = a->ncpus < nr ? a->ncpus : nr;
        for (unsigned i = 0; i < nr; i++) {
            describe_cpu(i, &c);
            if (guest_put_at(a->info, i, &c) != 0) {
                return -EFAULT;
            }
        }
    }
    a->ncpus = nr;
    return 0;
}

/* Errors are fatal, so there is never a record to fetch. */
long do_mca(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct mca_request r;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (guest_get(&r, GUEST_PTR(a1)) != 0) {
        return -EFAULT;
    }
    if (r.interface_version != XEN_MCA_INTERFACE_VERSION) {
        return -EACCES;
    }
    switch (r.cmd) {
    case XEN_MC_fetch:
        r.fetch.flags = XEN_MC_NODATA;
        rc = 0;
        break;
    case XEN_MC_physcpuinfo:
        rc = physcpuinfo(&r.cpus);
        break;
    default:
        rc = -ENOSYS;
        break;
    }
    return rc != 0 ? rc : guest_put(GUEST_PTR(a1), &r);
}
