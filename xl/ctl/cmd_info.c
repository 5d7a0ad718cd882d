/* SPDX-License-Identifier: MIT */
/* info: what the host and the hypervisor are. Gathered as a list of keys and texts, then shown. */
#include "cmd.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define MAX_FACTS 64

struct fact {
    const char *key;
    char *text;
    bool host_detail; /* stands before the hypervisor's part with -n */
};

struct facts {
    struct fact rows[MAX_FACTS];
    size_t count;
};

static void add(struct facts *f, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct facts *f, const char *key, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    if (f->count < MAX_FACTS && vasprintf(&text, format, args) >= 0) {
        f->rows[f->count++] = (struct fact){ .key = key, .text = text };
    }
    va_end(args);
}

static void add_system(struct facts *f)
{
    struct utsname u;

    if (uname(&u) < 0) {
        return;
    }
    add(f, "host", "%s", u.nodename);
    add(f, "release", "%s", u.release);
    add(f, "version", "%s", u.version);
    add(f, "machine", "%s", u.machine);
}

static void add_capabilities(struct facts *f, const struct ctrl_physinfo *p)
{
    const struct {
        bool there;
        const char *word;
    } words[] = {
        { p->cap_pv, "pv" }, { p->cap_hvm, "hvm" },
        { p->cap_hvm && p->cap_directio, "hvm_directio" },
        { p->cap_pv && p->cap_directio, "pv_directio" }, { p->cap_hap, "hap" },
        { p->cap_shadow, "shadow" }, { p->cap_iommu_hap_pt_share, "iommu_hap_pt_share" },
        { p->cap_vmtrace, "vmtrace" }, { p->cap_vpmu, "vpmu" },
        { p->cap_gnttab_v1, "gnttab-v1" }, { p->cap_gnttab_v2, "gnttab-v2" },
    };
    char text[160] = "";

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].there) {
            strcat(text, text[0] != '\0' ? " " : "");
            strcat(text, words[i].word);
        }
    }
    add(f, "virt_caps", "%s", text);
}

static int add_machine(struct ctl *c, struct facts *f)
{
    struct ctrl_physinfo p;
    struct ctrl_cpumap spare = { 0 };
    uint64_t freed = 0, used = 0, held;
    const uint32_t *w = p.hw_cap;
    unsigned int nr_spare = 0;

    if (ctrl_physinfo(c->h, &p) < 0) {
        return failed(c);
    }
    ctrl_sharing(c->h, &freed, &used);
    ctrl_cpupool_free_cpus(c->h, &spare);
    for (unsigned int i = 0; i < CTRL_MAX_CPUS; i++) {
        nr_spare += ctrl_cpumap_test(&spare, i);
    }
    held = p.outstanding_pages < p.free_pages ? p.outstanding_pages : p.free_pages;
    add(f, "nr_cpus", "%u", p.nr_cpus);
    add(f, "max_cpu_id", "%u", p.max_cpu_id);
    add(f, "nr_nodes", "%u", p.nr_nodes);
    add(f, "cores_per_socket", "%u", p.cores_per_socket);
    add(f, "threads_per_core", "%u", p.threads_per_core);
    add(f, "cpu_mhz", "%u.%03u", p.cpu_khz / 1000, p.cpu_khz % 1000);
    add(f, "hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", w[0], w[1], w[2], w[3], w[4],
        w[5], w[6], w[7]);
    add_capabilities(f, &p);
    add(f, "total_memory", "%" PRIu64, p.total_pages / 256);
    add(f, "free_memory", "%" PRIu64, (p.free_pages - held) / 256);
    add(f, "sharing_freed_memory", "%" PRIu64, freed / 256);
    add(f, "sharing_used_memory", "%" PRIu64, used / 256);
    add(f, "outstanding_claims", "%" PRIu64, p.outstanding_pages / 256);
    add(f, "free_cpus", "%u", nr_spare);
    f->rows[f->count - 1].host_detail = true;
    return 0;
}

