/* SPDX-License-Identifier: MIT */
/* Requests about domains. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "request.h"

#define DOMID_END 0x10000 /* a domid has 16 bits, whether there may be such a domain or not */

/* The n-th string as a number. */
static bool number(const struct request *request, size_t n, uint64_t limit, uint64_t *value)
{
    const char *text = request_string(request, n);
    char *end;

    if (!text || *text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && *value < limit;
}

int request_introduce(struct request *request)
{
    uint64_t domid, gfn, port;
    int error;

    if (!number(request, 0, DOMAIN_LIMIT, &domid) || !number(request, 1, UINT64_MAX, &gfn) ||
        !number(request, 2, UINT32_MAX, &port)) {
        return EINVAL;
    }
    error = domain_introduce((uint32_t)domid, gfn, (uint32_t)port);
    return error ? error : request_ack(request);
}

static int with_domain(struct request *request, int (*act)(uint32_t domid))
{
    uint64_t domid;
    int error = number(request, 0, DOMID_END, &domid) ? act((uint32_t)domid) : EINVAL;

    return error ? error : request_ack(request);
}

int request_release(struct request *request)
{
    return with_domain(request, domain_release);
}

int request_resume(struct request *request)
{
    return with_domain(request, domain_resume);
}

int request_set_target(struct request *request)
{
    uint64_t domid, target;
    int error;

    if (!number(request, 0, DOMAIN_LIMIT, &domid) || !number(request, 1, DOMAIN_LIMIT, &target)) {
        return EINVAL;
    }
    error = domain_set_target((uint32_t)domid, (uint32_t)target);
    return error ? error : request_ack(request);
}

int request_is_introduced(struct request *request)
{
    const struct domain *d;
    uint64_t domid;

    if (!number(request, 0, DOMID_END, &domid)) {
        return EINVAL;
    }
    d = domain_find((uint32_t)domid);
    request->reply[0] = domid == 0 || (d && d->introduced) ? 'T' : 'F';
    request->reply[1] = '\0';
    request->reply_length = 2;
    return 0;
}

int request_domain_path(struct request *request)
{
    uint64_t domid;

    if (!number(request, 0, DOMID_END, &domid)) {
        return EINVAL;
    }
    request->reply_length = (size_t)snprintf(request->reply, sizeof(request->reply),
                                             "/local/domain/%u", (uint32_t)domid) + 1;
    return 0;
}
