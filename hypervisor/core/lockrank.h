/* SPDX-License-Identifier: MIT */
/*
 * All lock ranks, in the order of acquisition: a lock may be taken only while every lock held by
 * this processor has a lower rank. Two locks of one rank are held together only where the line
 * says "by domain id": the lower id first, the second by spin_lock_nested(). A debug build
 * checks each acquire.
 */
#ifndef CORE_LOCKRANK_H
#define CORE_LOCKRANK_H

enum lock_rank {
    RANK_NONE,          /* not checked: the console's output lock, taken in any state */
    RANK_DOMCTL,        /* one domctl or sysctl that changes structure at a time */
    RANK_DOMAIN_TABLE,  /* domid to domain; list of domains */
    RANK_DOMAIN,        /* one domain's life cycle, vcpu bring-up, address space layout */
    RANK_GRANT_TABLE,   /* a domain's grant table (by domain id) */
    RANK_MAPTRACK,      /* a domain's table of grant handles */
    RANK_PT,            /* a domain's page-table updates: one writer at a time */
    RANK_MEMORY,        /* a domain's page list and page counts (by domain id) */
    RANK_EVTCHN,        /* a domain's event channels: ports made and closed (by domain id) */
    RANK_EVTCHN_FIFO,   /* one queue of a FIFO event channel */
    RANK_PIRQ,          /* a domain's pirq table */
    RANK_IRQ_DESC,      /* one interrupt descriptor */
    RANK_VECTOR,        /* vector allocation */
    RANK_IOAPIC,        /* IO-APIC registers */
    RANK_PCI,           /* configuration space access */
    RANK_SCHED,         /* a run queue */
    RANK_SCHED_POLICY,  /* what a scheduling policy keeps for all processors */
    RANK_TIMER,         /* one processor's timer heap */
    RANK_VMAP,          /* long-lived mappings; the hypervisor's page tables */
    RANK_SMALL_HEAP,    /* small-object allocator */
    RANK_PAGE_ALLOC,    /* free lists of one node */
    RANK_SMP_CALL,      /* cross-processor call */
    RANK_TIME,          /* clock sources, wall clock */
    RANK_CONSOLE,       /* console ring and input */
};

#endif
