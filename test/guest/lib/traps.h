/* SPDX-License-Identifier: MIT */
/*
 * Traps, events and user mode of a tiny PV kernel.
 *
 * Each entry is recorded in `trapped`. Then, in this order: trap_hook may take it; an event goes
 * to its ports' counters; a trap of user mode ends user_run(); a trap that the code expects
 * (TRAP_SAFE) continues behind the instruction; all others are printed and fail the test.
 */
#ifndef TRAPS_H
#define TRAPS_H

/* entries behind the 256 vectors */
#define ENTRY_EVENT     256
#define ENTRY_FAILSAFE  257
#define ENTRY_SYSCALL   258
#define ENTRY_SYSCALL32 259
#define ENTRY_NMI       260
#define TRAP_ENTRIES    261

#ifndef __ASSEMBLER__
#include "guest.h"

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r8, r9, r10, rdx, rsi, rdi, rax, r11, rcx;
    uint32_t error, entry;
    uint64_t rip;
    uint32_t cs, saved_mask; /* the event mask before, in its low byte */
    uint64_t rflags, rsp, ss;
};

struct trapped {
    int entry; /* -1: nothing happened */
    unsigned count;
    uint8_t mask; /* the event mask that the handler started with */
    uint64_t cr2;
    struct trap_frame frame;
};
extern volatile struct trapped trapped;
extern volatile uint64_t trap_resume;
extern bool (*trap_hook)(struct trap_frame *f); /* true: done, go back by the frame */

void traps_init(void);
void *entry_address(unsigned entry);
void trap_set(unsigned vector, unsigned dpl, bool mask_events);
long callback_set(unsigned type, unsigned entry, unsigned flags);

/* Forget what happened; then run instructions of which the last may trap. */
static inline void trap_none(void)
{
    trapped.entry = -1;
    trapped.count = 0;
}
#define TRAP_SAFE(insn)                                                                            \
    "movq $77f, trap_resume(%%rip)\n\t" insn "\n77:\tmovq $0, trap_resume(%%rip)\n\t"

/* One 8-byte access; true if it worked. */
bool try_read(const volatile void *p, uint64_t *value);
bool try_write(volatile void *p, uint64_t value);

/* --- events ------------------------------------------------------------------------------------
 */

extern volatile unsigned event_count[4096]; /* 2-level: how often each port was taken */
extern volatile unsigned event_upcalls[4];  /* by vcpu */
extern bool event_two_level;                /* false: the upcall looks at no port */
struct vcpu_info *vcpu_info(void);          /* of the vcpu that asks */
extern struct vcpu_info *vcpu_info_at[4];   /* where each is */
unsigned vcpu_id(void);
static inline void events_mask(void)
{
    vcpu_info()->evtchn_upcall_mask = 1;
    __asm__ volatile("" : : : "memory");
}
void events_unmask(void);
void port_unmask(unsigned port); /* in shared_info */
bool port_pending(unsigned port);

/* --- user mode ---------------------------------------------------------------------------------
 */

/*
 * Run code at ring 3 in user mode until an entry that trap_hook does not take; its number is the
 * result, its frame is in `trapped`. user_root() must have been called: it makes an address space
 * that holds one page of code and one of data, or, when `shared`, uses the kernel's.
 */
extern char user_text[], user_text_end[]; /* section .utext of the test: one page */
#define UTEXT     __attribute__((section(".utext"), used, naked))
#define USER_CODE 0x0000000010000000UL /* where user_text is seen */
#define USER_DATA 0x0000000010001000UL
extern char *user_data; /* the data page, as the kernel sees it */
#define USER_ADDRESS(fn) (USER_CODE + ((uint64_t)(fn) - (uint64_t)user_text))
void user_root(void);
int user_run(uint64_t rip, uint64_t arg, uint64_t rflags);
long user_switch(void *context, unsigned long arg);
void user_leave(long value) __attribute__((noreturn));

#endif
#endif
