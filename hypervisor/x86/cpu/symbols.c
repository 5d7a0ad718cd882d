/* SPDX-License-Identifier: MIT */
/* Address to name of function: binary search in the table that the second link adds. */
#include "x86/cpu/symbols.h"
#include "core/arch.h"
#include "x86/boot/image.h"
#include "x86/mm/layout.h"

const char *arch_symbol(uint64_t va, uint64_t *offset)
{
    uint32_t at, low = 0, high = hv_symbol_count;

    if (va < (uint64_t)__text_start || va >= (uint64_t)__text_end || high == 0) {
        return NULL;
    }
    at = (uint32_t)(va - IMAGE_START);
    if (at < hv_symbol_offsets[0]) {
        return NULL;
    }
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (hv_symbol_offsets[mid] <= at) {
            low = mid;
        } else {
            high = mid;
        }
    }
    *offset = at - hv_symbol_offsets[low];
    return &hv_symbol_names[hv_symbol_name_offsets[low]];
}
