/* SPDX-License-Identifier: MIT */
/* Holds asm_offsets.h to the structures that it describes. */
#include "x86/cpu/asm_offsets.h"
#include "core/domain.h"
#include "core/errno.h"
#include "core/hypercall.h"
#include "x86/mm/layout.h"

#define CHECK_REG(name, field)                                                                     \
    _Static_assert(REGS_##name == offsetof(struct cpu_user_regs, field), #field)

CHECK_REG(R15, r15);
CHECK_REG(RBX, rbx);
CHECK_REG(R11, r11);
CHECK_REG(RAX, rax);
CHECK_REG(RCX, rcx);
CHECK_REG(RDI, rdi);
CHECK_REG(ERROR, error_code);
CHECK_REG(VECTOR, entry_vector);
CHECK_REG(RIP, rip);
CHECK_REG(CS, cs);
CHECK_REG(RFLAGS, rflags);
CHECK_REG(RSP, rsp);
CHECK_REG(SS, ss);
CHECK_REG(ES, es);
_Static_assert(REGS_SIZE == sizeof(struct cpu_user_regs), "register frame");
_Static_assert(CI_VCPU == offsetof(struct cpu_info, vcpu), "cpu_info.vcpu");
_Static_assert(CI_CPU == offsetof(struct cpu_info, cpu), "cpu_info.cpu");
_Static_assert(CI_SOFTIRQS == offsetof(struct cpu_info, softirqs), "cpu_info.softirqs");
_Static_assert(CI_SIZE == sizeof(struct cpu_info), "cpu_info");
_Static_assert(VCPU_INFO == offsetof(struct vcpu, info), "vcpu.info");
_Static_assert(VCPU_KERNEL_MODE == offsetof(struct vcpu, arch.kernel_mode), "vcpu.kernel_mode");
_Static_assert(VCPU_CONTINUES == offsetof(struct vcpu, cont.pending), "vcpu.cont.pending");
_Static_assert(HYPERCALL_ROWS == HYPERCALL_MAX && HYPERCALL_ENOSYS == ENOSYS, "hypercalls");
_Static_assert(VCPU_NMI_PENDING == offsetof(struct vcpu, arch.nmi_pending), "vcpu.nmi_pending");
_Static_assert(CPU_SLICE_SIZE == SLICE_PAGES * PAGE_SIZE, "processor slice");
