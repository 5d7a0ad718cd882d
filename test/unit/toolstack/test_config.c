/* SPDX-License-Identifier: MIT */
/*
 * The configuration language: what it says, what it refuses and where, and that every key goes
 * through file, JSON and file without a loss.
 */
#include "../../../libctrl/config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uuid.h>

static struct ctrl *h;
static char logged[512];

static void on_log(void *data, enum ctrl_log_level level, const char *message)
{
    (void)data;
    (void)level;
    snprintf(logged, sizeof(logged), "%s", message);
}

/* Of name.c, whose other half needs a store. */
void ctrl_uuid_format(const ctrl_uuid uuid, char out[37])
{
    uuid_unparse_lower(uuid, out);
}

int ctrl_uuid_parse(const char *text, ctrl_uuid uuid)
{
    return uuid_parse(text, uuid) < 0 ? -EINVAL : 0;
}

static int setup(void **state)
{
    (void)state;
    logged[0] = '\0';
    if (ctrl_open(&h) < 0) {
        return -1;
    }
    ctrl_set_log(h, on_log, NULL, CTRL_LOG_DEBUG);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctrl_close(h);
    return 0;
}

static struct ctrl_config *parse(const char *text, const char *overrides)
{
    struct ctrl_config *c = NULL;

    if (ctrl_config_parse_string(h, "t.cfg", text, overrides, &c) < 0) {
        fail_msg("%s: %s", text, ctrl_error(h));
    }
    return c;
}

static void refused(const char *text, const char *sentence)
{
    struct ctrl_config *c;

    assert_int_equal(ctrl_config_parse_string(h, "t.cfg", text, NULL, &c), -EINVAL);
    if (strstr(ctrl_error(h), sentence) == NULL) {
        fail_msg("'%s' gives '%s', not '%s'", text, ctrl_error(h), sentence);
    }
}

static void a_file_of_all_forms_is_read(void **state)
{
    struct ctrl_config *c = parse("# a comment\n"
                                  "name = 'one'; memory = 0x100 # another\n"
                                  "\n;;\r\n"
                                  "vcpus='2'\n"
                                  "extra = \"\"\"first\nsecond\"\"\"\n"
                                  "root = '/dev/xvda1 ro'\n"
                                  "cpus = [ '0-3',\n  # inside\n  \"1\",\n]\n"
                                  "vif = [ ]\n"
                                  "kernel = \"a\\\"b\\x41\\101\\n\"\n"
                                  "localtime=1", NULL);

    (void)state;
    assert_string_equal(c->name, "one");
    assert_int_equal(c->memory_kib, 256 << 10);
    assert_int_equal(c->vcpus, 2);
    assert_int_equal(c->maxvcpus, CTRL_UNSET);
    assert_string_equal(c->cmdline, "root=/dev/xvda1 ro first\nsecond");
    assert_int_equal(c->cpus.count, 2);
    assert_true(c->cpus_per_vcpu);
    assert_string_equal(c->cpus.items[1], "1");
    assert_int_equal(c->nr_nics, 0);
    assert_string_equal(c->kernel, "a\"bAA\n");
    assert_int_equal(c->localtime, 1);
    assert_int_equal(c->on_crash, CTRL_ACTION_UNSET);
    ctrl_config_free(c);
}

static void later_settings_replace_and_add(void **state)
{
    struct ctrl_config *c = parse("memory=1\nmemory=2\nkernel='/a'\nkernel += '/b'\n"
                                  "p9=['x']\np9 += ['y','z']\np9 += 'w'\nramdisk += 'r'\n", NULL);

    (void)state;
    assert_int_equal(c->memory_kib, 2 << 10);
    assert_string_equal(c->kernel, "/a/b");
    assert_int_equal(c->p9.count, 4);
    assert_string_equal(c->p9.items[3], "w");
    assert_string_equal(c->ramdisk, "r");
    ctrl_config_free(c);
}

static void words_of_the_command_line_need_no_quotes(void **state)
{
    struct ctrl_config *c = parse("name='a'\nmemory=1", "name=web one\nmemory=64; vcpus=3\n"
                                                        "kernel='/k'\nextra=console=hvc0 ro\n");

    (void)state;
    assert_string_equal(c->name, "web one");
    assert_int_equal(c->memory_kib, 64 << 10);
    assert_int_equal(c->vcpus, 3);
    assert_string_equal(c->kernel, "/k");
    assert_string_equal(c->cmdline, "console=hvc0 ro");
    ctrl_config_free(c);
}

