/* SPDX-License-Identifier: MIT */
/*
 * The rules of page types, against a plain model. A small machine of 96 frames: 64 of the domain,
 * 16 of another, the rest devices or nobody's. After every step the counts and references of all
 * frames are computed anew by walking all tables, and compared; and a model of the TLB checks that
 * no translation for writing is left when a frame becomes a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/errno.h"
#include "x86/pv/pt.h"

#include "page_type_machine.h"

/* --- the model -------------------------------------------------------------------------------- */

static bool counts_as_held(const struct page *pg, unsigned index)
{
    if (pg->type & PGT_PARTIAL) {
        return index < pg->partial;
    }
    return type_is_live_table(pg->type);
}

static void check_machine(void)
{
    unsigned types[FRAMES] = {0}, refs[FRAMES] = {0};

    for (unsigned f = 0; f < FOREIGN_END; f++) {
        unsigned level = type_level(frames[f].type);

        if (frames[f].type & PGT_PARTIAL) {
            types[f]++;
            refs[f]++;
        }
        if (frames[f].type & PGT_PINNED) {
            types[f]++;
            refs[f]++;
        }
        types[f] += held_writable[f] + held_root[f];
        refs[f] += held_writable[f] + held_root[f] + (freed[f] ? 0 : 1);
        refs[f] += vcpu.arch.pt_pending == &frames[f];
        if (!type_is_table(frames[f].type) || (frames[f].type & PGT_COUNT_MASK) == 0) {
            continue;
        }
        assert_false(cached_writable[f]);
        for (unsigned i = 0; i < PT_ENTRIES; i++) {
            pte_t e = memory[f][i];
            uint64_t m = pte_mfn(e).v;

            if (!(e.v & PTE_P) || !counts_as_held(&frames[f], i) || pt_slot_is_hv(level, i)) {
                continue;
            }
            assert_true(e.v & PTE_US);
            assert_false(e.v & PTE_G);
            if (m >= FRAMES || frames[m].owner == &io) {
                assert_int_equal(level, 1);
                assert_false(m == DEVICE_RO && (e.v & PTE_RW));
                continue;
            }
            refs[m]++;
            if (level > 1) {
                assert_int_equal(type_level(frames[m].type), level - 1);
                assert_true(frames[m].type & PGT_VALIDATED);
                types[m]++;
            } else if (e.v & PTE_RW) {
                assert_true((frames[m].type & PGT_TYPE_MASK) == PGT_WRITABLE);
                types[m]++;
                cached_writable[m] = true;
            }
        }
    }
    for (unsigned f = 0; f < FOREIGN_END; f++) {
        if ((frames[f].type & PGT_COUNT_MASK) != types[f] ||
            (frames[f].refs & PAGE_REFS_MASK) != refs[f]) {
            fail_msg("frame %u: type %#lx, model %u; refs %#lx, model %u", f,
                     (unsigned long)frames[f].type, types[f], (unsigned long)frames[f].refs,
                     refs[f]);
        }
    }
}

/* mmu_update of one entry: by the rules if the frame is a table, else as data. */
static int write_entry(unsigned f, unsigned i, uint64_t val, struct domain *owner)
{
    struct page *pg = &frames[f];
    int rc;

    spin_lock(&own.arch.pt_lock);
    if (type_is_live_table(pg->type)) {
        rc = pt_update(pg, i, (pte_t){val}, type_level(pg->type), &vcpu, owner, (i & 1) != 0);
    } else {
        rc = page_get_writable(pg) ? 0 : -EINVAL;
        if (rc == 0) {
            memory[f][i].v = val;
            page_put_writable(pg);
        }
    }
    spin_unlock(&own.arch.pt_lock);
    return rc;
}

static int guest_pin(unsigned f, unsigned level)
{
    int rc = -EINVAL;

    if (page_get(&frames[f], &own)) {
        rc = page_pin(&frames[f], level_type(level));
        if (rc != 0) {
            page_put(&frames[f]);
        }
    }
    return rc;
}

static int guest_unpin(unsigned f)
{
    int rc;

    assert_true(page_get(&frames[f], &own));
    rc = page_unpin(&frames[f]);
    page_put(&frames[f]);
    return rc;
}

