/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: a command and a list of requests. Requests of a list are independent: each has
 * its own status, and a preempted list goes on with the pointer moved forward and the count less.
 * Absent by design: table version 2 and its status frames, transfer, swap, dump.
 */
#include "core/calls.h"
#include "core/errno.h"
#include "core/grant.h"
#include "core/hypercall.h"
#include "core/nospec.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define PREEMPT_STEP 8

union grant_arg {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_setup_table setup;
    struct gnttab_query_size query;
    struct gnttab_copy copy;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
    struct gnttab_cache_flush cache_flush;
};

/* Requests that come in lists. size: of one; out_at, out_len: what is written back. */
struct grant_row {
    const char *name;
    access_fn access;
    void (*each)(union grant_arg *arg, struct grant_copy_state *copy);
    long (*single)(union grant_arg *arg);
    uint8_t size, out_at, out_len;
};

static void each_map(union grant_arg *arg, struct grant_copy_state *copy)
{
    (void)copy;
    grant_map_one(&arg->map);
}

static void each_unmap(union grant_arg *arg, struct grant_copy_state *copy)
{
    (void)copy;
    grant_unmap_one(&arg->unmap);
}

static void each_replace(union grant_arg *arg, struct grant_copy_state *copy)
{
    (void)copy;
    grant_replace_one(&arg->replace);
}

static void each_copy(union grant_arg *arg, struct grant_copy_state *copy)
{
    grant_copy_one(copy, &arg->copy);
}

/* --- requests that come alone ----------------------------------------------------------------- */

/* Domain that the caller may ask about, referenced; GNTST_* says why not. */
static struct domain *target(domid_t id, int16_t *status)
{
    struct domain *d = domain_get(id == DOMID_SELF ? current->domain->id : id);

    if (d == NULL) {
        *status = GNTST_bad_domain;
    } else if (!access_target(current->domain, d)) {
        domain_put(d);
        d = NULL;
        *status = GNTST_permission_denied;
    } else {
        *status = GNTST_okay;
    }
    return d;
}

static int16_t list_frames(struct domain *d, const struct gnttab_setup_table *a)
{
    for (unsigned i = 0; i < a->nr_frames; i++) {
        xen_pfn_t mfn = arch_page_to_mfn(grant_shared_page(d, i)).v;

        if (guest_put_at(a->frame_list, i, &mfn) != 0) {
            return GNTST_bad_virt_addr;
        }
    }
    return GNTST_okay;
}

static long single_setup(union grant_arg *arg)
{
    struct gnttab_setup_table *a = &arg->setup;
    struct domain *d = target(a->dom, &a->status);

    if (d == NULL) {
        return 0;
    }
    if (grant_grow(d, a->nr_frames) != 0) {
        a->status = GNTST_general_error;
    } else {
        a->status = list_frames(d, a);
    }
    domain_put(d);
    return 0;
}

static long single_query(union grant_arg *arg)
{
    struct gnttab_query_size *a = &arg->query;
    struct domain *d = target(a->dom, &a->status);

    if (d != NULL) {
        a->nr_frames = d->grants->nr_frames;
        a->max_nr_frames = d->max_grant_frames;
        domain_put(d);
    }
    return 0;
}

static long single_set_version(union grant_arg *arg)
{
    uint32_t version = arg->set_version.version;

    if (version == 2) {
        return -ENOSYS; /* a kernel that asked takes version 1 then */
    }
    return version == 1 ? 0 : -EINVAL;
}

static long single_get_version(union grant_arg *arg)
{
    int16_t status;
    struct domain *d = target(arg->get_version.dom, &status);

    if (d == NULL) {
        return status == GNTST_bad_domain ? -ESRCH : -EPERM;
    }
    arg->get_version.version = 1;
    domain_put(d);
    return 0;
}

/* Caches are coherent here: a right request has nothing to do. */
static long single_cache_flush(union grant_arg *arg)
{
    const struct gnttab_cache_flush *a = &arg->cache_flush;

    if ((a->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL | GNTTAB_CACHE_SOURCE_GREF)) != 0 ||
        (unsigned)a->offset + a->length > PAGE_SIZE) {
        return -EINVAL;
    }
    return (a->op & GNTTAB_CACHE_SOURCE_GREF) != 0 ? -EOPNOTSUPP : 0;
}

/* --- table and dispatch ----------------------------------------------------------------------- */

#define BACK(type, first, last)                                                                    \
    sizeof(struct type), offsetof(struct type, first),                                             \
        offsetof(struct type, last) + sizeof(((struct type *)0)->last) -                           \
            offsetof(struct type, first)

