/* SPDX-License-Identifier: MIT */
/* Event channels: states, errors, two-level and FIFO delivery, random walks against the rules. */
#include "world.h"

static struct domain *a, *b;

static int setup(void **state)
{
    (void)state;
    world_reset();
    a = world_domain(1, 0, 2);
    b = world_domain(2, 0, 2);
    world_run_as(a, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_reset();
    return 0;
}

static long op(unsigned cmd, void *arg)
{
    return world_call(do_event_channel_op, cmd, P(arg), 0);
}

/* A port of a bound to a port of b. */
static void make_pair(evtchn_port_t *pa, evtchn_port_t *pb)
{
    struct evtchn_alloc_unbound al = {.dom = DOMID_SELF, .remote_dom = b->id};
    struct evtchn_bind_interdomain bi = {.remote_dom = a->id};

    world_run_as(a, 0);
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &al), 0);
    world_run_as(b, 0);
    bi.remote_port = al.port;
    assert_int_equal(op(EVTCHNOP_bind_interdomain, &bi), 0);
    *pa = al.port;
    *pb = bi.local_port;
    world_run_as(a, 0);
}

static bool pending(struct domain *d, evtchn_port_t port)
{
    return evtchn_is_pending(d, port);
}

static void a_sent_event_arrives_and_kicks_once(void **state)
{
    evtchn_port_t pa, pb;
    struct evtchn_send s;

    (void)state;
    make_pair(&pa, &pb);
    assert_true(pending(b, pb)); /* a fresh binding tells its maker */
    b->shared_info->evtchn_pending[0] = 0;
    memset(&b->shared_info->vcpu_info[0], 0, sizeof(b->shared_info->vcpu_info[0]));
    world_kicks = 0;
    s.port = pa;
    assert_int_equal(op(EVTCHNOP_send, &s), 0);
    assert_int_equal(op(EVTCHNOP_send, &s), 0);
    assert_true(pending(b, pb));
    assert_int_equal(world_kicks, 1);
    assert_int_equal(b->shared_info->vcpu_info[0].evtchn_upcall_pending, 1);
    assert_int_equal(b->shared_info->vcpu_info[0].evtchn_pending_sel, 1);
}

static void a_masked_event_waits_for_unmask(void **state)
{
    evtchn_port_t pa, pb;
    struct evtchn_unmask u;

    (void)state;
    make_pair(&pa, &pb);
    b->shared_info->evtchn_pending[0] = 0;
    memset(&b->shared_info->vcpu_info[0], 0, sizeof(b->shared_info->vcpu_info[0]));
    b->shared_info->evtchn_mask[0] = ~0UL;
    world_kicks = 0;
    assert_int_equal(evtchn_send(a, pa), 0);
    assert_int_equal(world_kicks, 0);
    world_run_as(b, 0);
    u.port = pb;
    assert_int_equal(op(EVTCHNOP_unmask, &u), 0);
    assert_int_equal(world_kicks, 1);
}

static void close_leaves_the_peer_unbound_for_us_alone(void **state)
{
    struct evtchn_bind_interdomain bi = {.remote_dom = a->id};
    struct evtchn_status st = {.dom = DOMID_SELF};
    struct domain *c = world_domain(3, 0, 1);
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    assert_int_equal(evtchn_close(b, pb), 0);
    st.port = pa;
    assert_int_equal(op(EVTCHNOP_status, &st), 0);
    assert_int_equal(st.status, EVTCHNSTAT_unbound);
    assert_int_equal(st.u.unbound.dom, b->id);
    assert_int_equal(evtchn_send(a, pa), 0); /* to nobody */
    bi.remote_port = pa;
    world_run_as(c, 0);
    assert_int_equal(op(EVTCHNOP_bind_interdomain, &bi), -EINVAL);
    world_run_as(b, 0);
    assert_int_equal(op(EVTCHNOP_bind_interdomain, &bi), 0);
    assert_int_equal(evtchn_close(b, bi.local_port), 0);
    assert_int_equal(evtchn_close(b, bi.local_port), -EINVAL);
}