#define ENTRY(frame, flags) ((uint64_t)(frame) << PAGE_SHIFT | PTE_P | (flags))

/* Frames 1 to 4: a table of each level, the L1 mapping frame 10 for writing. */
static void small_tree(void)
{
    assert_int_equal(write_entry(4, 3, ENTRY(3, PTE_RW), &own), 0);
    assert_int_equal(write_entry(3, 0, ENTRY(2, PTE_RW), &own), 0);
    assert_int_equal(write_entry(2, 511, ENTRY(1, PTE_RW), &own), 0);
    assert_int_equal(write_entry(1, 7, ENTRY(10, PTE_RW | PTE_G), &own), 0);
}

/* --- one rule each ---------------------------------------------------------------------------- */

static void a_pinned_tree_is_validated_and_given_back(void **state)
{
    (void)state;
    small_tree();
    assert_int_equal(guest_pin(4, 4), 0);
    check_machine();
    assert_int_equal(frames[1].type, PGT_L1 | PGT_VALIDATED | 1);
    assert_int_equal(frames[10].type, PGT_WRITABLE | PGT_VALIDATED | 1);
    assert_int_equal(memory[1][7].v, ENTRY(10, PTE_RW | PTE_US));
    assert_int_equal(memory[4][HV_SLOT_FIRST].v, hv_root[HV_SLOT_FIRST].v);
    assert_int_equal(guest_pin(4, 4), -EINVAL); /* once only */
    assert_int_equal(guest_pin(4, 3), -EINVAL);
    check_machine();
    assert_int_equal(guest_unpin(4), 0);
    assert_int_equal(guest_unpin(4), -EINVAL);
    check_machine();
    assert_int_equal(frames[1].type & PGT_COUNT_MASK, 0);
    assert_int_equal(memory[4][HV_SLOT_FIRST].v, 0);
}

static void entries_that_break_a_rule_are_refused(void **state)
{
    static const struct {
        unsigned table, index;
        uint64_t entry;
        int rc;
    } cases[] = {
        {1, 0, ENTRY(1, PTE_RW), -EINVAL},         /* a table of its own, writable */
        {1, 0, ENTRY(2, PTE_RW), -EINVAL},         /* another table */
        {1, 0, ENTRY(2, 0), 0},                    /* reading it is fine */
        {1, 1, ENTRY(OWN_END, 0), -EINVAL},        /* another domain's frame */
        {1, 1, ENTRY(90, 0), -EINVAL},             /* nobody's */
        {1, 1, ENTRY(BEYOND, 0), -EPERM},          /* beyond memory, not permitted */
        {1, 1, ENTRY(0, 0) | 1ULL << 45, -EINVAL}, /* beyond the processor */
        {1, 1, ENTRY(DEVICE, PTE_RW | PTE_PCD), 0},
        {1, 2, ENTRY(DEVICE_RO, PTE_RW | PTE_PCD), 0}, /* loses its write bit */
        {2, 0, ENTRY(20, PTE_RW | PTE_PS), -EINVAL},   /* superpage */
        {2, 0, ENTRY(20, PTE_RW | PTE_G), -EINVAL},
        {2, 0, ENTRY(2, PTE_RW), -EINVAL},  /* linear */
        {2, 0, ENTRY(10, PTE_RW), -EINVAL}, /* mapped for writing */
        {2, 0, ENTRY(OWN_END, PTE_RW), -EINVAL},
        {2, 0, ENTRY(DEVICE, PTE_RW), -EINVAL},
        {2, 0, ENTRY(21, PTE_RW), 0}, /* an empty table */
        {4, HV_SLOT_FIRST, ENTRY(3, PTE_RW), -EINVAL},
        {4, HV_SLOT_LAST, 0, -EINVAL},
        {4, HV_SLOT_LAST + 1, ENTRY(3, PTE_RW), 0},
        {4, 0, ENTRY(4, PTE_RW), -EINVAL},
    };

    (void)state;
    small_tree();
    assert_int_equal(guest_pin(4, 4), 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = write_entry(cases[i].table, cases[i].index, cases[i].entry, &own);

        if (rc != cases[i].rc) {
            fail_msg("case %u: %d", i, rc);
        }
        check_machine();
    }
}

