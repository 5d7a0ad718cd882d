/* SPDX-License-Identifier: MIT */
/* Start, console and end of a tiny PV kernel. */
#include "guest.h"
#include "traps.h"
#include <public/sched.h>
#include <public/version.h>

start_info_t *start_info;
struct shared_info *shared_info;
unsigned failures;
static char shared_info_page[PAGE_SIZE] __attribute__((aligned(4096)));

void (*guest_sink)(const char *line, int n);
void (*guest_finish)(enum verdict v);

void print(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
    if (guest_sink != NULL) {
        guest_sink(line, n);
        return;
    }
    HCALL3(console_io, CONSOLEIO_write, n, line);
}

void finish(enum verdict v)
{
    static const char *const names[] = {"success", "skip", "error", "failure"};
    struct sched_shutdown s = {.reason = SHUTDOWN_poweroff};

    if (guest_finish != NULL) {
        guest_finish(v);
    } else {
        print("RESULT %s\n", names[v]);
    }
    for (;;) {
        HCALL2(sched_op, SCHEDOP_shutdown, &s);
    }
}

uint64_t pfn_to_mfn(uint64_t pfn)
{
    return ((const uint64_t *)start_info->mfn_list)[pfn];
}

uint64_t mfn_to_pfn(uint64_t mfn)
{
    return ((const uint64_t *)MACH2PHYS_VIRT_START)[mfn];
}

void guest_map_shared_info(void)
{
    uint64_t pte = start_info->shared_info | 0x63; /* present, writable, accessed, dirty */

    if (HCALL3(update_va_mapping, shared_info_page, pte, UVMF_INVLPG) != 0) {
        print("cannot map shared_info\n");
        finish(ERROR);
    }
    shared_info = (struct shared_info *)shared_info_page;
    vcpu_info_at[0] = &shared_info->vcpu_info[0];
    traps_init();
}

/* Called by start.S with what the builder left in rsi. */
void guest_start(start_info_t *si)
{
    enum verdict v;

    start_info = si;
    guest_map_shared_info();
    v = guest_main();
    finish(v == SUCCESS && failures != 0 ? FAILURE : v);
}
