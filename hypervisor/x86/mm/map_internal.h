/* SPDX-License-Identifier: MIT */
/* Between map.c and vmap.c: changes of many entries with one flush at the end. */
#ifndef X86_MAP_INTERNAL_H
#define X86_MAP_INTERNAL_H

#include "core/types.h"

/* As hv_map_page(); *changed is set when stale translations may be left. */
int hv_map_page_noflush(uint64_t va, mfn_t m, uint64_t flags, bool *changed);
/* As hv_unmap_page(); this processor is flushed. True: others must be. */
bool hv_unmap_page_noflush(uint64_t va);

#endif
