/* SPDX-License-Identifier: MIT */
/*
 * Page faults of a PV guest that are not its own business:
 *
 *   LDT window        the page behind the guest's LDT is brought in (descriptor.c)
 *   L1 table          a kernel with the writable_pagetables assist writes an entry as if it could:
 *                     the instruction is executed for it (x86/emul), its stores by the rules
 *   read-only device  a kernel writes a page that it was given read-only though it asked for more:
 *                     it reaches configuration registers, but not MSI-X tables (x86/dev/pci.c)
 *   stale             the kernel's entry allows the write by now
 *
 * Only writes that find something present come this way; all other faults go to the guest without
 * a look at its tables.
 */
#include "core/errno.h"
#include "core/guest.h"
#include "core/printk.h"
#include "lib/lib.h"
#include "x86/dev/pci.h"
#include "x86/emul/emul.h"
#include "x86/mm/tlb.h"
#include "x86/pv/pt.h"
#include "x86/pv/pv.h"

#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_RESERVED (1u << 3)
#define PF_INSN     (1u << 4)

#define RETRIES 16 /* the processor sets accessed and dirty bits under us only so often */

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

/* --- memory as the executor sees it ----------------------------------------------------------- */

struct write_fault {
    struct vcpu *v;
    uint64_t cr2;
    enum target target; /* of the page that cr2 lies in */
    mfn_t m;            /* and its frame */
};

static enum emul_result read_memory(void *arg, uint64_t addr, void *data, unsigned bytes)
{
    (void)arg;
    return guest_read(data, GUEST_PTR(addr), bytes) == 0 ? EMUL_OK : EMUL_FAULT;
}

/* Merge the bytes into the entry if those that are there are *old, or whatever they are. */
static enum emul_result store_locked(struct domain *d, pte_t *p, uint64_t addr, uint64_t *old,
                                     uint64_t value, unsigned bytes)
{
    unsigned shift = (addr & 7) * 8;
    uint64_t mask = bytes == 8 ? ~0ULL : (1ULL << (bytes * 8)) - 1;

    for (unsigned i = 0; i < RETRIES; i++) {
        pte_t now = {__atomic_load_n(&p->v, __ATOMIC_RELAXED)};
        int rc;

        if (old != NULL && (now.v >> shift & mask) != *old) {
            *old = now.v >> shift & mask;
            return EMUL_OK;
        }
        rc =
            pt_cmpxchg_l1(p, now, (pte_t){(now.v & ~(mask << shift)) | (value & mask) << shift}, d);
        if (rc == 0) {
            return EMUL_OK;
        }
        if (rc != -EAGAIN) {
            return EMUL_FAULT;
        }
    }
    return EMUL_RETRY;
}

static enum emul_result store(struct write_fault *f, uint64_t addr, uint64_t *old, uint64_t value,
                              unsigned bytes)
{
    struct domain *d = f->v->domain;
    enum emul_result result = EMUL_RETRY;
    mfn_t m;
    char *va;

    if (addr >> PAGE_SHIFT != f->cr2 >> PAGE_SHIFT) {
        return EMUL_FAULT;
    }
    if (f->target == TARGET_DEVICE) {
        pci_frame_write(f->m, addr & (PAGE_SIZE - 1), bytes, (uint32_t)value);
        return EMUL_OK;
    }
    if ((addr & 7) + bytes > 8) {
        return EMUL_FAULT;
    }
    spin_lock(&d->arch.pt_lock);
    if (classify(f->v, addr, &m) == TARGET_TABLE) { /* else let the processor try again */
        va = map_frame(m);
        result = store_locked(d, (pte_t *)(va + (addr & (PAGE_SIZE - 8))), addr, old, value, bytes);
        unmap_frame(va);
    }
    spin_unlock(&d->arch.pt_lock);
    return result;
}

static enum emul_result write_memory(void *arg, uint64_t addr, const void *data, unsigned bytes)
{
    uint64_t value = 0;

    memcpy(&value, data, bytes);
    return store(arg, addr, NULL, value, bytes);
}

static enum emul_result cmpxchg_memory(void *arg, uint64_t addr, uint64_t *old, uint64_t new_value,
                                       unsigned bytes)
{
    return store(arg, addr, old, new_value, bytes);
}

static const struct emul_ops write_ops = {
    .read = read_memory,
    .write = write_memory,
    .cmpxchg = cmpxchg_memory,
};

static bool decode_at(const struct cpu_user_regs *regs, struct insn *insn)
{
    uint8_t code[INSN_MAX];
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
    return insn_decode(insn, code, n) == 0 && insn->kind != INSN_INVALID &&
           insn->kind <= INSN_MOVS && insn_has_memory(insn);
}

static bool write_fault(struct cpu_user_regs *regs, uint64_t cr2)
{
    struct vcpu *v = current;
    struct write_fault f = {.v = v, .cr2 = cr2};
    struct emul e = {.ops = &write_ops, .arg = &f, .regs = regs, .max_reps = 1};
    struct insn insn;
    enum emul_result r;

    spin_lock(&v->domain->arch.pt_lock);
    f.target = classify(v, cr2, &f.m);
    spin_unlock(&v->domain->arch.pt_lock);
    if (f.target == TARGET_NONE || f.target == TARGET_STALE) {
        return f.target == TARGET_STALE;
    }
    if (!decode_at(regs, &insn)) {
        return false;
    }
    if (insn.seg == SEG_FS) {
        e.fs_base = pv_get_base(SEGBASE_FS);
    } else if (insn.seg == SEG_GS) {
        e.gs_base = pv_get_base(SEGBASE_GS_KERNEL);
    }
    r = emul_execute(&e, &insn);
    return r == EMUL_OK || r == EMUL_RETRY;
}

/* --- the fault -------------------------------------------------------------------------------- */

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
            pv_inject_page_fault(error & ~PF_RESERVED, v->arch.ldt_base + (cr2 - LDT_VIRT(v->id)));
        }
        return true;
    }
    if ((error & (PF_PRESENT | PF_WRITE | PF_RESERVED | PF_INSN)) == (PF_PRESENT | PF_WRITE) &&
        v->arch.kernel_mode && is_canonical(cr2)) {
        return write_fault(regs, cr2);
    }
    return false;
}
