/* SPDX-License-Identifier: MIT */
/* mark N: executes the marker N in user space, for scripts in dom0. */
#include <stdlib.h>
#include "mark.h"

MARK_CODE;

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    mark((unsigned)strtoul(argv[1], NULL, 10));
    return 0;
}
