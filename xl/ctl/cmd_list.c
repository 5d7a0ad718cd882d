/* SPDX-License-Identifier: MIT */
/* list, vm-list, domid, domname. */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct opt list_opts[] = {
    { 'l', "long", NULL, "the configs of the domains, as JSON" },
    { 'v', "verbose", NULL, "also uuids, reasons of shutdown and labels" },
    { 'Z', "context", NULL, "also security labels" },
    { 'c', "cpupool", NULL, "also the pool of processors" },
    { 0, NULL, NULL, NULL },
};

static const char *shown_name(const struct domains *d, size_t i)
{
    return d->names[i] != NULL ? d->names[i] : "(null)";
}

static const char *pool_name(const struct ctrl_cpupool_info *pools, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (pools[i].id == id) {
            return pools[i].name;
        }
    }
    return "";
}

static void print_row(struct ctl *c, const struct domains *d, size_t i, const char *pool)
{
    const struct ctrl_domain_info *info = &d->list[i];
    char state[7], uuid[37];

    state_letters(info, state);
    printf("%-40s %5u %5lu %5u     %s  %8.1f", shown_name(d, i), info->domid,
           (unsigned long)((info->tot_pages + info->outstanding_pages) / 256), info->online_vcpus,
           state, (double)info->cpu_time_ns / 1e9);
    if (opt_has(c, 'v')) {
        ctrl_uuid_format(info->uuid, uuid);
        printf(" %s", uuid);
        if (info->shutdown) {
            printf(" %8x", info->shutdown_reason);
        } else {
            printf(" %8s", "-");
        }
    }
    if (opt_has(c, 'v') || opt_has(c, 'Z')) {
        printf(" %16s", "-");
    }
    if (opt_has(c, 'c')) {
        printf("%16s", pool);
    }
    putchar('\n');
}

static int print_table(struct ctl *c, const struct domains *d)
{
    struct ctrl_cpupool_info *pools = NULL;
    size_t nr_pools = 0;

    if (opt_has(c, 'c') && ctrl_cpupool_list(c->h, &pools, &nr_pools) < 0) {
        return failed(c);
    }
    printf("%-40s    ID   Mem VCPUs\tState\tTime(s)", "Name");
    if (opt_has(c, 'v')) {
        fputs("   UUID                            Reason-Code\tSecurity Label", stdout);
    } else if (opt_has(c, 'Z')) {
        fputs("   Security Label", stdout);
    }
    puts(opt_has(c, 'c') ? "         Cpupool" : "");
    for (size_t i = 0; i < d->count; i++) {
        print_row(c, d, i, pool_name(pools, nr_pools, d->list[i].cpupool));
    }
    free(pools);
    return 0;
}

static int print_json(struct ctl *c, const struct domains *d)
{
    yajl_gen g = json_new();

    yajl_gen_array_open(g);
    for (size_t i = 0; i < d->count; i++) {
        const struct ctrl_domain_info *info = &d->list[i];
        char uuid[37], state[7];

        ctrl_uuid_format(info->uuid, uuid);
        state_letters(info, state);
        yajl_gen_map_open(g);
        json_text(g, "name", d->names[i]);
        json_number(g, "domid", info->domid);
        json_text(g, "uuid", uuid);
        json_number(g, "memory_kib", (int64_t)(info->tot_pages + info->outstanding_pages) * 4);
        json_number(g, "vcpus", info->online_vcpus);
        json_text(g, "state", state);
        json_bool(g, "running", info->running);
        json_bool(g, "blocked", info->blocked);
        json_bool(g, "paused", info->paused);
        json_bool(g, "shutdown", info->shutdown);
        json_text(g, "shutdown_reason",
                  info->shutdown ? shutdown_reason_name(info->shutdown_reason) : NULL);
        json_bool(g, "dying", info->dying);
        json_number(g, "cpupool", info->cpupool);
        json_time(g, "cpu_time_ns", info->cpu_time_ns);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    return json_end(c, g);
}

/* ---- list -l ---- */

/* A domain that no config is kept for still has a name, a uuid and a size. */
static int made_up_config(const struct domains *d, size_t i, struct ctrl_config **out)
{
    const struct ctrl_domain_info *info = &d->list[i];
    int rc = ctrl_config_new(out);

    if (rc < 0) {
        return rc;
    }
    (*out)->name = strdup(shown_name(d, i));
    memcpy((*out)->uuid, info->uuid, sizeof(info->uuid));
    (*out)->has_uuid = true;
    (*out)->type = info->hvm ? CTRL_TYPE_HVM : CTRL_TYPE_PV;
    (*out)->vcpus = (int)info->online_vcpus;
    (*out)->maxvcpus = (int)info->max_vcpu_id + 1;
    (*out)->memory_kib = (int64_t)info->tot_pages * 4;
    return 0;
}

static int domain_json(struct ctl *c, const struct domains *d, size_t i, char **json)
{
    struct ctrl_config *config;
    int rc = ctrl_domain_config_load(c->h, d->list[i].domid, &config);

    if (rc < 0) {
        rc = made_up_config(d, i, &config);
    }
    if (rc < 0) {
        return rc;
    }
    rc = ctrl_config_to_json(c->h, config, d->list[i].domid, json);
    ctrl_config_free(config);
    return rc;
}

static void print_indented(const char *json)
{
    while (*json != '\0') {
        size_t n = strcspn(json, "\n");

        printf("%s%.*s", n > 0 ? "    " : "", (int)n, json);
        json += n;
        if (json[0] == '\n' && json[1] != '\0') {
            putchar('\n');
        }
        json += json[0] == '\n';
    }
}

static int print_long(struct ctl *c, const struct domains *d)
{
    int status = 0;

    fputs("[\n", stdout);
    for (size_t i = 0; i < d->count; i++) {
        char *json;

        if (domain_json(c, d, i, &json) < 0) {
            status = failed(c);
            continue;
        }
        print_indented(json);
        puts(i + 1 < d->count ? "," : "");
        free(json);
    }
    fputs("]\n", stdout);
    return status;
}

/* Leave only the domain of that name or number in *d. */
static bool keep_one(struct ctl *c, struct domains *d, const char *name_or_id)
{
    uint32_t domid;

    if (ctrl_domain_find(c->h, name_or_id, &domid) < 0) {
        return false;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->list[i].domid == domid) {
            d->list[0] = d->list[i];
            d->names[0] = d->names[i];
            d->count = 1;
            return true;
        }
    }
    return false;
}

