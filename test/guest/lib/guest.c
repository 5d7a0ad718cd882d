/* SPDX-License-Identifier: MIT */
/* Start, console and end of a tiny PV kernel. */
#include "guest.h"
#include <public/sched.h>
#include <public/version.h>

start_info_t *start_info;
struct shared_info *shared_info;
static char shared_info_page[PAGE_SIZE] __attribute__((aligned(4096)));

void print(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
    HCALL3(console_io, CONSOLEIO_write, n, line);
}

void finish(enum verdict v)
{
    static const char *const names[] = {"success", "skip", "error", "failure"};
    struct sched_shutdown s = {.reason = SHUTDOWN_poweroff};

    print("RESULT %s\n", names[v]);
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

/* Called by start.S with what the builder left in rsi. */
void guest_start(start_info_t *si)
{
    uint64_t pte;

    start_info = si;
    pte = si->shared_info | 0x63; /* present, writable, accessed, dirty */
    if (HCALL3(update_va_mapping, shared_info_page, pte, UVMF_INVLPG) != 0) {
        print("cannot map shared_info\n");
        finish(ERROR);
    }
    shared_info = (struct shared_info *)shared_info_page;
    finish(guest_main());
}
