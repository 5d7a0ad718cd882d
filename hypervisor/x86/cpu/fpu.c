/* SPDX-License-Identifier: MIT */
/*
 * Floating point and extended state, switched eagerly (fpu.h). With XSAVE a vcpu's area holds the
 * standard form (AMD APM vol. 2, 11.5; Intel SDM vol. 1, 13.4): 512 bytes as FXSAVE writes them,
 * a 64-byte header, then the components at the offsets that CPUID leaf 0xd gives. XCR0 is the
 * guest's own while it runs; to save and load, XCR0 is everything the guest ever enabled.
 */
#include "x86/cpu/fpu.h"
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/extable.h"
#include "x86/pv/pv.h"

#define XCR0_X87      (1ULL << 0)
#define XCR0_SSE      (1ULL << 1)
#define XCR0_YMM      (1ULL << 2)
#define XCR0_AVX512   (7ULL << 5)
#define XCR0_OFFERED  (XCR0_X87 | XCR0_SSE | XCR0_YMM | XCR0_AVX512)
#define FXSAVE_SIZE   512
#define FXSAVE_FCW    0
#define FXSAVE_MXCSR  24
#define FXSAVE_MASK   28
#define XSAVE_HEADER  512
#define MXCSR_INITIAL 0x1f80u

#define RSTR_FP_ERR_PTRS (1u << 2) /* CPUID 0x80000008 ebx */

static uint64_t xcr0_host; /* what the machine has and we offer */
static bool stale_pointers; /* see clear_pointers() */
static uint32_t area_size = FXSAVE_SIZE;
static uint32_t mxcsr_mask = 0xffbf; /* when FXSAVE reports none */

static void set_xcr0(uint64_t v)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static void clear_ts(void)
{
    __asm__ volatile("clts" : : : "memory");
}

/* Which bits of MXCSR exist the processor tells in the image that FXSAVE writes. */
static void read_mxcsr_mask(void)
{
    static char image[FXSAVE_SIZE] __attribute__((aligned(16)));
    uint32_t mask;

    __asm__ volatile("fxsaveq %0" : "=m"(image));
    memcpy(&mask, image + FXSAVE_MASK, sizeof(mask));
    if (mask != 0) {
        mxcsr_mask = mask;
    }
}

static bool has_stale_pointers(void)
{
    uint32_t r[4] = {0};

    if (cpu_features.max_ext_leaf >= 0x80000008) {
        cpuid_raw(0x80000008, 0, r);
    }
    return cpu_features.amd && !(r[1] & RSTR_FP_ERR_PTRS);
}

void fpu_cpu_init(void)
{
    uint64_t cr0 = read_cr0();
    uint32_t r[4];

    set_cr0((cr0 | (1u << 1) | (1u << 5)) & ~(uint64_t)((1u << 2) | CR0_TS)); /* MP NE, no EM */
    stale_pointers = has_stale_pointers();
    read_mxcsr_mask();
    if (!cpu_features.xsave) {
        return;
    }
    cpuid_raw(0xd, 0, r);
    xcr0_host = (r[0] | ((uint64_t)r[3] << 32)) & XCR0_OFFERED;
    set_xcr0(xcr0_host);
    cpuid_raw(0xd, 0, r);
    area_size = r[1];
    BUG_ON(area_size > PAGE_SIZE);
}

uint64_t fpu_xcr0_mask(void)
{
    return xcr0_host;
}

uint32_t fpu_area_size(void)
{
    return area_size;
}

void fpu_reset(struct vcpu *v)
{
    char *area = v->arch.xsave_area;

    memset(area, 0, PAGE_SIZE);
    *(uint16_t *)(area + FXSAVE_FCW) = 0x37f;
    *(uint32_t *)(area + FXSAVE_MXCSR) = MXCSR_INITIAL;
    v->arch.xcr0 = XCR0_X87;
    v->arch.xcr0_accum = XCR0_X87 | XCR0_SSE;
    if (cpu_features.xsave) {
        *(uint64_t *)(area + XSAVE_HEADER) = XCR0_X87 | XCR0_SSE;
    }
}

int fpu_vcpu_init(struct vcpu *v)
{
    v->arch.xsave_area = heap_alloc_pages(0);
    if (!v->arch.xsave_area) {
        return -ENOMEM;
    }
    fpu_reset(v);
    return 0;
}

void fpu_vcpu_destroy(struct vcpu *v)
{
    if (v->arch.xsave_area) {
        heap_free_pages(v->arch.xsave_area, 0);
        v->arch.xsave_area = NULL;
    }
}

