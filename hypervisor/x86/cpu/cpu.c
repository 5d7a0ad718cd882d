/* SPDX-License-Identifier: MIT */
/*
 * What the processors can do, and their control registers. The boot processor's features are the
 * machine's; another processor that lacks one of those in use is not started with less, it stops
 * the boot with a sentence.
 */
#include "x86/cpu/cpu.h"
#include "core/arch.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/cmdline.h"
#include "lib/lib.h"
#include "x86/cpu/entry.h"
#include "x86/cpu/fpu.h"
#include "x86/cpu/mce.h"
#include "x86/mm/layout.h"

#define CR0_MP  (1u << 1)
#define CR0_EM  (1u << 2)
#define CR0_NE  (1u << 5)
#define CR0_WP  (1u << 16)
#define CR0_AM  (1u << 18)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)

/* RFLAGS that SYSCALL clears: all that could disturb the entry code */
#define RFLAGS_TF   (1u << 8)
#define RFLAGS_IF   (1u << 9)
#define RFLAGS_DF   (1u << 10)
#define RFLAGS_IOPL (3u << 12)
#define RFLAGS_NT   (1u << 14)
#define RFLAGS_RF   (1u << 16)
#define RFLAGS_VM   (1u << 17)
#define RFLAGS_AC   (1u << 18)
#define SYSCALL_MASK                                                                               \
    (RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM |         \
     RFLAGS_AC)

struct cpu_features cpu_features;
bool smap_for_pv;

static bool bit(uint32_t word, unsigned n)
{
    return (word >> n) & 1;
}

static void identify_vendor(struct cpu_features *f)
{
    uint32_t r[4];
    char vendor[13] = {0};

    cpuid_raw(0, 0, r);
    f->max_leaf = r[0];
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    f->amd = strcmp(vendor, "AuthenticAMD") == 0 || strcmp(vendor, "HygonGenuine") == 0;
    f->intel = strcmp(vendor, "GenuineIntel") == 0;
    cpuid_raw(0x80000000, 0, r);
    f->max_ext_leaf = r[0] >> 16 == 0x8000 ? r[0] : 0;
}

/* Family and model as the manuals count them (Intel SDM vol. 2, CPUID leaf 1). */
static void identify_model(struct cpu_features *f)
{
    uint32_t eax = f->l1[0];

    f->family = eax >> 8 & 15;
    f->model = eax >> 4 & 15;
    f->stepping = eax & 15;
    if (f->family == 15) {
        f->family += eax >> 20 & 255;
    }
    if (f->family == 6 || f->family >= 15) {
        f->model |= (eax >> 16 & 15) << 4;
    }
}

static void read_leaves(struct cpu_features *f)
{
    uint32_t r[4];

    identify_vendor(f);
    cpuid_raw(1, 0, f->l1);
    if (f->max_leaf >= 6) {
        cpuid_raw(6, 0, f->l6);
    }
    if (f->max_leaf >= 7) {
        cpuid_raw(7, 0, f->l7);
    }
    if (f->max_ext_leaf >= 0x80000001) {
        cpuid_raw(0x80000001, 0, f->e1);
    }
    if (f->max_ext_leaf >= 0x80000007) {
        cpuid_raw(0x80000007, 0, r);
        f->invariant_tsc = bit(r[3], 8);
    }
    f->phys_bits = 36;
    if (f->max_ext_leaf >= 0x80000008) {
        cpuid_raw(0x80000008, 0, r);
        f->phys_bits = r[0] & 255;
    }
    identify_model(f);
}

void cpu_identify(void)
{
    struct cpu_features *f = &cpu_features;
    uint32_t r[4];

    read_leaves(f);
    f->x2apic = bit(f->l1[2], 21);
    f->tsc_deadline = bit(f->l1[2], 24);
    f->xsave = bit(f->l1[2], 26);
    f->hypervisor = bit(f->l1[2], 31);
    f->pge = bit(f->l1[3], 13);
    f->fsgsbase = bit(f->l7[1], 0);
    f->smep = bit(f->l7[1], 7);
    f->erms = bit(f->l7[1], 9);
    f->smap = bit(f->l7[1], 20);
    f->umip = bit(f->l7[2], 2);
    f->nx = bit(f->e1[3], 20);
    f->page1gb = bit(f->e1[3], 26);
    f->rdtscp = bit(f->e1[3], 27);
    if (f->xsave && f->max_leaf >= 0xd) {
        cpuid_raw(0xd, 1, r);
        f->xsaveopt = bit(r[0], 0);
    }
    if (f->intel) {
        uint64_t platform;

        /* MSR_PLATFORM_INFO bit 31: CPUID can be made to fault in ring 3 */
        f->cpuid_fault = rdmsr_safe(0xce, &platform) == 0 && (platform >> 31 & 1) != 0;
    }
    if (!f->nx || !f->pge) {
        panic("this processor lacks %s, which the hypervisor needs", f->nx ? "PGE" : "NX");
    }
}