static void errors_name_place_and_expectation(void **state)
{
    (void)state;
    refused("name=", "t.cfg:1:6: expected a string, a number or a list, found the end");
    refused("\n name = foo", "t.cfg:2:9: expected a string, a number or a list, found the word");
    refused("memory=[1]", "t.cfg:1:8: memory: expected a number, found a list");
    refused("a b", "t.cfg:1:3: expected '=' or '+='");
    refused("a=1 b=2", "t.cfg:1:5: expected the end of the line or ';'");
    refused("name='x", "t.cfg:1:6: expected a closing '");
    refused("name='''x\n\n", "t.cfg:1:6: expected a closing ' three times");
    refused("cpus=['a' 'b']", "t.cfg:1:11: expected ',' or ']'");
    refused("cpus=['a'", "expected ',' or ']', found the end of the text");
    refused("vcpus=0", "vcpus: expected a number from 1 to 512, found 0");
    refused("localtime=2", "expected a boolean: 0 or 1");
    refused("on_crash='x'", "t.cfg:1:10: on_crash: expected destroy, restart");
    refused("type='xen'", "expected \"pv\", \"pvh\" or \"hvm\"");
    refused("uuid='1'", "uuid: expected a uuid");
    refused("name='\\q'", "expected an escape");
    refused("memory=12k", "expected a number, found '12k'");
    refused("memory='12k'", "memory: expected a number, found \"12k\"");
    refused("memory=99999999999999999999", "expected a number");
    refused("name=@", "'@' means nothing here");
    refused("p9=[['x']]", "expected a list of strings");
    refused("vnuma=[1]", "a list that holds lists only");
    refused("vnuma=[[[[[[[[[1]]]]]]]]]", "expected at most 8 lists inside each other");
    refused("disk='x'", "disk: expected a list of strings");
    refused("disk=['/a,raw,foo']", "t.cfg:1:7: expected a device name such as xvda");
    refused("vif=['mac=1']", "expected an address such as");
    refused("=1", "t.cfg:1:1: expected the name of a key");
    refused("p9='a'\np9+=['b']", "found a list");
}

static void unknown_keys_warn_with_a_suggestion(void **state)
{
    (void)state;
    ctrl_config_free(parse("name='a'\nkernal='x'", NULL));
    assert_string_equal(logged, "t.cfg:2:1: unknown key 'kernal' is ignored (did you mean"
                                " 'kernel'?)");
    ctrl_config_free(parse("zzzzzzzzzz=1", NULL));
    assert_null(strstr(logged, "did you mean"));
}

