/* SPDX-License-Identifier: MIT */
/* The life of a domain: creation that fails at any step, pause, shutdown, death, what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/calls.h"
#include "core/console.h"
#include "core/errno.h"
#include "core/sched.h"
#include "fake.h"

static const struct xen_domctl_createdomain config = {
    .max_vcpus = 2,
    .max_evtchn_port = 1023,
    .max_grant_frames = -1,
    .max_maptrack_frames = -1,
};

static int setup(void **state)
{
    (void)state;
    fake_start(2, 0x1000, 0x2000, "");
    fake_kill(fake_domain(9, 2, 100)); /* each heap class keeps a page from now on */
    return 0;
}

static void nothing_is_left_of_a_dead_domain(void **state)
{
    uint64_t before = page_alloc_free_count();

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct domain *d = fake_domain((domid_t)(1 + i), 2, 100);

        assert_non_null(page_alloc_domain(d, 3, NODE_ANY, WIDTH_ANY, 0));
        assert_int_equal(domain_count(), 1);
        fake_kill(d);
        assert_int_equal(domain_count(), 0);
        assert_int_equal(page_alloc_free_count(), before);
    }
}

/* Leave `left` free pages, try, give the pages back: each allocation fails once. */
static void a_creation_without_memory_leaves_nothing(void **state)
{
    uint64_t before = page_alloc_free_count();
    unsigned failures = 0;

    (void)state;
    for (uint64_t left = 0;; left++) {
        void **chain = NULL, **p;
        struct domain *d = NULL;
        int rc;

        while (page_alloc_free_count() > left && (p = heap_alloc_pages(0)) != NULL) {
            *p = chain;
            chain = p;
        }
        rc = domain_create(1, &config, 0, &fake_ops, &d);
        while (chain != NULL) {
            p = *chain;
            heap_free_pages(chain, 0);
            chain = p;
        }
        if (rc == 0) {
            domain_put(d);
            fake_kill(d);
            break;
        }
        failures++;
        assert_int_equal(rc, -ENOMEM);
        assert_null(domain_get(1));
        assert_int_equal(page_alloc_free_count(), before);
        assert_true(left < 100);
    }
    assert_true(failures >= 1);
    assert_int_equal(page_alloc_free_count(), before);
}

static void the_last_step_may_fail_and_a_number_is_unique(void **state)
{
    uint64_t before = page_alloc_free_count();
    struct domain *d = NULL, *e = NULL;

    (void)state;
    fake_step_fails = -EINVAL;
    assert_int_equal(domain_create(1, &config, 0, &fake_ops, &d), -EINVAL);
    fake_step_fails = 0;
    assert_int_equal(page_alloc_free_count(), before);
    assert_int_equal(domain_create(1, &config, 0, &fake_ops, &d), 0);
    assert_int_equal(domain_create(1, &config, 0, &fake_ops, &e), -EEXIST);
    domain_put(d);
    fake_kill(d);
    assert_int_equal(page_alloc_free_count(), before);
}

static void pauses_nest_and_are_counted(void **state)
{
    struct domain *d = fake_domain(1, 1, 100);

    (void)state;
    assert_true(d->vcpu[0]->running);
    assert_int_equal(domain_pause_by_tools(d), 0);
    assert_false(d->vcpu[0]->running);
    assert_int_equal(domain_pause_by_tools(d), 0);
    assert_int_equal(domain_unpause_by_tools(d), 0);
    fake_settle();
    assert_false(d->vcpu[0]->running);
    domain_pause(d);
    assert_int_equal(domain_unpause_by_tools(d), 0);
    assert_int_equal(domain_unpause_by_tools(d), -EINVAL);
    fake_settle();
    assert_false(d->vcpu[0]->running);
    domain_unpause(d);
    fake_settle();
    assert_true(d->vcpu[0]->running);
    fake_kill(d);
}

