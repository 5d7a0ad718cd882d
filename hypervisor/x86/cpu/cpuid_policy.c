/* SPDX-License-Identifier: MIT */
/*
 * What a PV guest may see of the processor: one table of leaves with a mask for each register.
 * A bit that is not in the table is never shown. Left out on purpose: what needs ring 0 (SMEP,
 * SMAP, UMIP, PCID, FSGSBASE, VMX, SVM, MTRR), what the ABI forbids (PSE, PGE, 1 GiB pages, VME),
 * what would tell of the host (MONITOR, DTES, thermal, performance counters). Empty leaves up to
 * the highest are listed all the same: libxl writes back as many as it was given.
 */
#include "x86/cpu/cpuid_policy.h"
#include "core/errno.h"
#include "core/guest.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/fpu.h"

#define ALL  0xffffffffu
#define NONE XEN_CPUID_NO_SUBLEAF

/* leaf 1 edx: FPU DE TSC MSR PAE MCE CX8 APIC MCA CMOV PAT CLFLUSH MMX FXSR SSE SSE2 HTT */
#define L1_EDX 0x1789c3f5u
/* leaf 1 ecx: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define L1_ECX 0x76d83203u
/* leaf 7 ebx: BMI1 AVX2 BMI2 ERMS AVX512F DQ RDSEED ADX IFMA CLFLUSHOPT CLWB CD SHA BW VL */
#define L7_EBX 0xf1af0328u
/* leaf 7 ecx: VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ RDPID */
#define L7_ECX 0x00405f42u
/* 0x80000001 ecx: LAHF ABM SSE4A MISALIGNSSE PREFETCHW XOP FMA4 TBM */
#define E1_ECX 0x002109e1u
/* 0x80000001 edx: SYSCALL NX MMXEXT FFXSR RDTSCP LM, and AMD's copies of leaf 1 */
#define E1_EDX 0x2bd1cbf5u

static const struct leaf_row {
    uint32_t leaf, subleaf;
    uint32_t a, b, c, d; /* bits that pass */
} pv_leaves[] = {
    {0x0, NONE, 0, ALL, ALL, ALL}, /* a: the highest leaf, set below */
    {0x1, NONE, ALL, 0x0000ff00, L1_ECX, L1_EDX},
    {0x2, NONE, ALL, ALL, ALL, ALL},
    {0x3, NONE, 0, 0, 0, 0},
    {0x4, 0, 0x3ff, ALL, ALL, ALL},
    {0x4, 1, 0x3ff, ALL, ALL, ALL},
    {0x4, 2, 0x3ff, ALL, ALL, ALL},
    {0x4, 3, 0x3ff, ALL, ALL, ALL},
    {0x4, 4, 0, 0, 0, 0},
    {0x5, NONE, 0, 0, 0, 0},
    {0x6, NONE, 0, 0, 0, 0},
    {0x7, 0, 0, L7_EBX, L7_ECX, 0},
    {0x8, NONE, 0, 0, 0, 0},
    {0x9, NONE, 0, 0, 0, 0},
    {0xa, NONE, 0, 0, 0, 0},
    {0xb, 0, 0, 0, 0, 0},
    {0xb, 1, 0, 0, 0, 0},
    {0xc, NONE, 0, 0, 0, 0},
    {0xd, 0, ALL, ALL, ALL, ALL}, /* cpuid.c answers by the vcpu's XCR0 */
    {0xd, 1, 0x7, 0, 0, 0},       /* XSAVEOPT XSAVEC XGETBV1 */
    {0xd, 2, ALL, ALL, 0, 0},
    {0xd, 5, ALL, ALL, 0, 0},
    {0xd, 6, ALL, ALL, 0, 0},
    {0xd, 7, ALL, ALL, 0, 0},
    {0x40000000, NONE, 0, 0, 0, 0}, /* cpuid.c answers; tools may not change it */
    {0x40000100, NONE, 0, 0, 0, 0},
    {0x80000000, NONE, 0, ALL, ALL, ALL},
    {0x80000001, NONE, ALL, 0, E1_ECX, E1_EDX},
    {0x80000002, NONE, ALL, ALL, ALL, ALL},
    {0x80000003, NONE, ALL, ALL, ALL, ALL},
    {0x80000004, NONE, ALL, ALL, ALL, ALL},
    {0x80000005, NONE, ALL, ALL, ALL, ALL},
    {0x80000006, NONE, ALL, ALL, ALL, ALL},
    {0x80000007, NONE, 0, 0, 0, 1u << 8}, /* invariant TSC */
    {0x80000008, NONE, 0xffff, 1u << 0, 0, 0},
};