static void a_bad_entry_deep_down_undoes_the_whole_pin(void **state)
{
    (void)state;
    small_tree();
    assert_int_equal(write_entry(1, 400, ENTRY(2, PTE_RW), &own), 0); /* data as yet */
    assert_int_equal(guest_pin(4, 4), -EINVAL);
    check_machine();
    for (unsigned f = 1; f <= 10; f++) {
        assert_int_equal(frames[f].type & PGT_COUNT_MASK, 0);
    }
}

static void a_foreign_frame_needs_its_owner_named(void **state)
{
    (void)state;
    small_tree();
    assert_int_equal(guest_pin(1, 1), 0);
    assert_int_equal(write_entry(1, 0, ENTRY(OWN_END, PTE_RW), &own), -EINVAL);
    assert_int_equal(write_entry(1, 0, ENTRY(OWN_END, PTE_RW), &foreign), 0);
    assert_true(frames[OWN_END].type & PGT_FOREIGN);
    assert_int_equal(write_entry(1, 0, ENTRY(OWN_END, 0), &own), 0); /* less is allowed */
    assert_int_equal(write_entry(1, 0, ENTRY(OWN_END, PTE_RW), &own), -EINVAL);
    check_machine();
}

static void a_frame_that_was_writable_is_flushed_before_it_is_a_table(void **state)
{
    unsigned before;

    (void)state;
    small_tree();
    assert_int_equal(guest_pin(4, 4), 0);
    check_machine();
    assert_int_equal(write_entry(1, 7, 0, &own), 0);
    before = flushes;
    assert_int_equal(guest_pin(10, 1), 0);
    assert_int_equal(flushes, before + 1);
    check_machine();
}

static void a_descriptor_frame_is_checked_and_not_writable(void **state)
{
    (void)state;
    memory[5][9].v = 0xbad;
    assert_int_equal(page_get_type(&frames[5], PGT_SEGMENT, false), -EINVAL);
    assert_true(page_get_writable(&frames[5]));
    assert_int_equal(page_get_type(&frames[5], PGT_SEGMENT, false), -EINVAL);
    memory[5][9].v = 0;
    page_put_writable(&frames[5]);
    assert_int_equal(page_get_type(&frames[5], PGT_SEGMENT, false), 0);
    assert_false(page_get_writable(&frames[5]));
    assert_int_equal(page_put_type(&frames[5], false), 0);
    assert_true(page_get_writable(&frames[5]));
    page_put_writable(&frames[5]);
    check_machine();
}

static void a_preempted_pin_goes_on_where_it_was(void **state)
{
    unsigned calls = 1;

    (void)state;
    small_tree();
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(write_entry(3, 1 + i, ENTRY(30 + i, PTE_RW), &own), 0);
    }
    softirq_pending[0] = 1;
    for (; guest_pin(4, 4) == -EINTR; calls++) {
        check_machine();
    }
    assert_true(calls > 5);
    assert_true(frames[4].type & PGT_PINNED);
    check_machine();
    for (calls = 1; guest_unpin(4) == -EINTR; calls++) {
        check_machine();
    }
    assert_true(calls > 5);
    assert_int_equal(frames[30].type & PGT_COUNT_MASK, 0);
    check_machine();
}

static void a_partial_table_gives_way_to_another_type(void **state)
{
    (void)state;
    small_tree();
    assert_int_equal(write_entry(4, 4, ENTRY(31, PTE_RW), &own), 0);
    softirq_pending[0] = 1;
    assert_int_equal(guest_pin(4, 4), -EINTR);
    assert_true(frames[4].type & PGT_PARTIAL);
    assert_false(page_get_writable(&frames[4]));
    softirq_pending[0] = 0;
    assert_int_equal(guest_pin(4, 2), 0); /* what is below can be read as lower tables too */
    assert_int_equal(frames[3].type, PGT_L1 | PGT_VALIDATED | 1);
    check_machine();
    assert_int_equal(guest_unpin(4), 0);
    assert_true(page_get_writable(&frames[4]));
    page_put_writable(&frames[4]);
}

/* --- everything at random --------------------------------------------------------------------- */

static unsigned seed;

static unsigned pick(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % n;
}