static void disks_are_read_in_all_spellings(void **state)
{
    static const struct {
        const char *spec, *target, *vdev;
        enum ctrl_disk_format format;
        bool rw, cdrom;
    } rows[] = {
        { "phy:/dev/vg/x,xvda,w", "/dev/vg/x", "xvda", CTRL_DISK_RAW, true, false },
        { "file:/a.img,xvdb1,r", "/a.img", "xvdb1", CTRL_DISK_RAW, false, false },
        { "tap:aio:/a,sda,w", "/a", "sda", CTRL_DISK_RAW, true, false },
        { "tap2:tapdisk:aio:/a,sda,w", "/a", "sda", CTRL_DISK_RAW, true, false },
        { "/a,qcow2,hda", "/a", "hda", CTRL_DISK_QCOW2, true, false },
        { " /a, , xvda , ro", "/a", "xvda", CTRL_DISK_RAW, false, false },
        { "format=vhd, vdev=xvdc, access=rw, target=/with,comma", "/with,comma", "xvdc",
          CTRL_DISK_VHD, true, false },
        { "/i.iso,raw,hdc,devtype=cdrom", "/i.iso", "hdc", CTRL_DISK_RAW, false, true },
        { "file:/i.iso,hdc:cdrom,r", "/i.iso", "hdc", CTRL_DISK_RAW, false, true },
        { ",,hdc,cdrom", NULL, "hdc", CTRL_DISK_EMPTY, false, true },
        { "/a,raw,51712,backend=dom,script=s,discard", "/a", "51712", CTRL_DISK_RAW, true, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ctrl_disk d;
        struct place at = { 0 };

        if (disk_parse(h, &at, rows[i].spec, &d) < 0) {
            fail_msg("%s: %s", rows[i].spec, ctrl_error(h));
        }
        if (rows[i].target == NULL) {
            assert_null(d.target);
        } else {
            assert_string_equal(d.target, rows[i].target);
        }
        assert_string_equal(d.vdev, rows[i].vdev);
        assert_int_equal(d.format, rows[i].format);
        assert_int_equal(d.readwrite, rows[i].rw);
        assert_int_equal(d.cdrom, rows[i].cdrom);
        disk_free(&d);
    }
}

static void bad_disks_are_refused(void **state)
{
    static const char *const bad[] = { "", "/a", "/a,raw", "/a,raw,xvda,rw,extra,more", "/a,x,xvda",
                                       "/a,raw,xvda,x", "/a,raw,xvda,vdev=xvdb", "/a,raw,xv",
                                       "/a,raw,xvda,backendtype=x", "/a,raw,hda:tape" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct place at = { 0 };
        struct ctrl_disk d;

        assert_int_equal(disk_parse(h, &at, bad[i], &d), -EINVAL);
        disk_free(&d);
    }
}

static void interfaces_are_read(void **state)
{
    struct ctrl_config *c = parse("vif=['mac=00:16:3e:00:0A:ff, bridge=br0,type=ioemu, mtu=1400',"
                                  " '']", NULL);

    (void)state;
    assert_int_equal(c->nr_nics, 2);
    assert_true(c->nics[0].has_mac);
    assert_int_equal(c->nics[0].mac[4], 10);
    assert_string_equal(c->nics[0].bridge, "br0");
    assert_int_equal(c->nics[0].mtu, 1400);
    assert_false(c->nics[1].has_mac);
    ctrl_config_free(c);
}

/* ---- round trips ---- */

static void sample(const struct key *key, char *out, size_t size)
{
    static const struct {
        enum key_kind kind;
        const char *value;
    } values[] = {
        { KEY_BOOL, "1" }, { KEY_STRING, "\"a \\\"quoted\\\" \\n text\"" },
        { KEY_LIST, "[ \"a=1,b=2\", \"c\" ]" }, { KEY_EITHER, "[ \"0-1\", \"1\" ]" },
        { KEY_ARGUMENTS, "[ \"-q x\", \"y\" ]" }, { KEY_NESTED, "[ [ \"a\", 1 ], [ \"b\" ] ]" },
        { KEY_ANY, "[ \"x\", \"y\" ]" }, { KEY_ACTION, "\"rename-restart\"" },
        { KEY_TYPE, "\"pvh\"" }, { KEY_BUILDER, "\"hvm\"" },
        { KEY_UUID, "\"01234567-89ab-cdef-0123-456789abcdef\"" }, { KEY_TSC, "\"native\"" },
        { KEY_DISKS, "[ \"/a,raw,xvda,rw\", \"/b,qcow2,xvdb,ro\" ]" },
        { KEY_NICS, "[ \"mac=00:16:3e:00:00:01,bridge=b\" ]" }, { KEY_CMDLINE, "\"words\"" },
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i].kind == key->kind) {
            snprintf(out, size, "%s = %s\n", key->row.name, values[i].value);
            return;
        }
    }
    snprintf(out, size, "%s = %d\n", key->row.name, key->max > 0 && key->max < 7 ? 1 : 7);
}

static char *through_json(const struct ctrl_config *c, uint32_t domid)
{
    struct ctrl_config *back;
    char *json, *text;

    assert_int_equal(ctrl_config_to_json(h, c, domid, &json), 0);
    if (ctrl_config_from_json(h, json, &back) < 0) {
        fail_msg("%s\n%s", json, ctrl_error(h));
    }
    assert_int_equal(ctrl_config_to_cfg(h, back, &text), 0);
    ctrl_config_free(back);
    free(json);
    return text;
}

static void check_round_trip(const char *text, const char *key)
{
    struct ctrl_config *c = parse(text, NULL), *again, *copy;
    char *first, *second, *third, *fourth;

    assert_int_equal(ctrl_config_to_cfg(h, c, &first), 0);
    again = parse(first, NULL);
    assert_int_equal(ctrl_config_to_cfg(h, again, &second), 0);
    assert_string_equal(first, second);
    third = through_json(c, 5);
    assert_string_equal(first, third);
    assert_int_equal(ctrl_config_copy(c, &copy), 0);
    fourth = through_json(copy, CTRL_DOMID_NONE);
    assert_string_equal(first, fourth);
    if (key != NULL && strstr(first, key) == NULL) {
        fail_msg("%s is lost in '%s'", key, first);
    }
    ctrl_config_free(c);
    ctrl_config_free(again);
    ctrl_config_free(copy);
    free(first);
    free(second);
    free(third);
    free(fourth);
}

static void every_key_survives_file_json_and_copy(void **state)
{
    static char all[65536];
    const struct key *key;
    char text[256];

    (void)state;
    for (size_t i = 0; (key = schema_at(i)) != NULL; i++) {
        const char *name = key->row.name;

        sample(key, text, sizeof(text));
        check_round_trip(text, key->kind == KEY_BUILDER ? "type" :
                               key->kind == KEY_CMDLINE ? "cmdline" : name);
        strcat(all, text);
    }
    check_round_trip(all, NULL);
    assert_true(schema_nr_keys + schema_nr_kept_keys > 150);
}