static void a_shutdown_stops_all_and_is_told_once(void **state)
{
    struct xen_domctl_getdomaininfo info;
    struct domain *d = fake_domain(1, 2, 100);

    (void)state;
    domain_shutdown(d, SHUTDOWN_reboot);
    domain_shutdown(d, SHUTDOWN_crash); /* too late */
    fake_settle();
    assert_false(d->vcpu[0]->running || d->vcpu[1]->running);
    domain_getinfo(d, &info);
    assert_true(info.flags & XEN_DOMINF_shutdown);
    assert_int_equal((info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
                     SHUTDOWN_reboot);
    domain_resume(d);
    fake_settle();
    assert_true(d->vcpu[0]->running && d->vcpu[1]->running);
    domain_getinfo(d, &info);
    assert_int_equal(info.flags & XEN_DOMINF_shutdown, 0);
    assert_int_equal(info.nr_online_vcpus, 2);
    assert_true(info.flags & XEN_DOMINF_running);
    fake_kill(d);
}

static void the_last_vcpu_that_goes_down_powers_off(void **state)
{
    struct domain *d = fake_domain(1, 2, 100);

    (void)state;
    vcpu_down(d->vcpu[0]);
    assert_false(d->shut_down);
    vcpu_down(d->vcpu[1]);
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_poweroff);
    fake_kill(d);
}

static void the_hardware_domain_ends_the_machine(void **state)
{
    struct domain *d = NULL;
    jmp_buf out;

    (void)state;
    assert_int_equal(domain_create(0, &config, RIGHT_CONTROL | RIGHT_HARDWARE, &fake_ops, &d), 0);
    assert_ptr_equal(domain_hardware, d);
    assert_int_equal(domain_kill(d), -EINVAL);
    fake_exit = &out;
    if (setjmp(out) == 0) {
        domain_shutdown(d, SHUTDOWN_poweroff);
        fail();
    }
    fake_exit = NULL;
    assert_int_equal(fake_power_offs, 1);
    d->rights = 0;
    domain_hardware = NULL;
    domain_put(d);
    fake_kill(d);
}

static void numbers_are_found_in_order_and_not_reused_at_once(void **state)
{
    struct domain *a = fake_domain(700, 1, 10), *b = fake_domain(5, 1, 10), *d;

    (void)state;
    d = domain_get_next(0);
    assert_ptr_equal(d, b);
    domain_put(d);
    d = domain_get_next(6);
    assert_ptr_equal(d, a);
    domain_put(d);
    assert_null(domain_get_next(701));
    assert_null(domain_get(DOMID_XEN));
    assert_int_equal(domain_free_id(), 6); /* after the last one made */
    fake_kill(a);
    fake_kill(b);
}

/* 4,096 of them, and one more is refused. */
static void the_limit_of_domains_holds(void **state)
{
    struct domain *d;
    unsigned n = 0;
    uint64_t before;

    (void)state;
    page_alloc_add_range(MFN(0x100000), MFN(0x180000), 0);
    before = page_alloc_free_count();
    for (;;) {
        domid_t id = domain_free_id();
        struct xen_domctl_createdomain c = config;

        if (id == DOMID_INVALID) {
            break;
        }
        c.max_vcpus = 1;
        assert_int_equal(domain_create(id, &c, 0, &fake_ops, &d), 0);
        domain_put(d);
        n++;
    }
    assert_int_equal(n, MAX_DOMAINS);
    assert_int_equal(domain_create(20000, &config, 0, &fake_ops, &d), -ENOSPC);
    while ((d = domain_get_next(0)) != NULL) {
        domain_put(d);
        fake_kill(d);
    }
    assert_int_equal(domain_count(), 0);
    assert_true(page_alloc_free_count() + 64 + 14 >=
                before); /* leaves of the table, heap classes */
}

