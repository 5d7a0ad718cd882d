/* SPDX-License-Identifier: MIT */
/*
 * System time: nanoseconds since start-up, from the TSC alone.
 *
 * At start the TSC's rate is measured against the best reference there is (HPET, ACPI PM timer,
 * PIT). From then on
 *
 *      now = record.ns + scale(tsc - record.tsc)
 *
 * with one record for all processors if their TSCs tick as one, which time_check_sync() finds
 * out. Guests compute with the same record and scale, so their clock and ours agree to the
 * nanosecond, and a record once published need never change. If the TSCs do not agree, each
 * processor gets a record of its own and now() never goes back behind what another one has seen.
 */
#include "x86/cpu/time.h"
#include "core/domain.h"
#include "core/percpu.h"
#include "core/printk.h"
#include "core/smp.h"
#include "lib/lib.h"
#include "x86/boot/acpi.h"
#include "x86/cpu/cpu.h"
#include "x86/dev/cmos.h"
#include "x86/dev/hpet.h"
#include "x86/dev/pit.h"
#include "x86/dev/pmtimer.h"

#define GIGA             1000000000LL
#define CALIBRATION_RUNS 3
#define CALIBRATION_MS   4
#define CALIBRATION_MIN  24000 /* ticks of the reference: a slow one is watched for longer */
#define SAMPLES          8
#define SYNC_TEST_NS     MILLISECS(1)

struct time_record {
    uint64_t tsc;
    stime_t ns;
};

static struct clock_ref reference;
static uint64_t tsc_hz;
static struct time_scale tsc_scale, tsc_unscale;
static PERCPU(struct time_record, time_record);
static bool tsc_unstable; /* the clamp below is needed */
static bool tsc_checked;
static stime_t last_now; /* atomic: the latest time that any processor has seen */

static struct spinlock wall_lock = SPINLOCK(RANK_TIME);
static int64_t wall_ns_at_boot; /* ns since 1970 at system time 0 */

static uint64_t rdtsc_ordered(void)
{
    __asm__ volatile("lfence" : : : "memory");
    return rdtsc();
}

static stime_t raw_now(unsigned cpu)
{
    const struct time_record *r = &per_cpu(time_record, cpu);
    int64_t ticks = (int64_t)(rdtsc_ordered() - r->tsc);

    return ticks < 0 ? r->ns : r->ns + (stime_t)time_scale_apply(tsc_scale, (uint64_t)ticks);
}

