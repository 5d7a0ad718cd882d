/* SPDX-License-Identifier: MIT */
/*
 * Floating point and extended state of vcpus. It is switched eagerly: at each context switch the
 * whole state of the old vcpu is saved and that of the new one loaded, so nothing of another
 * guest is ever in a register.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include "core/domain.h"

void fpu_cpu_init(void);              /* each processor: CR0, XCR0 */
int fpu_vcpu_init(struct vcpu *v);    /* -ENOMEM; architectural initial state */
void fpu_vcpu_destroy(struct vcpu *v);
void fpu_save(struct vcpu *v);
void fpu_restore(struct vcpu *v);
/* 512 bytes in FXSAVE form, from and to a guest context. Bad MXCSR bits are refused: -EINVAL. */
int fpu_set_legacy(struct vcpu *v, const void *fxsave);
void fpu_get_legacy(struct vcpu *v, void *fxsave);
void fpu_reset(struct vcpu *v);
/* Is it a value that XSETBV accepts, of components that we offer? */
bool fpu_xcr0_ok(uint64_t value);
/* XSETBV by the current guest: -EINVAL for values that the processor would refuse. */
int fpu_set_xcr0(struct vcpu *v, uint64_t value);
/* #NM in a guest whose CR0.TS is set: the guest clears it by fpu_taskswitch or CLTS. */
void fpu_device_not_available(struct cpu_user_regs *regs);
/* Components that a guest may enable; bytes of an area with all of them. */
uint64_t fpu_xcr0_mask(void);
uint32_t fpu_area_size(void);
/* CR0.TS as the guest sees it. */
void fpu_set_ts(struct vcpu *v, bool set);

#endif
