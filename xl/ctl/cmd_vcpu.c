/* SPDX-License-Identifier: MIT */
/* vcpu-list, vcpu-pin, vcpu-set. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_TEXT 256

static void print_vcpu(const char *name, uint32_t domid, const struct ctrl_vcpu_info *v,
                       unsigned int nr_cpus)
{
    char hard[MAP_TEXT] = "", soft[MAP_TEXT] = "";

    ctrl_cpumap_format(&v->hard, nr_cpus, hard, sizeof(hard));
    ctrl_cpumap_format(&v->soft, nr_cpus, soft, sizeof(soft));
    printf("%-32s %5u %5u", name, domid, v->vcpu);
    if (v->online) {
        printf("%5u %3c%c- ", v->cpu, v->running ? 'r' : '-', v->blocked ? 'b' : '-');
    } else {
        printf("%5c %3c%cp ", '-', '-', '-');
    }
    printf("%9.1f  %s / %s\n", (double)v->cpu_time_ns / 1e9, hard, soft);
}

static void put_vcpu(yajl_gen g, const struct ctrl_vcpu_info *v, unsigned int nr_cpus)
{
    char hard[MAP_TEXT] = "", soft[MAP_TEXT] = "";

    ctrl_cpumap_format(&v->hard, nr_cpus, hard, sizeof(hard));
    ctrl_cpumap_format(&v->soft, nr_cpus, soft, sizeof(soft));
    yajl_gen_map_open(g);
    json_number(g, "vcpu", v->vcpu);
    json_bool(g, "online", v->online);
    json_bool(g, "running", v->running);
    json_bool(g, "blocked", v->blocked);
    json_number(g, "cpu", v->cpu);
    json_time(g, "cpu_time_ns", v->cpu_time_ns);
    json_text(g, "hard_affinity", hard);
    json_text(g, "soft_affinity", soft);
    yajl_gen_map_close(g);
}

static int list_domain(struct ctl *c, yajl_gen g, const struct domains *d, size_t i,
                       unsigned int nr_cpus)
{
    struct ctrl_vcpu_info *list;
    size_t count;

    if (ctrl_vcpu_list(c->h, d->list[i].domid, &list, &count) < 0) {
        return failed(c);
    }
    if (g != NULL) {
        yajl_gen_map_open(g);
        json_text(g, "name", d->names[i]);
        json_number(g, "domid", d->list[i].domid);
        json_key(g, "vcpus");
        yajl_gen_array_open(g);
    }
    for (size_t v = 0; v < count; v++) {
        if (g != NULL) {
            put_vcpu(g, &list[v], nr_cpus);
        } else {
            print_vcpu(d->names[i] != NULL ? d->names[i] : "(null)", d->list[i].domid, &list[v],
                       nr_cpus);
        }
    }
    if (g != NULL) {
        yajl_gen_array_close(g);
        yajl_gen_map_close(g);
    }
    free(list);
    return 0;
}

static int vcpu_list_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_physinfo machine;
    struct domains d;
    yajl_gen g = NULL;
    int status, one;

    if (ctrl_physinfo(c->h, &machine) < 0) {
        return failed(c);
    }
    status = domains_get(c, &d);
    if (status != 0) {
        return status;
    }
    status = domains_choose(&d, argc, argv);
    if (c->json) {
        g = json_new();
        yajl_gen_array_open(g);
    } else {
        printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
               "Affinity (Hard / Soft)");
    }
    for (size_t i = 0; i < d.count; i++) {
        one = list_domain(c, g, &d, i, machine.max_cpu_id + 1);
        status = one != 0 ? one : status;
    }
    domains_free(&d);
    if (g != NULL) {
        yajl_gen_array_close(g);
        json_end(c, g);
    }
    return status;
}

const struct cmd cmd_vcpu_list = {
    .name = "vcpu-list",
    .args = "[DOMAIN...]",
    .help = "List virtual processors",
    .flags = CMD_LISTING,
    .max = 64,
    .run = vcpu_list_run,
};

static const struct opt pin_opts[] = {
    { 'f', "force", NULL, "accepted; nothing overrides a temporary pin" },
    { 0, NULL, NULL, NULL },
};

static int parse_map(struct ctl *c, const char *text, struct ctrl_cpumap *map, bool *wanted)
{
    *wanted = strcmp(text, "-") != 0;
    return *wanted && ctrl_cpumap_parse(c->h, text, map) < 0 ? failed(c) : 0;
}

static bool same_map(const struct ctrl_cpumap *a, const struct ctrl_cpumap *b, unsigned int cpus)
{
    for (unsigned int i = 0; i < cpus && i < CTRL_MAX_CPUS; i++) {
        if (ctrl_cpumap_test(a, i) != ctrl_cpumap_test(b, i)) {
            return false;
        }
    }
    return true;
}

static int pin_range(struct ctl *c, uint32_t domid, long first, long last, int argc, char **argv)
{
    struct ctrl_cpumap hard, soft;
    struct ctrl_physinfo machine;
    bool set_hard, set_soft = false;
    int status = parse_map(c, argv[0], &hard, &set_hard);

    if (status == 0 && argc > 1) {
        status = parse_map(c, argv[1], &soft, &set_soft);
    }
    if (status != 0) {
        return status;
    }
    if (ctrl_physinfo(c->h, &machine) < 0) {
        return failed(c);
    }
    for (long v = first; v <= last; v++) {
        struct ctrl_cpumap h = hard, s = soft;

        if (ctrl_vcpu_set_affinity(c->h, domid, (uint32_t)v, set_hard ? &h : NULL,
                                   set_soft ? &s : NULL) < 0) {
            return failed(c);
        }
        if (set_hard && !same_map(&h, &hard, machine.max_cpu_id + 1)) {
            complain(c, "warning: vcpu %ld may run on other processors than those asked for", v);
        }
    }
    return 0;
}

static int vcpu_pin_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    long first = 0, last;
    int status = find_domain_info(c, argv[0], &info);

    if (status != 0) {
        return status;
    }
    last = (long)info.max_vcpu_id;
    if (strcmp(argv[1], "all") != 0) {
        status = parse_number(c, argv[1], "\"all\" or the number of a vcpu", 0, last, &first);
        last = first;
    }
    return status != 0 ? status : pin_range(c, info.domid, first, last, argc - 2, argv + 2);
}

const struct cmd cmd_vcpu_pin = {
    .name = "vcpu-pin",
    .args = "DOMAIN VCPU|all HARD|- [SOFT|-]",
    .help = "Choose the processors that a vcpu runs on",
    .opts = pin_opts,
    .min = 3,
    .max = 4,
    .run = vcpu_pin_run,
};

static const struct opt set_opts[] = {
    { 'i', "ignore-host", NULL, "also more vcpus than the host has processors" },
    { 0, NULL, NULL, NULL },
};

static int vcpu_set_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_domain_info info;
    struct ctrl_physinfo machine;
    long count;
    int status = find_domain_info(c, argv[0], &info);

    (void)argc;
    if (status == 0) {
        status = parse_number(c, argv[1], "a number of vcpus", 1, (long)info.max_vcpu_id + 1,
                              &count);
    }
    if (status != 0) {
        return status;
    }
    if (ctrl_physinfo(c->h, &machine) < 0) {
        return failed(c);
    }
    if (!opt_has(c, 'i') && count > (long)machine.nr_cpus && count > (long)info.online_vcpus) {
        complain(c, "the host has %u processors; --ignore-host gives %ld vcpus all the same",
                 machine.nr_cpus, count);
        return EXIT_FAILURE;
    }
    return ctrl_vcpu_set_online(c->h, info.domid, (uint32_t)count) < 0 ? failed(c) : 0;
}

const struct cmd cmd_vcpu_set = {
    .name = "vcpu-set",
    .args = "DOMAIN COUNT",
    .help = "Ask a guest to use so many virtual processors",
    .opts = set_opts,
    .min = 2,
    .max = 2,
    .run = vcpu_set_run,
};
