/* SPDX-License-Identifier: MIT */
/* The epoll loop. */
#ifndef STORED_LOOP_H
#define STORED_LOOP_H

#include <stdbool.h>

struct conn;

bool loop_open(void);
void loop_add(int fd, struct conn *conn);
void loop_change(int fd, bool in, bool out, struct conn *conn);
void loop_remove(int fd);

enum loop_end {
    LOOP_STOP,    /* SIGTERM, SIGINT */
    LOOP_RESTART, /* SIGUSR1, or asked by control */
};

/* Serves listener, event channels and connections until told to end. */
enum loop_end loop_run(void);
void loop_ask_restart(void);
/* Does what is ready without waiting: for the last replies. */
void loop_drain(void);

#endif
