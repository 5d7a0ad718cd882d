/* SPDX-License-Identifier: MIT */
/*
 * Reports of the machine's state for crashes and debug keys. Stacks are read only where they are
 * mapped: each lies in its processor's slice between guard pages (x86/mm/layout.h), and a walk
 * ends at the first frame pointer that leaves the stack that it began on.
 */
#include "core/domain.h"
#include "core/printk.h"
#include "x86/boot/image.h"
#include "x86/cpu/context.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/traps.h"
#include "x86/mm/layout.h"
#include "x86/mm/tlb.h"

#define STACK_WORDS 24
#define MAX_FRAMES  40
#define BOOT_STACK  0x4000 /* looked at this far above rsp while start-up has no slice yet */

/* End of the stack that holds sp, 0 if it is on none. */
static uint64_t stack_end(uint64_t sp)
{
    unsigned page = (sp >> PAGE_SHIFT) % SLICE_PAGES;

    if (sp >= DIRECT_START && sp < DIRECT_END) {
        return sp + BOOT_STACK;
    }
    if (sp >= IMAGE_START && sp < DIRECT_START) {
        return (sp | (CPU_SLICE_SIZE - 1)) + 1;
    }
    if (sp < CPU_SLICES_START || sp >= CPU_SLICE(MAX_CPUS)) {
        return 0;
    }
    if (page >= SLICE_STACK) {
        return (sp | (CPU_SLICE_SIZE - 1)) + 1;
    }
    switch (page) {
    case SLICE_NMI_STACK:
    case SLICE_DF_STACK:
    case SLICE_MCE_STACK:
    case SLICE_DB_STACK:
        return (sp | (PAGE_SIZE - 1)) + 1;
    default:
        return 0;
    }
}

/* A release build keeps no frame pointers: all that looks like a way back, stale words too. */
static void scan_stack(uint64_t sp, uint64_t end)
{
    unsigned left = MAX_FRAMES;

    for (uint64_t at = sp & ~7ULL; at + 8 <= end && left > 0; at += 8) {
        uint64_t word = *(const uint64_t *)at;

        if (word >= (uint64_t)__text_start && word < (uint64_t)__text_end) {
            printk(LOG_ERR, "  %pS\n", (void *)word);
            left--;
        }
    }
}

static void print_backtrace(uint64_t sp, uint64_t bp)
{
    uint64_t end = stack_end(sp);

    if (end == 0 && bp >= CPU_SLICES_START && bp < CPU_SLICE(MAX_CPUS)) {
        sp = bp; /* after an overflow the frames are still there */
        end = stack_end(sp);
    }
    printk(LOG_ERR, "Backtrace:\n");
    if (!BONSAI_DEBUG) {
        scan_stack(sp, end);
        return;
    }
    for (unsigned i = 0; i < MAX_FRAMES; i++) {
        const uint64_t *frame = (const uint64_t *)bp;

        if (bp < sp || bp % 8 != 0 || end < 16 || bp > end - 16) {
            break;
        }
        if (frame[1] < IMAGE_START || frame[1] >= DIRECT_START) {
            break; /* not code of ours: the walk has left the chain of frames */
        }
        printk(LOG_ERR, "  %pS\n", (void *)frame[1]);
        if (frame[0] <= bp) {
            break;
        }
        bp = frame[0];
    }
}

static void print_stack(uint64_t sp)
{
    uint64_t end = stack_end(sp);
    const uint64_t *word = (const uint64_t *)(sp & ~7ULL);

    if (end == 0) {
        printk(LOG_ERR, "The stack pointer is on no stack: %s\n",
               sp >= CPU_SLICES_START && sp < CPU_SLICE(MAX_CPUS) ? "stack overflow" : "wild");
        return;
    }
    printk(LOG_ERR, "Stack at %016lx:\n", sp);
    for (unsigned i = 0; i < STACK_WORDS && (uint64_t)(word + i + 4) <= end; i += 4) {
        printk(LOG_ERR, "  %016lx %016lx %016lx %016lx\n", word[i], word[i + 1], word[i + 2],
               word[i + 3]);
    }
}

void trap_print_regs(const struct cpu_user_regs *r)
{
    printk(LOG_ERR, "rip %04x:%016lx  rsp %04x:%016lx  rflags %08x\n", r->cs, r->rip, r->ss, r->rsp,
           r->eflags);
    printk(LOG_ERR, "rax %016lx  rbx %016lx  rcx %016lx\n", r->rax, r->rbx, r->rcx);
    printk(LOG_ERR, "rdx %016lx  rsi %016lx  rdi %016lx\n", r->rdx, r->rsi, r->rdi);
    printk(LOG_ERR, "rbp %016lx  r8  %016lx  r9  %016lx\n", r->rbp, r->r8, r->r9);
    printk(LOG_ERR, "r10 %016lx  r11 %016lx  r12 %016lx\n", r->r10, r->r11, r->r12);
    printk(LOG_ERR, "r13 %016lx  r14 %016lx  r15 %016lx\n", r->r13, r->r14, r->r15);
}

static void print_where(void)
{
    const struct vcpu *v = current;

    if (v == NULL) {
        printk(LOG_ERR, "Processor %u, before any vcpu\n", smp_processor_id());
    } else if (vcpu_is_idle(v)) {
        printk(LOG_ERR, "Processor %u, idle\n", smp_processor_id());
    } else {
        printk(LOG_ERR, "Processor %u, domain %u vcpu %u\n", smp_processor_id(), v->domain->id,
               v->id);
    }
}

void trap_report(const struct cpu_user_regs *regs)
{
    print_where();
    printk(LOG_ERR, "%s, vector %u, error code %#x, %s\n", trap_name(regs->entry_vector),
           regs->entry_vector, regs->error_code,
           (regs->cs & 3) != 0 ? "in a guest" : "in the hypervisor");
    if ((regs->cs & 3) == 0) {
        printk(LOG_ERR, "at %pS\n", (void *)regs->rip);
    }
    trap_print_regs(regs);
    printk(LOG_ERR, "cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", read_cr0(), read_cr2(),
           read_cr3(), read_cr4());
    if ((regs->cs & 3) == 0) {
        print_stack(regs->rsp);
        print_backtrace(regs->rsp, regs->rbp);
    }
}

void arch_backtrace(void)
{
    uint64_t bp = (uint64_t)__builtin_frame_address(0);

    print_backtrace(bp, bp);
}

void arch_dump_execution_state(void)
{
    const struct vcpu *v = current;

    print_where();
    arch_backtrace();
    if (v != NULL && !vcpu_is_idle(v)) {
        printk(LOG_ERR, "The guest's registers:\n");
        trap_print_regs(guest_regs());
    }
}

void arch_dump_vcpu(const struct vcpu *v)
{
    const struct cpu_user_regs *regs = v == current ? guest_regs() : &v->arch.regs;

    printk(LOG_INFO, "domain %u vcpu %u: guest %s, root %lx, user root %lx%s\n", v->domain->id,
           v->id, v->arch.kernel_mode ? "kernel" : "user", v->arch.root_kernel.v,
           v->arch.root_user.v, v->running && v != current ? ", registers as last saved" : "");
    trap_print_regs(regs);
}
