/* SPDX-License-Identifier: MIT */
/* core/arch.h on the host: see fake.h. */
#include "fake.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "core/console.h"
#include "core/errno.h"
#include "core/debugkeys.h"
#include "core/hypercall.h"
#include "core/sched.h"
#include "core/smp.h"
#include "core/softirq.h"
#include "core/timer.h"

unsigned fake_cpu, fake_nr_cpus = 1;
struct vcpu *fake_current[MAX_CPUS];
bool fake_irqs_off[MAX_CPUS];
stime_t fake_now;
uint64_t fake_frames_cleared, fake_frames_reused, fake_pages_freed;
unsigned fake_power_offs, fake_reboots;
jmp_buf *fake_exit;
int fake_step_fails;
char fake_console[1 << 16];
const char *hv_cmdline = "";

static size_t console_used;
static stime_t deadline[MAX_CPUS];
static cpumask_t call_pending;
static char *ram;
static struct page *frames;
static unsigned depth; /* of processors that run inside one another */

/* --- processors take turns ---------------------------------------------------------------------
 */

static void on_cpu(unsigned cpu, void (*fn)(void))
{
    unsigned saved = fake_cpu;

    fake_cpu = cpu;
    fn();
    fake_cpu = saved;
}

static void take_call(void)
{
    bool was = fake_irqs_off[fake_cpu];

    fake_irqs_off[fake_cpu] = true;
    smp_handle_call();
    fake_irqs_off[fake_cpu] = was;
}

/* One round over the processors; true if there was anything to do. */
static bool round_robin(unsigned except)
{
    bool any = false;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (cpu == except || (cpu >= fake_nr_cpus && cpu != FAKE_OUTSIDE)) {
            continue;
        }
        if (call_pending & (1ULL << cpu)) {
            call_pending &= ~(1ULL << cpu);
            on_cpu(cpu, take_call);
            any = true;
        }
        if (per_cpu(softirq_pending, cpu) != 0) {
            on_cpu(cpu, do_softirq);
            any = true;
        }
    }
    return any;
}

void fake_relax(void)
{
    if (++depth > 8) {
        fprintf(stderr, "processor %u waits for something that does not come\n", fake_cpu);
        abort();
    }
    round_robin(fake_cpu);
    depth--;
}

void fake_settle(void)
{
    for (unsigned i = 0; round_robin(~0U); i++) {
        if (i == 100000) {
            fprintf(stderr, "softirqs without end\n");
            abort();
        }
    }
}

void fake_run(stime_t ns)
{
    stime_t end = fake_now + ns;

    for (;;) {
        stime_t next = STIME_MAX;

        fake_settle();
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
            next = deadline[cpu] < next ? deadline[cpu] : next;
        }
        if (next > end) {
            break;
        }
        fake_now = next > fake_now ? next : fake_now;
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
            if (deadline[cpu] <= fake_now) {
                deadline[cpu] = STIME_MAX;
                __atomic_or_fetch(&per_cpu(softirq_pending, cpu), 1u << SOFTIRQ_TIMER,
                                  __ATOMIC_SEQ_CST);
            }
        }
    }
    fake_now = end;
    fake_settle();
}

/* --- start -------------------------------------------------------------------------------------
 */

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        abort();
    }
    return p;
}

void fake_reset(unsigned cpus)
{
    if (ram == NULL) {
        ram = reserve(FAKE_MAX_MFN << PAGE_SHIFT);
        frames = reserve(FAKE_MAX_MFN * sizeof(struct page));
    }
    fake_nr_cpus = cpus;
    fake_cpu = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        deadline[i] = STIME_MAX;
        softirq_pending[i] = 0;
    }
}

static void start_cpu(void)
{
    sched_cpu_started(fake_cpu);
}

void fake_start(unsigned cpus, uint64_t first, uint64_t count, const char *cmdline)
{
    fake_reset(cpus);
    fake_now = SECONDS(1);
    hv_cmdline = cmdline;
    console_init();
    page_alloc_add_range(MFN(first), MFN(first + count), 0);
    timer_subsys_init();
    domain_subsys_init();
    sched_subsys_init();
    hypercall_subsys_init();
    debugkeys_init();
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        sched_cpu_online(cpu);
        on_cpu(cpu, start_cpu);
    }
    sched_cpu_online(FAKE_OUTSIDE);
    fake_cpu = FAKE_OUTSIDE;
    current = per_cpu(sched_cpu, FAKE_OUTSIDE).idle;
    fake_settle();
}

struct domain *fake_domain(domid_t id, unsigned vcpus, uint64_t max_pages)
{
    struct xen_domctl_createdomain cfg = {
        .max_vcpus = vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
    };
    struct domain *d = NULL;

