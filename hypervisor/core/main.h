/* SPDX-License-Identifier: MIT */
/* Where the machine's entry code ends and the hypervisor starts. */
#ifndef CORE_MAIN_H
#define CORE_MAIN_H

void bonsai_main(void) __attribute__((noreturn));

#endif
