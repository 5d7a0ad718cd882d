/* SPDX-License-Identifier: MIT */
/* The empty table of names of the first link (x86/cpu/symbols.h). */
.section .symbols, "a"
.balign 4
.globl hv_symbol_count, hv_symbol_offsets, hv_symbol_name_offsets, hv_symbol_names
hv_symbol_count:
hv_symbol_offsets:
hv_symbol_name_offsets:
hv_symbol_names:
    .long 0
.section .note.GNU-stack, "", @progbits