    if (domain_create(id, &cfg, 0, &fake_ops, &d) != 0) {
        return NULL;
    }
    d->max_pages = max_pages;
    for (unsigned i = 0; i < vcpus; i++) {
        if (vcpu_create(d, i) != 0) {
            abort();
        }
        d->vcpu[i]->initialised = true;
        vcpu_up(d->vcpu[i]);
    }
    domain_unpause_by_tools(d);
    domain_put(d); /* the caller's; the table keeps it */
    fake_settle();
    return d;
}

void fake_kill(struct domain *d)
{
    int rc;

    do {
        rc = domain_kill(d);
        fake_settle();
    } while (rc == -ERESTART);
    if (rc != 0) {
        abort();
    }
}

/* --- a kind of guest that does nothing ---------------------------------------------------------
 */

static int fake_create(struct domain *d, const struct xen_domctl_createdomain *cfg)
{
    (void)d;
    (void)cfg;
    return fake_step_fails;
}

static int fake_relinquish(struct domain *d)
{
    return d->arch.relinquish_calls++ == 0 ? -ERESTART : 0;
}

static void fake_destroy(struct domain *d)
{
    (void)d;
}

static int fake_vcpu_create(struct vcpu *v)
{
    (void)v;
    return 0;
}

static void fake_vcpu_destroy(struct vcpu *v)
{
    (void)v;
}

static int fake_set_context(struct vcpu *v, const vcpu_guest_context_t *c)
{
    (void)v;
    (void)c;
    return 0;
}

static int fake_get_context(struct vcpu *v, vcpu_guest_context_t *c)
{
    (void)v;
    (void)c;
    return 0;
}

static struct page *fake_get_page(struct domain *d, gfn_t gfn, bool need_write)
{
    struct page *pg = arch_mfn_to_page(MFN(gfn.v));

    if (pg == NULL || !page_get(pg, d)) {
        return NULL;
    }
    if (need_write && !page_get_writable(pg)) {
        page_put(pg);
        return NULL;
    }
    return pg;
}

static void fake_put_page(struct page *pg, bool need_write)
{
    if (need_write) {
        page_put_writable(pg);
    }
    page_put(pg);
}

static int fake_page_added(struct domain *d, gfn_t gfn, struct page *pg, unsigned order)
{
    (void)d, (void)gfn, (void)pg, (void)order;
    return 0;
}

static void fake_page_removed(struct domain *d, gfn_t gfn, struct page *pg)
{
    (void)d, (void)gfn, (void)pg;
}

static uint64_t fake_max_gfn(struct domain *d)
{
    (void)d;
    return FAKE_MAX_MFN - 1;
}

const struct guest_ops fake_ops = {
    .name = "fake",
    .domain_create = fake_create,
    .domain_relinquish = fake_relinquish,
    .domain_destroy = fake_destroy,
    .vcpu_create = fake_vcpu_create,
    .vcpu_destroy = fake_vcpu_destroy,
    .vcpu_set_context = fake_set_context,
    .vcpu_get_context = fake_get_context,
    .get_page = fake_get_page,
    .put_page = fake_put_page,
    .page_added = fake_page_added,
    .page_removed = fake_page_removed,
    .max_gfn = fake_max_gfn,
};

/* --- memory ------------------------------------------------------------------------------------
 */

struct page *arch_mfn_to_page(mfn_t m)
{
    return m.v < FAKE_MAX_MFN ? &frames[m.v] : NULL;
}

mfn_t arch_page_to_mfn(const struct page *pg)
{
    return MFN((uint64_t)(pg - frames));
}

void *map_frame(mfn_t m)
{
    return ram + (m.v << PAGE_SHIFT);
}

void unmap_frame(const void *va)
{
    (void)va;
}

void *arch_page_virt(const struct page *pg)
{
    return map_frame(arch_page_to_mfn(pg));
}

struct page *arch_virt_to_page(const void *va)
{
    return &frames[(size_t)((const char *)va - ram) >> PAGE_SHIFT];
}

void arch_clear_page(void *va)
{
    fake_frames_cleared++;
    memset(va, 0, PAGE_SIZE);
}

void arch_copy_page(void *dst, const void *src)
{
    memcpy(dst, src, PAGE_SIZE);
}

uint64_t arch_max_mfn(void)
{
    return FAKE_MAX_MFN;
}

uint64_t arch_ram_pages(void)
{
    return FAKE_MAX_MFN;
}

void arch_page_freed(struct page *pg)
{
    pg->type = 0;
    fake_pages_freed++;
}

