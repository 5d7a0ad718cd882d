/* SPDX-License-Identifier: MIT */
/*
 * What dom0 gets: memory (dom0_mem=), vcpus (dom0_max_vcpus=), rights, and every port, interrupt
 * and device page that is not the hypervisor's own.
 *
 * dom0_mem=512M,min:256M,max:1G  an amount, a lower and an upper bound; a negative amount is
 *                                what stays free. Without it: 1/16 of the machine's memory plus
 *                                512 MiB, at most 8 GiB.
 */
#include "x86/pv/dom0.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/sched.h"
#include "lib/cmdline.h"
#include "lib/lib.h"
#include "lib/rangeset.h"
#include "x86/boot/acpi.h"
#include "x86/irq/irq.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"
#include "x86/pv/pv.h"

#define MIB_PAGES(n) ((uint64_t)(n) << (20 - PAGE_SHIFT))
#define DOM0_MIN     MIB_PAGES(256)
#define DOM0_DEFAULT MIB_PAGES(512)
#define DOM0_MAX     MIB_PAGES(8192)

/* --- how much memory -------------------------------------------------------------------------- */

struct dom0_mem_option {
    bool given, negative, have_max;
    uint64_t amount, min, max; /* pages */
};

static uint64_t parse_pages(const char *s)
{
    const char *end;

    return cmdline_parse_size(s, &end, 1024) >> PAGE_SHIFT; /* without a suffix: KiB */
}

static void parse_dom0_mem(struct dom0_mem_option *o)
{
    char value[128], item[64];
    const char *c = value, *arg;

    memset(o, 0, sizeof(*o));
    if (!cmdline_get(hv_cmdline, "dom0_mem", value, sizeof(value))) {
        return;
    }
    while (cmdline_next_item(&c, item, sizeof(item))) {
        if ((arg = cmdline_item_value(item, "min"))) {
            o->min = parse_pages(arg);
        } else if ((arg = cmdline_item_value(item, "max"))) {
            o->max = parse_pages(arg);
            o->have_max = true;
        } else {
            o->negative = item[0] == '-';
            o->amount = parse_pages(item + (o->negative ? 1 : 0));
            o->given = o->amount != 0;
        }
    }
}

static uint64_t dom0_pages(uint64_t *max_pages)
{
    uint64_t total = page_alloc_total(), avail = page_alloc_free_count();
    uint64_t reserve = MIB_PAGES(32) + avail / 128; /* for the hypervisor and its tables */
    struct dom0_mem_option o;
    uint64_t pages;

    parse_dom0_mem(&o);
    avail = avail > reserve ? avail - reserve : 0;
    if (!o.given) {
        pages = MIN(total / 16 + DOM0_DEFAULT, DOM0_MAX);
    } else if (o.negative) {
        pages = avail > o.amount ? avail - o.amount : 0;
    } else {
        pages = o.amount;
    }
    pages = MAX(pages, o.min);
    if (o.have_max) {
        pages = MIN(pages, o.max);
    }
    pages = MIN(pages, avail);
    *max_pages = o.have_max ? MAX(o.max, pages) : pages;
    return pages;
}

/* The largest blocks first, so that its memory is a few long runs. */
static int allocate_memory(struct domain *d, struct dom0_memory *m, uint64_t pages)
{
    unsigned order = MAX_ORDER;

    while (m->nr_pages < pages) {
        struct page *pg = NULL;
        struct dom0_chunk *c = m->nr_chunks ? &m->chunk[m->nr_chunks - 1] : NULL;
        uint64_t mfn;

        while ((1ULL << order) > pages - m->nr_pages ||
               !(pg = page_alloc_domain(d, order, NODE_ANY, WIDTH_ANY, 0))) {
            if (order == 0) {
                return -ENOMEM;
            }
            order--;
        }
        mfn = arch_page_to_mfn(pg).v;
        if (c && c->mfn + c->count == mfn) {
            c->count += 1ULL << order;
        } else {
            if (m->nr_chunks == DOM0_MAX_CHUNKS) {
                return -ENOMEM;
            }
            m->chunk[m->nr_chunks++] = (struct dom0_chunk){m->nr_pages, mfn, 1ULL << order};
        }
        m->nr_pages += 1ULL << order;
    }
    return 0;
}

