/* SPDX-License-Identifier: MIT */
/*
 * JSON. What other programs look for stands where libxl has it (c_info, b_info, disks, nics,
 * on_...), by the paths in the schema. Beside it, `keys` holds every setting as the language has
 * it, so that reading our own JSON again loses nothing. JSON that libxl wrote has no `keys`: then
 * the paths of the schema are read.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

static void put_string(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

static void put_value(yajl_gen g, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NUMBER:
        yajl_gen_integer(g, v->number);
        break;
    case VALUE_STRING:
        put_string(g, v->string);
        break;
    case VALUE_LIST:
        yajl_gen_array_open(g);
        for (size_t i = 0; i < v->count; i++) {
            put_value(g, &v->items[i]);
        }
        yajl_gen_array_close(g);
        break;
    }
}

static void put_underscored(yajl_gen g, const char *text)
{
    char copy[40];

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p;
    }
    put_string(g, copy);
}

/* ---- writing libxl's shape ---- */

/* A key's value in libxl's spelling, after its name; nothing when it is not set. */
static void put_field(yajl_gen g, const struct key *key, const struct value *v, const char *name)
{
    put_string(g, name);
    switch (key->kind) {
    case KEY_MEMORY:
        yajl_gen_integer(g, v->number << 10);
        break;
    case KEY_BOOL:
        put_string(g, v->number != 0 ? "True" : "False");
        break;
    case KEY_ACTION:
        put_underscored(g, v->string);
        break;
    default:
        put_value(g, v);
        break;
    }
}

static void put_fields(yajl_gen g, const struct settings *s, const char *prefix)
{
    size_t n = strlen(prefix);

    for (size_t i = 0; i < schema_nr_keys; i++) {
        const struct key *key = &schema_keys[i];
        const struct setting *row = settings_find(s, key->row.name);

        if (row != NULL && key->json != NULL && strncmp(key->json, prefix, n) == 0 &&
            strchr(key->json + n, '/') == NULL) {
            put_field(g, key, &row->value, key->json + n);
        }
    }
}

static void put_number(yajl_gen g, const char *name, int64_t number)
{
    put_string(g, name);
    yajl_gen_integer(g, number);
}

static void put_c_info(yajl_gen g, const struct ctrl_config *c, const struct settings *s)
{
    put_string(g, "c_info");
    yajl_gen_map_open(g);
    if (c->type == CTRL_TYPE_UNSET) {
        put_string(g, "type");
        put_string(g, "pv");
    } else {
        put_string(g, "type");
        put_string(g, type_name(c->type));
    }
    for (size_t i = 0; i < schema_nr_keys; i++) {
        const struct key *key = &schema_keys[i];
        const struct setting *row = settings_find(s, key->row.name);

        if (row != NULL && key->json != NULL && strncmp(key->json, "c_info/", 7) == 0 &&
            key->kind != KEY_TYPE) {
            put_field(g, key, &row->value, key->json + 7);
        }
    }
    put_string(g, "run_hotplug_scripts");
    put_string(g, "True");
    yajl_gen_map_close(g);
}