static const struct grant_row rows[] = {
    [GNTTABOP_map_grant_ref] = {"map_grant_ref", access_any, each_map, NULL,
                                BACK(gnttab_map_grant_ref, status, dev_bus_addr)},
    [GNTTABOP_unmap_grant_ref] = {"unmap_grant_ref", access_any, each_unmap, NULL,
                                  BACK(gnttab_unmap_grant_ref, status, status)},
    [GNTTABOP_setup_table] = {"setup_table", access_any, NULL, single_setup,
                              BACK(gnttab_setup_table, status, status)},
    [GNTTABOP_copy] = {"copy", access_any, each_copy, NULL, BACK(gnttab_copy, status, status)},
    [GNTTABOP_query_size] = {"query_size", access_any, NULL, single_query,
                             BACK(gnttab_query_size, nr_frames, status)},
    [GNTTABOP_unmap_and_replace] = {"unmap_and_replace", access_any, each_replace, NULL,
                                    BACK(gnttab_unmap_and_replace, status, status)},
    [GNTTABOP_set_version] = {"set_version", access_any, NULL, single_set_version,
                              BACK(gnttab_set_version, version, version)},
    [GNTTABOP_get_version] = {"get_version", access_any, NULL, single_get_version,
                              BACK(gnttab_get_version, version, version)},
    [GNTTABOP_cache_flush] = {"cache_flush", access_any, NULL, single_cache_flush,
                              sizeof(struct gnttab_cache_flush), 0, 0},
};

/* A request that came into force unseen is taken back, so that nothing leaks. */
static void undo_map(const struct grant_row *row, const union grant_arg *arg)
{
    if (row->each == each_map && arg->map.status == GNTST_okay) {
        struct gnttab_unmap_grant_ref un = {
            .host_addr = arg->map.host_addr,
            .dev_bus_addr = arg->map.dev_bus_addr,
            .handle = arg->map.handle,
        };

        grant_unmap_one(&un);
    }
}

/* Made once for each row that comes in lists, so that sizes and handlers are constants. */
static inline __attribute__((always_inline)) long run_list(const struct grant_row *row,
                                                           uint64_t cmd, guest_ptr_t list,
                                                           uint64_t count)
{
    struct grant_copy_state copy = {.src.valid = false, .dst.valid = false};
    union grant_arg arg;
    long rc = 0;

    for (uint64_t i = 0; i < count; i++) {
        guest_ptr_t p = guest_index(list, i, row->size);

        if (i % PREEMPT_STEP == PREEMPT_STEP - 1 && preempt_needed()) {
            rc = hypercall_continue(__HYPERVISOR_grant_table_op, cmd, p.va, count - i, 0, 0, 0);
            break;
        }
        if (guest_read_small(&arg, p, row->size) != 0) {
            rc = -EFAULT;
            break;
        }
        row->each(&arg, &copy);
        p.va += row->out_at;
        if (guest_write_small(p, (const char *)&arg + row->out_at, row->out_len) != 0) {
            undo_map(row, &arg);
            rc = -EFAULT;
            break;
        }
    }
    grant_copy_finish(&copy);
    return rc;
}

static long run_single(const struct grant_row *row, guest_ptr_t p, uint64_t count)
{
    union grant_arg arg;
    long rc;

    if (count != 1) {
        return -EINVAL;
    }
    if (guest_read(&arg, p, row->size) != 0) {
        return -EFAULT;
    }
    rc = row->single(&arg);
    p.va += row->out_at;
    if (rc == 0 && row->out_len != 0 &&
        guest_write(p, (const char *)&arg + row->out_at, row->out_len) != 0) {
        rc = -EFAULT;
    }
    return rc;
}

CORE_CALL(do_grant_table_op)
{
    uint64_t cmd = (uint32_t)a1, count = (uint32_t)a3;
    guest_ptr_t list = GUEST_PTR(a2);
    const struct grant_row *row;

    if ((int32_t)count < 0) {
        return -EINVAL;
    }
    if (cmd >= ARRAY_SIZE(rows)) {
        return -ENOSYS;
    }
    row = &rows[index_nospec(cmd, ARRAY_SIZE(rows))];
    if (row->name == NULL) {
        return -ENOSYS;
    }
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    if (!guest_range_ok(list, count * row->size)) {
        return -EFAULT;
    }
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return run_list(&rows[GNTTABOP_map_grant_ref], cmd, list, count);
    case GNTTABOP_unmap_grant_ref:
        return run_list(&rows[GNTTABOP_unmap_grant_ref], cmd, list, count);
    case GNTTABOP_copy:
        return run_list(&rows[GNTTABOP_copy], cmd, list, count);
    case GNTTABOP_unmap_and_replace:
        return run_list(&rows[GNTTABOP_unmap_and_replace], cmd, list, count);
    default:
        return run_single(row, list, count);
    }
}