static void wrong_arguments_answer_the_error_of_the_abi(void **state)
{
    struct evtchn_bind_virq bv = {.virq = NR_VIRQS};
    struct evtchn_bind_ipi ipi = {.vcpu = 2};
    struct evtchn_bind_pirq bp = {.pirq = 16};
    struct evtchn_alloc_unbound al = {.dom = b->id, .remote_dom = 1};
    struct evtchn_bind_vcpu bc = {.port = 9999999, .vcpu = 1};
    struct evtchn_send s = {.port = 0};

    (void)state;
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), -EINVAL);
    bv = (struct evtchn_bind_virq){.virq = VIRQ_DOM_EXC, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), -EINVAL);
    bv = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 2};
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), -ENOENT);
    bv.vcpu = 1;
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), 0);
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), -EEXIST);
    bc.port = bv.port;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &bc), -EINVAL); /* per-vcpu VIRQs stay */
    assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), -ENOENT);
    assert_int_equal(op(EVTCHNOP_bind_pirq, &bp), -EINVAL);
    bp.pirq = 7;
    assert_int_equal(op(EVTCHNOP_bind_pirq, &bp), -EBUSY);
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &al), -EPERM);
    al.dom = 77;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &al), -ESRCH);
    assert_int_equal(op(EVTCHNOP_send, &s), -EINVAL);
    s.port = ~0U;
    assert_int_equal(op(EVTCHNOP_send, &s), -EINVAL);
    assert_int_equal(op(99, &s), -ENOSYS);
    assert_int_equal(world_call(do_event_channel_op, EVTCHNOP_send, 8, 0), -EFAULT);
}

static void an_answer_that_cannot_be_written_binds_nothing(void **state)
{
    struct evtchn_bind_virq bv = {.virq = VIRQ_TIMER};
    struct evtchn_bind_pirq bp = {.pirq = 3};

    (void)state;
    world_fault_at = P(&bv.port);
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), -EFAULT);
    world_fault_at = P(&bp.port);
    assert_int_equal(op(EVTCHNOP_bind_pirq, &bp), -EFAULT);
    assert_int_equal(world_pirqs, 0);
    world_fault_at = 0;
    assert_int_equal(op(EVTCHNOP_bind_virq, &bv), 0);
    assert_int_equal(op(EVTCHNOP_bind_pirq, &bp), 0);
    assert_int_equal(evtchn_pirq_port(a, 3), bp.port);
}

static void ports_run_out_and_come_back(void **state)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    unsigned n = 0;
    long rc;

    (void)state;
    while ((rc = op(EVTCHNOP_bind_ipi, &ipi)) == 0) {
        n++;
    }
    assert_int_equal(rc, -ENOSPC);
    assert_int_equal(n, EVTCHN_2L_NR_CHANNELS - 1);
    world_preempt_after = 1;
    assert_int_equal(op(EVTCHNOP_reset, &(struct evtchn_reset){.dom = DOMID_SELF}), 0);
    assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), 0);
}

/* A guest resets, is preempted in the middle, binds low ports again and is killed then. */
static void death_closes_what_a_reset_left_behind(void **state)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    evtchn_port_t pa, pb;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), 0);
    }
    softirq_pending[0] = 1;
    assert_int_equal(evtchn_reset(a), -ERESTART);
    make_pair(&pa, &pb);
    assert_true(pa < a->evtchn->walk_pos);
    softirq_pending[0] = 0;
    assert_int_equal(evtchn_relinquish(a), 0);
    for (evtchn_port_t port = 1; port < a->evtchn->next_new; port++) {
        assert_int_equal(evtchn_from_port(a, port)->kind, EVTCHN_FREE);
    }
    assert_int_equal(evtchn_from_port(b, pb)->kind, EVTCHN_UNBOUND);
}

/* --- FIFO ------------------------------------------------------------------------------------- */