static void put_b_info(yajl_gen g, const struct ctrl_config *c, const struct settings *s)
{
    int vcpus = c->vcpus > 0 ? c->vcpus : 1;

    put_string(g, "b_info");
    yajl_gen_map_open(g);
    if (c->maxvcpus == CTRL_UNSET) {
        put_number(g, "max_vcpus", vcpus);
    }
    put_string(g, "avail_vcpus");
    yajl_gen_array_open(g);
    for (int i = 0; i < vcpus && i < CTRL_MAX_CPUS; i++) {
        yajl_gen_integer(g, i);
    }
    yajl_gen_array_close(g);
    if (c->memory_kib == CTRL_UNSET) {
        put_number(g, "target_memkb", 128 << 10);
    }
    if (c->maxmem_kib == CTRL_UNSET) {
        put_number(g, "max_memkb", c->memory_kib == CTRL_UNSET ? 128 << 10 : c->memory_kib);
    }
    put_fields(g, s, "b_info/");
    put_string(g, "sched_params");
    yajl_gen_map_open(g);
    put_fields(g, s, "b_info/sched_params/");
    yajl_gen_map_close(g);
    put_string(g, c->type == CTRL_TYPE_HVM ? "type.hvm" : c->type == CTRL_TYPE_PVH ? "type.pvh"
                                                                                  : "type.pv");
    yajl_gen_map_open(g);
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

static void put_optional(yajl_gen g, const char *name, const char *text)
{
    if (text != NULL) {
        put_string(g, name);
        put_string(g, text);
    }
}

static void put_disk(yajl_gen g, const struct ctrl_disk *d)
{
    static const char *const formats[] = { "raw", "qcow", "qcow2", "vhd", "qed", "empty" };
    static const char *const backends[] = { "unknown", "phy", "tap", "qdisk", "standalone" };

    yajl_gen_map_open(g);
    put_optional(g, "backend_domname", d->backend);
    put_optional(g, "pdev_path", d->target);
    put_optional(g, "vdev", d->vdev);
    put_optional(g, "script", d->script);
    if (d->backendtype != CTRL_DISK_BACKEND_UNSET) {
        put_optional(g, "backend", backends[d->backendtype]);
    }
    put_optional(g, "format", formats[d->format]);
    put_number(g, "removable", d->removable);
    put_number(g, "readwrite", d->readwrite);
    put_number(g, "is_cdrom", d->cdrom);
    yajl_gen_map_close(g);
}

static void put_nic(yajl_gen g, const struct ctrl_nic *n, size_t index)
{
    char mac[18];

    yajl_gen_map_open(g);
    put_optional(g, "backend_domname", n->backend);
    put_number(g, "devid", n->devid == CTRL_UNSET ? (int64_t)index : n->devid);
    if (n->has_mac) {
        snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1],
                 n->mac[2], n->mac[3], n->mac[4], n->mac[5]);
        put_optional(g, "mac", mac);
    }
    put_optional(g, "ip", n->ip);
    put_optional(g, "bridge", n->bridge);
    put_optional(g, "gatewaydev", n->gatewaydev);
    put_optional(g, "ifname", n->vifname);
    put_optional(g, "script", n->script);
    put_optional(g, "model", n->model);
    if (n->mtu != CTRL_UNSET) {
        put_number(g, "mtu", n->mtu);
    }
    yajl_gen_map_close(g);
}

static void put_devices(yajl_gen g, const struct ctrl_config *c)
{
    if (c->nr_disks > 0) {
        put_string(g, "disks");
        yajl_gen_array_open(g);
        for (size_t i = 0; i < c->nr_disks; i++) {
            put_disk(g, &c->disks[i]);
        }
        yajl_gen_array_close(g);
    }
    if (c->nr_nics > 0) {
        put_string(g, "nics");
        yajl_gen_array_open(g);
        for (size_t i = 0; i < c->nr_nics; i++) {
            put_nic(g, &c->nics[i], i);
        }
        yajl_gen_array_close(g);
    }
}

static void put_config(yajl_gen g, const struct ctrl_config *c, const struct settings *s)
{
    yajl_gen_map_open(g);
    put_c_info(g, c, s);
    put_b_info(g, c, s);
    put_devices(g, c);
    put_fields(g, s, "");
    put_string(g, "keys");
    yajl_gen_map_open(g);
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->rows[i].key, "name") != 0 && strcmp(s->rows[i].key, "uuid") != 0) {
            put_string(g, s->rows[i].key);
            put_value(g, &s->rows[i].value);
        }
    }
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

int ctrl_config_to_json(struct ctrl *h, const struct ctrl_config *config, uint32_t domid,
                        char **json)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    const unsigned char *text = NULL;
    struct settings s;
    size_t length;

    *json = NULL;
    if (g == NULL || config_dump(config, &s) < 0) {
        if (g != NULL) {
            yajl_gen_free(g);
        }
        return ctrl_no_memory(h);
    }
    yajl_gen_config(g, yajl_gen_beautify, 1);
    yajl_gen_config(g, yajl_gen_indent_string, "    ");
    if (domid != CTRL_DOMID_NONE) {
        yajl_gen_map_open(g);
        put_number(g, "domid", domid);
        put_string(g, "config");
    }
    put_config(g, config, &s);
    if (domid != CTRL_DOMID_NONE) {
        yajl_gen_map_close(g);
    }
    if (yajl_gen_get_buf(g, &text, &length) == yajl_gen_status_ok) {
        *json = strndup((const char *)text, length);
    }
    yajl_gen_free(g);
    settings_free(&s);
    return *json == NULL ? ctrl_no_memory(h) : 0;
}

