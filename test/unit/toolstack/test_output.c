/* SPDX-License-Identifier: MIT */
/*
 * What ctl prints, to the byte: scripts read these columns. The commands run against domains of
 * the test's own. Also options, prefixes and amounts of memory.
 */
#include "../../../xl/ctl/cmd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a host with two domains ---- */

static struct ctrl_domain_info host[2];
static const char *host_names[2] = { "Domain-0", "pv" };

int ctrl_domain_list(struct ctrl *h, struct ctrl_domain_info **list, size_t *count)
{
    (void)h;
    *list = malloc(sizeof(host));
    memcpy(*list, host, sizeof(host));
    *count = 2;
    return 0;
}

int ctrl_domain_names(struct ctrl *h, const struct ctrl_domain_info *list, size_t count,
                      char ***names)
{
    (void)h;
    (void)list;
    *names = calloc(count, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        (*names)[i] = (char *)host_names[i];
    }
    return 0;
}

int ctrl_domain_find(struct ctrl *h, const char *name_or_id, uint32_t *domid)
{
    (void)h;
    for (uint32_t i = 0; i < 2; i++) {
        if (strcmp(name_or_id, host_names[i]) == 0) {
            *domid = i;
            return 0;
        }
    }
    return -ESRCH;
}

int ctrl_domain_info(struct ctrl *h, uint32_t domid, struct ctrl_domain_info *info)
{
    (void)h;
    *info = host[domid];
    return 0;
}

int ctrl_domain_name(struct ctrl *h, uint32_t domid, char **name)
{
    (void)h;
    *name = strdup(host_names[domid]);
    return 0;
}

int ctrl_vcpu_list(struct ctrl *h, uint32_t domid, struct ctrl_vcpu_info **list, size_t *count)
{
    (void)h;
    (void)domid;
    *count = 2;
    *list = calloc(2, sizeof(**list));
    (*list)[0] = (struct ctrl_vcpu_info){ .vcpu = 0, .online = true, .running = true, .cpu = 3,
                                          .cpu_time_ns = 12345678901 };
    (*list)[1] = (struct ctrl_vcpu_info){ .vcpu = 1 };
    return 0;
}

int ctrl_physinfo(struct ctrl *h, struct ctrl_physinfo *out)
{
    (void)h;
    *out = (struct ctrl_physinfo){ .nr_cpus = 4, .max_cpu_id = 3 };
    return 0;
}

int ctrl_cpumap_format(const struct ctrl_cpumap *map, unsigned int nr_cpus, char *out, size_t size)
{
    (void)map;
    (void)nr_cpus;
    snprintf(out, size, "all");
    return 0;
}

void ctrl_uuid_format(const ctrl_uuid uuid, char out[37])
{
    snprintf(out, 37, "%02x000000-0000-0000-0000-000000000000", uuid[0]);
}

const char *ctrl_error(const struct ctrl *h)
{
    (void)h;
    return "a sentence";
}

int caught_signal(void)
{
    return 0;
}

/* Not reached by what is tested. */
int ctrl_cpupool_list(struct ctrl *h, struct ctrl_cpupool_info **list, size_t *count)
{
    (void)h;
    (void)list;
    (void)count;
    return -EIO;
}

int ctrl_domain_config_load(struct ctrl *h, uint32_t domid, struct ctrl_config **out)
{
    (void)h;
    (void)domid;
    (void)out;
    return -ENOENT;
}

int ctrl_config_new(struct ctrl_config **out)
{
    *out = calloc(1, sizeof(**out));
    return 0;
}

void ctrl_config_free(struct ctrl_config *config)
{
    free(config->name);
    free(config);
}

int ctrl_config_to_json(struct ctrl *h, const struct ctrl_config *config, uint32_t domid,
                        char **json)
{
    (void)h;
    return asprintf(json, "{\n    \"domid\": %u,\n    \"name\": \"%s\"\n}\n", domid,
                    config->name) < 0 ? -ENOMEM : 0;
}

int ctrl_cpumap_parse(struct ctrl *h, const char *text, struct ctrl_cpumap *map)
{
    (void)h;
    (void)text;
    (void)map;
    return -EINVAL;
}

int ctrl_vcpu_set_affinity(struct ctrl *h, uint32_t domid, uint32_t vcpu, struct ctrl_cpumap *hard,
                           struct ctrl_cpumap *soft)
{
    (void)h;
    (void)domid;
    (void)vcpu;
    (void)hard;
    (void)soft;
    return -EIO;
}

