/* SPDX-License-Identifier: MIT */
/*
 * Creation with steps of the test's own: each is made to fail once, and the undoing is watched.
 * Also the texts of processor sets, and what the config alone is refused for.
 */
#include "../../../libctrl/create/create.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ctrl *h;
static char trace[64];
static int fail_at, cancel_at;

static int run_step(char name, int index, struct creation *c)
{
    char text[2] = { name, '\0' };

    strcat(trace, text);
    if (index == cancel_at) {
        ctrl_cancel(c->h);
    }
    return index == fail_at ? ctrl_fail(c->h, -EIO, "step %c failed", name) : 0;
}

static void undo_step(char name, struct creation *c)
{
    char text[2] = { name, '\0' };

    strcat(trace, text);
    ctrl_fail(c->h, -EBUSY, "undoing overwrote the sentence");
}

static int run_a(struct creation *c)
{
    return run_step('a', 0, c);
}

static int run_b(struct creation *c)
{
    return run_step('b', 1, c);
}

static int run_c(struct creation *c)
{
    return run_step('c', 2, c);
}

static void undo_a(struct creation *c)
{
    undo_step('A', c);
}

static void undo_c(struct creation *c)
{
    undo_step('C', c);
}

const struct create_step create_steps[] = {
    { "a", run_a, undo_a },
    { "b", run_b, NULL },
    { "c", run_c, undo_c },
};
const unsigned int create_nr_steps = 3;

/* What create.c and name.c call of other files that this test does not link. */
void pv_init(struct pv_builder *b)
{
    (void)b;
}

void pv_free(struct pv_builder *b)
{
    (void)b;
}

void image_close(struct image *image)
{
    (void)image;
}

int name_check(struct ctrl *handle, const char *name)
{
    return name == NULL ? ctrl_fail(handle, -EINVAL, "no name") : 0;
}

void ctrl_uuid_format(const ctrl_uuid uuid, char out[37])
{
    (void)uuid;
    strcpy(out, "x");
}

static struct ctrl_config make_config(void)
{
    struct ctrl_config c = {
        .name = (char *)"guest", .type = CTRL_TYPE_PV, .kernel = (char *)"/k", .vcpus = 1,
        .maxvcpus = -1, .memory_kib = 65536, .maxmem_kib = -1, .cpu_weight = -1, .cap = -1,
    };

    return c;
}

static int setup(void **state)
{
    (void)state;
    trace[0] = '\0';
    fail_at = cancel_at = -1;
    return ctrl_open(&h);
}

static int teardown(void **state)
{
    (void)state;
    ctrl_close(h);
    return 0;
}

static void all_steps_run_in_order(void **state)
{
    struct ctrl_config config = make_config();
    uint32_t domid;

    (void)state;
    assert_int_equal(ctrl_create(h, &config, NULL, &domid), 0);
    assert_string_equal(trace, "abc");
}

static void a_failure_undoes_everything_in_reverse_and_keeps_its_sentence(void **state)
{
    static const char *const traces[] = { "aCA", "abCA", "abcCA" };
    struct ctrl_config config = make_config();
    uint32_t domid;

    (void)state;
    for (fail_at = 0; fail_at < 3; fail_at++) {
        trace[0] = '\0';
        assert_int_equal(ctrl_create(h, &config, NULL, &domid), -EIO);
        assert_string_equal(trace, traces[fail_at]);
        assert_non_null(strstr(ctrl_error(h), "failed"));
    }
}

static void cancelling_stops_before_the_next_step(void **state)
{
    struct ctrl_config config = make_config();
    uint32_t domid;

    (void)state;
    cancel_at = 0;
    assert_int_equal(ctrl_create(h, &config, NULL, &domid), -EINTR);
    assert_string_equal(trace, "aCA");
}

static void what_is_not_built_is_refused_without_a_step(void **state)
{
    struct ctrl_config config = make_config();
    struct ctrl_disk disk = { 0 };
    uint32_t domid;

    (void)state;
    config.type = CTRL_TYPE_PVH;
    assert_int_equal(ctrl_create(h, &config, NULL, &domid), -EOPNOTSUPP);
    config = make_config();
    config.disks = &disk;
    config.nr_disks = 1;
    assert_int_equal(ctrl_create_check(h, &config), -EOPNOTSUPP);
    config = make_config();
    config.kernel = NULL;
    assert_int_equal(ctrl_create_check(h, &config), -EINVAL);
    config = make_config();
    config.maxmem_kib = 1024;
    assert_int_equal(ctrl_create_check(h, &config), -EINVAL);
    config = make_config();
    config.vcpus = 100000;
    assert_int_equal(ctrl_create_check(h, &config), -EINVAL);
    assert_string_equal(trace, "");
}

static void processor_sets_are_read_and_written(void **state)
{
    static const char *const good[][2] = {
        { "0-3", "0-3" }, { "1,3", "1,3" }, { "0-3,^2", "0-1,3" }, { "all", "all" },
        { "^0", "1-7" }, { "none", "none" }, { " 2 , 4-5 ", "2,4-5" },
    };
    static const char *const bad[] = { "", "x", "3-1", "1,,2", "1-", "99999", "1;2", "^" };
    struct ctrl_cpumap map;
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ctrl_cpumap_parse(h, good[i][0], &map), 0);
        assert_int_equal(ctrl_cpumap_format(&map, 8, text, sizeof(text)), 0);
        assert_string_equal(text, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ctrl_cpumap_parse(h, bad[i], &map), -EINVAL);
    }
    assert_int_equal(ctrl_cpumap_parse(h, "1,3,5", &map), 0);
    assert_int_equal(ctrl_cpumap_format(&map, 8, text, 4), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_steps_run_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_failure_undoes_everything_in_reverse_and_keeps_its_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelling_stops_before_the_next_step, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_built_is_refused_without_a_step, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(processor_sets_are_read_and_written, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
