/* SPDX-License-Identifier: MIT */
/*
 * The boundary: everything that core/ asks of a machine. <arch/types.h>, found by the include
 * path (x86/include or the unit tests' fake), gives struct arch_domain and struct arch_vcpu and
 * these inline functions, for they are on every path:
 *
 *   struct vcpu *current          the vcpu whose guest state this processor holds
 *   unsigned smp_processor_id()
 *   unsigned long irq_save(void), void irq_restore(unsigned long)   interrupts off / as before
 *   void irq_disable(void), irq_enable(void); bool irq_enabled(void)
 *   void cpu_relax(void)
 *   void smp_mb(void)
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include <public/xen.h>
#include "core/types.h"
#include <arch/types.h>

struct domain;
struct vcpu;
struct page;
struct xen_sysctl;
struct xen_domctl;
struct guest_ops;

/* --- start-up, in the order in which core/main.c calls ---------------------------------------- */
extern const char *hv_cmdline;    /* the hypervisor's command line, for lib/cmdline.h */
void arch_init_early(void);       /* console, command line, processor features, traps */
void arch_init_memory(void);      /* memory map, frame table; gives RAM to page_alloc */
void arch_init_platform(void);    /* ACPI, interrupts, clock sources, timers */
void arch_start_cpus(void);       /* all others, up to maxcpus= */
int arch_build_dom0(void);        /* make domain 0 from the boot modules, ready to run */
void arch_init_done(void);        /* drop what only start-up needed; last line before idling */

/* --- memory ---------------------------------------------------------------------------------- */
struct page *arch_mfn_to_page(mfn_t m);   /* NULL beyond the frame table */
mfn_t arch_page_to_mfn(const struct page *pg);
void *arch_page_virt(const struct page *pg); /* the hypervisor's own pages: always mapped */
struct page *arch_virt_to_page(const void *va);
/* A domain's page, mapped while needed; the pair nests. */
void *map_frame(mfn_t m);
void unmap_frame(const void *va);
void arch_clear_page(void *va);
void arch_copy_page(void *dst, const void *src);
uint64_t arch_max_mfn(void);      /* one past the last RAM frame */
uint64_t arch_ram_pages(void);    /* all that the machine has */
/* A page leaves a domain: forget its type and machine-to-physical entry; flush if needed. */
void arch_page_freed(struct page *pg);
/* Before a frame gets a new owner: translations that may be stale are flushed. */
void arch_page_reused(struct page *pg, unsigned order);
void arch_m2p_set(mfn_t m, uint64_t pfn); /* machine-to-physical, INVALID = ~0 */
uint64_t arch_m2p_get(mfn_t m);
/* A page of the hypervisor's shown to a guest: type set so that it can be mapped (writable). */
void arch_page_shared(struct page *pg, bool writable);

/* --- guest memory (arch half of core/guest.h is implemented wholly by the machine) ------------ */

/* --- time ------------------------------------------------------------------------------------ */
stime_t arch_now(void);                 /* monotonic ns since boot, same on all processors */
void arch_timer_program(stime_t when);  /* this processor; STIME_MAX: none; past: at once */
/* Write a vcpu's time record (version, tsc, system time, scale) into its shared page(s). */
void arch_vcpu_update_time(struct vcpu *v);
void arch_domain_update_wallclock(struct domain *d);
uint64_t arch_wallclock_seconds(void);
void arch_set_wallclock(uint64_t seconds, uint32_t ns, stime_t system_time);
uint32_t arch_cpu_khz(void);

/* --- processors ------------------------------------------------------------------------------ */
cpumask_t arch_online_cpus(void);
cpumask_t arch_present_cpus(void);
unsigned arch_cpu_to_core(unsigned cpu);
unsigned arch_cpu_to_socket(unsigned cpu);
unsigned arch_cpu_to_node(unsigned cpu);
enum ipi { IPI_EVENT_CHECK, IPI_CALL, IPI_STOP };
void arch_send_ipi(cpumask_t cpus, enum ipi what); /* never to oneself */
void arch_cpu_idle(void);  /* interrupts on, wait for one; returns at once if softirqs pend */
int arch_cpu_up(unsigned cpu);
int arch_cpu_down(unsigned cpu);