static struct evtchn_fifo_control_block *control;
static event_word_t *words;

static void use_fifo(struct domain *d)
{
    struct page *cb = world_page(d), *array = world_page(d);
    struct evtchn_init_control ic = {.control_gfn = arch_page_to_mfn(cb).v};
    struct evtchn_expand_array ex = {.array_gfn = arch_page_to_mfn(array).v};

    world_run_as(d, 0);
    assert_int_equal(op(EVTCHNOP_expand_array, &ex), -EOPNOTSUPP);
    ic.offset = 4;
    assert_int_equal(op(EVTCHNOP_init_control, &ic), -EINVAL);
    ic.offset = 0;
    ic.vcpu = 9;
    assert_int_equal(op(EVTCHNOP_init_control, &ic), -ENOENT);
    ic.vcpu = 0;
    assert_int_equal(op(EVTCHNOP_init_control, &ic), 0);
    assert_int_equal(ic.link_bits, 17);
    assert_int_equal(op(EVTCHNOP_init_control, &ic), -EINVAL);
    assert_int_equal(op(EVTCHNOP_expand_array, &ex), 0);
    control = world_va(cb);
    words = world_va(array);
}

/* As a guest does: the first port of a queue, taken off. 0: empty. */
static evtchn_port_t consume(unsigned q)
{
    evtchn_port_t port = control->head[q], link;

    if ((control->ready & (1u << q)) == 0) {
        return 0;
    }
    link = words[port] & EVTCHN_FIFO_LINK_MASK;
    words[port] &= ~((1u << EVTCHN_FIFO_LINKED) | (uint32_t)EVTCHN_FIFO_LINK_MASK);
    control->head[q] = link;
    if (link == 0) {
        control->ready &= ~(1u << q);
    }
    words[port] &= ~(1u << EVTCHN_FIFO_PENDING);
    return port;
}

static evtchn_port_t ipi_port(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};

    assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), 0);
    return ipi.port;
}

static void fifo_keeps_the_order_and_the_priorities(void **state)
{
    struct evtchn_set_priority pr = {.priority = 3};
    evtchn_port_t p[4];

    (void)state;
    use_fifo(a);
    for (unsigned i = 0; i < 4; i++) {
        p[i] = ipi_port();
    }
    pr.port = p[3];
    assert_int_equal(op(EVTCHNOP_set_priority, &pr), 0);
    pr.priority = 16;
    assert_int_equal(op(EVTCHNOP_set_priority, &pr), -EINVAL);
    world_kicks = 0;
    for (unsigned i = 4; i-- > 0;) {
        assert_int_equal(evtchn_send(a, p[i]), 0);
        assert_int_equal(evtchn_send(a, p[i]), 0);
    }
    assert_int_equal(world_kicks, 1); /* the upcall is pending already for the second queue */
    assert_int_equal(consume(3), p[3]);
    assert_int_equal(consume(3), 0);
    assert_int_equal(consume(7), p[2]);
    assert_int_equal(consume(7), p[1]);
    assert_int_equal(evtchn_send(a, p[2]), 0);
    assert_int_equal(consume(7), p[0]);
    assert_int_equal(consume(7), p[2]);
    assert_int_equal(consume(7), 0);
}

static void fifo_raises_later_what_came_before_the_array(void **state)
{
    struct page *cb = world_page(a), *array = world_page(a);
    struct evtchn_init_control ic = {.control_gfn = arch_page_to_mfn(cb).v};
    struct evtchn_expand_array ex = {.array_gfn = arch_page_to_mfn(array).v};
    evtchn_port_t early = ipi_port(), late;

    (void)state;
    assert_int_equal(evtchn_send(a, early), 0); /* by 2-level */
    assert_int_equal(op(EVTCHNOP_init_control, &ic), 0);
    late = ipi_port();
    assert_int_equal(evtchn_send(a, late), 0);
    assert_int_equal(op(EVTCHNOP_expand_array, &ex), 0);
    control = world_va(cb);
    words = world_va(array);
    assert_int_equal(consume(7), early);
    assert_int_equal(consume(7), late);
}

