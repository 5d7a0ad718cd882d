/* SPDX-License-Identifier: MIT */
/*
 * Page faults of a PV guest that are not its own business:
 *
 *   LDT window        the page behind the guest's LDT is brought in (descriptor.c)
 *   L1 table          a kernel with the writable_pagetables assist writes an entry as if it could:
 *                     the instruction is decoded and the entry changed by the rules
 *   read-only device  a kernel writes a page that it was given read-only though it asked for more
 *                     (MSI-X tables): the write is dropped
 *   stale             the kernel's entry allows the write by now
 *
 * Only writes that find something present come this way; all other faults go to the guest without
 * a look at its tables.
 */
#include "core/errno.h"
#include "core/guest.h"
#include "core/printk.h"
#include "x86/dev/pci.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"
#include "x86/pv/write_insn.h"

#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_RESERVED (1u << 3)
#define PF_INSN     (1u << 4)

#define RETRIES 16 /* the processor sets accessed and dirty bits under us only so often */

static bool decode_at(const struct cpu_user_regs *regs, uint64_t cr2, struct write_insn *w)
{
    uint8_t code[WRITE_INSN_MAX];
    unsigned n = sizeof(code), to_end = PAGE_SIZE - (regs->rip & (PAGE_SIZE - 1));

    if (regs->cs != FLAT_KERNEL_CS64) {
        return false;
    }
    if (guest_read(code, GUEST_PTR(regs->rip), n) != 0) {
        if (to_end >= n || guest_read(code, GUEST_PTR(regs->rip), to_end) != 0) {
            return false;
        }
        n = to_end;
    }
    if (!write_insn_decode(w, code, n) || (cr2 & 7) + w->size > 8) {
        return false;
    }
    return (w->op != WRITE_STOS && w->op != WRITE_MOVS) || regs->rdi == cr2;
}

/* One write to the entry p of a live L1 table of d's; pt_lock is held. */
static bool write_entry(struct cpu_user_regs *regs, uint64_t cr2, const struct write_insn *w,
                        uint64_t src, pte_t *p, struct domain *d)
{
    unsigned shift = (cr2 & 7) * 8;
    uint64_t mask = w->size == 8 ? ~0ULL : ((1ULL << (w->size * 8)) - 1) << shift;

    for (unsigned i = 0; i < RETRIES; i++) {
        pte_t old = {__atomic_load_n(&p->v, __ATOMIC_RELAXED)}, e;
        uint64_t word = (old.v & mask) >> shift;
        uint64_t result = write_insn_result(w, regs, word, src);
        int rc;

        e.v = (old.v & ~mask) | result << shift;
        rc = pt_cmpxchg_l1(p, old, e, d);
        if (rc == 0) {
            write_insn_commit(w, regs, word, result);
            return true;
        }
        if (rc != -EAGAIN) {
            return false;
        }
    }
    return true; /* the instruction faults and comes back */
}

enum target { TARGET_NONE, TARGET_TABLE, TARGET_DEVICE, TARGET_STALE };

/* What does the kernel's address lead to? *m is the frame. pt_lock is held. */
static enum target classify(struct vcpu *v, uint64_t cr2, mfn_t *m)
{
    struct domain *d = v->domain;
    uint64_t rights;
    pte_t *p = pt_walk_l1(v, cr2, false, &rights), e;
    struct page *pg;

    if (p == NULL) {
        return TARGET_NONE;
    }
    e.v = __atomic_load_n(&p->v, __ATOMIC_RELAXED);
    unmap_frame(p);
    if (!(e.v & PTE_P)) {
        return TARGET_NONE;
    }
    if (e.v & rights & PTE_RW) {
        return TARGET_STALE;
    }
    *m = pte_mfn(e);
    pg = arch_mfn_to_page(*m);
    if (page_is_device(pg)) {
        return pci_frame_readonly(*m) && access_hardware(d) ? TARGET_DEVICE : TARGET_NONE;
    }
    if (pg->owner != d || !type_is_live_table(pg->type) || type_level(pg->type) != 1 ||
        !(d->vm_assist & (1u << VMASST_TYPE_writable_pagetables))) {
        return TARGET_NONE;
    }
    return TARGET_TABLE;
}

static bool write_fault(struct cpu_user_regs *regs, uint64_t cr2)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct write_insn w;
    enum target t;
    uint64_t src = 0;
    bool done = false;
    mfn_t m;
    char *va;

    spin_lock(&d->arch.pt_lock);
    t = classify(v, cr2, &m);
    spin_unlock(&d->arch.pt_lock);
    if (t == TARGET_NONE || t == TARGET_STALE) {
        return t == TARGET_STALE;
    }
    if (!decode_at(regs, cr2, &w)) {
        return false;
    }
    if (w.op == WRITE_MOVS && guest_read(&src, GUEST_PTR(regs->rsi), w.size) != 0) {
        return false;
    }
    if (t == TARGET_DEVICE) {
        write_insn_commit(&w, regs, 0, write_insn_result(&w, regs, 0, src));
        return true;
    }
    spin_lock(&d->arch.pt_lock);
    if (classify(v, cr2, &m) == TARGET_TABLE) { /* as before, now that nothing can change */
        va = map_frame(m);
        done = write_entry(regs, cr2, &w, src, (pte_t *)(va + (cr2 & (PAGE_SIZE - 8))), d);
        unmap_frame(va);
    } else {
        done = true; /* let the processor try again */
    }
    spin_unlock(&d->arch.pt_lock);
    return done;
}

bool pv_handle_page_fault(struct cpu_user_regs *regs, uint64_t cr2)
{
    struct vcpu *v = current;
    uint32_t error = regs->error_code;

    if (__builtin_expect(is_hv_address(cr2), 0)) {
        if (cr2 < LDT_VIRT(v->id) || cr2 >= LDT_VIRT(v->id) + 16 * PAGE_SIZE) {
            return false;
        }
        if (!pv_handle_ldt_fault(v, cr2)) {
            /* as if the processor had looked where the guest has it */
            pv_inject_page_fault(error & ~PF_RESERVED,
                                 v->arch.ldt_base + (cr2 - LDT_VIRT(v->id)));
        }
        return true;
    }
    if ((error & (PF_PRESENT | PF_WRITE | PF_RESERVED | PF_INSN)) == (PF_PRESENT | PF_WRITE) &&
        v->arch.kernel_mode && is_canonical(cr2)) {
        return write_fault(regs, cr2);
    }
    return false;
}
