/* SPDX-License-Identifier: MIT */
/*
 * console-io: the emergency console.
 *
 * Why: the first words of every kernel.
 * Right outcome: lines of any length are written; nothing to read is 0; bad buffers are -EFAULT,
 * bad commands -ENOSYS.
 * Environments: pv
 */
#include "mm.h"

enum verdict guest_main(void)
{
    char *text = alloc_page(), in[16];

    memset(text, '.', PAGE_SIZE);
    text[1500] = '\n';
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 1501, text), 0);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 0, NULL), 0);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_read, sizeof(in), in), 0);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 8, 0x1000), E_FAULT);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 8, 0xffff830000000000), E_FAULT);
    EXPECT_EQ(HCALL3(console_io, CONSOLEIO_write, 8, 0x8000000000000000), E_FAULT);
    EXPECT_EQ(HCALL3(console_io, 2, 8, text), E_NOSYS);
    EXPECT_EQ(HCALL3(console_io, 0xffffffff, 8, text), E_NOSYS);
    return SUCCESS;
}
