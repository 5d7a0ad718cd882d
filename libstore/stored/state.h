/* SPDX-License-Identifier: MIT */
/*
 * The whole state in a file, for a restart that nobody notices: tree, limits, domains with their
 * ports, connections with their watches, transactions (which can only fail then) and what stands
 * half read or unsent in their buffers. Descriptors survive as the program replaces itself.
 */
#ifndef STORED_STATE_H
#define STORED_STATE_H

#include <stdbool.h>

/* keep: descriptors stay open over exec, sockets are part of the state. */
bool state_save(int fd, bool keep);
/* Once loop and devices are not open yet: *evtchn and *listener are inherited or -1. */
bool state_load(int fd, int *evtchn, int *listener);
/* Then, with them open: rings, connections. */
void state_connect(void);

#endif