static void either_form_of_a_value_is_kept(void **state)
{
    (void)state;
    check_round_trip("cpus = \"0-3\"\n", "cpus = \"0-3\"");
    check_round_trip("cpus = [ \"0-3\" ]\n", "cpus = [ \"0-3\" ]");
    check_round_trip("cpuid = \"host,tm=0\"\n", "cpuid = \"host,tm=0\"");
    check_round_trip("viridian = 1\n", "viridian = 1");
    check_round_trip("serial = \"pty\"\n", "serial = \"pty\"");
    check_round_trip("name = \"\\x01\\t\\\\ \xc3\xa4\"\n", "name = \"\\x01\\t\\\\ \xc3\xa4\"");
}

static void every_key_explains_itself(void **state)
{
    const struct ctrl_config_key *key;

    (void)state;
    for (size_t i = 0; (key = ctrl_config_key(i)) != NULL; i++) {
        assert_true(strlen(key->name) > 0 && strlen(key->type) > 0);
        assert_true(strlen(key->fallback) > 0 && strlen(key->help) > 10);
        assert_ptr_equal(schema_find(key->name), schema_at(i)); /* and only once */
    }
}

static void json_of_libxl_is_read(void **state)
{
    static const char json[] =
        "{\"c_info\":{\"type\":\"pv\",\"name\":\"old\",\"uuid\":"
        "\"01234567-89ab-cdef-0123-456789abcdef\",\"run_hotplug_scripts\":\"True\"},"
        "\"b_info\":{\"max_vcpus\":4,\"avail_vcpus\":[0,1],\"max_memkb\":524288,"
        "\"target_memkb\":262144,\"video_memkb\":0,\"shadow_memkb\":5120,\"localtime\":\"False\","
        "\"sched_params\":{\"weight\":512,\"cap\":0},\"kernel\":\"/k\",\"cmdline\":\"ro\","
        "\"type.pv\":{}},\"disks\":[{\"pdev_path\":\"/a\",\"vdev\":\"xvda\",\"format\":\"raw\","
        "\"readwrite\":1}],\"nics\":[{\"devid\":0,\"mac\":\"00:16:3e:00:00:01\",\"bridge\":"
        "\"br0\"}],\"on_reboot\":\"restart\",\"on_crash\":\"rename_restart\"}";
    struct ctrl_config *c;

    (void)state;
    assert_int_equal(ctrl_config_from_json(h, json, &c), 0);
    assert_string_equal(c->name, "old");
    assert_true(c->has_uuid);
    assert_int_equal(c->vcpus, 2);
    assert_int_equal(c->maxvcpus, 4);
    assert_int_equal(c->memory_kib, 262144);
    assert_int_equal(c->maxmem_kib, 524288);
    assert_int_equal(c->cpu_weight, 512);
    assert_int_equal(c->localtime, 0);
    assert_string_equal(c->disks[0].target, "/a");
    assert_string_equal(c->nics[0].bridge, "br0");
    assert_int_equal(c->on_crash, CTRL_ACTION_RENAME_RESTART);
    ctrl_config_free(c);
}

static void json_has_the_shape_that_scripts_read(void **state)
{
    struct ctrl_config *c = parse("name='x'\nmemory=64\nvcpus=2", NULL);
    char *json;

    (void)state;
    assert_int_equal(ctrl_config_to_json(h, c, 7, &json), 0);
    assert_true(strncmp(json,
                        "{\n    \"domid\": 7,\n    \"config\": {\n        \"c_info\": {\n", 52)
                == 0);
    assert_non_null(strstr(json, "            \"name\": \"x\",\n"));
    assert_non_null(strstr(json, "\"target_memkb\": 65536"));
    free(json);
    ctrl_config_free(c);
}

static void broken_json_is_refused(void **state)
{
    static const char *const bad[] = { "", "{", "[]", "{\"keys\":{\"name\":null}}",
                                       "{\"keys\":{\"memory\":{}}}",
                                        "{\"keys\":{\"vcpus\":\"x\"}}" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ctrl_config *c;

        assert_int_equal(ctrl_config_from_json(h, bad[i], &c), -EINVAL);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_of_all_forms_is_read),
        TEST(later_settings_replace_and_add),
        TEST(words_of_the_command_line_need_no_quotes),
        TEST(errors_name_place_and_expectation),
        TEST(unknown_keys_warn_with_a_suggestion),
        TEST(disks_are_read_in_all_spellings),
        TEST(bad_disks_are_refused),
        TEST(interfaces_are_read),
        TEST(every_key_survives_file_json_and_copy),
        TEST(either_form_of_a_value_is_kept),
        TEST(every_key_explains_itself),
        TEST(json_of_libxl_is_read),
        TEST(json_has_the_shape_that_scripts_read),
        TEST(broken_json_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
