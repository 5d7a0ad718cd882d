/* SPDX-License-Identifier: MIT */
/*
 * mca (arch_0): machine-check reports for dom0. Only the call's frame and the fetch request are
 * here, which is what a refusal needs.
 */
#ifndef PUBLIC_ARCH_X86_XEN_MCA_H
#define PUBLIC_ARCH_X86_XEN_MCA_H

#include "../xen.h"

#define __HYPERVISOR_mca __HYPERVISOR_arch_0

#define XEN_MCA_INTERFACE_VERSION 0x01ecc003

#define XEN_MC_NONURGENT 0x0001
#define XEN_MC_URGENT    0x0002
#define XEN_MC_ACK       0x0004

#define XEN_MC_OK           0x0
#define XEN_MC_FETCHFAILED  0x1
#define XEN_MC_NODATA       0x2
#define XEN_MC_NOMATCH      0x4
#define XEN_MC_CANNOTHANDLE 0x8
#define XEN_MC_NOTDELIVERED 0x10

#define XEN_MC_fetch        1
#define XEN_MC_notifydomain 2
#define XEN_MC_physcpuinfo  3
#define XEN_MC_msrinject    4

#define VIRQ_MCA VIRQ_ARCH_0

#define MC_NCAPS 7 /* words of CPUID features */

#ifndef __ASSEMBLY__

struct xen_mc_fetch {
    uint32_t flags; /* in: XEN_MC_URGENT..., out: XEN_MC_OK... */
    uint32_t _pad0;
    uint64_t fetch_id;
    guest_ptr_t data;
};
typedef struct xen_mc_fetch xen_mc_fetch_t;

struct xen_mc_physcpuinfo {
    uint32_t ncpus;
    uint32_t _pad0;
    guest_ptr_t info;
};
typedef struct xen_mc_physcpuinfo xen_mc_physcpuinfo_t;

struct mcinfo_msr {
    uint64_t reg;
    uint64_t value;
};
typedef struct mcinfo_msr xen_mcinfo_msr_t;

struct mcinfo_logical_cpu {
    uint32_t mc_cpunr;
    uint32_t mc_chipid;
    uint16_t mc_coreid;
    uint16_t mc_threadid;
    uint32_t mc_apicid;
    uint32_t mc_clusterid;
    uint32_t mc_ncores;
    uint32_t mc_ncores_active;
    uint32_t mc_nthreads;
    int32_t mc_cpuid_level;
    uint32_t mc_family;
    uint32_t mc_vendor;
    uint32_t mc_model;
    uint32_t mc_step;
    char mc_vendorid[16];
    char mc_brandid[64];
    uint32_t mc_cpu_caps[MC_NCAPS];
    uint32_t mc_cache_size;
    uint32_t mc_cache_alignment;
    int32_t mc_nmsrvals;
    xen_mcinfo_msr_t mc_msrvalues[8];
};
typedef struct mcinfo_logical_cpu xen_mc_logical_cpu_t;

#endif /* !__ASSEMBLY__ */
#endif