static uint64_t guest_va(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static void vcpu_calls_check_what_they_get(void **state)
{
    struct domain *d = fake_domain(1, 2, 100);
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future};
    struct page *pg = page_alloc_domain(d, 0, NODE_ANY, WIDTH_ANY, 0);
    struct vcpu_register_vcpu_info r = {.mfn = arch_page_to_mfn(pg).v, .offset = 4096 - 56};
    struct vcpu *saved = current, *v = d->vcpu[0];

    (void)state;
    current = v;
    assert_int_equal(do_vcpu_op(VCPUOP_is_up, 0, 0, 0, 0, 0), 1);
    assert_int_equal(do_vcpu_op(VCPUOP_is_up, 2, 0, 0, 0, 0), -ENOENT);
    assert_int_equal(do_vcpu_op(99, 0, 0, 0, 0, 0), -ENOSYS);
    assert_int_equal(do_vcpu_op(VCPUOP_set_singleshot_timer, 0, guest_va(&t), 0, 0, 0), 0);
    assert_int_equal(do_vcpu_op(VCPUOP_set_singleshot_timer, 0, 0, 0, 0, 0), -EFAULT);
    assert_int_equal(do_vcpu_op(VCPUOP_register_vcpu_info, 0, guest_va(&r), 0, 0, 0), -ENXIO);
    r.offset = 64;
    r.mfn++;
    assert_int_equal(do_vcpu_op(VCPUOP_register_vcpu_info, 0, guest_va(&r), 0, 0, 0), -EINVAL);
    r.mfn--;
    assert_int_equal(do_vcpu_op(VCPUOP_register_vcpu_info, 0, guest_va(&r), 0, 0, 0), 0);
    assert_ptr_equal(v->info, (char *)arch_page_virt(pg) + 64);
    assert_int_equal(v->info->evtchn_upcall_pending, 1);
    assert_int_equal(do_vcpu_op(VCPUOP_register_vcpu_info, 0, guest_va(&r), 0, 0, 0), -EINVAL);
    assert_int_equal(pg->refs & PAGE_REFS_MASK, 2);
    current = saved;
    fake_kill(d);
    assert_null(domain_get(1));
}

static char log_text[CONSOLE_RING_SIZE + 1];

static uint32_t read_log(uint32_t *index, bool clear, bool incremental)
{
    uint32_t count = CONSOLE_RING_SIZE;

    assert_int_equal(
        console_ring_read((guest_ptr_t){guest_va(log_text)}, &count, index, clear, incremental), 0);
    log_text[count] = '\0';
    return count;
}

static void a_guests_messages_are_limited(void **state)
{
    struct domain *d = fake_domain(1, 1, 100);
    uint32_t index = 0;
    unsigned spam = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        guest_printk(d, LOG_WARNING, "spam\n");
    }
    fake_run(SECONDS(1));
    guest_printk(d, LOG_WARNING, "late\n");
    read_log(&index, true, false);
    for (const char *s = log_text; (s = strstr(s, "spam")) != NULL; s++) {
        spam++;
    }
    assert_int_equal(spam, 20);
    assert_non_null(strstr(log_text, "(d1) 980 messages were left out"));
    assert_non_null(strstr(log_text, "(d1) late"));
    assert_int_equal(read_log(&index, false, true), 0);
    guest_printk(d, LOG_DEBUG, "not at this level\n");
    assert_int_equal(read_log(&index, false, false), 0);
    printk(LOG_ERR, "one line\n");
    assert_string_equal((read_log(&index, false, true), log_text), "(BNS) one line\n");
    fake_kill(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_a_dead_domain),
        cmocka_unit_test(a_creation_without_memory_leaves_nothing),
        cmocka_unit_test(the_last_step_may_fail_and_a_number_is_unique),
        cmocka_unit_test(pauses_nest_and_are_counted),
        cmocka_unit_test(a_shutdown_stops_all_and_is_told_once),
        cmocka_unit_test(the_last_vcpu_that_goes_down_powers_off),
        cmocka_unit_test(the_hardware_domain_ends_the_machine),
        cmocka_unit_test(numbers_are_found_in_order_and_not_reused_at_once),
        cmocka_unit_test(vcpu_calls_check_what_they_get),
        cmocka_unit_test(a_guests_messages_are_limited),
        cmocka_unit_test(the_limit_of_domains_holds),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
