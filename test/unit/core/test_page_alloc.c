/* SPDX-License-Identifier: MIT */
/* The page allocator: zones, buddies, counts, claims, references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "core/errno.h"
#include "core/page.h"
#include "fake.h"

#define LOW_FIRST  0x1000ULL /* 16 MiB */
#define LOW_COUNT  0x1000ULL
#define HIGH_FIRST 0x180000ULL /* above 4 GiB */
#define HIGH_COUNT 0x4000ULL

static int setup(void **state)
{
    (void)state;
    fake_start(1, LOW_FIRST, LOW_COUNT, "");
    page_alloc_add_range(MFN(HIGH_FIRST), MFN(HIGH_FIRST + HIGH_COUNT), 0);
    fake_kill(fake_domain(9, 1, 10)); /* each heap class keeps a page from now on */
    return 0;
}

static void a_range_of_one_tib_costs_nothing_per_frame(void **state)
{
    uint64_t before = page_alloc_free_count(), cleared = fake_frames_cleared;

    (void)state;
    page_alloc_add_range(MFN(1ULL << 22), MFN((1ULL << 28) - 3), 0);
    assert_int_equal(page_alloc_free_count() - before, (1ULL << 28) - 3 - (1ULL << 22));
    assert_int_equal(fake_frames_cleared, cleared);
}

static void memory_below_4_gib_is_used_last(void **state)
{
    struct page *pg = page_alloc(3, NODE_ANY, WIDTH_ANY, 0);

    (void)state;
    assert_non_null(pg);
    assert_true(arch_page_to_mfn(pg).v >= 1ULL << 20);
    page_free(pg, 3);
}

static void a_width_is_obeyed_and_an_order_aligned(void **state)
{
    (void)state;
    for (unsigned order = 0; order <= 10; order++) {
        struct page *pg = page_alloc(order, NODE_ANY, 32, 0);
        uint64_t mfn;

        assert_non_null(pg);
        mfn = arch_page_to_mfn(pg).v;
        assert_true(mfn + (1ULL << order) <= 1ULL << 20);
        assert_int_equal(mfn & ((1ULL << order) - 1), 0);
        page_free(pg, order);
    }
    assert_null(page_alloc(0, NODE_ANY, 24, 0)); /* nothing below 16 MiB */
    assert_null(page_alloc(0, NODE_ANY, 11, 0));
    assert_null(page_alloc(MAX_ORDER + 1, NODE_ANY, WIDTH_ANY, 0));
}

static void what_is_handed_out_is_zero_and_told_to_the_machine(void **state)
{
    uint64_t reused = fake_frames_reused;
    struct page *pg = page_alloc(0, NODE_ANY, WIDTH_ANY, 0);
    static const char zero[PAGE_SIZE];

    (void)state;
    memset(arch_page_virt(pg), 0x5a, PAGE_SIZE);
    page_free(pg, 0);
    pg = page_alloc(0, NODE_ANY, WIDTH_ANY, 0);
    assert_memory_equal(arch_page_virt(pg), zero, PAGE_SIZE);
    assert_int_equal(fake_frames_reused, reused + 2);
    page_free(pg, 0);
}

/* All low memory in random orders, freed in another order: it must join again completely. */
static void buddies_join_again(void **state)
{
    struct page *got[LOW_COUNT];
    unsigned order[LOW_COUNT], n = 0;
    uint64_t before = page_alloc_free_count_node(0, 32);
    struct page *big; /* half of it: the first pages went to the heap at the start */

    (void)state;
    srand(1);
    for (;;) {
        unsigned o = (unsigned)rand() % 5;
        struct page *pg = page_alloc(o, NODE_ANY, 32, PAGE_ALLOC_NO_SCRUB);

        if (pg == NULL && o == 0) {
            break;
        }
        if (pg != NULL) {
            got[n] = pg;
            order[n++] = o;
        }
    }
    assert_int_equal(page_alloc_free_count_node(0, 32), 0);
    while (n > 0) {
        unsigned i = (unsigned)rand() % n;

        page_free(got[i], order[i]);
        n--;
        got[i] = got[n];
        order[i] = order[n];
    }
    assert_int_equal(page_alloc_free_count_node(0, 32), before);
    big = page_alloc(11, NODE_ANY, 32, PAGE_ALLOC_NO_SCRUB);
    assert_non_null(big);
    page_free(big, 11);
    assert_int_equal(page_alloc_free_count_node(0, 32), before);
}

static void a_domain_is_charged_and_limited(void **state)
{
    uint64_t before = page_alloc_free_count();
    struct domain *d = fake_domain(1, 1, 5);
    uint64_t with_domain = page_alloc_free_count();
    struct page *a, *b;

    (void)state;
    a = page_alloc_domain(d, 2, NODE_ANY, WIDTH_ANY, 0);
    assert_non_null(a);
    assert_int_equal(d->tot_pages, 4);
    assert_null(page_alloc_domain(d, 1, NODE_ANY, WIDTH_ANY, 0)); /* over the limit */
    b = page_alloc_domain(d, 0, NODE_ANY, WIDTH_ANY, 0);
    assert_non_null(b);
    assert_ptr_equal(b->owner, d);
    assert_int_equal(page_alloc_free_count(), with_domain - 5);

    /* one more user keeps the page although the domain gave it up */
    assert_true(page_get(b, d));
    assert_true(page_release_alloc(b));
    assert_false(page_release_alloc(b));
    assert_int_equal(d->tot_pages, 5);
    page_put(b);
    assert_int_equal(d->tot_pages, 4);
    assert_false(page_get(b, d));
    assert_false(page_get(a, domain_xen));

    fake_kill(d);
    assert_null(domain_get(1));
    assert_int_equal(page_alloc_free_count(), before);
}