mfn_t dom0_mfn(const struct dom0_memory *m, uint64_t pfn)
{
    unsigned lo = 0, hi = m->nr_chunks;

    ASSERT(pfn < m->nr_pages);
    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;

        if (m->chunk[mid].pfn <= pfn) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return MFN(m->chunk[lo].mfn + (pfn - m->chunk[lo].pfn));
}

/* --- rights to the machine -------------------------------------------------------------------- */

static const struct {
    uint16_t first, last;
} denied_ports[] = {
    {0x20, 0x21}, {0xa0, 0xa1},  /* interrupt controllers */
    {0x40, 0x43}, {0x61, 0x61},  /* interval timer and its gate */
    {0xcf8, 0xcff},              /* PCI configuration: mediated by priv_op.c */
};

static int give_resources(struct domain *d)
{
    char console[64];
    int rc;

    rc = rangeset_add(d->ioports, 0, 0xffff);
    for (unsigned i = 0; rc == 0 && i < ARRAY_SIZE(denied_ports); i++) {
        rc = rangeset_remove(d->ioports, denied_ports[i].first, denied_ports[i].last);
    }
    if (rc == 0 && acpi_info.pm_timer_port != 0) {
        rc = rangeset_remove(d->ioports, acpi_info.pm_timer_port, acpi_info.pm_timer_port + 3);
    }
    if (rc == 0 && cmdline_get(hv_cmdline, "console", console, sizeof(console)) &&
        strstr(console, "com1")) {
        rc = rangeset_remove(d->ioports, 0x3f8, 0x3ff);
    }
    if (rc == 0) {
        rc = rangeset_add(d->iomem, 0, (1ULL << (52 - PAGE_SHIFT)) - 1);
    }
    if (rc == 0) {
        rc = rangeset_add(d->irqs, 0, arch_nr_pirqs(d) - 1);
    }
    return rc;
}

/* --- putting it together ---------------------------------------------------------------------- */

static int make_domain(struct domain **out)
{
    struct xen_domctl_createdomain cfg = {
        .flags = 0,
        .max_evtchn_port = -1,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = 1,
    };
    unsigned cpus = (unsigned)__builtin_popcountll(arch_online_cpus());
    uint64_t vcpus = cmdline_u64(hv_cmdline, "dom0_max_vcpus", cpus);
    struct domain *d;
    int rc;

    cfg.max_vcpus = (uint32_t)MIN(MAX(vcpus, 1), MAX_VCPUS);
    rc = domain_create(0, &cfg, RIGHT_CONTROL | RIGHT_HARDWARE | RIGHT_STORE, &pv_ops, &d);
    if (rc != 0) {
        return rc;
    }
    d->is_privileged_build = true;
    domain_hardware = d;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        rc = vcpu_create(d, i);
        if (rc != 0) {
            return rc;
        }
        d->vcpu[i]->info->evtchn_upcall_mask = 1;
    }
    *out = d;
    return give_resources(d);
}

int arch_build_dom0(void)
{
    const struct boot_module *initrd = bootinfo.nr_modules > 1 ? &bootinfo.module[1] : NULL;
    struct dom0_memory *m;
    uint64_t pages, max_pages;
    struct domain *d;
    int rc;

    if (bootinfo.nr_modules == 0) {
        panic("no kernel for dom0: the boot loader gave no module");
    }
    pages = dom0_pages(&max_pages);
    if (pages < DOM0_MIN) {
        panic("dom0 needs at least 256 MiB of memory, and would get %lu MiB (see dom0_mem=)",
              (unsigned long)(pages >> 8));
    }
    m = heap_alloc_pages(4); /* 64 KiB: struct dom0_memory */
    if (!m) {
        return -ENOMEM;
    }
    _Static_assert(sizeof(struct dom0_memory) <= (16 << PAGE_SHIFT), "dom0_memory");
    rc = make_domain(&d);
    if (rc == 0) {
        d->max_pages = max_pages;
        rc = allocate_memory(d, m, pages);
    }
    if (rc == 0) {
        rc = dom0_load(d, m, &bootinfo.module[0], initrd);
    }
    heap_free_pages(m, 4);
    if (rc != 0) {
        return rc;
    }
    printk(LOG_INFO, "dom0: %lu MiB, %u vcpus\n", (unsigned long)(pages >> 8), d->max_vcpus);
    d->creation_finished = true;
    return 0;
}