void fpu_save(struct vcpu *v)
{
    uint64_t mask = v->arch.xcr0_accum;

    clear_ts();
    if (!cpu_features.xsave) {
        __asm__ volatile("fxsaveq (%0)" : : "r"(v->arch.xsave_area) : "memory");
        return;
    }
    if (mask != v->arch.xcr0) {
        set_xcr0(mask);
    }
    __asm__ volatile("xsaveq (%0)"
                     :
                     : "r"(v->arch.xsave_area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
                     : "memory");
}

/*
 * Some processors load the addresses of the last x87 instruction and operand only with a pending
 * exception, and else keep those of the vcpu before: an instruction of ours takes their place.
 */
static void clear_pointers(void)
{
    static const uint32_t zero;

    __asm__ volatile("fnclex\n\temms\n\tfildl %0" : : "m"(zero));
}

/* 0, or -EFAULT when the area holds what the processor refuses. */
static int load_area(struct vcpu *v)
{
    uint64_t mask = v->arch.xcr0_accum;
    int bad = 0;

    if (stale_pointers) {
        clear_pointers();
    }
    if (!cpu_features.xsave) {
        __asm__ volatile("1: fxrstorq (%1)\n2:\n"
                         ".section .text.fixup, \"ax\"\n3: movl $1, %0\n jmp 2b\n.previous\n"
                         EX_TABLE("1b", "3b")
                         : "+r"(bad)
                         : "r"(v->arch.xsave_area)
                         : "memory");
    } else {
        set_xcr0(mask);
        __asm__ volatile("1: xrstorq (%1)\n2:\n"
                         ".section .text.fixup, \"ax\"\n3: movl $1, %0\n jmp 2b\n.previous\n"
                         EX_TABLE("1b", "3b")
                         : "+r"(bad)
                         : "r"(v->arch.xsave_area), "a"((uint32_t)mask),
                           "d"((uint32_t)(mask >> 32))
                         : "memory");
    }
    return bad ? -EFAULT : 0;
}

void fpu_restore(struct vcpu *v)
{
    clear_ts();
    if (load_area(v) != 0) {
        guest_printk(v->domain, LOG_WARNING, "vcpu %u: bad floating-point state, reset\n", v->id);
        fpu_reset(v);
        BUG_ON(load_area(v) != 0);
    }
    if (cpu_features.xsave && v->arch.xcr0 != v->arch.xcr0_accum) {
        set_xcr0(v->arch.xcr0);
    }
    if (v->arch.cr0 & CR0_TS) {
        set_cr0(read_cr0() | CR0_TS);
    }
}

int fpu_set_legacy(struct vcpu *v, const void *fxsave)
{
    char *area = v->arch.xsave_area;
    uint32_t mxcsr;

    memcpy(&mxcsr, (const char *)fxsave + FXSAVE_MXCSR, sizeof(mxcsr));
    if (mxcsr & ~mxcsr_mask) {
        return -EINVAL;
    }
    memcpy(area, fxsave, FXSAVE_SIZE);
    memset(area + 464, 0, 48); /* bytes that software may use are not ours to load */
    if (cpu_features.xsave) {
        memset(area + XSAVE_HEADER, 0, 64);
        *(uint64_t *)(area + XSAVE_HEADER) = XCR0_X87 | XCR0_SSE;
    }
    return 0;
}

void fpu_get_legacy(struct vcpu *v, void *fxsave)
{
    memcpy(fxsave, v->arch.xsave_area, FXSAVE_SIZE);
}

bool fpu_xcr0_ok(uint64_t value)
{
    uint64_t avx512 = value & XCR0_AVX512;

    return cpu_features.xsave && (value & XCR0_X87) && !(value & ~xcr0_host) &&
           (!(value & XCR0_YMM) || (value & XCR0_SSE)) &&
           (avx512 == 0 || (avx512 == XCR0_AVX512 && (value & XCR0_YMM)));
}

/*
 * Components that this vcpu never had are not among those that the switch loads: their registers
 * hold what another vcpu left. Saving the others and loading all gives them their initial state.
 */
int fpu_set_xcr0(struct vcpu *v, uint64_t value)
{
    if (!fpu_xcr0_ok(value)) {
        return -EINVAL;
    }
    if (value & ~v->arch.xcr0_accum) {
        fpu_save(v);
        v->arch.xcr0_accum |= value;
        v->arch.xcr0 = value;
        fpu_restore(v);
        return 0;
    }
    v->arch.xcr0 = value;
    set_xcr0(value);
    return 0;
}

void fpu_set_ts(struct vcpu *v, bool set)
{
    if (set) {
        v->arch.cr0 |= CR0_TS;
        set_cr0(read_cr0() | CR0_TS);
    } else {
        v->arch.cr0 &= ~(uint64_t)CR0_TS;
        clear_ts();
    }
}

/* A guest whose TS is set wants to know: the fault is its own, and clears TS on the way. */
void fpu_device_not_available(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    (void)regs;
    clear_ts();
    if (v->arch.cr0 & CR0_TS) {
        pv_inject_exception(7, 0);
        v->arch.cr0 &= ~(uint64_t)CR0_TS;
    }
}
