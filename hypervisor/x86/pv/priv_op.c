/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions of PV guests. The guest's kernel runs in ring 3, so they fault; what it
 * may do is done for it here, by one table of handlers for each kind of instruction. False means
 * that the fault is the guest's own.
 *
 * Bits of control registers that a guest may not change are dropped, not refused: stock kernels
 * write back values that they computed for a bare machine (the ABI's exception to "a failed check
 * is a refusal").
 */
#include "core/errno.h"
#include "core/guest.h"
#include "core/printk.h"
#include "core/softirq.h"
#include "lib/lib.h"
#include "x86/cpu/context.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/fpu.h"
#include "x86/cpu/policy.h"
#include "x86/emul/emul.h"
#include "x86/pv/port_io.h"
#include "x86/pv/pv.h"

struct priv_ctx {
    struct vcpu *v;
    struct cpu_user_regs *regs;
    uint64_t fault_address; /* of a memory operand that could not be read or written */
    bool page_fault, fault_write;
    bool again; /* preempted: the instruction is made again */
};

typedef bool (*priv_fn)(struct priv_ctx *c, const struct insn *i);

/* --- memory and ports for string I/O ---------------------------------------------------------- */

static enum emul_result mem_read(void *arg, uint64_t addr, void *data, unsigned bytes)
{
    struct priv_ctx *c = arg;

    if (guest_read(data, (guest_ptr_t){addr}, bytes) != 0) {
        c->page_fault = true;
        c->fault_address = addr;
        return EMUL_FAULT;
    }
    return EMUL_OK;
}

static enum emul_result mem_write(void *arg, uint64_t addr, const void *data, unsigned bytes)
{
    struct priv_ctx *c = arg;

    if (guest_write((guest_ptr_t){addr}, data, bytes) != 0) {
        c->page_fault = true;
        c->fault_write = true;
        c->fault_address = addr;
        return EMUL_FAULT;
    }
    return EMUL_OK;
}

static enum emul_result port_in(void *arg, unsigned port, unsigned bytes, uint32_t *value)
{
    struct priv_ctx *c = arg;

    if (!port_io_permitted(c->v, port, bytes)) {
        return EMUL_FAULT;
    }
    *value = port_io_read(c->v, port, bytes);
    return EMUL_OK;
}

static enum emul_result port_out(void *arg, unsigned port, unsigned bytes, uint32_t value)
{
    struct priv_ctx *c = arg;

    if (!port_io_permitted(c->v, port, bytes)) {
        return EMUL_FAULT;
    }
    port_io_write(c->v, port, bytes, value);
    return EMUL_OK;
}

static const struct emul_ops port_ops = {
    .read = mem_read,
    .write = mem_write,
    .in = port_in,
    .out = port_out,
};

static bool do_port(struct priv_ctx *c, const struct insn *i)
{
    struct emul e = {
        .ops = &port_ops,
        .arg = c,
        .regs = c->regs,
        .fs_base = pv_get_base(SEGBASE_FS),
        .gs_base = pv_get_base(c->v->arch.kernel_mode ? SEGBASE_GS_KERNEL : SEGBASE_GS_USER),
    };

    switch (emul_execute(&e, i)) {
    case EMUL_OK:
    case EMUL_RETRY:
        return true;
    case EMUL_FAULT:
        if (c->page_fault) {
            uint32_t error = (c->fault_write ? 2 : 0) | (c->v->arch.kernel_mode ? 0 : 4);

            pv_inject_page_fault(error, c->fault_address);
            return true;
        }
        return false;
    default:
        return false;
    }
}

/* --- control and debug registers -------------------------------------------------------------- */

static bool kernel_only(const struct priv_ctx *c)
{
    return c->v->arch.kernel_mode;
}

static bool read_cr(struct priv_ctx *c, const struct insn *i)
{
    uint64_t value;

    switch (i->reg) {
    case 0:
        value = c->v->arch.cr0;
        break;
    case 2:
        value = c->v->info->arch.cr2;
        break;
    case 3:
        value = c->v->arch.root_kernel.v << PAGE_SHIFT;
        break;
    case 4:
        value = pv_guest_cr4(c->v);
        break;
    default:
        return false;
    }
    *insn_gpr(c->regs, i->rm) = value;
    return true;
}

static bool load_root(struct priv_ctx *c, uint64_t value)
{
    int rc = pv_new_baseptr(c->v, MFN(value >> PAGE_SHIFT));

    c->again = rc == -EINTR;
    return rc == 0 || c->again;
}

static bool write_cr(struct priv_ctx *c, const struct insn *i)
{
    uint64_t value = *insn_gpr(c->regs, i->rm);

    switch (i->reg) {
    case 0:
        if ((value ^ c->v->arch.cr0) & ~(uint64_t)CR0_TS) {
            guest_printk(c->v->domain, LOG_DEBUG, "vcpu %u: CR0 = %#lx, only TS changes\n",
                         c->v->id, (unsigned long)value);
        }
        fpu_set_ts(c->v, (value & CR0_TS) != 0);
        return true;
    case 2:
        c->v->info->arch.cr2 = value;
        return true;
    case 3:
        return load_root(c, value);
    case 4:
        c->v->arch.cr4 = value;
        context_load_tsd(c->v);
        return true;
    default:
        return false;
    }
}

static bool read_dr(struct priv_ctx *c, const struct insn *i)
{
    unsigned reg = i->reg == 4 || i->reg == 5 ? i->reg + 2 : i->reg;

    if (reg > 7) {
        return false;
    }
    *insn_gpr(c->regs, i->rm) = c->v->arch.debugreg[reg];
    return true;
}

static bool write_dr(struct priv_ctx *c, const struct insn *i)
{
    return pv_set_debugreg(c->v, i->reg, *insn_gpr(c->regs, i->rm)) == 0;
}

/* --- the others ------------------------------------------------------------------------------- */

static bool nothing(struct priv_ctx *c, const struct insn *i)
{
    (void)c, (void)i;
    return true; /* CLI, STI: events are masked by the mask; WBINVD, INVD: caches are coherent */
}

static bool iopl_nothing(struct priv_ctx *c, const struct insn *i)
{
    (void)i;
    return c->v->arch.iopl >= (c->v->arch.kernel_mode ? 1u : 3u);
}

static bool halt(struct priv_ctx *c, const struct insn *i)
{
    (void)c, (void)i;
    vcpu_block();
    return true;
}

static bool clear_ts(struct priv_ctx *c, const struct insn *i)
{
    (void)i;
    fpu_set_ts(c->v, false);
    return true;
}

static void set_edx_eax(struct cpu_user_regs *regs, uint64_t value)
{
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
}

static uint64_t edx_eax(const struct cpu_user_regs *regs)
{
    return (uint32_t)regs->rax | regs->rdx << 32;
}

static bool do_rdmsr(struct priv_ctx *c, const struct insn *i)
{
    uint64_t value;

    (void)i;
    if (guest_rdmsr(c->v, (uint32_t)c->regs->rcx, &value) != 0) {
        return false;
    }
    set_edx_eax(c->regs, value);
    return true;
}

static bool do_wrmsr(struct priv_ctx *c, const struct insn *i)
{
    (void)i;
    return guest_wrmsr(c->v, (uint32_t)c->regs->rcx, edx_eax(c->regs)) == 0;
}

static bool do_rdtsc(struct priv_ctx *c, const struct insn *i)
{
    if (!c->v->arch.kernel_mode && (c->v->arch.cr4 & CR4_TSD) != 0) {
        return false;
    }
    set_edx_eax(c->regs, rdtsc());
    if (i->kind == INSN_RDTSCP) {
        c->regs->rcx = c->v->arch.tsc_aux;
    }
    return true;
}

static bool do_cpuid(struct priv_ctx *c, const struct insn *i)
{
    struct cpuid_regs out;

    (void)i;
    guest_cpuid(c->v, (uint32_t)c->regs->rax, (uint32_t)c->regs->rcx, &out);
    c->regs->rax = out.a;
    c->regs->rbx = out.b;
    c->regs->rcx = out.c;
    c->regs->rdx = out.d;
    return true;
}

static bool do_xsetbv(struct priv_ctx *c, const struct insn *i)
{
    (void)i;
    return (uint32_t)c->regs->rcx == 0 && fpu_set_xcr0(c->v, edx_eax(c->regs)) == 0;
}

static bool do_invlpg(struct priv_ctx *c, const struct insn *i)
{
    uint64_t va = insn_address(i, c->regs, 0, 0);

    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
    return true;
}

/* kernel: only the guest's kernel; user space gets #GP as on a bare machine. */
static const struct priv_row {
    priv_fn fn;
    bool kernel;
} rows[] = {
    [INSN_IN] = {do_port, false},
    [INSN_OUT] = {do_port, false},
    [INSN_INS] = {do_port, false},
    [INSN_OUTS] = {do_port, false},
    [INSN_CLI] = {iopl_nothing, false},
    [INSN_STI] = {iopl_nothing, false},
    [INSN_HLT] = {halt, true},
    [INSN_CLTS] = {clear_ts, true},
    [INSN_INVD] = {nothing, true},
    [INSN_WBINVD] = {nothing, true},
    [INSN_MOV_FROM_CR] = {read_cr, true},
    [INSN_MOV_TO_CR] = {write_cr, true},
    [INSN_MOV_FROM_DR] = {read_dr, true},
    [INSN_MOV_TO_DR] = {write_dr, true},
    [INSN_RDMSR] = {do_rdmsr, true},
    [INSN_WRMSR] = {do_wrmsr, true},
    [INSN_RDTSC] = {do_rdtsc, false},
    [INSN_RDTSCP] = {do_rdtsc, false},
    [INSN_CPUID] = {do_cpuid, false},
    [INSN_XSETBV] = {do_xsetbv, true},
    [INSN_INVLPG] = {do_invlpg, true},
};

/* As many bytes as there are up to the end of the page; 0 when not even one can be read. */
static unsigned fetch(uint64_t rip, uint8_t *bytes)
{
    unsigned n = INSN_MAX;

    if (guest_read(bytes, (guest_ptr_t){rip}, n) == 0) {
        return n;
    }
    n = (unsigned)(PAGE_SIZE - (rip & (PAGE_SIZE - 1)));
    if (n >= INSN_MAX || guest_read(bytes, (guest_ptr_t){rip}, n) != 0) {
        return 0;
    }
    return n;
}

static bool emulate(struct cpu_user_regs *regs)
{
    struct priv_ctx c = {.v = current, .regs = regs};
    uint8_t bytes[INSN_MAX];
    unsigned n = fetch(regs->rip, bytes);
    struct insn i;

    if (n == 0 || insn_decode(&i, bytes, n) != 0 || i.kind >= ARRAY_SIZE(rows) ||
        !rows[i.kind].fn || (rows[i.kind].kernel && !kernel_only(&c))) {
        return false;
    }
    if (!rows[i.kind].fn(&c, &i)) {
        return false;
    }
    if (i.kind > INSN_LAST_EXECUTED && !c.again) {
        insn_advance(&i, regs);
    }
    return true;
}

bool pv_emulate_privileged(struct cpu_user_regs *regs)
{
    return regs->cs == FLAT_RING3_CS32 ? false : emulate(regs);
}

/* UD2, then "xen": the instruction behind it is CPUID, as the hypervisor shows it. */
bool pv_emulate_invalid_op(struct cpu_user_regs *regs)
{
    static const uint8_t prefix[5] = {0x0f, 0x0b, 'x', 'e', 'n'};
    uint8_t bytes[7];
    struct priv_ctx c = {.v = current, .regs = regs};

    if (guest_read(bytes, (guest_ptr_t){regs->rip}, sizeof(bytes)) != 0 ||
        memcmp(bytes, prefix, sizeof(prefix)) != 0 || bytes[5] != 0x0f || bytes[6] != 0xa2) {
        return false;
    }
    do_cpuid(&c, NULL);
    regs->rip += sizeof(bytes);
    regs->rflags &= ~(1ULL << 16);
    return true;
}