#define LAST_BASIC     0xd
#define LAST_EXTENDED  0x80000008u
#define HYPERVISOR_BIT (1u << 31)

struct cpu_policy cpu_policy_raw, cpu_policy_host, cpu_policy_pv;

const xen_cpuid_leaf_t *cpu_policy_find(const struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < p->nr; i++) {
        const xen_cpuid_leaf_t *l = &p->leaf[i];

        if (l->leaf == leaf && (l->subleaf == sub || l->subleaf == NONE)) {
            return l;
        }
    }
    return NULL;
}

static bool leaf_exists(uint32_t leaf)
{
    if (leaf >> 16 == 0x4000) {
        return true;
    }
    return leaf < 0x80000000 ? leaf <= cpu_features.max_leaf : leaf <= cpu_features.max_ext_leaf;
}

/* subleaves of 0xd are one for each bit of XCR0 */
static bool component_exists(const struct leaf_row *row)
{
    return row->leaf != 0xd || row->subleaf < 2 || (fpu_xcr0_mask() >> row->subleaf & 1) != 0;
}

static void fix_pv_leaf(xen_cpuid_leaf_t *l)
{
    switch (l->leaf) {
    case 0:
        l->a = MIN(cpu_features.max_leaf, LAST_BASIC);
        break;
    case 1:
        l->c |= HYPERVISOR_BIT;
        if (!cpu_features.xsave) {
            l->c &= ~((1u << 26) | (1u << 28) | (1u << 12) | (1u << 29));
        }
        l->d &= ~(1u << 28); /* one thread a core: no topology of the host's */
        break;
    case 4:
        l->a &= 0x3ff; /* shared by one thread */
        break;
    case 0x80000000:
        l->a = MIN(cpu_features.max_ext_leaf, LAST_EXTENDED);
        break;
    default:
        break;
    }
}

/* The processor as we use it: OSXSAVE is each vcpu's own, AMD's SYSENTER is not for long mode. */
static void fix_host_leaf(xen_cpuid_leaf_t *l)
{
    if (l->leaf == 1) {
        l->c &= ~(1u << 27);
        l->d &= ~(cpu_features.amd ? 1u << 11 : 0);
    }
}

void cpu_policy_subsys_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pv_leaves); i++) {
        const struct leaf_row *row = &pv_leaves[i];
        xen_cpuid_leaf_t *n = &cpu_policy_raw.leaf[cpu_policy_raw.nr];
        xen_cpuid_leaf_t *h = &cpu_policy_host.leaf[cpu_policy_host.nr];
        xen_cpuid_leaf_t *g = &cpu_policy_pv.leaf[cpu_policy_pv.nr];
        uint32_t r[4];

        if (!leaf_exists(row->leaf) || !component_exists(row)) {
            continue;
        }
        cpuid_raw(row->leaf, row->subleaf == NONE ? 0 : row->subleaf, r);
        *n = *h = (xen_cpuid_leaf_t){row->leaf, row->subleaf, r[0], r[1], r[2], r[3]};
        *g = (xen_cpuid_leaf_t){row->leaf,     row->subleaf,  r[0] & row->a,
                                r[1] & row->b, r[2] & row->c, r[3] & row->d};
        if (row->leaf == 0 || row->leaf == 0x80000000) {
            g->b = r[1];
            g->c = r[2];
            g->d = r[3];
        }
        fix_host_leaf(h);
        fix_pv_leaf(g);
        cpu_policy_raw.nr++;
        cpu_policy_host.nr++;
        cpu_policy_pv.nr++;
    }
    if (cpu_features.cpuid_fault) {
        cpu_policy_host.platform_info = cpu_policy_pv.platform_info = 1ULL << 31;
    }
}

int cpu_policy_domain_init(struct domain *d)
{
    struct cpu_policy *p = heap_alloc(sizeof(*p));

    if (!p) {
        return -ENOMEM;
    }
    *p = cpu_policy_pv;
    d->arch.cpu_policy = p;
    return 0;
}

