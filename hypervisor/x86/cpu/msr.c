/* SPDX-License-Identifier: MIT */
/*
 * MSRs of PV guests: one table. A number that is not in it gives #GP, which stock kernels expect
 * of MSRs that a processor does not have. A write that a row lists as "dropped" succeeds without
 * effect: the kernel writes back what it read, or turns off what was never on.
 */
#include <public/arch-x86/xen.h>
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/cpuid_policy.h"
#include "x86/mm/map.h"
#include "x86/pv/pv.h"

struct msr_row {
    uint32_t first, last;
    int (*read)(struct vcpu *v, uint32_t msr, uint64_t *value);
    int (*write)(struct vcpu *v, uint32_t msr, uint64_t value);
};

static int read_zero(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v, (void)msr;
    *value = 0;
    return 0;
}

static int write_dropped(struct vcpu *v, uint32_t msr, uint64_t value)
{
    (void)v, (void)msr, (void)value;
    return 0;
}

static int read_host(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v;
    return rdmsr_safe(msr, value) == 0 ? 0 : -EINVAL;
}

/* The machine's own value, for the hardware domain; others see zero. */
static int read_hardware(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    return (v->domain->rights & RIGHT_HARDWARE) ? read_host(v, msr, value)
                                                : read_zero(v, msr, value);
}

static int read_tsc(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v, (void)msr;
    *value = rdtsc();
    return 0;
}

static int read_apic_base(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = 0xfee00000 | (1u << 11) | (v->id == 0 ? 1u << 8 : 0);
    return 0;
}

static int write_apic_base(struct vcpu *v, uint32_t msr, uint64_t value)
{
    uint64_t now;

    (void)read_apic_base(v, msr, &now);
    return value == now ? 0 : -EINVAL;
}

static int read_efer(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v, (void)msr;
    *value = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    return 0;
}

static int write_efer(struct vcpu *v, uint32_t msr, uint64_t value)
{
    uint64_t now;

    (void)read_efer(v, msr, &now);
    return (value & ~(uint64_t)EFER_LMA) == (now & ~(uint64_t)EFER_LMA) ? 0 : -EINVAL;
}

static int read_base(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v;
    *value = pv_get_base(msr == MSR_FS_BASE   ? SEGBASE_FS
                         : msr == MSR_GS_BASE ? SEGBASE_GS_KERNEL
                                              : SEGBASE_GS_USER);
    return 0;
}

static int write_base(struct vcpu *v, uint32_t msr, uint64_t value)
{
    (void)v;
    return pv_set_base(msr == MSR_FS_BASE   ? SEGBASE_FS
                       : msr == MSR_GS_BASE ? SEGBASE_GS_KERNEL
                                            : SEGBASE_GS_USER,
                       value);
}

static int read_tsc_aux(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = v->arch.tsc_aux;
    return cpu_features.rdtscp ? 0 : -EINVAL;
}

static int write_tsc_aux(struct vcpu *v, uint32_t msr, uint64_t value)
{
    if (!cpu_features.rdtscp || value >> 32) {
        return -EINVAL;
    }
    v->arch.tsc_aux = (uint32_t)value;
    wrmsr(msr, value);
    return 0;
}

static int read_pat(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v, (void)msr;
    *value = PAT_VALUE;
    return 0;
}

static int write_pat(struct vcpu *v, uint32_t msr, uint64_t value)
{
    (void)v, (void)msr;
    return value == PAT_VALUE ? 0 : -EINVAL;
}

static int read_platform_info(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = v->domain->arch.cpu_policy->platform_info;
    return cpu_features.intel ? 0 : -EINVAL;
}

static int read_misc_features(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = v->arch.misc_features;
    return cpu_features.intel ? 0 : -EINVAL;
}

static int write_misc_features(struct vcpu *v, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (!cpu_features.intel || (value & ~1ULL) ||
        (value != 0 && v->domain->arch.cpu_policy->platform_info == 0)) {
        return -EINVAL;
    }
    v->arch.misc_features = value;
    return 0;
}

