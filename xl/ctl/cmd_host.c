/* SPDX-License-Identifier: MIT */
/* uptime, dmesg, debug-keys, version. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct opt uptime_opts[] = {
    { 's', "short", NULL, "in one line" },
    { 0, NULL, NULL, NULL },
};

static int64_t domain_uptime(struct ctl *c, uint32_t domid)
{
    int64_t start;
    double seconds = 0;
    FILE *f;

    if (domid != 0) {
        return ctrl_domain_start_time(c->h, domid, &start) < 0 ? 0 : (int64_t)time(NULL) - start;
    }
    f = fopen("/proc/uptime", "r");
    if (f != NULL) {
        if (fscanf(f, "%lf", &seconds) != 1) {
            seconds = 0;
        }
        fclose(f);
    }
    return (int64_t)seconds;
}

static void print_uptime(struct ctl *c, const char *name, uint32_t domid, int64_t up)
{
    int days = (int)(up / 86400), hours = (int)(up / 3600 % 24), minutes = (int)(up / 60 % 60);
    char now[16], long_days[32] = "";
    time_t t = time(NULL);
    struct tm tm;

    if (days > 0) {
        snprintf(long_days, sizeof(long_days), "%d day%s, ", days, days > 1 ? "s" : "");
    }
    if (opt_has(c, 's')) {
        strftime(now, sizeof(now), "%H:%M:%S", localtime_r(&t, &tm));
        printf(" %s up %s%2d:%02d, %s (%u)\n", now, long_days, hours, minutes, name, domid);
    } else {
        printf("%-33s %4u %s%2d:%02d:%02d\n", name, domid, long_days, hours, minutes,
               (int)(up % 60));
    }
}

static int uptime_run(struct ctl *c, int argc, char **argv)
{
    struct domains d;
    int status = domains_get(c, &d);
    yajl_gen g = NULL;

    if (status != 0) {
        return status;
    }
    status = domains_choose(&d, argc, argv);
    if (c->json) {
        g = json_new();
        yajl_gen_array_open(g);
    } else if (!opt_has(c, 's')) {
        printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
    }
    for (size_t i = 0; i < d.count; i++) {
        int64_t up = domain_uptime(c, d.list[i].domid);

        if (c->json) {
            yajl_gen_map_open(g);
            json_text(g, "name", d.names[i]);
            json_number(g, "domid", d.list[i].domid);
            json_number(g, "uptime_seconds", up);
            yajl_gen_map_close(g);
        } else {
            print_uptime(c, d.names[i] != NULL ? d.names[i] : "(null)", d.list[i].domid, up);
        }
    }
    domains_free(&d);
    if (c->json) {
        yajl_gen_array_close(g);
        json_end(c, g);
    }
    return status;
}

const struct cmd cmd_uptime = {
    .name = "uptime",
    .args = "[DOMAIN...]",
    .help = "Show for how long domains have been running",
    .opts = uptime_opts,
    .flags = CMD_LISTING,
    .max = 64,
    .run = uptime_run,
};

static const struct opt dmesg_opts[] = {
    { 'c', "clear", NULL, "empty the log afterwards" },
    { 0, NULL, NULL, NULL },
};

static int dmesg_run(struct ctl *c, int argc, char **argv)
{
    char *text;
    size_t length;

    (void)argc;
    (void)argv;
    if (ctrl_console_ring(c->h, opt_has(c, 'c'), &text, &length) < 0) {
        return failed(c);
    }
    fwrite(text, 1, length, stdout);
    free(text);
    return 0;
}

const struct cmd cmd_dmesg = {
    .name = "dmesg",
    .args = "",
    .help = "Print the hypervisor's log",
    .opts = dmesg_opts,
    .run = dmesg_run,
};

static int debug_keys_run(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctrl_debug_keys(c->h, argv[0]) < 0 ? failed(c) : 0;
}

const struct cmd cmd_debug_keys = {
    .name = "debug-keys",
    .args = "KEYS",
    .help = "Press debug keys of the hypervisor; h shows them in dmesg",
    .min = 1,
    .max = 1,
    .run = debug_keys_run,
};

static int version_run(struct ctl *c, int argc, char **argv)
{
    struct ctrl_version v;

    (void)argc;
    (void)argv;
    printf("%s %s\n", c->program, ctrl_library_version());
    if (ctrl_probe(c->h) == 0 && ctrl_version(c->h, &v) == 0) {
        printf("hypervisor interface %u.%u%s\n", v.major, v.minor, v.extra);
    }
    return 0;
}

const struct cmd cmd_version = {
    .name = "version",
    .args = "",
    .help = "Print the version",
    .flags = CMD_OFFLINE,
    .run = version_run,
};
