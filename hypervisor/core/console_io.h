/* SPDX-License-Identifier: MIT */
/* Between console.c and console_io.c. */
#ifndef CORE_CONSOLE_IO_H
#define CORE_CONSOLE_IO_H

/* Take at most max waiting characters from the serial port's input; how many there were. */
unsigned console_input_take(char *buf, unsigned max);

#endif
