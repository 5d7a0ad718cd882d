/* SPDX-License-Identifier: MIT */
/*
 * Start-up: the whole of it as a list of calls. The machine enters here on the boot processor,
 * with interrupts off, once it has collected what the boot loader gave (x86/boot/setup.c).
 */
#include "core/main.h"
#include "core/arch.h"
#include "core/console.h"
#include "core/debugkeys.h"
#include "core/domain.h"
#include "core/hypercall.h"
#include "core/printk.h"
#include "core/sched.h"
#include "core/timer.h"

static void banner(void)
{
    printk(LOG_ERR, " Bonsai version " BONSAI_VERSION ", a hypervisor for x86-64 (%s build)\n",
           BONSAI_DEBUG ? "debug" : "release");
}

static void start_dom0(void)
{
    int rc = arch_build_dom0();

    if (rc != 0) {
        panic("domain 0 cannot be built: error %d", -rc);
    }
    printk(LOG_INFO, "domain 0 starts: %lu MiB, %u vcpus; %lu MiB are free\n",
           (unsigned long)(domain_hardware->tot_pages >> 8), domain_hardware->max_vcpus,
           (unsigned long)(page_alloc_free_count() >> 8));
}

void bonsai_main(void)
{
    /* the console, the processor that runs this, memory */
    console_init();
    arch_init_early();
    banner();
    arch_init_memory();

    /* what exists: timers, domains, somebody to run */
    timer_subsys_init();
    domain_subsys_init();
    sched_subsys_init();
    hypercall_subsys_init();
    debugkeys_init();

    /* the machine: interrupts, clocks, the other processors */
    arch_init_platform();
    irq_enable();
    arch_start_cpus();

    /* the first guest */
    start_dom0();
    arch_init_done();
    domain_unpause_by_tools(domain_hardware);
    idle_loop();
}
