/* SPDX-License-Identifier: MIT */
/*
 * start-info: the page in rsi, the state of the processor at the first instruction.
 *
 * Why: every PV kernel begins with it, and a wrong field is found only much later.
 * Right outcome: magic, memory size, flags of dom0, page tables and p2m where the kernel is
 * mapped, the flat selectors, ring 3, events masked.
 * Environments: pv
 * Boot: --dom0-cmdline "first second=third"
 */
#include "mm.h"

enum verdict guest_main(void)
{
    const start_info_t *s = start_info;
    uint16_t cs, ss, ds;
    uint64_t rflags;

    CHECK(strncmp(s->magic, "xen-3.0-x86_64", 14) == 0);
    EXPECT_EQ(s->nr_pages, 256 << 8);
    EXPECT((s->shared_info & (PAGE_SIZE - 1)) == 0);
    EXPECT((s->flags & SIF_PRIVILEGED) != 0);
    EXPECT((s->flags & SIF_INITDOMAIN) != 0);
    EXPECT((s->flags & SIF_MULTIBOOT_MOD) == 0);
    EXPECT(s->mod_len == 0);
    EXPECT(strstr((const char *)s->cmd_line, "first second=third") != NULL);
    EXPECT(s->pt_base > VIRT_BASE && (s->pt_base & (PAGE_SIZE - 1)) == 0);
    EXPECT(s->nr_pt_frames >= 4);
    EXPECT(s->mfn_list > VIRT_BASE);
    EXPECT(s->console.dom0.info_off == 0 || s->console.dom0.info_off >= sizeof(*s) - 8);
    EXPECT((P(s) & (PAGE_SIZE - 1)) == 0);

    __asm__ volatile("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; pushfq; pop %3"
                     : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(rflags));
    EXPECT_EQ(cs, FLAT_KERNEL_CS);
    EXPECT_EQ(ss, FLAT_KERNEL_SS);
    EXPECT_EQ(ds & ~3, 0);
    EXPECT((rflags & (1 << 9)) != 0); /* interrupts are the hypervisor's */
    EXPECT_EQ(shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    EXPECT(shared_info->wc_sec > 1500000000);
    return SUCCESS;
}