/* --- vcpus ----------------------------------------------------------------------------------- */
/*
 * Leave prev's guest state in prev->arch, load next's, set current. Interrupts off. For a guest
 * this does not return to the caller: it goes on at the exit path of next (the stack is the
 * processor's, not the vcpu's). Calls sched_context_switched(prev, next) once the switch is done.
 */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/* Is an event deliverable to v right now (pending and not masked)? */
bool arch_event_deliverable(const struct vcpu *v);
/* pending bit of vcpu_info set by core; make the vcpu look (IPI when it runs elsewhere). */
void arch_vcpu_kick(struct vcpu *v);
/* Write the runstate record to guest memory of the current vcpu (may fault: ignored). */
void arch_update_runstate_guest(struct vcpu *v);
bool arch_vcpu_idle_init(struct vcpu *v);
void arch_raise_nmi(struct vcpu *v);
/* The frame that v's kernel can write to at this address; INVALID_MFN: none. No reference. */
mfn_t arch_guest_va_to_mfn(struct vcpu *v, uint64_t va);
uint64_t arch_cpu_physid(unsigned cpu); /* VCPUOP_get_physid: ACPI number << 32 | APIC number */

/* --- hypercalls ------------------------------------------------------------------------------ */
/* The rows that the machine adds to the table, arch_hypercalls[], are declared in hypercall.h. */
/* Arch half of domctl, sysctl and memory_op: -ENOSYS when not one of its own. */
long arch_domctl(struct xen_domctl *op, struct domain *d, guest_ptr_t u, bool *copyback);
long arch_sysctl(struct xen_sysctl *op, guest_ptr_t u, bool *copyback);
long arch_memory_op(unsigned cmd, guest_ptr_t arg);
const struct guest_ops *arch_guest_ops(uint32_t flags); /* by XEN_DOMCTL_CDF_*; NULL: none */
uint32_t arch_features(const struct domain *d, unsigned index); /* XENVER_get_features submaps */
void arch_capabilities(char *buf, size_t len); /* XENVER_capabilities */
uint64_t arch_virt_start(const struct domain *d);
void arch_get_build_id(const uint8_t **id, size_t *len);

/* --- grants of this guest kind: put, replace, remove a mapping -------------------------------- */
/*
 * The caller (core/grant_map.c) owns the page reference and the writable type for as long as its
 * handle lives, whatever the entry itself holds: a guest that drops the entry in another way harms
 * nobody. arch_grant_unmap has flushed the translation on every processor that may hold it when it
 * returns 0. Both: 0 or -errno.
 */
int arch_grant_map(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags, bool writable);
int arch_grant_unmap(struct vcpu *v, uint64_t host_addr, mfn_t m, uint32_t flags,
                     uint64_t new_addr, bool replace);

/* --- page types: only what core must know ----------------------------------------------------- */
bool page_get_writable(struct page *pg); /* type writable, refused for tables; NOT a reference */
void page_put_writable(struct page *pg);

/* --- interrupts ------------------------------------------------------------------------------ */
int pirq_bind(struct vcpu *v, unsigned pirq, bool will_share); /* evtchn bind_pirq */
void pirq_unbind(struct domain *d, unsigned pirq);
bool pirq_guest_eoi_needed(struct domain *d, unsigned pirq);
void pirq_unmask(struct domain *d, unsigned pirq);  /* EVTCHNOP_unmask of a pirq port */
void pirq_set_affinity(struct domain *d, unsigned pirq, unsigned cpu);
unsigned arch_nr_pirqs(const struct domain *d);

/* --- console, end of the world --------------------------------------------------------------- */
void arch_console_write(const char *s, size_t len); /* serial, synchronous, any state */
void arch_console_panic(void);                      /* take the port whatever its lock says */
void arch_reboot(void) __attribute__((noreturn));
void arch_power_off(void) __attribute__((noreturn));
void arch_panic_exit(void); /* panic=exit: leave the emulator by its debug-exit port */
void arch_halt(void) __attribute__((noreturn));
void arch_dump_execution_state(void);
void arch_dump_vcpu(const struct vcpu *v);
void arch_backtrace(void);
const char *arch_symbol(uint64_t va, uint64_t *offset);

#endif
