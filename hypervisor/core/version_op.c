/* SPDX-License-Identifier: MIT */
/*
 * xen_version: who we are. Tools and kernels take the number for that of the interface, so it is
 * the Xen release whose interface this is; extraversion says whose hypervisor it is.
 * vm_assist stands here too: what a guest asks of us that it could also do without.
 */
#include <public/version.h>
#include "core/calls.h"
#include "core/errno.h"
#include "core/hypercall.h"
#include "core/nospec.h"
#include "lib/lib.h"

#define INTERFACE_MAJOR 4
#define INTERFACE_MINOR 17
#define EXTRAVERSION    ".7-bonsai"

static long ver_version(guest_ptr_t arg)
{
    (void)arg;
    return INTERFACE_MAJOR << 16 | INTERFACE_MINOR;
}

static long ver_extraversion(guest_ptr_t arg)
{
    xen_extraversion_t s = EXTRAVERSION;

    return guest_write(arg, s, sizeof(s));
}

static long ver_compile_info(guest_ptr_t arg)
{
    struct xen_compile_info info = {
        .compile_by = "bonsai",
        .compile_domain = "bonsai",
        .compile_date = "not recorded", /* the same source gives the same image */
    };

    str_copy(info.compiler, "C compiler " __VERSION__, sizeof(info.compiler));
    return guest_put(arg, &info);
}

static long ver_capabilities(guest_ptr_t arg)
{
    xen_capabilities_info_t s = {0};

    arch_capabilities(s, sizeof(s));
    return guest_write(arg, s, sizeof(s));
}

static long ver_changeset(guest_ptr_t arg)
{
    xen_changeset_info_t s = "bonsai";

    return guest_write(arg, s, sizeof(s));
}

static long ver_platform_parameters(guest_ptr_t arg)
{
    struct xen_platform_parameters p = {.virt_start = arch_virt_start(current->domain)};

    return guest_put(arg, &p);
}

static long ver_get_features(guest_ptr_t arg)
{
    struct xen_feature_info f;

    if (guest_get(&f, arg) != 0) {
        return -EFAULT;
    }
    if (f.submap_idx >= XENFEAT_NR_SUBMAPS) {
        return -EINVAL;
    }
    f.submap = arch_features(current->domain, f.submap_idx);
    return guest_put(arg, &f);
}

static long ver_pagesize(guest_ptr_t arg)
{
    return guest_ptr_null(arg) ? (long)PAGE_SIZE : -EINVAL;
}

static long ver_guest_handle(guest_ptr_t arg)
{
    return guest_write(arg, current->domain->handle, sizeof(current->domain->handle));
}

static long ver_commandline(guest_ptr_t arg)
{
    xen_commandline_t s = {0};

    str_copy(s, hv_cmdline, sizeof(s));
    return guest_write(arg, s, sizeof(s));
}

static long ver_build_id(guest_ptr_t arg)
{
    struct xen_build_id head;
    const uint8_t *id;
    size_t len;

    arch_get_build_id(&id, &len);
    if (id == NULL || len == 0) {
        return -ENODATA;
    }
    if (guest_ptr_null(arg)) {
        return (long)len;
    }
    if (guest_get(&head, arg) != 0) {
        return -EFAULT;
    }
    if (head.len == 0) {
        return -EINVAL;
    }
    if (head.len < len) {
        return -ENOBUFS;
    }
    arg.va += offsetof(struct xen_build_id, buf);
    return guest_write(arg, id, len) != 0 ? -EFAULT : (long)len;
}

struct version_row {
    const char *name;
    long (*fn)(guest_ptr_t arg);
    access_fn access;
};

#define ROW(name, who) [XENVER_##name] = {#name, ver_##name, access_##who}

static const struct version_row rows[] = {
    ROW(version, any),      ROW(extraversion, any),        ROW(compile_info, any),
    ROW(capabilities, any), ROW(changeset, any),           ROW(platform_parameters, any),
    ROW(get_features, any), ROW(pagesize, any),            ROW(guest_handle, any),
    ROW(commandline, control), ROW(build_id, control),
};

CORE_CALL(do_xen_version)
{
    uint64_t cmd = (uint32_t)a1;
    const struct version_row *row;

    if (cmd == XENVER_version) { /* kernels make this call for nothing but to take their events */
        return ver_version(GUEST_PTR(a2));
    }
    if (cmd >= ARRAY_SIZE(rows)) {
        return -ENOSYS;
    }
    row = &rows[index_nospec(cmd, ARRAY_SIZE(rows))];
    if (!row->access(current->domain)) {
        return -EPERM;
    }
    return row->fn(GUEST_PTR(a2));
}

CORE_CALL(do_vm_assist)
{
    struct domain *d = current->domain;
    uint64_t cmd = (uint32_t)a1, type = (uint32_t)a2;
    uint32_t bit;

    if (type >= 32 || ((VMASST_OFFERED >> type) & 1) == 0) {
        return -EINVAL;
    }
    bit = 1u << type;
    switch (cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->vm_assist, bit, __ATOMIC_SEQ_CST);
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->vm_assist, ~bit, __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -ENOSYS;
    }
}
