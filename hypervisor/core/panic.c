/* SPDX-License-Identifier: MIT */
/*
 * The end of the world: say why, stop the other processors, show where we are, then leave the
 * emulator (panic=exit), halt (noreboot) or reboot after five seconds. A second panic, from this
 * processor while it reports or from another one, goes straight to the end.
 */
#include "core/arch.h"
#include "core/console.h"
#include "core/domain.h"
#include "core/printk.h"
#include "lib/cmdline.h"
#include "lib/lib.h"

static int panic_cpu = -1; /* who reports */

static void __attribute__((noreturn)) leave(void)
{
    char how[16] = "";
    stime_t start = arch_now();

    if (cmdline_get(hv_cmdline, "panic", how, sizeof(how)) && strcmp(how, "exit") == 0) {
        arch_panic_exit();
    }
    if (cmdline_bool(hv_cmdline, "noreboot", false)) {
        printk(LOG_ERR, "halted: reset the machine by hand\n");
        arch_halt();
    }
    printk(LOG_ERR, "rebooting in five seconds\n");
    for (uint64_t n = 0; n < 1ULL << 32 && arch_now() - start < SECONDS(5); n++) {
        cpu_relax(); /* the count: should the clock have died too */
    }
    arch_reboot();
}

void panic(const char *fmt, ...)
{
    int cpu = (int)smp_processor_id(), none = -1;
    char why[256];
    va_list ap;

    irq_disable();
    if (!__atomic_compare_exchange_n(&panic_cpu, &none, cpu, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        if (none != cpu) {
            arch_halt(); /* another one reports; it stops us anyway */
        }
        leave();
    }
    console_panic_mode();
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    printk(LOG_ERR, "Bonsai panic: %s\n", why);
    if ((arch_online_cpus() & ~(1ULL << cpu)) != 0) {
        arch_send_ipi(arch_online_cpus() & ~(1ULL << cpu), IPI_STOP);
    }
    if (current != NULL) {
        printk(LOG_ERR, "processor %d, domain %u, vcpu %u\n", cpu, current->domain->id,
               current->id);
    } else {
        printk(LOG_ERR, "processor %d\n", cpu);
    }
    arch_dump_execution_state();
    leave();
}
