/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmalloc's areas by address. */
#ifndef KA_MODEL_FAULT_AREA_H
#define KA_MODEL_FAULT_AREA_H

#include <kanalyze/memory.h>

struct ka_fault_area {
	ka_addr start, end;
	ka_addr caller;			/* who allocated it; 0 unknown */
	bool has_guard;			/* its last page is one */
	bool is_freed;			/* unmapped or about to be */
};
bool ka_fault_area_find(struct ka_kernel *k, ka_addr addr, struct ka_fault_area *ret);

#endif
