/* SPDX-License-Identifier: MIT */
/*
 * evtchn-fifo: event channels in their second form, linked queues in pages of the guest.
 *
 * Why: stock kernels use it; the words are the guest's to write, so nothing in them may be
 * believed.
 * Right outcome: events come in order of their priority and, within one, of their raising; a port
 * raised again while it is its own queue's tail is queued once and seen again; masked ports wait;
 * garbage in the words loses events of this guest at most; bad frames, offsets and priorities are
 * refused.
 * Environments: pv
 */
#include <public/event_channel.h>
#include "mm.h"
#include "time.h"
#include "traps.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)

static struct evtchn_fifo_control_block *cb;
static event_word_t *words;
static unsigned order[64], taken;

static long op(unsigned cmd, void *arg)
{
    return HCALL2(event_channel_op, cmd, arg);
}

static long send(unsigned port)
{
    struct evtchn_send s = {.port = port};

    return op(EVTCHNOP_send, &s);
}

static unsigned new_port(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};

    NEED(op(EVTCHNOP_bind_ipi, &b) == 0);
    return b.port;
}

static void unmask(unsigned port)
{
    struct evtchn_unmask u = {.port = port};

    __atomic_and_fetch(&words[port], ~MASKED, __ATOMIC_SEQ_CST);
    if (words[port] & PENDING) {
        NEED(op(EVTCHNOP_unmask, &u) == 0);
    }
}

/* Take one event off a queue, as kernels do; false: the queue is empty. */
static bool consume(unsigned q, uint32_t *ready)
{
    static unsigned heads[EVTCHN_FIFO_MAX_QUEUES];
    unsigned port = heads[q] ? heads[q] : __atomic_load_n(&cb->head[q], __ATOMIC_SEQ_CST);
    uint32_t w, link;

    if (port == 0) {
        *ready &= ~(1u << q);
        return false;
    }
    w = __atomic_load_n(&words[port], __ATOMIC_SEQ_CST);
    do {
        link = w & EVTCHN_FIFO_LINK_MASK;
    } while (!__atomic_compare_exchange_n(&words[port], &w,
                                          w & ~(LINKED | (uint32_t)EVTCHN_FIFO_LINK_MASK), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    heads[q] = link;
    if (link == 0) {
        *ready &= ~(1u << q);
    }
    if ((w & PENDING) && !(w & MASKED)) {
        __atomic_and_fetch(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
        if (taken < ARRAY_SIZE(order)) {
            order[taken] = port;
        }
        taken++;
    }
    return true;
}

static void drain(void)
{
    uint32_t ready = __atomic_exchange_n(&cb->ready, 0, __ATOMIC_SEQ_CST);

    while (ready != 0) {
        unsigned q = (unsigned)__builtin_ctz(ready);

        consume(q, &ready);
        ready |= __atomic_exchange_n(&cb->ready, 0, __ATOMIC_SEQ_CST);
    }
    vcpu_info()->evtchn_upcall_pending = 0;
}

static void set_up(void)
{
    struct evtchn_init_control c = {.vcpu = 0};
    struct evtchn_expand_array e;

    cb = alloc_page();
    words = alloc_page();
    c.control_gfn = 0xfffffff;
    EXPECT(op(EVTCHNOP_init_control, &c) < 0);
    c.control_gfn = virt_to_mfn(cb);
    c.offset = PAGE_SIZE - 8;
    EXPECT_EQ(op(EVTCHNOP_init_control, &c), E_INVAL);
    c.offset = 4;
    EXPECT_EQ(op(EVTCHNOP_init_control, &c), E_INVAL);
    c.offset = 0;
    c.vcpu = 99;
    EXPECT_EQ(op(EVTCHNOP_init_control, &c), E_NOENT);
    c.vcpu = 0;
    CHECK_EQ(op(EVTCHNOP_init_control, &c), 0);
    EXPECT_EQ(c.link_bits, EVTCHN_FIFO_LINK_BITS);
    EXPECT_EQ(op(EVTCHNOP_init_control, &c), E_INVAL);
    e.array_gfn = root_mfn();
    EXPECT(op(EVTCHNOP_expand_array, &e) < 0);
    e.array_gfn = virt_to_mfn(words);
    CHECK_EQ(op(EVTCHNOP_expand_array, &e), 0);
    event_two_level = false;
}

static void in_order(void)
{
    struct evtchn_set_priority p = {.priority = 2};
    unsigned a = new_port(), b = new_port(), c = new_port(), urgent = new_port();

    p.port = urgent;
    EXPECT_EQ(op(EVTCHNOP_set_priority, &p), 0);
    p.priority = 16;
    EXPECT_EQ(op(EVTCHNOP_set_priority, &p), E_INVAL);
    unmask(a), unmask(b), unmask(c), unmask(urgent);
    EXPECT(send(c) == 0 && send(a) == 0 && send(b) == 0 && send(a) == 0 && send(urgent) == 0);
    EXPECT_EQ(vcpu_info()->evtchn_upcall_pending, 1);
    taken = 0;
    drain();
    EXPECT_EQ(taken, 4);
    EXPECT(order[0] == urgent && order[1] == c && order[2] == a && order[3] == b);
    EXPECT_EQ(words[a] & (PENDING | LINKED), 0);
}

/* The port that is the tail of its queue, and its only entry, raised at every moment. */
static void tail_again(void)
{
    unsigned port = new_port();

    unmask(port);
    for (unsigned i = 0; i < 20; i++) {
        taken = 0;
        EXPECT_EQ(send(port), 0);
        EXPECT_EQ(send(port), 0);
        drain();
        EXPECT_EQ(taken, 1);
        EXPECT_EQ(words[port] & (PENDING | LINKED | EVTCHN_FIFO_LINK_MASK), 0);
    }
    /* taken off, but still pending and raised again: it must not link to itself */
    taken = 0;
    EXPECT_EQ(send(port), 0);
    words[port] &= ~LINKED;
    words[port] &= ~PENDING;
    EXPECT_EQ(send(port), 0);
    EXPECT(((words[port]) & EVTCHN_FIFO_LINK_MASK) != port);
    drain();
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(words[port] & LINKED, 0);
    taken = 0;
    EXPECT_EQ(send(port), 0);
    drain();
    EXPECT_EQ(taken, 1);
}

static void masked(void)
{
    unsigned port = new_port();

    words[port] |= MASKED;
    taken = 0;
    EXPECT_EQ(send(port), 0);
    EXPECT((words[port] & PENDING) != 0);
    drain();
    EXPECT_EQ(taken, 0);
    unmask(port);
    drain();
    EXPECT_EQ(taken, 1);
}

/* Lies in the words and the control block: our own loss, and the machine goes on. */
static void garbage(void)
{
    unsigned ports[8];
    uint64_t x = 0x2545f4914f6cdd1d;

    for (unsigned i = 0; i < 8; i++) {
        ports[i] = new_port();
        unmask(ports[i]);
    }
    for (unsigned i = 0; i < 4000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        words[ports[x % 8]] = (uint32_t)(x >> 8);
        if (i % 7 == 0) {
            cb->head[x % 16] = (uint32_t)(x >> 20);
            cb->ready = (uint32_t)x;
        }
        EXPECT_EQ(send(ports[(x >> 3) % 8]), 0);
        if (i % 64 == 0) {
            struct evtchn_unmask u = {.port = ports[i % 8]};

            op(EVTCHNOP_unmask, &u);
        }
    }
}

enum verdict guest_main(void)
{
    set_up();
    in_order();
    tail_again();
    masked();
    garbage();
    return SUCCESS;
}
