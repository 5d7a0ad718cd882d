/* SPDX-License-Identifier: MIT */
/* Debug keys: a table of letters and the report that each prints on the console. */
#ifndef CORE_DEBUGKEYS_H
#define CORE_DEBUGKEYS_H

/* Run one key now (sysctl debug_keys); unknown keys print a line. Interrupts on, no lock. */
void debugkeys_run(char key);
/* From interrupt context: run it soon, from a softirq. */
void debugkeys_queue(char key);
void debugkeys_init(void);
/* A key of another part of the hypervisor; replaces an older one. */
void debugkeys_register(char key, const char *help, void (*fn)(void));

#endif
