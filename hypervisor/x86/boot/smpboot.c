/* SPDX-License-Identifier: MIT */
/*
 * Starting the other processors, one after another: INIT, start-up IPI, wait until it says that it
 * is alive, then until it is online. One that stays silent is put back to sleep by another INIT,
 * reported and left out. Numbers: the boot processor is 0, the others follow in the MADT's order.
 */
#include "x86/boot/smpboot.h"
#include "core/arch.h"
#include "core/errno.h"
#include "core/printk.h"
#include "core/sched.h"
#include "lib/cmdline.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/boot/boot.h"
#include "x86/boot/image.h"
#include "x86/cpu/cpu.h"
#include "x86/cpu/time.h"
#include "x86/irq/irq.h"
#include "x86/mm/layout.h"
#include "x86/mm/map.h"

struct trampoline_data {
    uint32_t cr3;
    uint32_t far_offset;
    uint16_t far_cs;
    uint16_t gdt_limit;
    uint32_t gdt_base;
    uint64_t stack;
    uint64_t entry;
} __attribute__((packed));

extern const char trampoline_start[], trampoline_end[], trampoline_long[], trampoline_gdt[];
extern const char trampoline_data[], trampoline_high[];
void smpboot_ap_main(void) __attribute__((noreturn));

static uint32_t apic_ids[MAX_CPUS], acpi_ids[MAX_CPUS];
static unsigned nr_cpus = 1;
static cpumask_t online = 1;
static unsigned smt_shift, package_shift; /* of APIC ids */
static volatile unsigned alive; /* number of the processor that came up last */
static paddr_t trampoline_page;

/* --- who exists ------------------------------------------------------------------------------- */

static unsigned log2_up(unsigned n)
{
    return n <= 1 ? 0 : 32 - __builtin_clz(n - 1);
}

static void find_topology(void)
{
    uint32_t r[4];

    if (!(cpu_features.l1[3] & (1u << 28))) {
        return; /* one logical processor in a package */
    }
    if (cpu_features.max_leaf >= 0xb) {
        for (uint32_t level = 0; level < 8; level++) {
            cpuid_raw(0xb, level, r);
            if (((r[2] >> 8) & 0xff) == 0) {
                break;
            }
            package_shift = r[0] & 31;
            smt_shift = ((r[2] >> 8) & 0xff) == 1 ? package_shift : smt_shift;
        }
        if (package_shift != 0) {
            return;
        }
    }
    package_shift = log2_up((cpu_features.l1[1] >> 16) & 0xff);
    if (cpu_features.amd && cpu_features.max_ext_leaf >= 0x80000008) {
        cpuid_raw(0x80000008, 0, r);
        package_shift = (r[2] >> 12) & 15 ? (r[2] >> 12) & 15 : log2_up((r[2] & 0xff) + 1);
        if (cpu_features.max_ext_leaf >= 0x8000001e && (cpu_features.e1[2] & (1u << 22))) {
            cpuid_raw(0x8000001e, 0, r);
            smt_shift = log2_up(((r[1] >> 8) & 0xff) + 1);
        }
    } else if (cpu_features.max_leaf >= 4) {
        unsigned cores;

        cpuid_raw(4, 0, r);
        cores = log2_up((r[0] >> 26) + 1);
        smt_shift = package_shift > cores ? package_shift - cores : 0;
    }
}

static uint32_t own_apic_id(void)
{
    uint32_t r[4];

    if (cpu_features.max_leaf >= 0xb) {
        cpuid_raw(0xb, 0, r);
        if (r[1] != 0) {
            return r[3];
        }
    }
    return cpu_features.l1[1] >> 24;
}

void smpboot_enumerate(void)
{
    uint64_t limit = cmdline_u64(hv_cmdline, "maxcpus", MAX_CPUS);
    unsigned left_out = 0;

    find_topology();
    apic_ids[0] = own_apic_id();
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        const struct acpi_cpu *c = &acpi_info.cpu[i];

        if (c->apic_id == apic_ids[0]) {
            acpi_ids[0] = c->acpi_id;
        } else if (c->enabled && nr_cpus < MIN(limit, MAX_CPUS)) {
            apic_ids[nr_cpus] = c->apic_id;
            acpi_ids[nr_cpus++] = c->acpi_id;
        } else if (c->enabled) {
            left_out++;
        }
    }
    if (left_out > 0) {
        printk(LOG_WARNING, "%u more processors are not used\n", left_out);
    }
}

uint32_t cpu_to_apic_id(unsigned cpu)
{
    return cpu < nr_cpus ? apic_ids[cpu] : APIC_ID_NONE;
}

uint32_t cpu_to_acpi_id(unsigned cpu)
{
    return cpu < nr_cpus ? acpi_ids[cpu] : APIC_ID_NONE;
}

int apic_id_to_cpu(uint32_t apic_id)
{
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
        if (apic_ids[cpu] == apic_id) {
            return cpu;
        }
    }
    return -1;
}

unsigned nr_present_cpus(void)
{
    return nr_cpus;
}

cpumask_t arch_online_cpus(void)
{
    return __atomic_load_n(&online, __ATOMIC_ACQUIRE);
}

cpumask_t arch_present_cpus(void)
{
    return nr_cpus == MAX_CPUS ? CPUMASK_ALL : (1ULL << nr_cpus) - 1;
}

unsigned arch_cpu_to_core(unsigned cpu)
{
    return cpu < nr_cpus ? (apic_ids[cpu] & ((1u << package_shift) - 1)) >> smt_shift : 0;
}

