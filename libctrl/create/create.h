/* SPDX-License-Identifier: MIT */
/*
 * One creation under way: what its steps share.
 */
#ifndef CTRL_CREATE_H
#define CTRL_CREATE_H

#include "../build/pv.h"
#include "../internal.h"

struct creation {
    struct ctrl *h;
    const struct ctrl_config *config;
    bool paused;

    ctrl_uuid uuid;
    char uuid_text[37];
    uint32_t domid; /* CTRL_DOMID_NONE until there is one */
    uint32_t cpupool;
    unsigned int vcpus, max_vcpus;
    uint64_t memory_kib, maxmem_kib;
    uint32_t grant_version;

    int journal_fd;
    struct image image;
    bool has_image;
    struct pv_builder pv;
};

struct create_step {
    const char *name;
    int (*run)(struct creation *c);
    /* Take back what run did, also when run failed half-way or was never called. May be NULL. */
    void (*undo)(struct creation *c);
};

extern const struct create_step create_steps[];
extern const unsigned int create_nr_steps;

/* create.c: everything that can be known from the config alone. */
int creation_check(struct creation *c);

/* journal.c */
int journal_open(struct creation *c);
int journal_record(struct creation *c);
void journal_close(struct creation *c);

/* layout.c: the domain's part of the store, in one transaction. */
int layout_write(struct creation *c);

#endif
