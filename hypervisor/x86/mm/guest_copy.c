/* SPDX-License-Identifier: MIT */
/*
 * guest_read, guest_write and guest_clear of core/guest.h, for guests whose address space is
 * loaded while we run: the address is checked against the hypervisor's part and against
 * non-canonical forms, then used as it is, with faults caught (copy_user.S). A PV kernel's root
 * maps its user part too, so that pointers of tools in dom0 work unchanged.
 *
 * The guest may have widened an entry without flushing: the first access then faults, and that
 * fault drops the stale translation. So a failed copy is tried a second time.
 */
#include "core/guest.h"

#include "core/errno.h"
#include "lib/lib.h"
#include "x86/mm/layout.h"

size_t copy_guest_raw(void *dst, const void *src, size_t len);
size_t clear_guest_raw(void *dst, size_t len);

bool guest_range_ok(guest_ptr_t p, size_t len)
{
    uint64_t end;

    if (__builtin_add_overflow(p.va, (uint64_t)len, &end)) {
        return false;
    }
    if (p.va < GUEST_LOW_END) {
        return end <= GUEST_LOW_END;
    }
    return p.va >= HV_VIRT_END;
}

int guest_read(void *dst, guest_ptr_t src, size_t len)
{
    const char *from;
    size_t left;

    if (!guest_range_ok(src, len)) {
        memset(dst, 0, len);
        return -EFAULT;
    }
    from = guest_clamp(src.va);
    left = copy_guest_raw(dst, from, len);
    if (__builtin_expect(left == 0, 1)) {
        return 0;
    }
    left = copy_guest_raw((char *)dst + (len - left), from + (len - left), left);
    if (left != 0) {
        memset((char *)dst + (len - left), 0, left);
        return -EFAULT;
    }
    return 0;
}

int guest_write(guest_ptr_t dst, const void *src, size_t len)
{
    char *to;
    size_t left;

    if (!guest_range_ok(dst, len)) {
        return -EFAULT;
    }
    to = guest_clamp(dst.va);
    left = copy_guest_raw(to, src, len);
    if (__builtin_expect(left == 0, 1)) {
        return 0;
    }
    left = copy_guest_raw(to + (len - left), (const char *)src + (len - left), left);
    return left == 0 ? 0 : -EFAULT;
}

int guest_clear(guest_ptr_t dst, size_t len)
{
    char *to;
    size_t left;

    if (!guest_range_ok(dst, len)) {
        return -EFAULT;
    }
    to = guest_clamp(dst.va);
    left = clear_guest_raw(to, len);
    if (left != 0) {
        left = clear_guest_raw(to + (len - left), left);
    }
    return left == 0 ? 0 : -EFAULT;
}