unsigned arch_cpu_to_socket(unsigned cpu)
{
    return cpu < nr_cpus ? apic_ids[cpu] >> package_shift : 0;
}

unsigned arch_cpu_to_node(unsigned cpu)
{
    (void)cpu;
    return 0;
}

/* Plugging processors in and out while running is not built. */
int arch_cpu_up(unsigned cpu)
{
    return arch_online_cpus() >> (cpu % MAX_CPUS) & 1 ? -EEXIST : -ENOSYS;
}

int arch_cpu_down(unsigned cpu)
{
    (void)cpu;
    return -ENOSYS;
}

/* --- starting them ---------------------------------------------------------------------------- */

/* A page of RAM without a module in it. */
static bool page_is_free(paddr_t p)
{
    for (unsigned i = 0; i < bootinfo.nr_modules; i++) {
        const struct boot_module *m = &bootinfo.module[i];

        if (p < m->start + m->size && p + PAGE_SIZE > m->start) {
            return false;
        }
    }
    return e820_type_at(bootinfo.e820, bootinfo.nr_e820, p) == E820_RAM &&
           e820_type_at(bootinfo.e820, bootinfo.nr_e820, p + PAGE_SIZE - 1) == E820_RAM;
}

/* The highest free page that a start-up IPI can name. */
static paddr_t find_low_page(void)
{
    for (paddr_t p = 0x9f000; p >= 0x1000; p -= PAGE_SIZE) {
        if (page_is_free(p)) {
            return p;
        }
    }
    return 0;
}

/* boot_l2, the identity mapping of head.S, shrinks to the one page. */
static void map_low_page(paddr_t p)
{
    pte_t *l2 = &boot_l2[0], *l1 = &boot_l2[512];

    memset(boot_l2, 0, 4 * PAGE_SIZE);
    memset(l3_identity, 0, PAGE_SIZE);
    l1[pt_index(p, 1)].v = p | PTE_P | PTE_A;
    l2[0].v = image_to_paddr(l1) | PTE_TABLE;
    l3_identity[0].v = image_to_paddr(l2) | PTE_TABLE;
}

static void write_trampoline(unsigned cpu)
{
    size_t size = trampoline_end - trampoline_start;
    char *page = paddr_to_virt(trampoline_page);
    struct trampoline_data *d = (void *)(page + (trampoline_data - trampoline_start));

    memcpy(page, trampoline_start, size);
    d->cr3 = image_to_paddr(boot_root);
    d->far_offset = trampoline_page + (trampoline_long - trampoline_start);
    d->gdt_base = trampoline_page + (trampoline_gdt - trampoline_start);
    d->stack = CPU_SLICE(cpu) + CPU_SLICE_SIZE - sizeof(struct cpu_info) - 8;
    d->entry = (uint64_t)trampoline_high;
}

static bool wait_for(unsigned cpu, bool want_online, stime_t how_long)
{
    stime_t end = arch_now() + how_long;

    do {
        if (want_online ? arch_online_cpus() >> cpu & 1 : alive == cpu) {
            return true;
        }
        cpu_relax();
    } while (arch_now() < end);
    return false;
}

static void delay(stime_t how_long)
{
    stime_t end = arch_now() + how_long;

    while (arch_now() < end) {
        cpu_relax();
    }
}

static bool wake_up(unsigned cpu)
{
    uint32_t id = apic_ids[cpu];
    /* Only processors from before 2006 need the long pause of the MP specification. */
    bool slow = cpu_features.intel && cpu_features.family == 15;

    lapic_send_init(id);
    delay(slow ? MILLISECS(10) : MICROSECS(50));
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        lapic_send_sipi(id, trampoline_page >> PAGE_SHIFT);
        if (wait_for(cpu, false, attempt == 0 ? MILLISECS(10) : SECONDS(2))) {
            return true;
        }
    }
    return false;
}

static bool start_one(unsigned cpu)
{
    struct cpu_info *info = (struct cpu_info *)(CPU_SLICE(cpu) + CPU_SLICE_SIZE) - 1;

    if (cpu_slice_create(cpu) || sched_cpu_online(cpu)) {
        printk(LOG_ERR, "no memory to start processor %u\n", cpu);
        return false;
    }
    memset(info, 0, sizeof(*info));
    info->cpu = cpu;
    write_trampoline(cpu);
    smp_mb();
    if (!wake_up(cpu)) {
        lapic_send_init(apic_ids[cpu]);
        sched_cpu_offline(cpu);
        printk(LOG_ERR, "processor %u (APIC %u) does not start\n", cpu, apic_ids[cpu]);
        return false;
    }
    if (!wait_for(cpu, true, SECONDS(20))) {
        panic("processor %u (APIC %u) hangs while it starts", cpu, apic_ids[cpu]);
    }
    return true;
}

void arch_start_cpus(void)
{
    unsigned running = 1;

    trampoline_page = find_low_page();
    if (nr_cpus > 1 && trampoline_page == 0) {
        printk(LOG_ERR, "no RAM below 1 MiB: only one processor runs\n");
        return;
    }
    if (nr_cpus > 1) {
        map_low_page(trampoline_page);
    }
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++) {
        running += start_one(cpu);
    }
    printk(LOG_INFO, "%u of %u processors run\n", running, nr_cpus);
    time_check_sync();
}

void smpboot_ap_main(void)
{
    unsigned cpu = smp_processor_id();

    alive = cpu;
    desc_init(cpu);
    cpu_init(cpu);
    lapic_init_cpu();
    time_init_cpu();
    __atomic_fetch_or(&online, 1ULL << cpu, __ATOMIC_RELEASE);
    sched_cpu_started(cpu);
    idle_loop();
}