/* ---- reading ---- */

static const struct place json_place = { .file = "the saved config" };

static int value_from_json(yajl_val node, struct value *v, unsigned int depth)
{
    struct value item = { 0 };
    int rc = 0;

    if (YAJL_IS_STRING(node)) {
        rc = value_string(v, YAJL_GET_STRING(node));
    } else if (YAJL_IS_INTEGER(node)) {
        rc = value_number(v, YAJL_GET_INTEGER(node));
    } else if (YAJL_IS_TRUE(node) || YAJL_IS_FALSE(node)) {
        rc = value_number(v, YAJL_IS_TRUE(node) ? 1 : 0);
    } else if (YAJL_IS_ARRAY(node) && depth < CONFIG_NESTING_LIMIT) {
        *v = (struct value){ .kind = VALUE_LIST };
        for (size_t i = 0; i < YAJL_GET_ARRAY(node)->len && rc == 0; i++) {
            rc = value_from_json(YAJL_GET_ARRAY(node)->values[i], &item, depth + 1);
            rc = rc < 0 ? rc : value_append(v, &item);
        }
        if (rc < 0) {
            value_free(v);
        }
    } else {
        rc = -EINVAL;
    }
    v->at = json_place;
    return rc;
}

static yajl_val node_at(yajl_val root, const char *path)
{
    while (root != NULL && *path != '\0') {
        size_t n = strcspn(path, "/");
        yajl_val found = NULL;

        if (!YAJL_IS_OBJECT(root)) {
            return NULL;
        }
        for (size_t i = 0; i < YAJL_GET_OBJECT(root)->len; i++) {
            const char *key = YAJL_GET_OBJECT(root)->keys[i];

            if (strncmp(key, path, n) == 0 && key[n] == '\0') {
                found = YAJL_GET_OBJECT(root)->values[i];
            }
        }
        root = found;
        path += n + (path[n] == '/');
    }
    return root;
}

static int put_node(struct settings *s, const char *key, yajl_val node)
{
    struct value v = { 0 };
    int rc = value_from_json(node, &v, 0);

    return rc < 0 ? rc : settings_put(s, key, json_place, &v);
}

static int put_text(struct settings *s, const char *key, const char *text)
{
    struct value v;
    int rc = value_string(&v, text);

    v.at = json_place;
    return rc < 0 ? rc : settings_put(s, key, json_place, &v);
}

/* One key from where libxl has it. Values that mean "not set" there are left out. */
static int read_path(struct settings *s, const struct key *key, yajl_val root)
{
    yajl_val node = node_at(root, key->json);
    const char *text = YAJL_GET_STRING(node);
    struct value v;

    if (node == NULL) {
        return 0;
    }
    if (key->kind == KEY_MEMORY && YAJL_IS_INTEGER(node)) {
        value_number(&v, YAJL_GET_INTEGER(node) >> 10);
        return YAJL_GET_INTEGER(node) < 1024 ? (value_free(&v), 0)
                                             : settings_put(s, key->row.name, json_place, &v);
    }
    if (key->kind == KEY_BOOL && text != NULL) {
        return put_text(s, key->row.name, strcmp(text, "True") == 0 ? "1" : "0");
    }
    if (YAJL_IS_INTEGER(node) && (key->min != 0 || key->max != 0) &&
        (YAJL_GET_INTEGER(node) < key->min || YAJL_GET_INTEGER(node) > key->max)) {
        return 0;
    }
    return put_node(s, key->row.name, node);
}