/* CPUID leaf 0x40000002: a frame of the guest's own becomes its page of call stubs. */
static int write_hypercall_page(struct vcpu *v, uint32_t msr, uint64_t value)
{
    struct domain *d = v->domain;
    struct page *pg;
    void *p;

    (void)msr;
    if (value & (PAGE_SIZE - 1)) {
        return -EINVAL; /* there is one page, number 0 */
    }
    pg = d->ops->get_page(d, GFN(value >> PAGE_SHIFT), true);
    if (pg == NULL) {
        return -EINVAL;
    }
    p = map_frame(arch_page_to_mfn(pg));
    pv_fill_hypercall_page(p);
    unmap_frame(p);
    d->ops->put_page(pg, true);
    return 0;
}

static const struct msr_row msr_table[] = {
    {0x00000010, 0x00000010, read_tsc, NULL},
    {0x00000017, 0x00000017, read_hardware, NULL},           /* PLATFORM_ID */
    {0x0000001b, 0x0000001b, read_apic_base, write_apic_base},
    {0x00000035, 0x00000035, read_host, NULL},               /* CORE_THREAD_COUNT */
    {0x0000003a, 0x0000003a, read_zero, NULL},               /* FEATURE_CONTROL: locked, off */
    {0x0000008b, 0x0000008b, read_host, write_dropped},      /* microcode revision */
    {0x000000ce, 0x000000ce, read_platform_info, NULL},
    {0x00000140, 0x00000140, read_misc_features, write_misc_features},
    {0x00000179, 0x00000179, read_zero, NULL},               /* MCG_CAP: no banks */
    {0x0000017a, 0x0000017a, read_zero, write_dropped},      /* MCG_STATUS */
    {0x00000198, 0x00000199, read_zero, write_dropped},      /* PERF_STATUS, PERF_CTL */
    {0x0000019a, 0x0000019a, read_zero, write_dropped},      /* clock modulation */
    {0x000001a0, 0x000001a0, read_hardware, write_dropped},  /* MISC_ENABLE */
    {0x000001d9, 0x000001d9, read_zero, write_dropped},      /* DEBUGCTL: nothing on */
    {0x00000277, 0x00000277, read_pat, write_pat},
    {0x00000da0, 0x00000da0, read_zero, write_dropped},      /* XSS */
    {0x40000000, 0x40000000, read_zero, write_hypercall_page},
    {0xc0000080, 0xc0000080, read_efer, write_efer},
    {0xc0000100, 0xc0000102, read_base, write_base},
    {0xc0000103, 0xc0000103, read_tsc_aux, write_tsc_aux},
    {0xc0010010, 0xc0010010, read_hardware, write_dropped},  /* SYSCFG */
    {0xc0010015, 0xc0010015, read_host, write_dropped},      /* HWCR */
    {0xc001001f, 0xc001001f, read_hardware, write_dropped},  /* NB_CFG */
    {0xc0010055, 0xc0010055, read_zero, write_dropped},      /* C1E */
    {0xc0010058, 0xc0010058, read_hardware, write_dropped},  /* MMIO configuration base */
    {0xc0010061, 0xc0010063, read_hardware, write_dropped},  /* P-states */
    {0xc0011020, 0xc0011023, read_zero, write_dropped},      /* load-store configuration */
    {0xc0011029, 0xc0011029, read_host, write_dropped},      /* DE_CFG: LFENCE serialises */
};

static const struct msr_row *find_row(uint32_t msr)
{
    unsigned lo = 0, hi = ARRAY_SIZE(msr_table);

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (msr > msr_table[mid].last) {
            lo = mid + 1;
        } else if (msr < msr_table[mid].first) {
            hi = mid;
        } else {
            return &msr_table[mid];
        }
    }
    return NULL;
}

int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    const struct msr_row *row = find_row(msr);

    if (!row || !row->read) {
        guest_printk(v->domain, LOG_DEBUG, "vcpu %u: rdmsr %#x refused\n", v->id, msr);
        return -EINVAL;
    }
    return row->read(v, msr, value);
}

int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    const struct msr_row *row = find_row(msr);

    if (!row || !row->write) {
        guest_printk(v->domain, LOG_DEBUG, "vcpu %u: wrmsr %#x = %#lx refused\n", v->id, msr,
                     (unsigned long)value);
        return -EINVAL;
    }
    return row->write(v, msr, value);
}

/* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE: on for every PV guest. TSD and DE are its own to choose. */
uint64_t pv_guest_cr4(const struct vcpu *v)
{
    uint64_t cr4 = (1u << 5) | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_features.xsave) {
        cr4 |= CR4_OSXSAVE;
    }
    return cr4 | (v->arch.cr4 & ((1u << 2) | (1u << 3)));
}
