/* SPDX-License-Identifier: MIT */
/*
 * Included before every file (meson.build): all names, also those only declared, are the image's
 * own, so the compiler addresses them relative to the instruction and needs no table of addresses.
 */
#ifndef __ASSEMBLER__
#pragma GCC visibility push(hidden)
#endif
