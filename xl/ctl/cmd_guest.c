/* SPDX-License-Identifier: MIT */
/* mem-set, mem-max, sched-credit2, trigger, sysrq. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int memory_run(struct ctl *c, char **argv, int (*set)(struct ctrl *, uint32_t, uint64_t))
{
    uint32_t domid;
    uint64_t kib;
    int status = find_domain(c, argv[0], &domid);

    status = status != 0 ? status : parse_memory(c, argv[1], &kib);
    return status != 0 ? status : set(c->h, domid, kib) < 0 ? failed(c) : 0;
}

static int mem_set_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return memory_run(c, argv, ctrl_domain_set_target);
}

static int mem_max_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return memory_run(c, argv, ctrl_domain_set_static_max);
}

const struct cmd cmd_mem_set = {
    .name = "mem-set",
    .args = "DOMAIN MEMORY",
    .help = "Ask a guest to use so much memory (MiB, or with b k m g t)",
    .min = 2,
    .max = 2,
    .run = mem_set_run,
};

const struct cmd cmd_mem_max = {
    .name = "mem-max",
    .args = "DOMAIN MEMORY",
    .help = "Set the most memory a guest may have (MiB, or with b k m g t)",
    .min = 2,
    .max = 2,
    .run = mem_max_run,
};

static const struct opt credit2_opts[] = {
    { 'd', "domain", "DOMAIN", "this domain" },
    { 'w', "weight", "NUMBER", "set its weight, 1 to 65535" },
    { 'c', "cap", "PERCENT", "set its cap, 0 for none" },
    { 'p', "cpupool", "POOL", "this pool of processors" },
    { 's', "schedparam", NULL, "the scheduler's own settings" },
    { 'r', "ratelimit_us", "US", "set the shortest run of a vcpu, microseconds" },
    { 0, NULL, NULL, NULL },
};

static int ratelimit_of(struct ctl *c, const struct ctrl_cpupool_info *pool)
{
    uint32_t us;
    long number;
    int status = 0;

    if (opt_has(c, 'r')) {
        status = parse_number(c, c->value['r'], "microseconds", 0, 500000, &number);
        if (status == 0 && ctrl_credit2_set_ratelimit(c->h, pool->id, (uint32_t)number) < 0) {
            status = failed(c);
        }
        return status;
    }
    if (ctrl_credit2_get_ratelimit(c->h, pool->id, &us) < 0) {
        return failed(c);
    }
    if (!c->json) {
        printf("Cpupool %s: ratelimit=%uus\n", pool->name, us);
    }
    return 0;
}

static int show_domain(struct ctl *c, yajl_gen g, const char *name, uint32_t domid)
{
    struct ctrl_credit2 p;

    if (ctrl_credit2_get(c->h, domid, &p) < 0) {
        return failed(c);
    }
    if (g == NULL) {
        printf("%-33s %4u %6u %4u\n", name, domid, p.weight, p.cap);
        return 0;
    }
    yajl_gen_map_open(g);
    json_text(g, "name", name);
    json_number(g, "domid", domid);
    json_number(g, "weight", p.weight);
    json_number(g, "cap", p.cap);
    yajl_gen_map_close(g);
    return 0;
}

static int change_domain(struct ctl *c, uint32_t domid)
{
    struct ctrl_credit2 p;
    long number;
    int status = 0;

    if (ctrl_credit2_get(c->h, domid, &p) < 0) {
        return failed(c);
    }
    if (opt_has(c, 'w')) {
        status = parse_number(c, c->value['w'], "a weight", 1, 65535, &number);
        p.weight = (uint32_t)number;
    }
    if (status == 0 && opt_has(c, 'c')) {
        status = parse_number(c, c->value['c'], "a cap in percent", 0, 65535, &number);
        p.cap = (uint32_t)number;
    }
    return status != 0 ? status : ctrl_credit2_set(c->h, domid, &p) < 0 ? failed(c) : 0;
}

static int show_domains(struct ctl *c, struct domains *d, const struct ctrl_cpupool_info *pool)
{
    yajl_gen g = c->json ? json_new() : NULL;
    int status = 0, one;

    if (g != NULL) {
        yajl_gen_array_open(g);
    } else {
        printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->list[i].cpupool == pool->id) {
            one = show_domain(c, g, d->names[i] != NULL ? d->names[i] : "(null)",
                              d->list[i].domid);
            status = one != 0 ? one : status;
        }
    }
    if (g != NULL) {
        yajl_gen_array_close(g);
        json_end(c, g);
    }
    return status;
}

static int credit2_domain(struct ctl *c, struct domains *d)
{
    char *name = (char *)c->value['d'];
    struct ctrl_cpupool_info pool = { 0 };
    int status = domains_choose(d, 1, &name);

    if (status != 0) {
        return status;
    }
    if (opt_has(c, 'w') || opt_has(c, 'c')) {
        return change_domain(c, d->list[0].domid);
    }
    pool.id = d->list[0].cpupool;
    return show_domains(c, d, &pool);
}

static int credit2_pools(struct ctl *c, struct domains *d)
{
    struct ctrl_cpupool_info *pools;
    size_t count;
    bool any = false;
    int status = 0;

    if (ctrl_cpupool_list(c->h, &pools, &count) < 0) {
        return failed(c);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        if (pools[i].scheduler != CTRL_SCHED_CREDIT2 ||
            (opt_has(c, 'p') && strcmp(pools[i].name, c->value['p']) != 0)) {
            continue;
        }
        any = true;
        status = ratelimit_of(c, &pools[i]);
        if (status == 0 && !opt_has(c, 's')) {
            status = show_domains(c, d, &pools[i]);
        }
    }
    free(pools);
    if (!any) {
        complain(c, "no such pool of processors is scheduled by credit2");
        return EXIT_FAILURE;
    }
    return status;
}

static int credit2_run(struct ctl *c, int argc, char **argv)
{
    struct domains d;
    int status;

    (void)argc;
    (void)argv;
    if ((opt_has(c, 'w') || opt_has(c, 'c')) && !opt_has(c, 'd')) {
        complain(c, "sched-credit2: a weight or cap belongs to a domain: add -d DOMAIN");
        return EXIT_USAGE;
    }
    if (opt_has(c, 'r') && !opt_has(c, 's')) {
        complain(c, "sched-credit2: -r belongs to the scheduler: add -s");
        return EXIT_USAGE;
    }
    status = domains_get(c, &d);
    if (status != 0) {
        return status;
    }
    status = opt_has(c, 'd') ? credit2_domain(c, &d) : credit2_pools(c, &d);
    domains_free(&d);
    return status;
}

const struct cmd cmd_sched_credit2 = {
    .name = "sched-credit2",
    .args = "",
    .help = "Show or set weights and caps",
    .opts = credit2_opts,
    .flags = CMD_LISTING,
    .run = credit2_run,
};

static int trigger_run(struct ctl *c, int argc, char **argv)
{
    static const char *const names[] = { "nmi", "reset", "init", "power", "sleep" };
    uint32_t domid;
    long vcpu = 0;
    int status = find_domain(c, argv[0], &domid);

    if (status == 0 && argc > 2) {
        status = parse_number(c, argv[2], "the number of a vcpu", 0, 8191, &vcpu);
    }
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(argv[1], names[i]) == 0) {
            return ctrl_domain_trigger(c->h, domid, (enum ctrl_trigger)i, (uint32_t)vcpu) < 0
                       ? failed(c) : 0;
        }
    }
    complain(c, "trigger: expected nmi, reset, init, power or sleep, found '%s'", argv[1]);
    return EXIT_USAGE;
}

const struct cmd cmd_trigger = {
    .name = "trigger",
    .args = "DOMAIN nmi|reset|init|power|sleep [VCPU]",
    .help = "Send a guest a signal of the hardware",
    .min = 2,
    .max = 3,
    .run = trigger_run,
};

static int sysrq_run(struct ctl *c, int argc, char **argv)
{
    uint32_t domid;
    int status = find_domain(c, argv[0], &domid);

    (void)argc;
    if (status != 0) {
        return status;
    }
    if (argv[1][0] == '\0' || argv[1][1] != '\0') {
        complain(c, "sysrq: expected one letter, found '%s'", argv[1]);
        return EXIT_USAGE;
    }
    return ctrl_domain_sysrq(c->h, domid, argv[1][0]) < 0 ? failed(c) : 0;
}

const struct cmd cmd_sysrq = {
    .name = "sysrq",
    .args = "DOMAIN LETTER",
    .help = "Send a guest a magic system request",
    .min = 2,
    .max = 2,
    .run = sysrq_run,
};
