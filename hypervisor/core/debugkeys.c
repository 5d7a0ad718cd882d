/* SPDX-License-Identifier: MIT */
/*
 * Debug keys: one row a letter. A key comes from the serial port (three times Ctrl-a first) and
 * is then run from a softirq, or from the sysctl of the same name.
 */
#include "core/debugkeys.h"
#include "core/evtchn.h"
#include "core/grant.h"
#include "core/printk.h"
#include "core/sched.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define EXTRA_MAX 16

struct debug_key {
    char key;
    const char *help;
    void (*fn)(void);
};

static struct debug_key extra[EXTRA_MAX]; /* registered by others, at boot */
static unsigned nr_extra;

static void for_each_domain(void (*fn)(struct domain *d))
{
    struct domain *d;

    for (unsigned id = 0; (d = domain_get_next((domid_t)id)) != NULL; id = d->id + 1u) {
        fn(d);
        domain_put(d);
        if (d->id + 1u >= DOMID_FIRST_RESERVED) {
            break;
        }
    }
}

static void dump_vcpu_line(const struct vcpu *v)
{
    printk(LOG_ERR, "  vcpu %u on %u: flags %x, paused %u, %s, state %d, affinity %lx/%lx\n", v->id,
           v->cpu, v->pause_flags, v->pause_count, v->running ? "running" : "off",
           v->runstate.state, (unsigned long)v->hard_affinity, (unsigned long)v->soft_affinity);
}

static void dump_domain(struct domain *d)
{
    struct vcpu *v;

    printk(LOG_ERR, "domain %u: refs %u, dying %d, pages %lu of %lu, shared %lu, %s%s\n", d->id,
           d->refs, d->dying, (unsigned long)d->tot_pages, (unsigned long)d->max_pages,
           (unsigned long)d->extra_pages, d->controller_pause ? "paused " : "",
           d->shut_down ? "shut down" : "");
    for_each_vcpu(d, v) {
        dump_vcpu_line(v);
    }
}

static void key_domains(void)
{
    for_each_domain(dump_domain);
}

static void key_evtchns(void)
{
    for_each_domain(evtchn_dump);
}

static void key_grants(void)
{
    for_each_domain(grant_dump);
}

static void key_run_queues(void)
{
    printk(LOG_ERR, "scheduler %s, now %lu\n", sched_policy->name, (unsigned long)arch_now());
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        const struct vcpu *v = per_cpu(sched_cpu, cpu).running;

        if (!per_cpu(sched_cpu, cpu).online || v == NULL) {
            continue;
        }
        printk(LOG_ERR, "processor %u runs d%uv%u\n", cpu, v->domain->id, v->id);
        if (sched_policy->dump != NULL) {
            sched_policy->dump(cpu);
        }
    }
}

static void key_memory(void)
{
    printk(LOG_ERR, "memory: %lu frames, %lu free, %lu claimed\n",
           (unsigned long)page_alloc_total(), (unsigned long)page_alloc_free_count(),
           (unsigned long)page_alloc_outstanding_claims());
    for (unsigned node = 0; node < page_alloc_nr_nodes(); node++) {
        printk(LOG_ERR, "  node %u: %lu free, %lu of them below 4 GiB\n", node,
               (unsigned long)page_alloc_free_count_node(node, WIDTH_ANY),
               (unsigned long)page_alloc_free_count_node(node, 32));
    }
}

static void key_time(void)
{
    printk(LOG_ERR, "system time %lu ns, wall clock %lu s, %u kHz\n", (unsigned long)arch_now(),
           (unsigned long)arch_wallclock_seconds(), arch_cpu_khz());
}

static void key_hardware_domain(void)
{
    struct vcpu *v;

    if (domain_hardware == NULL) {
        return;
    }
    for_each_vcpu(domain_hardware, v) {
        dump_vcpu_line(v);
        arch_dump_vcpu(v);
    }
}

static void key_registers(void)
{
    arch_dump_execution_state();
}

static void key_reboot(void)
{
    printk(LOG_ERR, "reboot by debug key\n");
    arch_reboot();
}

static void key_crash(void)
{
    panic("asked for by debug key");
}

static void key_levels(void)
{
    printk(LOG_ERR, "use loglvl= and guest_loglvl= on the command line\n");
}

static void key_help(void);

static const struct debug_key keys[] = {
    {'h', "this list", key_help},
    {'0', "registers of the hardware domain's vcpus", key_hardware_domain},
    {'C', "panic", key_crash},
    {'d', "registers of this processor", key_registers},
    {'e', "event channels", key_evtchns},
    {'g', "grant tables", key_grants},
    {'G', "how to set log levels", key_levels},
    {'m', "memory", key_memory},
    {'q', "domains and vcpus", key_domains},
    {'r', "run queues", key_run_queues},
    {'R', "reboot the machine", key_reboot},
    {'t', "time", key_time},
};

static void key_help(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        printk(LOG_ERR, "  %c  %s\n", keys[i].key, keys[i].help);
    }
    for (unsigned i = 0; i < nr_extra; i++) {
        printk(LOG_ERR, "  %c  %s\n", extra[i].key, extra[i].help);
    }
}

static const struct debug_key *find(const struct debug_key *table, size_t n, char key)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].key == key) {
            return &table[i];
        }
    }
    return NULL;
}

void debugkeys_run(char key)
{
    const struct debug_key *k = find(extra, nr_extra, key);

    if (k == NULL) {
        k = find(keys, ARRAY_SIZE(keys), key);
    }
    if (k == NULL) {
        printk(LOG_ERR, "no debug key '%c'; h lists them\n", key >= ' ' && key < 127 ? key : '?');
        return;
    }
    printk(LOG_ERR, "debug key '%c': %s\n", key, k->help);
    k->fn();
}

void debugkeys_register(char key, const char *help, void (*fn)(void))
{
    if (nr_extra < EXTRA_MAX) {
        extra[nr_extra++] = (struct debug_key){key, help, fn};
    }
}

/* --- keys from the serial port: a short queue, one writer (the interrupt) ----------------------
 */

static char queued[16];
static unsigned queue_in, queue_out; /* atomic */

void debugkeys_queue(char key)
{
    unsigned in = queue_in;

    if (in - __atomic_load_n(&queue_out, __ATOMIC_ACQUIRE) < sizeof(queued)) {
        queued[in % sizeof(queued)] = key;
        __atomic_store_n(&queue_in, in + 1, __ATOMIC_RELEASE);
        softirq_raise(SOFTIRQ_KEYS);
    }
}

static void run_queued(void)
{
    while (queue_out != __atomic_load_n(&queue_in, __ATOMIC_ACQUIRE)) {
        char key = queued[queue_out % sizeof(queued)];

        __atomic_store_n(&queue_out, queue_out + 1, __ATOMIC_RELEASE);
        debugkeys_run(key);
    }
}

void debugkeys_init(void)
{
    softirq_open(SOFTIRQ_KEYS, run_queued);
}
