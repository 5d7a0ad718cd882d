/* SPDX-License-Identifier: MIT */
/*
 * The console_io hypercall. Those who run the machine read the serial port's input and write to
 * it directly. Others' text is collected into lines, which go to the log as guests' messages do:
 * with the domain's number, through its token bucket, if guest_loglvl lets them.
 */
#include "core/console_io.h"
#include "core/calls.h"
#include "core/console.h"
#include "core/errno.h"
#include "core/guest.h"
#include "core/hypercall.h"
#include "core/softirq.h"
#include "lib/lib.h"

#define PIECE 128

static void write_line(struct domain *d, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];

        if (c != '\n' && (c == '\t' || (unsigned char)c >= ' ')) {
            d->console_line[d->console_len++] = c == '\x7f' ? '?' : c;
        }
        if (c == '\n' || d->console_len == sizeof(d->console_line) - 1) {
            d->console_line[d->console_len] = '\0';
            guest_printk(d, LOG_DEBUG, "%s\n", d->console_line);
            d->console_len = 0;
        }
    }
}

static long console_write(uint64_t count, guest_ptr_t buf)
{
    struct domain *d = current->domain;
    char piece[PIECE];

    while (count > 0) {
        size_t n = MIN(count, (uint64_t)sizeof(piece));

        if (guest_read(piece, buf, n)) {
            return -EFAULT;
        }
        if (access_console(d)) {
            console_write_raw(piece, n);
        } else {
            spin_lock(&d->lock);
            write_line(d, piece, n);
            spin_unlock(&d->lock);
        }
        count -= n;
        buf.va += n;
        if (count > 0 && preempt_needed()) {
            return hypercall_continue(__HYPERVISOR_console_io, CONSOLEIO_write, count, buf.va, 0, 0,
                                      0);
        }
    }
    return 0;
}

static long console_read(uint64_t count, guest_ptr_t buf)
{
    uint64_t done = 0;
    char piece[PIECE];

    if (count > INT32_MAX) { /* the result must not look like an error */
        return -E2BIG;
    }
    while (done < count) {
        unsigned n = console_input_take(piece, (unsigned)MIN(count - done, (uint64_t)PIECE));

        if (n == 0) {
            break;
        }
        if (guest_write(guest_index(buf, done, 1), piece, n)) {
            return -EFAULT;
        }
        done += n;
    }
    return (long)done;
}

static const struct {
    access_fn access;
    long (*fn)(uint64_t count, guest_ptr_t buf);
} console_ops[] = {
    [CONSOLEIO_write] = {access_any, console_write},
    [CONSOLEIO_read] = {access_console, console_read},
};

CORE_CALL(do_console_io)
{
    unsigned cmd = (unsigned)a1;

    if (cmd >= ARRAY_SIZE(console_ops)) {
        return -ENOSYS;
    }
    if (!console_ops[cmd].access(current->domain)) {
        return -EPERM;
    }
    return console_ops[cmd].fn((uint32_t)a2, GUEST_PTR(a3));
}
