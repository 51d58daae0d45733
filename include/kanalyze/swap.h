/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Swap devices and files. */
#ifndef KANALYZE_SWAP_H
#define KANALYZE_SWAP_H

#include <kanalyze/memory.h>

struct ka_swap {
	ka_addr addr;		/* of the swap_info_struct */
	unsigned type;		/* its number, as swap entries in page tables have it */
	uint64_t flags;		/* SWP_* */
	int32_t prio;
	uint64_t pages, used_pages;	/* as /proc/swaps counts them, the header page left out */
	ka_addr file, bdev;
	bool is_partition;	/* a block device, else a file */
	const char *path;	/* in the arena; NULL: cannot be told */
};

/* All that are in use, by number, in the arena. Also behind an error: what was found in spite of it. */
struct ka_error *ka_swaps_read(struct ka_kernel *k, struct ka_arena *a, struct ka_swap **ret, size_t *ret_count) KA_MUST_CHECK;
/* The one of a number. Error NOT_FOUND: there is none. */
struct ka_error *ka_swap_by_type(struct ka_kernel *k, unsigned type, struct ka_arena *a, struct ka_swap *ret) KA_MUST_CHECK;

#endif
