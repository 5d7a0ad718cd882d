/* SPDX-License-Identifier: MIT */
/* Small objects: alignment, zero-filling, no overlap, and everything given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "core/page.h"
#include "fake.h"

static int setup(void **state)
{
    (void)state;
    fake_start(1, 0x1000, 0x2000, "");
    return 0;
}

static void objects_are_zero_aligned_and_apart(void **state)
{
    enum { N = 3000 };
    static unsigned char *obj[N];
    static size_t size[N];

    (void)state;
    srand(2);
    for (unsigned i = 0; i < N; i++) {
        size[i] = (size_t)(rand() % 3000) + 1;
        obj[i] = heap_alloc(size[i]);
        assert_non_null(obj[i]);
        assert_int_equal((uintptr_t)obj[i] % 16, 0);
        for (size_t k = 0; k < size[i]; k++) {
            assert_int_equal(obj[i][k], 0);
        }
        memset(obj[i], (int)(i & 0xff), size[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++) {
            assert_int_equal(obj[i][k], i & 0xff);
        }
        heap_free(obj[i]);
    }
}

static void all_but_a_page_a_class_goes_back(void **state)
{
    enum { N = 2000 };
    static void *obj[N];
    uint64_t before;

    (void)state;
    for (size_t size = 1; size <= 2048; size += 31) { /* each class keeps its one page */
        heap_free(heap_alloc(size));
    }
    before = page_alloc_free_count();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            obj[i] = heap_alloc((i * 37) % 2048 + 1);
        }
        for (unsigned i = 0; i < N; i++) {
            heap_free(obj[(i * 7) % N]);
        }
        assert_int_equal(page_alloc_free_count(), before);
    }
}

static void large_objects_are_whole_pages(void **state)
{
    uint64_t before = page_alloc_free_count();
    void *p = heap_alloc(5000);

    (void)state;
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % PAGE_SIZE, 0);
    assert_int_equal(page_alloc_free_count(), before - 2);
    heap_free(p);
    assert_int_equal(page_alloc_free_count(), before);
    heap_free(NULL);
}

static void running_out_answers_null_and_loses_nothing(void **state)
{
    uint64_t before = page_alloc_free_count();
    void **chain = NULL, **p;

    (void)state;
    while ((p = heap_alloc_pages(0)) != NULL) {
        *p = chain;
        chain = p;
    }
    assert_int_equal(page_alloc_free_count(), 0);
    assert_null(heap_alloc(4096));
    while (chain != NULL) {
        p = *chain;
        heap_free_pages(chain, 0);
        chain = p;
    }
    assert_int_equal(page_alloc_free_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_zero_aligned_and_apart),
        cmocka_unit_test(all_but_a_page_a_class_goes_back),
        cmocka_unit_test(large_objects_are_whole_pages),
        cmocka_unit_test(running_out_answers_null_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
