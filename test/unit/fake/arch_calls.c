/* SPDX-License-Identifier: MIT */
/* core/arch.h on the host: the hypercall side, interrupts and grant mappings. */
#include "fake.h"
#include <string.h>
#include "core/errno.h"
#include "core/hypercall.h"

const struct hypercall_row arch_hypercalls[] = {{0}};
const unsigned arch_hypercall_count = 0;

long arch_domctl(struct xen_domctl *op, struct domain *d, guest_ptr_t u, bool *copyback)
{
    (void)op, (void)d, (void)u, (void)copyback;
    return -ENOSYS;
}

long arch_sysctl(struct xen_sysctl *op, guest_ptr_t u, bool *copyback)
{
    (void)op, (void)u, (void)copyback;
    return -ENOSYS;
}

long arch_memory_op(unsigned cmd, guest_ptr_t arg)
{
    (void)cmd, (void)arg;
    return -ENOSYS;
}

const struct guest_ops *arch_guest_ops(uint32_t flags)
{
    (void)flags;
    return &fake_ops;
}

uint32_t arch_features(const struct domain *d, unsigned index)
{
    (void)d, (void)index;
    return 0;
}

void arch_capabilities(char *buf, size_t len)
{
    memset(buf, 0, len);
}

uint64_t arch_virt_start(const struct domain *d)
{
    (void)d;
    return 0;
}

void arch_get_build_id(const uint8_t **id, size_t *len)
{
    *id = NULL;
    *len = 0;
}

int arch_cpu_up(unsigned cpu)
{
    (void)cpu;
    return -EOPNOTSUPP;
}

int arch_cpu_down(unsigned cpu)
{
    (void)cpu;
    return -EOPNOTSUPP;
}

void arch_domain_update_wallclock(struct domain *d)
{
    (void)d;
}

/* --- grants: the "address" that a frame is mapped at is remembered nowhere ----------------------
 */

int arch_grant_map(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, bool writable)
{
    (void)v, (void)m, (void)flags, (void)writable;
    return host_addr == 0 ? -EINVAL : 0;
}

int arch_grant_unmap(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, uint64_t new_addr,
                     bool replace)
{
    (void)v, (void)m, (void)flags, (void)new_addr, (void)replace;
    return host_addr == 0 ? -EINVAL : 0;
}

/* --- interrupts --------------------------------------------------------------------------------
 */

int pirq_bind(struct vcpu *v, unsigned pirq, bool will_share)
{
    (void)v, (void)will_share;
    return pirq < 16 ? 0 : -EINVAL;
}

void pirq_unbind(struct domain *d, unsigned pirq)
{
    (void)d, (void)pirq;
}

void pirq_unmask(struct domain *d, unsigned pirq)
{
    (void)d, (void)pirq;
}

void pirq_set_affinity(struct domain *d, unsigned pirq, unsigned cpu)
{
    (void)d, (void)pirq, (void)cpu;
}

unsigned arch_nr_pirqs(const struct domain *d)
{
    (void)d;
    return 16;
}

/* --- reports ---------------------------------------------------------------------------------- */

void arch_dump_execution_state(void)
{
}

void arch_dump_vcpu(const struct vcpu *v)
{
    (void)v;
}

void arch_backtrace(void)
{
}
