/* SPDX-License-Identifier: MIT */
/*
 * dom-kill: guests that go wrong in every way that a kernel can.
 *
 * Why: a guest that cannot take its own fault, runs data as code, never listens or calls with
 * random arguments is killed or left alone with itself; nobody else may notice.
 * Right outcome: where only death is possible the domain has shut down with reason "crash"; in any
 * case dom0 can destroy it at once, a neighbour counts on, and the machine's memory comes back.
 * Environments: pv
 */
#include <public/sched.h>
#include "child.h"
#include "mm.h"
#include "traps.h"

#define SEEDS      16
#define CALLS      3000
#define ANY_REASON 1000u

static struct child child, neighbour;
static uint64_t data[PAGE_SIZE / 8] __attribute__((aligned(4096)));

static uint64_t random_next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* --- the ways --------------------------------------------------------------------------------- */

static enum verdict counts(void)
{
    for (;;) {
        comm->out[0]++;
    }
    return FAILURE;
}

static enum verdict has_no_traps(void)
{
    HCALL1(set_trap_table, NULL);
    __asm__ volatile("ud2");
    return FAILURE;
}

static enum verdict faults_without_stack(void)
{
    __asm__ volatile("movq $0x1000, %rsp; pushq $0; ud2");
    return FAILURE;
}

static enum verdict stack_in_the_hypervisor(void)
{
    __asm__ volatile("movabsq $0xffff830000001000, %rsp; ud2");
    return FAILURE;
}

static enum verdict handler_in_nowhere(void)
{
    struct trap_info t[3] = {{.vector = 6, .cs = FLAT_KERNEL_CS, .address = 0x123000},
                             {.vector = 14, .cs = FLAT_KERNEL_CS, .address = 0x123000}};

    HCALL1(set_trap_table, t);
    __asm__ volatile("ud2");
    return FAILURE;
}

static enum verdict iret_to_nowhere(void)
{
    __asm__ volatile("movq $0x2000, %rsp; movl $23, %eax; syscall; ud2");
    return FAILURE;
}

static enum verdict jumps_to_the_hypervisor(void)
{
    HCALL1(set_trap_table, NULL);
    __asm__ volatile("jmp *%0" : : "r"(HYPERVISOR_VIRT_START));
    return FAILURE;
}

/* No page of its own is left that it could run on. */
static enum verdict drops_its_root(void)
{
    uint64_t at = pte_machine((uint64_t)drops_its_root, 4);

    mmu_update_one(at, 0);
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
    return FAILURE;
}

static enum verdict loops(void)
{
    HCALL1(set_trap_table, NULL);
    for (;;) {
        __asm__ volatile("");
    }
    return FAILURE;
}

static enum verdict runs_garbage(void)
{
    uint64_t seed = comm->arg[0];

    HCALL1(set_trap_table, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        data[i] = random_next(&seed);
    }
    ((void (*)(void))data)();
    return FAILURE;
}

/* A value of the kinds that calls look at. */
static uint64_t random_value(uint64_t *seed)
{
    uint64_t r = random_next(seed);

    switch (r >> 60) {
    case 0 ... 3:
        return r & 31;
    case 4 ... 6:
        return P(data) + (r & 0xff8);
    case 7:
        return virt_to_mfn(data) + (r & 3);
    case 8:
        return DOMID_SELF;
    case 9:
        return HYPERVISOR_VIRT_START + (r & 0xffffffff);
    case 10:
        return ~(r & 15);
    default:
        return r;
    }
}

static enum verdict calls_at_random(void)
{
    uint64_t seed = comm->arg[0];

    for (unsigned i = 0; i < CALLS; i++) {
        unsigned long nr = random_next(&seed) % 64;

        for (unsigned j = 0; j < ARRAY_SIZE(data); j++) {
            data[j] = random_value(&seed);
        }
        comm->step = i;
        if (nr != __HYPERVISOR_iret && nr != __HYPERVISOR_sched_op) {
            hypercall(nr, random_value(&seed), random_value(&seed), random_value(&seed),
                      random_value(&seed), random_value(&seed));
        }
    }
    return SUCCESS;
}

/* --- dom0 ------------------------------------------------------------------------------------- */

static void try(const char *what, enum verdict (*way)(void), uint64_t seed, unsigned ms,
                unsigned want)
{
    uint64_t counted;
    unsigned reason = 99;
    bool ended;

    child_build(&child, way, 0, 1);
    child.comm->arg[0] = seed;
    counted = neighbour.comm->out[0];
    child_run(&child);
    ended = child_wait(&child, ms);
    if (want != ANY_REASON) {
        if (!ended || !child_is_shut(&child, &reason) || reason != want) {
            print("%s: ended %d, reason %u, expected %u\n", what, ended, reason, want);
            finish(FAILURE);
        }
    }
    for (unsigned i = 0; i < 1000 && neighbour.comm->out[0] == counted; i++) {
        sleep_ms(1);
    }
    CHECK(neighbour.comm->out[0] != counted);
    CHECK_EQ(child_destroy(&child), 0);
}

enum verdict guest_main(void)
{
    uint64_t before;

    child_build(&neighbour, counts, 0, 1);
    child_run(&neighbour);
    before = free_pages();
    try("no trap table", has_no_traps, 0, 5000, SHUTDOWN_crash);
    try("no stack", faults_without_stack, 0, 5000, SHUTDOWN_crash);
    try("stack in the hypervisor", stack_in_the_hypervisor, 0, 5000, SHUTDOWN_crash);
    try("handler in nowhere", handler_in_nowhere, 0, 5000, SHUTDOWN_crash);
    try("iret from a bad stack", iret_to_nowhere, 0, 5000, SHUTDOWN_crash);
    try("jump to the hypervisor", jumps_to_the_hypervisor, 0, 5000, SHUTDOWN_crash);
    try("no root", drops_its_root, 0, 5000, SHUTDOWN_crash);
    try("loops", loops, 0, 30, ANY_REASON);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        try("garbage as code", runs_garbage, seed * 0x9e3779b97f4a7c15, 10, ANY_REASON);
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        try("random calls", calls_at_random, seed * 0xd1342543de82ef95, 1000, ANY_REASON);
    }
    CHECK(free_pages_reach(before - HEAP_SLACK));
    CHECK_EQ(child_destroy(&neighbour), 0);
    return SUCCESS;
}
