/* SPDX-License-Identifier: MIT */
/* A PV kernel that does nothing: the guest of rows that count what the toolstack does. */
#include <public/sched.h>
#include "guest.h"

enum verdict guest_main(void)
{
    for (;;) {
        HCALL2(sched_op, SCHEDOP_block, NULL);
    }
}