void cpu_policy_domain_destroy(struct domain *d)
{
    heap_free(d->arch.cpu_policy);
    d->arch.cpu_policy = NULL;
}

/* Feature words: the tool may take away, never add. Other words are its own to choose. */
int cpu_policy_set_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *leaf)
{
    const xen_cpuid_leaf_t *max = cpu_policy_find(&cpu_policy_pv, leaf->leaf, leaf->subleaf);
    xen_cpuid_leaf_t *mine;

    if (!max) {
        /* an empty leaf that we do not keep is no claim */
        return (leaf->a | leaf->b | leaf->c | leaf->d) == 0 ? 0 : -EINVAL;
    }
    mine = (xen_cpuid_leaf_t *)cpu_policy_find(p, leaf->leaf, leaf->subleaf);
    switch (leaf->leaf) {
    case 0x1:
        mine->a = leaf->a;
        mine->c = (leaf->c & max->c) | HYPERVISOR_BIT;
        mine->d = leaf->d & max->d;
        break;
    case 0x7:
    case 0x80000001:
        mine->a = leaf->leaf == 7 ? 0 : leaf->a;
        mine->b = leaf->b & max->b;
        mine->c = leaf->c & max->c;
        mine->d = leaf->d & max->d;
        break;
    case 0x0:
    case 0x80000000:
        mine->a = MIN(leaf->a, max->a);
        break;
    case 0xd:
        break; /* follows XCR0 */
    case 0x80000007:
        mine->d = leaf->d & max->d;
        break;
    case 0x80000008:
        mine->b = leaf->b & max->b;
        break;
    default:
        mine->a = leaf->a;
        mine->b = leaf->b;
        mine->c = leaf->c;
        mine->d = leaf->d;
        break;
    }
    return 0;
}

/* Word order: 1d 1c e1d e1c Da1 7b0 7c0 e7d e8b 7d0 7a1 e21a 7b1 ... (public tools' order) */
unsigned cpu_policy_featureset(const struct cpu_policy *p, uint32_t *words, unsigned max)
{
    static const struct {
        uint32_t leaf, subleaf;
        uint8_t reg;
    } word[] = {
        {1, 0, 3}, {1, 0, 2},          {0x80000001, 0, 3}, {0x80000001, 0, 2}, {0xd, 1, 0},
        {7, 0, 1}, {7, 0, 2},          {0x80000007, 0, 3}, {0x80000008, 0, 1}, {7, 0, 3},
        {7, 1, 0}, {0x80000021, 0, 0}, {7, 1, 1},          {7, 2, 3},          {7, 1, 2},
        {7, 1, 3}, {0x10a, 0, 0},      {0x10a, 0, 3},      {0x80000021, 0, 2},
    };
    unsigned n = MIN(max, ARRAY_SIZE(word));

    for (unsigned i = 0; i < n; i++) {
        const xen_cpuid_leaf_t *l = cpu_policy_find(p, word[i].leaf, word[i].subleaf);
        const uint32_t regs[4] = {l ? l->a : 0, l ? l->b : 0, l ? l->c : 0, l ? l->d : 0};

        words[i] = regs[word[i].reg];
    }
    return n;
}

int cpu_policy_tell(const struct cpu_policy *p, guest_ptr_t leaves, uint32_t *nr_leaves,
                    guest_ptr_t msrs, uint32_t *nr_msrs)
{
    xen_msr_entry_t msr = {.idx = 0xce, .val = p->platform_info};

    if (guest_ptr_null(leaves)) {
        *nr_leaves = CPU_POLICY_TOOL_LEAVES;
    } else if (*nr_leaves < p->nr) {
        return -ENOBUFS;
    } else if (guest_write(leaves, p->leaf, p->nr * sizeof(p->leaf[0])) != 0) {
        return -EFAULT;
    } else {
        *nr_leaves = p->nr;
    }
    if (guest_ptr_null(msrs)) {
        *nr_msrs = CPU_POLICY_TOOL_MSRS;
    } else if (*nr_msrs < 1) {
        return -ENOBUFS;
    } else if (guest_put(msrs, &msr) != 0) {
        return -EFAULT;
    } else {
        *nr_msrs = 1;
    }
    return 0;
}