static void fifo_survives_words_that_lie(void **state)
{
    evtchn_port_t p[8];

    (void)state;
    use_fifo(a);
    for (unsigned i = 0; i < 8; i++) {
        p[i] = ipi_port();
    }
    for (unsigned n = 0; n < 20000; n++) {
        words[world_random() % 1024] = (event_word_t)world_random();
        control->head[world_random() % 16] = (uint32_t)world_random();
        control->ready = (uint32_t)world_random();
        assert_int_equal(evtchn_send(a, p[world_random() % 8]), 0);
        evtchn_unmask(a, p[world_random() % 8]);
    }
}

/* --- random walk ------------------------------------------------------------------------------ */

/* Peer of peer is self; nothing else points anywhere. */
static void check_ports(struct domain *d)
{
    for (evtchn_port_t port = 1; port < d->evtchn->next_new; port++) {
        const struct evtchn *c = evtchn_from_port(d, port), *peer;

        if (c->kind == EVTCHN_INTERDOMAIN) {
            peer = evtchn_from_port(c->remote.d, c->remote.port);
            assert_int_equal(peer->kind, EVTCHN_INTERDOMAIN);
            assert_ptr_equal(peer->remote.d, d);
            assert_int_equal(peer->remote.port, port);
        }
        if (c->kind == EVTCHN_FREE) {
            assert_false(pending(d, port));
        }
        assert_int_not_equal(c->kind, EVTCHN_RESERVED);
    }
}

static void any_sequence_keeps_the_rules(void **state)
{
    struct domain *d[3] = {a, b, world_domain(3, RIGHT_CONTROL, 2)};

    (void)state;
    for (unsigned n = 0; n < 30000; n++) {
        struct domain *self = d[world_random() % 3], *other = d[world_random() % 3];
        evtchn_port_t port = (evtchn_port_t)(world_random() % 40);

        world_run_as(self, 0);
        switch (world_random() % 7) {
        case 0:
            evtchn_alloc_unbound(self, other->id);
            break;
        case 1:
            evtchn_bind_interdomain(self, other, port);
            break;
        case 2:
            evtchn_bind_virq(self, (uint32_t)(world_random() % 26), world_random() % 3);
            break;
        case 3:
            evtchn_bind_ipi(self, world_random() % 3);
            break;
        case 4:
        case 5:
            evtchn_close(self, port);
            break;
        default:
            evtchn_send(self, port);
            evtchn_bind_vcpu(self, port, world_random() % 3);
            break;
        }
        if (n % 64 == 0) {
            check_ports(a);
            check_ports(b);
            check_ports(d[2]);
        }
    }
}

static void the_right_poller_wakes(void **state)
{
    evtchn_port_t p1 = ipi_port(), p2 = ipi_port();

    (void)state;
    a->vcpu[1]->poll_port = (int)p1;
    a->vcpu[1]->pause_flags = VPF_POLL;
    a->pollers = 1;
    assert_int_equal(evtchn_send(a, p2), 0);
    assert_int_equal(world_wakes, 0);
    assert_int_equal(evtchn_send(a, p1), 0);
    assert_int_equal(world_wakes, 1);
    assert_int_equal(a->vcpu[1]->pause_flags, 0);
    assert_int_equal(a->pollers, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sent_event_arrives_and_kicks_once),
        T(a_masked_event_waits_for_unmask),
        T(close_leaves_the_peer_unbound_for_us_alone),
        T(wrong_arguments_answer_the_error_of_the_abi),
        T(an_answer_that_cannot_be_written_binds_nothing),
        T(ports_run_out_and_come_back),
        T(death_closes_what_a_reset_left_behind),
        T(fifo_keeps_the_order_and_the_priorities),
        T(fifo_raises_later_what_came_before_the_array),
        T(fifo_survives_words_that_lie),
        T(any_sequence_keeps_the_rules),
        T(the_right_poller_wakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
