/* SPDX-License-Identifier: MIT */
/*
 * multicall: a list of calls made in order. Entries are copied in by chunks, so that a short list
 * costs one copy; only the result word of each is written back.
 *
 * When an inner call wants to be continued and nothing else waits for the processor, it is simply
 * made again. Otherwise its new arguments go to the guest's entry, and the multicall itself is
 * continued from that entry: a half-done batch never starts over.
 */
#include "core/hypercall.h"
#include "core/calls.h"
#include "core/errno.h"
#include "core/nospec.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define CHUNK 8u

/* Make one call; false when it must go on later, with v->cont still pending. */
static bool call_entry(struct vcpu *v, struct multicall_entry *e)
{
    const uint64_t *a = e->args;

    if (e->op >= HYPERCALL_MAX) {
        e->result = (uint64_t)-ENOSYS;
        return true;
    }
    if (e->op == __HYPERVISOR_iret) {
        e->result = (uint64_t)-EINVAL;
        return true;
    }
    for (;;) {
        hypercall_fn fn = hypercall_table[index_nospec(e->op, HYPERCALL_MAX)];

        e->result = (uint64_t)fn(a[0], a[1], a[2], a[3], a[4], a[5]);
        if (__builtin_expect(!v->cont.pending, 1)) {
            return true;
        }
        for (unsigned i = 0; i < 6; i++) {
            e->args[i] = v->cont.args[i];
        }
        if (preempt_needed()) {
            return false;
        }
        v->cont.pending = false;
    }
}

/* The entries from `at` on wait for their turn: the guest makes this call again. */
static long go_on_later(uint64_t at, uint64_t left)
{
    return hypercall_continue(__HYPERVISOR_multicall, at, left, 0, 0, 0, 0);
}

/* `at` is a list of that many entries, as a range checked before. */
static long run_list(struct vcpu *v, uint64_t at, uint64_t left)
{
    struct multicall_entry chunk[CHUNK], *e = chunk + CHUNK;

    for (bool first = true; left != 0; left--, at += sizeof(*e), e++, first = false) {
        if (!first && preempt_needed()) {
            return go_on_later(at, left);
        }
        if (e == chunk + CHUNK) {
            e = chunk;
            if (guest_read(chunk, GUEST_PTR(at), MIN(left, CHUNK) * sizeof(*e)) != 0) {
                return -EFAULT;
            }
        }
        if (__builtin_expect(!call_entry(v, e), 0)) {
            v->cont.pending = false;
            at += offsetof(struct multicall_entry, args);
            if (guest_write(GUEST_PTR(at), e->args, sizeof(e->args)) != 0) {
                return -EFAULT;
            }
            return go_on_later(at - offsetof(struct multicall_entry, args), left);
        }
        if (guest_put(GUEST_PTR(at + offsetof(struct multicall_entry, result)), &e->result) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

CORE_CALL(do_multicall)
{
    struct vcpu *v = current;
    uint64_t nr = (uint32_t)a2;
    long rc;

    if (v->in_multicall) {
        return -EINVAL;
    }
    if (!guest_range_ok(GUEST_PTR(a1), nr * sizeof(struct multicall_entry))) {
        return -EFAULT;
    }
    v->in_multicall = true;
    rc = run_list(v, a1, nr);
    v->in_multicall = false;
    return rc;
}