/* The values of an object as "key=value," words, for the device strings of the language. */
static char *device_spec(yajl_val object, bool disk)
{
    static const char *const disk_words[][2] = {
        { "backend_domname", "backend" }, { "vdev", "vdev" }, { "script", "script" },
        { "format", "format" },
    };
    static const char *const nic_words[][2] = {
        { "backend_domname", "backend" }, { "mac", "mac" }, { "ip", "ip" },
        { "bridge", "bridge" }, { "gatewaydev", "gatewaydev" }, { "ifname", "vifname" },
        { "script", "script" }, { "model", "model" },
    };
    const char *const (*words)[2] = disk ? disk_words : nic_words;
    size_t count = disk ? sizeof(disk_words) / sizeof(disk_words[0])
                        : sizeof(nic_words) / sizeof(nic_words[0]);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    for (size_t i = 0; f != NULL && i < count; i++) {
        const char *value = YAJL_GET_STRING(node_at(object, words[i][0]));

        if (value != NULL) {
            fprintf(f, "%s=%s,", words[i][1], value);
        }
    }
    if (f != NULL && disk) {
        yajl_val writable = node_at(object, "readwrite");
        const char *target = YAJL_GET_STRING(node_at(object, "pdev_path"));
        bool rw = YAJL_IS_INTEGER(writable) ? YAJL_GET_INTEGER(writable) != 0
                                            : writable == NULL || YAJL_IS_TRUE(writable);

        fprintf(f, "access=%s,%s%s", rw ? "rw" : "ro", target != NULL ? "target=" : "",
                target != NULL ? target : "");
    }
    if (f != NULL && fclose(f) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static int read_devices(struct settings *s, yajl_val list, bool disk)
{
    struct value v = { .kind = VALUE_LIST, .at = json_place }, item;
    int rc = 0;

    if (!YAJL_IS_ARRAY(list)) {
        return 0;
    }
    for (size_t i = 0; i < YAJL_GET_ARRAY(list)->len && rc == 0; i++) {
        char *text = device_spec(YAJL_GET_ARRAY(list)->values[i], disk);

        rc = text != NULL ? value_string(&item, text) : -ENOMEM;
        free(text);
        item.at = json_place;
        rc = rc < 0 ? rc : value_append(&v, &item);
    }
    if (rc < 0) {
        value_free(&v);
        return rc;
    }
    return settings_put(s, disk ? "disk" : "vif", json_place, &v);
}

static int read_libxl(struct settings *s, yajl_val root)
{
    yajl_val online = node_at(root, "b_info/avail_vcpus");
    char text[24];
    int rc = 0;

    for (size_t i = 0; i < schema_nr_keys && rc == 0; i++) {
        if (schema_keys[i].json != NULL) {
            rc = read_path(s, &schema_keys[i], root);
        }
    }
    if (rc == 0 && YAJL_IS_ARRAY(online) && YAJL_GET_ARRAY(online)->len > 0) {
        snprintf(text, sizeof(text), "%zu", YAJL_GET_ARRAY(online)->len);
        rc = put_text(s, "vcpus", text);
    }
    rc = rc < 0 ? rc : read_devices(s, node_at(root, "disks"), true);
    return rc < 0 ? rc : read_devices(s, node_at(root, "nics"), false);
}

static int read_keys(struct settings *s, yajl_val keys, yajl_val root)
{
    const char *const identity[] = { "name", "uuid" };
    int rc = 0;

    for (size_t i = 0; i < YAJL_GET_OBJECT(keys)->len && rc == 0; i++) {
        rc = put_node(s, YAJL_GET_OBJECT(keys)->keys[i], YAJL_GET_OBJECT(keys)->values[i]);
    }
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        yajl_val info = node_at(root, "c_info");
        yajl_val node = info != NULL ? node_at(info, identity[i]) : NULL;

        rc = node != NULL ? put_node(s, identity[i], node) : 0;
    }
    return rc;
}

int ctrl_config_from_json(struct ctrl *h, const char *json, struct ctrl_config **out)
{
    struct settings s = { 0 };
    char why[160] = "";
    yajl_val root = yajl_tree_parse(json, why, sizeof(why)), keys;
    int rc;

    if (root == NULL || !YAJL_IS_OBJECT(root)) {
        yajl_tree_free(root);
        return ctrl_fail(h, -EINVAL, "the saved config is no JSON object: %.*s",
                         (int)strcspn(why, "\n"), why);
    }
    if (node_at(root, "config") != NULL && node_at(root, "c_info") == NULL) {
        keys = node_at(root, "config/keys");
        rc = YAJL_IS_OBJECT(keys) ? read_keys(&s, keys, node_at(root, "config"))
                                  : read_libxl(&s, node_at(root, "config"));
    } else {
        keys = node_at(root, "keys");
        rc = YAJL_IS_OBJECT(keys) ? read_keys(&s, keys, root) : read_libxl(&s, root);
    }
    yajl_tree_free(root);
    if (rc < 0) {
        ctrl_fail(h, rc, "the saved config holds a value that no key can have");
    } else {
        rc = config_load(h, &s, out);
    }
    settings_free(&s);
    return rc;
}
