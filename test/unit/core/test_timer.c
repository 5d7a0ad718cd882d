/* SPDX-License-Identifier: MIT */
/* Timers and the queue under them, against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "core/pqueue.h"
#include "core/timer.h"
#include "fake.h"

#define N 500

static int setup(void **state)
{
    (void)state;
    fake_start(2, 0x1000, 0x1000, "");
    return 0;
}

static void the_queue_always_gives_the_smallest(void **state)
{
    static struct pq_node node[N];
    struct pqueue q = {0};

    (void)state;
    srand(3);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % N, seen = 0, queued = 0;
        int64_t min = INT64_MAX;

        if (pq_queued(&node[i])) {
            pq_remove(&q, &node[i]);
        } else {
            pq_insert(&q, &node[i], rand() % 1000);
        }
        if (step % 50 != 0) {
            continue;
        }
        for (unsigned k = 0; k < N; k++) {
            if (pq_queued(&node[k])) {
                queued++;
                min = node[k].key < min ? node[k].key : min;
            }
        }
        for (struct pq_node *n = pq_min(&q); n != NULL; n = pq_next(n)) {
            seen++;
        }
        assert_int_equal(seen, queued);
        assert_true(queued == 0 ? pq_min(&q) == NULL : pq_min(&q)->key == min);
    }
}

static unsigned fired;
static stime_t fired_at[N];

static void note(void *data)
{
    fired_at[(uintptr_t)data] = fake_now;
    fired++;
}

static void timers_fire_once_at_their_time(void **state)
{
    static struct timer t[N];
    stime_t start = fake_now;

    (void)state;
    srand(4);
    for (unsigned i = 0; i < N; i++) {
        timer_init(&t[i], note, (void *)(uintptr_t)i, i % 2);
        timer_set(&t[i], start + MICROSECS(rand() % 100000 + 1));
    }
    for (unsigned i = 0; i < N; i += 3) {
        timer_stop(&t[i]);
    }
    for (unsigned i = 1; i < N; i += 3) { /* moved to another time, and another processor */
        timer_set(&t[i], start + MICROSECS(i));
        timer_migrate(&t[i], 1 - t[i].cpu);
    }
    fake_run(MILLISECS(200));
    for (unsigned i = 0; i < N; i++) {
        assert_false(timer_queued(&t[i]));
        assert_int_equal(fired_at[i], i % 3 == 0 ? 0 : t[i].expires);
    }
    assert_int_equal(fired, N - (N + 2) / 3);
}

static struct timer again;
static unsigned rounds;

static void rearm(void *data)
{
    (void)data;
    if (++rounds < 10) {
        timer_set(&again, again.expires + MILLISECS(1));
    }
}

static void a_handler_may_set_its_own_timer(void **state)
{
    (void)state;
    timer_init(&again, rearm, NULL, 0);
    timer_set(&again, fake_now); /* past: at once */
    fake_run(MILLISECS(20));
    assert_int_equal(rounds, 10);
}

static void a_killed_timer_stays_dead(void **state)
{
    struct timer t, never = {0};

    (void)state;
    fired = 0;
    timer_init(&t, note, NULL, 0);
    timer_set(&t, fake_now + 1000);
    timer_kill(&t);
    timer_set(&t, fake_now + 1000);
    timer_kill(&never);
    fake_run(MILLISECS(1));
    assert_int_equal(fired, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_queue_always_gives_the_smallest),
        cmocka_unit_test(timers_fire_once_at_their_time),
        cmocka_unit_test(a_handler_may_set_its_own_timer),
        cmocka_unit_test(a_killed_timer_stays_dead),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