/* smap=0: off; smap=hvm: off while PV guests run, which is the same here; else on. */
static bool want_smap(void)
{
    char value[8];

    if (!cpu_features.smap) {
        return false;
    }
    if (cmdline_get(hv_cmdline, "smap", value, sizeof(value)) && strcmp(value, "hvm") == 0) {
        return false;
    }
    return cmdline_bool(hv_cmdline, "smap", true);
}

static void check_same_features(unsigned cpu)
{
    struct cpu_features mine = {0};

    read_leaves(&mine);
    if ((cpu_features.l1[2] & ~mine.l1[2] & ~(1u << 27)) != 0 ||
        (cpu_features.l7[1] & ~mine.l7[1]) != 0 || (cpu_features.e1[3] & ~mine.e1[3]) != 0) {
        panic("processor %u lacks features of the boot processor", cpu);
    }
}

static uint64_t cr4_for_host(void)
{
    uint64_t cr4 = read_cr4();

    cr4 &= ~(uint64_t)(CR4_UMIP | CR4_FSGSBASE | CR4_TSD);
    cr4 |= CR4_PSE | CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (bit(cpu_features.l1[3], 7)) {
        cr4 |= CR4_MCE;
    }
    if (cpu_features.xsave) {
        cr4 |= CR4_OSXSAVE;
    }
    if (cpu_features.smep && cmdline_bool(hv_cmdline, "smep", true)) {
        cr4 |= CR4_SMEP;
    }
    if (smap_for_pv) {
        cr4 |= CR4_SMAP;
    }
    return cr4;
}

/*
 * SYSCALL lands in this processor's copy of the stub page, which finds the stack from there;
 * SYSENTER, which processors of AMD's do not have in long mode, brings its stack along.
 */
static void init_syscall(unsigned cpu)
{
    uint64_t stub = CPU_SLICE(cpu) + SLICE_ENTRY_STUB * PAGE_SIZE;

    get_cpu_info()->softirqs = &per_cpu(softirq_pending, cpu);
    wrmsr(MSR_STAR, (uint64_t)GUEST_CS32 << 48 | (uint64_t)HV_CS << 32);
    wrmsr(MSR_LSTAR, stub + (uint64_t)(entry_stub_syscall - entry_stub_page));
    wrmsr(MSR_CSTAR, stub + (uint64_t)(entry_stub_syscall32 - entry_stub_page));
    wrmsr(MSR_SFMASK, SYSCALL_MASK);
    if (bit(cpu_features.l1[3], 11)) {
        wrmsr(MSR_SYSENTER_CS, HV_CS);
        wrmsr(MSR_SYSENTER_ESP, CPU_SLICE(cpu) + CPU_SLICE_SIZE - sizeof(struct cpu_info) +
                                    offsetof(struct cpu_info, regs.es));
        wrmsr(MSR_SYSENTER_EIP, (uint64_t)entry_sysenter);
    }
}

void cpu_init(unsigned cpu)
{
    if (cpu == 0) {
        smap_for_pv = want_smap();
    } else {
        check_same_features(cpu);
    }
    set_cr0((read_cr0() & ~(uint64_t)(CR0_EM | CR0_TS | CR0_AM)) | CR0_MP | CR0_NE | CR0_WP);
    set_cr4(cr4_for_host());
    if (smap_for_pv) {
        __asm__ volatile("clac" : : : "memory", "cc");
    }
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    wrmsr(MSR_PAT, PAT_VALUE);
    wrmsr(MSR_FS_BASE, 0);
    wrmsr(MSR_GS_BASE, 0);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    init_syscall(cpu);
    fpu_cpu_init();
    mce_init_cpu();
}
