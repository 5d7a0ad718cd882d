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
#include "core/softirq.h"

#define CHUNK 8u

static bool allowed_inside(uint64_t nr)
{
    return nr != __HYPERVISOR_multicall && nr != __HYPERVISOR_iret;
}

/* Make one call; false when it must go on later, with v->cont still pending. */
static bool call_entry(struct vcpu *v, struct multicall_entry *e)
{
    if (!allowed_inside(e->op)) {
        e->result = (uint64_t)-EINVAL;
        return true;
    }
    for (;;) {
        e->result = (uint64_t)hypercall_call(e->op, e->args);
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

static long run_list(struct vcpu *v, guest_ptr_t list, uint64_t nr)
{
    struct multicall_entry chunk[CHUNK];

    for (uint64_t done = 0; done < nr; done++) {
        unsigned slot = done % CHUNK;
        struct multicall_entry *e = &chunk[slot];
        guest_ptr_t at = guest_index(list, done, sizeof(*e));

        if (done != 0 && preempt_needed()) {
            return hypercall_continue(__HYPERVISOR_multicall, at.va, nr - done, 0, 0, 0, 0);
        }
        if (slot == 0) {
            uint64_t n = nr - done < CHUNK ? nr - done : CHUNK;

            if (guest_read(chunk, at, n * sizeof(*e)) != 0) {
                return -EFAULT;
            }
        }
        if (!call_entry(v, e)) {
            v->cont.pending = false;
            at.va += offsetof(struct multicall_entry, args);
            if (guest_write(at, e->args, sizeof(e->args)) != 0) {
                return -EFAULT;
            }
            at = guest_index(list, done, sizeof(*e));
            return hypercall_continue(__HYPERVISOR_multicall, at.va, nr - done, 0, 0, 0, 0);
        }
        at.va += offsetof(struct multicall_entry, result);
        if (guest_write(at, &e->result, sizeof(e->result)) != 0) {
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
    rc = run_list(v, GUEST_PTR(a1), nr);
    v->in_multicall = false;
    return rc;
}