static uint64_t random_entry(void)
{
    static const uint64_t odd[] = {PTE_G, PTE_PS, PTE_PCD, PTE_NX, PTE_A | PTE_D, 1ULL << 45};
    uint64_t e = (uint64_t)pick(FRAMES) << PAGE_SHIFT;

    if (pick(3) != 0) {
        e = (uint64_t)pick(24) << PAGE_SHIFT; /* mostly few frames, so that they collide */
    }
    e |= pick(5) ? PTE_P : 0;
    e |= pick(2) ? PTE_RW : 0;
    e |= pick(2) ? PTE_US : 0;
    if (pick(6) == 0) {
        e |= odd[pick(sizeof(odd) / sizeof(odd[0]))];
    }
    return e;
}

static void random_step(void)
{
    unsigned f = pick(24), i = pick(4) ? pick(3) : 254 + pick(20);

    softirq_pending[0] = pick(3) == 0;
    if (pick(4) == 0 && pt_finish_pending(&vcpu) != 0) {
        return;
    }
    switch (pick(10)) {
    case 0 ... 4:
        (void)write_entry(f, i, random_entry(), pick(8) ? &own : &foreign);
        break;
    case 5:
        (void)guest_pin(f, 1 + pick(4));
        break;
    case 6:
        (void)guest_unpin(f);
        break;
    case 7:
        if (page_get(&frames[f], &own)) {
            if (page_get_writable(&frames[f])) {
                held_writable[f]++;
            } else {
                page_put(&frames[f]);
            }
        }
        break;
    case 8:
        if (held_writable[f] != 0) {
            held_writable[f]--;
            page_put_writable(&frames[f]);
            page_put(&frames[f]);
        }
        break;
    default:
        if (held_root[f] != 0) {
            held_root[f]--;
            if (page_put_type(&frames[f], true) != 0) {
                pt_note_pending(&vcpu, &frames[f]);
            }
            page_put(&frames[f]);
        } else if (page_get_and_type(MFN(f), &own, PGT_L4) != NULL) {
            held_root[f]++;
        }
        break;
    }
}

/* The domain dies: whatever is left goes, to the last reference. */
static void relinquish_all(void)
{
    for (unsigned f = 0; f < FRAMES; f++) {
        for (; held_writable[f] != 0; held_writable[f]--) {
            page_put_writable(&frames[f]);
            page_put(&frames[f]);
        }
        for (; held_root[f] != 0; held_root[f]--) {
            if (page_put_type(&frames[f], true) != 0) {
                pt_note_pending(&vcpu, &frames[f]);
            }
            page_put(&frames[f]);
        }
    }
    while (pt_finish_pending(&vcpu) != 0) {
        check_machine();
    }
    for (unsigned f = 0; f < OWN_END; f++) {
        softirq_pending[0] = f & 1;
        while (pv_relinquish_page(&frames[f]) != 0) {
            check_machine();
        }
        check_machine();
    }
    dying = true;
    for (unsigned f = 0; f < OWN_END; f++) {
        page_put(&frames[f]);
    }
    for (unsigned f = 0; f < OWN_END; f++) {
        if (!freed[f]) {
            fail_msg("seed %u: frame %u is left, type %#lx", seed, f,
                     (unsigned long)frames[f].type);
        }
    }
}

static void random_sequences_keep_every_count_exact(void **state)
{
    const char *rounds = getenv("PAGE_TYPE_ROUNDS");
    unsigned n = rounds ? (unsigned)atoi(rounds) : 60;

    for (unsigned round = 0; round < n; round++) {
        machine_down(state);
        machine_up(state);
        seed = round * 7919 + 1;
        for (unsigned step = 0; step < 400; step++) {
            random_step();
            check_machine();
        }
        relinquish_all();
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, machine_up, machine_down)
    const struct CMUnitTest tests[] = {
        TEST(a_pinned_tree_is_validated_and_given_back),
        TEST(entries_that_break_a_rule_are_refused),
        TEST(a_bad_entry_deep_down_undoes_the_whole_pin),
        TEST(a_foreign_frame_needs_its_owner_named),
        TEST(a_frame_that_was_writable_is_flushed_before_it_is_a_table),
        TEST(a_descriptor_frame_is_checked_and_not_writable),
        TEST(a_preempted_pin_goes_on_where_it_was),
        TEST(a_partial_table_gives_way_to_another_type),
        TEST(random_sequences_keep_every_count_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