int ctrl_vcpu_set_online(struct ctrl *h, uint32_t domid, uint32_t count)
{
    (void)h;
    (void)domid;
    (void)count;
    return -EIO;
}

/* ---- running a command ---- */

extern const struct cmd cmd_list, cmd_vm_list, cmd_domid, cmd_domname, cmd_vcpu_list;

/* A few commands for look-up by prefix. */
const struct cmd *const cmd_table[] = { &cmd_list, &cmd_vm_list, &cmd_domid, &cmd_domname,
                                        &cmd_vcpu_list, NULL };

static char printed[8192];

/* Its exit status; what it prints goes to `printed`. */
static int run(const struct cmd *cmd, const char *words)
{
    struct ctl c = { .program = "ctl", .cmd = cmd };
    FILE *f = tmpfile();
    int saved = dup(STDOUT_FILENO), argc = 0, status;
    char copy[200], *argv[16], *state;
    size_t n;

    snprintf(copy, sizeof(copy), "%s", words);
    for (char *w = strtok_r(copy, " ", &state); w != NULL; w = strtok_r(NULL, " ", &state)) {
        argv[argc++] = w;
    }
    fflush(stdout);
    dup2(fileno(f), STDOUT_FILENO);
    argc = opt_parse(&c, cmd->opts, false, argc, argv);
    c.json = opt_has(&c, 'j');
    status = argc < 0 ? EXIT_USAGE : cmd->run(&c, argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(f);
    n = fread(printed, 1, sizeof(printed) - 1, f);
    printed[n] = '\0';
    fclose(f);
    return status;
}

static int setup(void **state)
{
    (void)state;
    memset(host, 0, sizeof(host));
    host[0] = (struct ctrl_domain_info){ .running = true, .tot_pages = 1200 * 256,
        .online_vcpus = 1, .cpu_time_ns = 64900000000 };
    host[1] = (struct ctrl_domain_info){ .domid = 1, .uuid = { 0xab }, .blocked = true,
        .tot_pages = 160 * 256, .online_vcpus = 2, .cpu_time_ns = 18400000000 };
    return 0;
}

#define LIST_HEAD "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
#define LIST_DOM0 \
    "Domain-0                                     0  1200     1     r-----      64.9\n"

static void list_has_the_columns_that_scripts_read(void **state)
{
    (void)state;
    assert_int_equal(run(&cmd_list, ""), 0);
    assert_string_equal(printed, LIST_HEAD LIST_DOM0
        "pv                                           1   160     2     -b----      18.4\n");
    assert_int_equal(run(&cmd_list, "pv"), 0);
    assert_string_equal(printed, LIST_HEAD
        "pv                                           1   160     2     -b----      18.4\n");
    assert_int_equal(run(&cmd_list, "nobody"), 1);
    assert_string_equal(printed, "");
}

static void list_shows_states_and_absent_names(void **state)
{
    (void)state;
    host_names[1] = NULL;
    host[1].blocked = false;
    host[1].shutdown = true;
    host[1].shutdown_reason = CTRL_SHUTDOWN_CRASH;
    host[1].dying = true;
    assert_int_equal(run(&cmd_list, ""), 0);
    host_names[1] = "pv";
    assert_string_equal(printed, LIST_HEAD LIST_DOM0
        "(null)                                       1   160     2     ---scd      18.4\n");
}

static void letters_of_each_reason(void **state)
{
    static const char *const letters[] = { "---s--", "---sr-", "---ss-", "---sc-", "---sw-",
                                           "---sS-", "---s?-" };
    struct ctrl_domain_info info = { .shutdown = true };
    char out[7];

    (void)state;
    for (uint32_t i = 0; i < 7; i++) {
        info.shutdown_reason = i;
        state_letters(&info, out);
        assert_string_equal(out, letters[i]);
    }
    info = (struct ctrl_domain_info){ .paused = true, .shutdown_reason = 255 };
    state_letters(&info, out);
    assert_string_equal(out, "--p---");
}

static void long_list_is_indented_as_scripts_expect(void **state)
{
    (void)state;
    assert_int_equal(run(&cmd_list, "-l"), 0);
    assert_string_equal(printed, "[\n    {\n        \"domid\": 0,\n        \"name\": \"Domain-0\"\n"
                                 "    },\n    {\n        \"domid\": 1,\n        \"name\": \"pv\"\n"
                                 "    }\n]\n");
}

static void json_lists_names(void **state)
{
    (void)state;
    assert_int_equal(run(&cmd_list, "--json"), 0);
    assert_non_null(strstr(printed, "\"name\": \"Domain-0\",\n        \"domid\": 0,"));
    assert_non_null(strstr(printed, "\"state\": \"-b----\""));
}

static void other_listings(void **state)
{
    (void)state;
    assert_int_equal(run(&cmd_vm_list, ""), 0);
    assert_string_equal(printed,
        "UUID                                  ID    name\n"
        "00000000-0000-0000-0000-000000000000  0    Domain-0                      \n"
        "ab000000-0000-0000-0000-000000000000  1    pv                            \n");
    assert_int_equal(run(&cmd_vcpu_list, "pv"), 0);
    assert_string_equal(printed,
        "Name                                ID  VCPU   CPU State   Time(s) "
        "Affinity (Hard / Soft)\n"
        "pv                                   1     0    3   r--      12.3  all / all\n"
        "pv                                   1     1    -   --p       0.0  all / all\n");
    assert_int_equal(run(&cmd_domid, "pv"), 0);
    assert_string_equal(printed, "1\n");
    assert_int_equal(run(&cmd_domname, "pv"), 0);
    assert_string_equal(printed, "pv\n");
    assert_int_equal(run(&cmd_domid, "nobody"), 1);
}

static void options_are_found_wherever_they_stand(void **state)
{
    static const struct opt opts[] = {
        { 'a', "all", NULL, "" }, { 'f', "file", "FILE", "" }, { 1, "long-only", "X", "" },
        { 0, NULL, NULL, NULL },
    };
    struct ctl c = { .program = "ctl", .cmd = &cmd_list };
    char *argv[] = { (char *)"one", (char *)"-af", (char *)"x", (char *)"two", (char *)"--long=y",
                     (char *)"--", (char *)"-a" };
    char *bad[] = { (char *)"-z" }, *missing[] = { (char *)"-f" };

    (void)state;
    assert_int_equal(opt_parse(&c, opts, false, 7, argv), 3);
    assert_string_equal(argv[1], "two");
    assert_string_equal(argv[2], "-a");
    assert_int_equal(c.seen['a'], 1);
    assert_string_equal(c.value['f'], "x");
    assert_string_equal(c.value[1], "y");
    assert_int_equal(opt_parse(&c, opts, false, 1, bad), -1);
    assert_int_equal(opt_parse(&c, opts, false, 1, missing), -1);
}

static void commands_may_be_shortened(void **state)
{
    struct ctl c = { .program = "ctl" };

    (void)state;
    assert_ptr_equal(cmd_find(&c, "li", false), &cmd_list);
    assert_ptr_equal(cmd_find(&c, "list-vm", false), &cmd_vm_list);
    assert_ptr_equal(cmd_find(&c, "list", false), &cmd_list);
    assert_null(cmd_find(&c, "dom", false));
    assert_null(cmd_find(&c, "", false));
    assert_null(cmd_find(&c, "nothing", false));
}

static void amounts_of_memory_are_mib_unless_they_say(void **state)
{
    struct ctl c = { .program = "ctl", .cmd = &cmd_list };
    uint64_t kib;

    (void)state;
    assert_int_equal(parse_memory(&c, "512", &kib), 0);
    assert_int_equal(kib, 512 << 10);
    assert_int_equal(parse_memory(&c, "2G", &kib), 0);
    assert_int_equal(kib, 2 << 20);
    assert_int_equal(parse_memory(&c, "262144k", &kib), 0);
    assert_int_equal(kib, 262144);
    assert_int_equal(parse_memory(&c, "0.5g", &kib), 0);
    assert_int_equal(kib, 512 << 10);
    assert_int_equal(parse_memory(&c, "", &kib), EXIT_USAGE);
    assert_int_equal(parse_memory(&c, "-5", &kib), EXIT_USAGE);
    assert_int_equal(parse_memory(&c, "5x", &kib), EXIT_USAGE);
    assert_int_equal(parse_memory(&c, "5mm", &kib), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(list_has_the_columns_that_scripts_read, setup),
        cmocka_unit_test_setup(list_shows_states_and_absent_names, setup),
        cmocka_unit_test_setup(letters_of_each_reason, setup),
        cmocka_unit_test_setup(long_list_is_indented_as_scripts_expect, setup),
        cmocka_unit_test_setup(json_lists_names, setup),
        cmocka_unit_test_setup(other_listings, setup),
        cmocka_unit_test_setup(options_are_found_wherever_they_stand, setup),
        cmocka_unit_test_setup(commands_may_be_shortened, setup),
        cmocka_unit_test_setup(amounts_of_memory_are_mib_unless_they_say, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