static int add_hypervisor(struct ctl *c, struct facts *f)
{
    struct ctrl_version v;
    unsigned int scheduler;

    if (ctrl_version(c->h, &v) < 0 || ctrl_scheduler_id(c->h, &scheduler) < 0) {
        return failed(c);
    }
    add(f, "xen_major", "%u", v.major);
    add(f, "xen_minor", "%u", v.minor);
    add(f, "xen_extra", "%s", v.extra);
    add(f, "xen_version", "%u.%u%s", v.major, v.minor, v.extra);
    add(f, "xen_caps", "%s", v.capabilities);
    add(f, "xen_scheduler", "%s", ctrl_scheduler_name(scheduler));
    add(f, "xen_pagesize", "%u", v.page_size);
    add(f, "platform_params", "virt_start=0x%" PRIx64, v.virt_start);
    add(f, "xen_changeset", "%s", v.changeset);
    add(f, "xen_commandline", "%s", v.command_line);
    add(f, "cc_compiler", "%s", v.compiler);
    add(f, "cc_compile_by", "%s", v.compile_by);
    add(f, "cc_compile_domain", "%s", v.compile_domain);
    add(f, "cc_compile_date", "%s", v.compile_date);
    add(f, "build_id", "%s", v.build_id);
    add(f, "xend_config_format", "4");
    return 0;
}

static void print_topology(struct ctl *c)
{
    struct ctrl_cpu_topology *cpus;
    size_t count;

    puts("cpu_topology           :");
    if (ctrl_cpu_topology(c->h, &cpus, &count) < 0) {
        failed(c);
        return;
    }
    printf("cpu:    core    socket     node\n");
    for (size_t i = 0; i < count; i++) {
        if (cpus[i].core != UINT32_MAX) {
            printf("%3zu:    %4u     %4u     %4u\n", i, cpus[i].core, cpus[i].socket,
                   cpus[i].node);
        }
    }
    free(cpus);
}

static void print_nodes(struct ctl *c)
{
    struct ctrl_node *nodes;
    size_t count;

    puts("device topology        :\ndevice           node\nNo device topology data available");
    puts("numa_info              :");
    if (ctrl_numa(c->h, &nodes, &count) < 0) {
        failed(c);
        return;
    }
    puts("node:    memsize    memfree    distances");
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].size_bytes == UINT64_MAX) {
            continue;
        }
        printf("%4zu:    %6" PRIu64 "     %6" PRIu64 "      %u", i, nodes[i].size_bytes >> 20,
               nodes[i].free_bytes >> 20, nodes[i].distance[0]);
        for (size_t j = 1; j < count && j < CTRL_MAX_NODES; j++) {
            printf(",%u", nodes[i].distance[j]);
        }
        putchar('\n');
    }
    free(nodes);
}

static void print_text(struct ctl *c, const struct facts *f)
{
    for (size_t i = 0; i < f->count; i++) {
        printf("%-22s : %s\n", f->rows[i].key, f->rows[i].text);
        if (f->rows[i].host_detail && opt_has(c, 'n')) {
            print_topology(c);
            print_nodes(c);
        }
    }
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 18;
}

static int print_json(struct ctl *c, const struct facts *f)
{
    yajl_gen g = json_new();

    yajl_gen_map_open(g);
    for (size_t i = 0; i < f->count; i++) {
        const char *text = f->rows[i].text;

        if (is_number(text)) {
            json_number(g, f->rows[i].key, strtoll(text, NULL, 10));
        } else {
            json_text(g, f->rows[i].key, text);
        }
    }
    yajl_gen_map_close(g);
    return json_end(c, g);
}

static int print_one(struct ctl *c, const struct facts *f, const char *key)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->rows[i].key, key) == 0) {
            puts(f->rows[i].text);
            return 0;
        }
    }
    complain(c, "info has no key '%s'; '%s info' shows all", key, c->program);
    return EXIT_FAILURE;
}

static int info_run(struct ctl *c, int argc, char **argv)
{
    struct facts f = { .count = 0 };
    int status;

    add_system(&f);
    status = add_machine(c, &f);
    status = status != 0 ? status : add_hypervisor(c, &f);
    if (status == 0 && argc > 0) {
        status = print_one(c, &f, argv[0]);
    } else if (status == 0 && c->json) {
        status = print_json(c, &f);
    } else if (status == 0) {
        print_text(c, &f);
    }
    for (size_t i = 0; i < f.count; i++) {
        free(f.rows[i].text);
    }
    return status;
}

static const struct opt info_opts[] = {
    { 'n', "numa", NULL, "also processors and memory nodes" },
    { 0, NULL, NULL, NULL },
};

const struct cmd cmd_info = {
    .name = "info",
    .args = "[KEY]",
    .help = "Show facts of the host and the hypervisor, or one",
    .opts = info_opts,
    .flags = CMD_LISTING,
    .max = 1,
    .run = info_run,
};
