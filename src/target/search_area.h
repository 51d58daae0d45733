/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a search area, for the search itself. */
#ifndef KA_SEARCH_AREA_H
#define KA_SEARCH_AREA_H

#include <kanalyze/search.h>

struct ka_phys_range {
	uint64_t start, end;
};

struct ka_search_area {
	struct ka_kernel *k;
	bool is_all_present;		/* excluded pages read as zeros: nothing is left out */
	struct { KA_VEC(struct ka_phys_range); } present;	/* what the dump holds, rising */
	struct { KA_VEC(struct ka_mapped); } pieces;	/* all of it in the dump */
	uint64_t bytes, missing;
};

#endif
