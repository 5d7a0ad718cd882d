/* SPDX-License-Identifier: MIT */
/*
 * The table of function names for backtraces, made by hypervisor/symbols.awk from the first link
 * and added by the second. Offsets count from IMAGE_START and ascend; name n starts at
 * hv_symbol_names[hv_symbol_name_offsets[n]] and ends with NUL. In the first link the table is
 * empty.
 */
#ifndef X86_SYMBOLS_H
#define X86_SYMBOLS_H

#include <stdint.h>

extern const uint32_t hv_symbol_count;
extern const uint32_t hv_symbol_offsets[];
extern const uint32_t hv_symbol_name_offsets[];
extern const char hv_symbol_names[];

#endif
