/* SPDX-License-Identifier: MIT */
/* Requests: the one table of types, and their dispatch. */
#ifndef STORED_REQUEST_H
#define STORED_REQUEST_H

#include "conn.h"
#include "wire.h"

struct request {
    struct conn *conn;
    const struct xsd_sockmsg *header;
    struct txn *txn;
    const char *payload; /* with a NUL behind it */
    size_t length;
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t reply_length;
    struct watch *registered; /* its first event follows the reply */
};

/* The payload has a NUL behind its header->len bytes. Sends the reply. */
void request_handle(struct conn *conn, const struct xsd_sockmsg *header, const char *payload);
/* "OK" */
int request_ack(struct request *request);
/* The n-th string, NULL when there are fewer. */
const char *request_string(const struct request *request, size_t n);
const char *request_name(uint32_t type);

/* request_domain.c */
int request_introduce(struct request *request);
int request_release(struct request *request);
int request_resume(struct request *request);
int request_set_target(struct request *request);
int request_is_introduced(struct request *request);
int request_domain_path(struct request *request);

/* control.c */
int request_control(struct request *request);

#endif
