/* SPDX-License-Identifier: MIT */
/*
 * The last acts of building a PV guest: its tables are pinned, so that the hypervisor checks them
 * once; the grants through which the store and the console reach their rings are entered; the
 * first vcpu gets its registers (ABI: rsi points to start_info, rsp to the top of the stack).
 */
#include "pv.h"

#include <errno.h>
#include <string.h>

#include <public/grant_table.h>

#include "../internal.h"

#define RFLAGS_INTERRUPTS 0x200u

static uint64_t va_of(const struct pv_builder *b, uint64_t pfn)
{
    return b->image->virt_base + (pfn << CTRL_PAGE_SHIFT);
}

static int seed_grants(struct pv_builder *b)
{
    struct grant_entry_v1 *table;
    void *p;
    int rc = ctrl_resource_map(b->h, b->domid, XENMEM_resource_grant_table,
                               XENMEM_resource_grant_table_id_shared, 0, 1, &p);

    if (rc < 0) {
        return rc;
    }
    table = p;
    table[GNTTAB_RESERVED_CONSOLE] = (struct grant_entry_v1){
        .flags = GTF_permit_access,
        .domid = (domid_t)b->console_domid,
        .frame = (uint32_t)b->console_mfn,
    };
    table[GNTTAB_RESERVED_XENSTORE] = (struct grant_entry_v1){
        .flags = GTF_permit_access,
        .domid = (domid_t)b->store_domid,
        .frame = (uint32_t)b->store_mfn,
    };
    return ctrl_foreign_unmap(b->h, p, 1);
}

static int set_first_vcpu(struct pv_builder *b)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext, .domain = (domid_t)b->domid };
    struct vcpu_guest_context *c = hbuf_get(b->h, sizeof(*c));
    uint64_t stack = va_of(b, b->stack_pfn + 1);
    int rc;

    if (c == NULL) {
        return -ENOMEM;
    }
    c->flags = VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = b->image->entry;
    c->user_regs.rsp = stack;
    c->user_regs.rsi = va_of(b, b->start_info_pfn);
    c->user_regs.rflags = RFLAGS_INTERRUPTS;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = stack;
    c->ctrlreg[3] = b->p2m[b->kernel.tables_pfn] << CTRL_PAGE_SHIFT;
    op.u.vcpucontext.vcpu = 0;
    op.u.vcpucontext.ctxt = hbuf_ptr(c);
    rc = ctrl_domctl(b->h, &op);
    hbuf_put(b->h, c, sizeof(*c));
    return rc < 0 ? ctrl_fail(b->h, rc, "the hypervisor refuses the first vcpu's state: %s",
                              strerror(-rc))
                  : 0;
}

int pv_boot(struct pv_builder *b)
{
    int rc = memory_pin_l4(b->h, b->domid, b->p2m[b->kernel.tables_pfn]);

    rc = rc < 0 ? rc : seed_grants(b);
    return rc < 0 ? rc : set_first_vcpu(b);
}