void arch_page_reused(struct page *pg, unsigned order)
{
    (void)pg;
    fake_frames_reused += 1ULL << order;
}

void arch_page_shared(struct page *pg, bool writable)
{
    pg->type = writable;
}

bool page_get_writable(struct page *pg)
{
    pg->type++;
    return true;
}

void page_put_writable(struct page *pg)
{
    pg->type--;
}

mfn_t arch_guest_va_to_mfn(struct vcpu *v, uint64_t va)
{
    (void)v;
    return paddr_to_mfn(va - (uint64_t)ram);
}

/* A guest's address is one of the test's own; 0 faults. */
bool guest_range_ok(guest_ptr_t p, size_t len)
{
    return p.va < 0x800000000000ULL && p.va + len < 0x800000000000ULL;
}

int guest_read(void *dst, guest_ptr_t src, size_t len)
{
    if (!guest_range_ok(src, len) || (src.va == 0 && len != 0)) {
        memset(dst, 0, len);
        return -EFAULT;
    }
    memcpy(dst, (const void *)(uintptr_t)src.va, len);
    return 0;
}

int guest_write(guest_ptr_t dst, const void *src, size_t len)
{
    if (!guest_range_ok(dst, len) || (dst.va == 0 && len != 0)) {
        return -EFAULT;
    }
    memcpy((void *)(uintptr_t)dst.va, src, len);
    return 0;
}

int guest_clear(guest_ptr_t dst, size_t len)
{
    if (!guest_range_ok(dst, len) || (dst.va == 0 && len != 0)) {
        return -EFAULT;
    }
    memset((void *)(uintptr_t)dst.va, 0, len);
    return 0;
}

/* --- time, processors, vcpus -------------------------------------------------------------------
 */

stime_t arch_now(void)
{
    return fake_now;
}

void arch_timer_program(stime_t when)
{
    deadline[fake_cpu] = when;
}

uint64_t arch_wallclock_seconds(void)
{
    return 1700000000 + (uint64_t)(fake_now / SECONDS(1));
}

cpumask_t arch_online_cpus(void)
{
    return fake_nr_cpus == MAX_CPUS ? CPUMASK_ALL : (1ULL << fake_nr_cpus) - 1;
}

cpumask_t arch_present_cpus(void)
{
    return arch_online_cpus();
}

unsigned arch_cpu_to_core(unsigned cpu)
{
    return cpu;
}

unsigned arch_cpu_to_socket(unsigned cpu)
{
    return cpu / 8;
}

unsigned arch_cpu_to_node(unsigned cpu)
{
    (void)cpu;
    return 0;
}

uint64_t arch_cpu_physid(unsigned cpu)
{
    return cpu;
}

uint32_t arch_cpu_khz(void)
{
    return 1000000;
}

void arch_send_ipi(cpumask_t cpus, enum ipi what)
{
    if (what == IPI_CALL) {
        call_pending |= cpus;
    }
}

void arch_cpu_idle(void)
{
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    fake_current[fake_cpu] = next;
    sched_context_switched(prev, next);
}

bool arch_event_deliverable(const struct vcpu *v)
{
    return v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask;
}

void arch_vcpu_kick(struct vcpu *v)
{
    v->arch.kicks++;
}

void arch_raise_nmi(struct vcpu *v)
{
    v->arch.nmis++;
}

void arch_update_runstate_guest(struct vcpu *v)
{
    (void)v;
}

void arch_vcpu_update_time(struct vcpu *v)
{
    v->arch.time_updates++;
}

bool arch_vcpu_idle_init(struct vcpu *v)
{
    (void)v;
    return true;
}

/* --- console, the end --------------------------------------------------------------------------
 */

void arch_console_write(const char *s, size_t len)
{
    size_t room = sizeof(fake_console) - 1 - console_used;
    size_t n = len < room ? len : room;

    memcpy(fake_console + console_used, s, n);
    console_used += n;
    if (getenv("FAKE_VERBOSE") != NULL) {
        fwrite(s, 1, len, stderr);
    }
}

void arch_console_panic(void)
{
}

static void __attribute__((noreturn)) leave(const char *how)
{
    if (fake_exit != NULL) {
        longjmp(*fake_exit, 1);
    }
    fprintf(stderr, "the machine %s; its console:\n%s\n", how, fake_console);
    abort();
}

void arch_reboot(void)
{
    fake_reboots++;
    leave("reboots");
}

void arch_power_off(void)
{
    fake_power_offs++;
    leave("powers off");
}

void arch_panic_exit(void)
{
    leave("panics");
}

void arch_halt(void)
{
    leave("halts");
}