static int list_run(struct ctl *c, int argc, char **argv)
{
    struct domains d;
    int status = domains_get(c, &d);

    if (status != 0) {
        return status;
    }
    if (argc > 0 && !keep_one(c, &d, argv[0])) {
        fprintf(stderr, c->as_xl ? "%s is an invalid domain identifier (rc=-6)\n"
                                 : "Error: Domain '%s' does not exist.\n", argv[0]);
        domains_free(&d);
        return EXIT_FAILURE;
    }
    status = opt_has(c, 'l') ? print_long(c, &d) : c->json ? print_json(c, &d) : print_table(c, &d);
    domains_free(&d);
    return status;
}

const struct cmd cmd_list = {
    .name = "list",
    .args = "[DOMAIN]",
    .help = "List the domains, or one",
    .opts = list_opts,
    .flags = CMD_LISTING,
    .max = 1,
    .run = list_run,
};

static int vm_list_run(struct ctl *c, int argc, char **argv)
{
    struct domains d;
    int status = domains_get(c, &d);
    yajl_gen g;

    (void)argc;
    (void)argv;
    if (status != 0) {
        return status;
    }
    if (!c->json) {
        puts("UUID                                  ID    name");
        for (size_t i = 0; i < d.count; i++) {
            char uuid[37];

            ctrl_uuid_format(d.list[i].uuid, uuid);
            printf("%s  %d    %-30s\n", uuid, (int)d.list[i].domid, shown_name(&d, i));
        }
        domains_free(&d);
        return 0;
    }
    g = json_new();
    yajl_gen_array_open(g);
    for (size_t i = 0; i < d.count; i++) {
        char uuid[37];

        ctrl_uuid_format(d.list[i].uuid, uuid);
        yajl_gen_map_open(g);
        json_text(g, "uuid", uuid);
        json_number(g, "domid", d.list[i].domid);
        json_text(g, "name", d.names[i]);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    domains_free(&d);
    return json_end(c, g);
}

const struct cmd cmd_vm_list = {
    .name = "vm-list",
    .alias = "list-vm",
    .args = "",
    .help = "List uuids, numbers and names",
    .flags = CMD_LISTING,
    .run = vm_list_run,
};

static int domid_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    int status = find_domain_info(c, argv[0], &info);

    (void)argc;
    if (status == 0) {
        printf("%u\n", info.domid);
    }
    return status;
}

const struct cmd cmd_domid = {
    .name = "domid",
    .args = "DOMAIN",
    .help = "Print the number of a domain",
    .min = 1,
    .max = 1,
    .run = domid_run,
};

static int domname_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    int status = find_domain_info(c, argv[0], &info);
    char *name;

    (void)argc;
    if (status != 0) {
        return status;
    }
    if (ctrl_domain_name(c->h, info.domid, &name) < 0) {
        return failed(c);
    }
    puts(name);
    free(name);
    return 0;
}

const struct cmd cmd_domname = {
    .name = "domname",
    .args = "DOMAIN",
    .help = "Print the name of a domain",
    .min = 1,
    .max = 1,
    .run = domname_run,
};