stime_t arch_now(void)
{
    stime_t now = raw_now(smp_processor_id()), last;

    if (__builtin_expect(!tsc_unstable, 1)) {
        return now;
    }
    last = __atomic_load_n(&last_now, __ATOMIC_SEQ_CST);
    do {
        if (now <= last) {
            return last;
        }
    } while (!__atomic_compare_exchange_n(&last_now, &last, now, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return now;
}

uint64_t time_to_tsc(stime_t when)
{
    stime_t delta = when - arch_now();

    return rdtsc() + (delta > 0 ? time_scale_apply(tsc_unscale, (uint64_t)delta) : 0);
}

uint64_t time_tsc_hz(void)
{
    return tsc_hz;
}

uint32_t arch_cpu_khz(void)
{
    return (uint32_t)(tsc_hz / 1000);
}

const char *time_reference_name(void)
{
    return reference.name;
}

bool time_tsc_stable(void)
{
    return tsc_checked && !tsc_unstable;
}

/* --- measuring -------------------------------------------------------------------------------- */

/* One reading of both counters: of several, the one that took the least time. */
static void sample(uint64_t *tsc, uint64_t *count)
{
    uint64_t best = ~0ULL;

    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t before = rdtsc_ordered();
        uint64_t c = reference.read();
        uint64_t width = rdtsc_ordered() - before;

        if (width < best) {
            best = width;
            *tsc = before + width / 2;
            *count = c;
        }
    }
}

static uint64_t measure_tsc_hz(void)
{
    uint64_t tsc0 = 0, tsc1 = 0, c0 = 0, c1 = 0, elapsed;
    uint64_t target = MAX(reference.hz * CALIBRATION_MS / 1000, CALIBRATION_MIN);

    sample(&tsc0, &c0);
    do {
        cpu_relax();
        sample(&tsc1, &c1);
        elapsed = (c1 - c0) & reference.mask;
    } while (elapsed < target);
    return (tsc1 - tsc0) * reference.hz / elapsed;
}

static void choose_reference(void)
{
    if (acpi_info.hpet_base != 0 && hpet_init(acpi_info.hpet_base, &reference)) {
        return;
    }
    if (pmtimer_init((uint16_t)acpi_info.pm_timer_port, &reference)) {
        return;
    }
    pit_init(&reference);
}

/* The middle one of three: one of them may have been disturbed. */
static uint64_t calibrate(void)
{
    uint64_t hz[CALIBRATION_RUNS];

    for (unsigned i = 0; i < CALIBRATION_RUNS; i++) {
        hz[i] = measure_tsc_hz();
        for (unsigned j = i; j > 0 && hz[j] < hz[j - 1]; j--) {
            uint64_t t = hz[j];

            hz[j] = hz[j - 1];
            hz[j - 1] = t;
        }
    }
    return hz[CALIBRATION_RUNS / 2];
}

void time_init(void)
{
    uint64_t wall;

    pit_stop_channel0();
    choose_reference();
    tsc_hz = calibrate();
    if (tsc_hz < 1000000) {
        panic("the TSC does not count (%lu Hz against %s)", tsc_hz, reference.name);
    }
    tsc_scale = time_scale_from_hz(tsc_hz);
    tsc_unscale = time_scale_to_hz(tsc_hz);
    time_record[0] = (struct time_record){.tsc = rdtsc_ordered(), .ns = 0};
    wall = cmos_read_time();
    wall_ns_at_boot = (int64_t)wall * GIGA - arch_now();
    printk(LOG_INFO, "Clock: TSC %lu.%03lu MHz by %s\n", tsc_hz / 1000000, tsc_hz / 1000 % 1000,
           reference.name);
    if (wall == 0) {
        printk(LOG_WARNING, "The CMOS clock has no valid date\n");
    }
}

void time_init_cpu(void)
{
    per_cpu(time_record, smp_processor_id()) = time_record[0];
}

/* --- do the TSCs agree? ----------------------------------------------------------------------- */

struct sync_test {
    unsigned expected, arrived;
    uint64_t last;  /* the highest TSC value that anybody has read */
    uint64_t worst; /* how far behind it somebody else read */
};

static void atomic_max(uint64_t *p, uint64_t v)
{
    uint64_t old = __atomic_load_n(p, __ATOMIC_SEQ_CST);

    while (old < v &&
           !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

/* Everybody reads and compares for a while: a value must not be below one that was read before. */
static void sync_test_run(void *data)
{
    struct sync_test *t = data;
    uint64_t start, now, seen;

    __atomic_add_fetch(&t->arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&t->arrived, __ATOMIC_SEQ_CST) < t->expected) {
        cpu_relax();
    }
    start = rdtsc_ordered();
    do {
        seen = __atomic_load_n(&t->last, __ATOMIC_SEQ_CST);
        now = rdtsc_ordered();
        if (now < seen) {
            atomic_max(&t->worst, seen - now);
        }
        atomic_max(&t->last, now);
        cpu_relax();
    } while (now - start < time_scale_apply(tsc_unscale, SYNC_TEST_NS));
}

/* The boot processor tells its time, the other one takes the answer that came fastest. */
struct sync_set {
    unsigned cpu;
    unsigned asked, answered;
    stime_t answer;
};

#define SYNC_ROUNDS 64

static void sync_set_run(void *data)
{
    struct sync_set *s = data;
    uint64_t best = ~0ULL;

    for (unsigned round = 1; round <= SYNC_ROUNDS; round++) {
        if (smp_processor_id() == s->cpu) {
            uint64_t before = rdtsc_ordered(), width;

            __atomic_store_n(&s->asked, round, __ATOMIC_SEQ_CST);
            while (__atomic_load_n(&s->answered, __ATOMIC_SEQ_CST) != round) {
                cpu_relax();
            }
            width = rdtsc_ordered() - before;
            if (width < best) {
                best = width;
                per_cpu(time_record, s->cpu) =
                    (struct time_record){.tsc = before + width / 2, .ns = s->answer};
            }
        } else {
            while (__atomic_load_n(&s->asked, __ATOMIC_SEQ_CST) != round) {
                cpu_relax();
            }
            s->answer = raw_now(smp_processor_id());
            __atomic_store_n(&s->answered, round, __ATOMIC_SEQ_CST);
        }
    }
}

void time_check_sync(void)
{
    cpumask_t online = arch_online_cpus();
    unsigned self = smp_processor_id();
    struct sync_test test = {.expected = (unsigned)__builtin_popcountll(online)};

    if (test.expected > 1) {
        smp_call(online, sync_test_run, &test, true);
    }
    tsc_checked = true;
    if (test.worst == 0) {
        return;
    }
    printk(LOG_WARNING, "TSCs differ between processors (%lu ticks): guests get one each\n",
           test.worst);
    __atomic_store_n(&last_now, arch_now(), __ATOMIC_SEQ_CST);
    __atomic_store_n(&tsc_unstable, true, __ATOMIC_SEQ_CST);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        struct sync_set set = {.cpu = cpu};

        if (cpu != self && (online >> cpu & 1) != 0) {
            smp_call(1ULL << cpu | 1ULL << self, sync_set_run, &set, true);
        }
    }
}

/* --- guests ----------------------------------------------------------------------------------- */

/* The version is odd while the rest changes; the guest may have scribbled over it. */
static void publish(struct vcpu_time_info *dst, const struct vcpu_time_info *t)
{
    uint32_t version = __atomic_load_n(&dst->version, __ATOMIC_RELAXED);

    if (dst->tsc_timestamp == t->tsc_timestamp && dst->system_time == t->system_time &&
        dst->tsc_to_system_mul == t->tsc_to_system_mul && dst->tsc_shift == t->tsc_shift &&
        dst->flags == t->flags && (version & 1) == 0) {
        return;
    }
    version |= 1;
    __atomic_store_n(&dst->version, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    dst->tsc_timestamp = t->tsc_timestamp;
    dst->system_time = t->system_time;
    dst->tsc_to_system_mul = t->tsc_to_system_mul;
    dst->tsc_shift = t->tsc_shift;
    dst->flags = t->flags;
    __atomic_store_n(&dst->version, version + 1, __ATOMIC_RELEASE);
}

void arch_vcpu_update_time(struct vcpu *v)
{
    const struct time_record *r = &this_cpu(time_record);
    struct vcpu_time_info t = {
        .tsc_timestamp = r->tsc,
        .system_time = (uint64_t)r->ns,
        .tsc_to_system_mul = tsc_scale.mul,
        .tsc_shift = tsc_scale.shift,
        .flags = time_tsc_stable() ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
    };

    if (vcpu_is_idle(v) || v->info == NULL) {
        return;
    }
    publish(&v->info->time, &t);
    if (__atomic_load_n(&v->time_page, __ATOMIC_RELAXED) != NULL) {
        unsigned long flags = spin_lock_irqsave(&v->time_lock); /* the page stays meanwhile */

        if (v->time_page != NULL) {
            char *area = arch_page_virt(v->time_page);

            publish((struct vcpu_time_info *)(area + (v->time_guest.va & ~PAGE_MASK)), &t);
        }
        spin_unlock_irqrestore(&v->time_lock, flags);
    }
}

/* Wall clock at system time 0, with the domain's own offset. */
static void update_wallclock_locked(struct domain *d)
{
    struct shared_info *si = d->shared_info;
    int64_t ns = wall_ns_at_boot + d->time_offset_ns;
    int64_t sec = ns / GIGA + d->time_offset_seconds;

    ns %= GIGA;
    if (ns < 0) {
        ns += GIGA;
        sec--;
    }
    __atomic_store_n(&si->wc_version, si->wc_version | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    si->wc_sec = (uint32_t)sec;
    si->wc_sec_hi = (uint32_t)(sec >> 32);
    si->wc_nsec = (uint32_t)ns;
    __atomic_store_n(&si->wc_version, si->wc_version + 1, __ATOMIC_RELEASE);
}

void arch_domain_update_wallclock(struct domain *d)
{
    unsigned long flags;

    if (d->shared_info == NULL) {
        return;
    }
    flags = spin_lock_irqsave(&wall_lock);
    update_wallclock_locked(d);
    spin_unlock_irqrestore(&wall_lock, flags);
}

uint64_t arch_wallclock_seconds(void)
{
    unsigned long flags = spin_lock_irqsave(&wall_lock);
    uint64_t sec = (uint64_t)(wall_ns_at_boot + arch_now()) / GIGA;

    spin_unlock_irqrestore(&wall_lock, flags);
    return sec;
}

void arch_set_wallclock(uint64_t seconds, uint32_t ns, stime_t system_time)
{
    unsigned long flags = spin_lock_irqsave(&wall_lock);
    struct domain *d;

    wall_ns_at_boot = (int64_t)(seconds * GIGA + ns) - system_time;
    spin_unlock_irqrestore(&wall_lock, flags);
    for (uint32_t id = 0; (d = domain_get_next((domid_t)id)) != NULL;) {
        arch_domain_update_wallclock(d);
        id = d->id + 1u;
        domain_put(d);
    }
}