static void a_mapped_page_keeps_a_dead_domain_until_it_is_put(void **state)
{
    uint64_t before = page_alloc_free_count();
    struct domain *d = fake_domain(2, 1, 10), *z;
    struct page *pg = page_alloc_domain(d, 0, NODE_ANY, WIDTH_ANY, 0);

    (void)state;
    assert_true(page_get(pg, d));
    fake_kill(d);
    z = domain_get(2);
    assert_ptr_equal(z, d); /* a zombie, seen by tools */
    assert_int_equal(z->dying, DOMAIN_DEAD);
    domain_put(z);
    page_put(pg);
    fake_settle();
    assert_null(domain_get(2));
    assert_int_equal(page_alloc_free_count(), before);
}

static void counts_do_not_overflow(void **state)
{
    struct domain *d = fake_domain(3, 1, 10);
    struct page *pg = page_alloc_domain(d, 0, NODE_ANY, WIDTH_ANY, 0);
    uint64_t refs = pg->refs;

    (void)state;
    pg->refs = PAGE_ALLOCATED | (PAGE_REFS_MASK / 2);
    assert_false(page_get_more(pg));
    assert_false(page_get(pg, d));
    pg->refs = refs;
    fake_kill(d);
}

static void a_claim_keeps_others_away(void **state)
{
    struct domain *a = fake_domain(4, 1, ~0ULL), *b = fake_domain(5, 1, ~0ULL);
    uint64_t free = page_alloc_free_count();
    struct page *pg;

    (void)state;
    assert_int_equal(page_claim(a, free + 1), -ENOMEM);
    assert_int_equal(page_claim(a, free - 2), 0);
    assert_int_equal(page_claim(a, free - 2), -EINVAL); /* it has one */
    assert_int_equal(page_alloc_outstanding_claims(), free - 2);
    pg = page_alloc_domain(b, 1, NODE_ANY, WIDTH_ANY, 0);
    assert_non_null(pg);
    assert_null(page_alloc_domain(b, 0, NODE_ANY, WIDTH_ANY, 0));
    assert_null(page_alloc(0, NODE_ANY, WIDTH_ANY, 0));
    assert_non_null(page_alloc_domain(a, 2, NODE_ANY, WIDTH_ANY, 0));
    assert_int_equal(page_alloc_outstanding_claims(), free - 6);
    assert_int_equal(page_claim(a, 0), 0);
    assert_int_equal(page_alloc_outstanding_claims(), 0);
    assert_non_null(page_alloc_domain(b, 0, NODE_ANY, WIDTH_ANY, 0));
    fake_kill(a);
    fake_kill(b);
}

static void a_shared_page_outlives_its_freeing_while_it_is_mapped(void **state)
{
    struct domain *d = fake_domain(6, 1, 10);
    uint64_t before = page_alloc_free_count(), extra = d->extra_pages;
    void *va = heap_alloc_pages(0);
    struct page *pg = arch_virt_to_page(va);

    (void)state;
    page_share(pg, d, true);
    assert_int_equal(d->extra_pages, extra + 1);
    assert_true(page_get(pg, d));
    page_unshare(pg);
    heap_free_pages(va, 0);
    assert_int_equal(d->extra_pages, extra);
    assert_int_equal(page_alloc_free_count(), before - 1);
    page_put(pg);
    assert_int_equal(page_alloc_free_count(), before);
    fake_kill(d);
}

static void a_page_moves_only_while_nobody_else_uses_it(void **state)
{
    struct domain *a = fake_domain(7, 1, 10), *b = fake_domain(8, 1, 1);
    struct page *pg = page_alloc_domain(a, 0, NODE_ANY, WIDTH_ANY, 0);
    struct page *other = page_alloc_domain(a, 0, NODE_ANY, WIDTH_ANY, 0);

    (void)state;
    assert_true(page_get(pg, a));
    assert_int_equal(page_assign(pg, b), -EBUSY);
    page_put(pg);
    assert_int_equal(page_assign(pg, b), 0);
    assert_ptr_equal(pg->owner, b);
    assert_int_equal(a->tot_pages, 1);
    assert_int_equal(b->tot_pages, 1);
    assert_int_equal(page_assign(other, b), -EPERM); /* b is full */
    assert_ptr_equal(other->owner, a);
    fake_kill(a);
    fake_kill(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buddies_join_again),
        cmocka_unit_test(memory_below_4_gib_is_used_last),
        cmocka_unit_test(a_width_is_obeyed_and_an_order_aligned),
        cmocka_unit_test(what_is_handed_out_is_zero_and_told_to_the_machine),
        cmocka_unit_test(a_domain_is_charged_and_limited),
        cmocka_unit_test(a_mapped_page_keeps_a_dead_domain_until_it_is_put),
        cmocka_unit_test(counts_do_not_overflow),
        cmocka_unit_test(a_claim_keeps_others_away),
        cmocka_unit_test(a_shared_page_outlives_its_freeing_while_it_is_mapped),
        cmocka_unit_test(a_page_moves_only_while_nobody_else_uses_it),
        cmocka_unit_test(a_range_of_one_tib_costs_nothing_per_frame),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
