/* SPDX-License-Identifier: MIT */
/*
 * The one table of hypercalls, and the way in.
 *
 * hypercall_subsys_init() folds the generic rows and those of the machine into hypercall_table[],
 * an array of functions indexed by number, so that a call is a clamp and an indirect call. A row
 * that not everyone may call is entered through a gate, which asks the row's predicate first;
 * a number without a row answers -ENOSYS. What is absent on purpose stands in absent_calls[].
 *
 * A call that takes long asks preempt_needed() between steps and ends with hypercall_continue():
 * the guest then issues the same call again with the arguments that were saved.
 */
#include "core/hypercall.h"
#include "core/calls.h"
#include "core/errno.h"
#include "core/printk.h"
#include "lib/lib.h"

#define CALL_ARGS                                                                                  \
    uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6

hypercall_fn hypercall_table[HYPERCALL_MAX];

#define ROW(name, args, who)                                                                       \
    {__HYPERVISOR_##name, #name, do_##name, access_##who, args}

static const struct hypercall_row generic_calls[] = {
    ROW(memory_op, 2, any),
    ROW(multicall, 2, any),
    ROW(set_timer_op, 1, any),
    ROW(xen_version, 2, any),
    ROW(console_io, 3, any),
    ROW(grant_table_op, 3, any),
    ROW(vm_assist, 2, any),
    ROW(vcpu_op, 3, any),
    ROW(sched_op, 2, any),
    ROW(event_channel_op, 2, any),
    ROW(sysctl, 1, control),
    ROW(domctl, 1, control),
};

static long answer_enosys(CALL_ARGS)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return -ENOSYS;
}

static long answer_eopnotsupp(CALL_ARGS)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return -EOPNOTSUPP;
}

/* Known calls that do not exist here, with the answer that stock software takes as "not there". */
static const struct hypercall_row absent_calls[] = {
    {__HYPERVISOR_sched_op_compat, "sched_op_compat", answer_enosys, access_any, 0},
    {__HYPERVISOR_event_channel_op_compat, "event_channel_op_compat", answer_enosys, access_any, 0},
    {__HYPERVISOR_physdev_op_compat, "physdev_op_compat", answer_enosys, access_any, 0},
    {__HYPERVISOR_xsm_op, "xsm_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_xenoprof_op, "xenoprof_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_hvm_op, "hvm_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_kexec_op, "kexec_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_tmem_op, "tmem_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_argo_op, "argo_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_xenpmu_op, "xenpmu_op", answer_eopnotsupp, access_any, 0},
    {__HYPERVISOR_dm_op, "dm_op", answer_enosys, access_any, 0},
    {__HYPERVISOR_hypfs_op, "hypfs_op", answer_enosys, access_any, 0},
};

/* Gates: one function for each row that has a predicate, for a function alone knows no number. */
static struct hypercall_row gated[8];
static unsigned nr_gated;

#define GATE(n)                                                                                    \
    static long gate_##n(CALL_ARGS)                                                                \
    {                                                                                              \
        if (!gated[n].access(current->domain)) {                                                   \
            return -EPERM;                                                                         \
        }                                                                                          \
        return gated[n].fn(a1, a2, a3, a4, a5, a6);                                                \
    }
GATE(0)
GATE(1)
GATE(2)
GATE(3)
GATE(4)
GATE(5)
GATE(6)
GATE(7)

static const hypercall_fn gates[] = {
    gate_0, gate_1, gate_2, gate_3, gate_4, gate_5, gate_6, gate_7,
};
_Static_assert(ARRAY_SIZE(gates) == ARRAY_SIZE(gated), "a gate for each");

static void add_rows(const struct hypercall_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct hypercall_row *r = &rows[i];

        BUG_ON(r->nr >= HYPERCALL_MAX || r->fn == NULL || r->access == NULL);
        if (r->access == access_any) {
            hypercall_table[r->nr] = r->fn;
            continue;
        }
        BUG_ON(nr_gated == ARRAY_SIZE(gated));
        gated[nr_gated] = *r;
        hypercall_table[r->nr] = gates[nr_gated++];
    }
}

void hypercall_subsys_init(void)
{
    nr_gated = 0;
    for (unsigned i = 0; i < HYPERCALL_MAX; i++) {
        hypercall_table[i] = answer_enosys;
    }
    add_rows(absent_calls, ARRAY_SIZE(absent_calls));
    add_rows(generic_calls, ARRAY_SIZE(generic_calls));
    add_rows(arch_hypercalls, arch_hypercall_count);
}

long hypercall_continue(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                        uint64_t a5, uint64_t a6)
{
    struct continuation *c = &current->cont;

    c->nr = (uint8_t)nr;
    c->args[0] = a1;
    c->args[1] = a2;
    c->args[2] = a3;
    c->args[3] = a4;
    c->args[4] = a5;
    c->args[5] = a6;
    c->pending = true;
    return 0;
}
