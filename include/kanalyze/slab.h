/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* To which slab cache an address belongs, and where its object begins. */
#ifndef KANALYZE_SLAB_H
#define KANALYZE_SLAB_H

#include <kanalyze/memory.h>

struct ka_slab_object {
	ka_addr cache;		/* of the kmem_cache */
	char name[64];		/* the cache's */
	ka_addr slab;		/* of the struct slab, or struct page where there is none (before v5.17) */
	ka_addr page_at;	/* address of the slab's first byte */
	ka_addr object;		/* where the object begins that holds the address; 0: it lies between objects */
	uint64_t object_size;	/* bytes that the cache's user asked for */
	uint64_t index;		/* which object of the slab */
};

/* Does the address lie in a slab? Says nothing of whether the object is in use. False also for what cannot be read. */
bool ka_slab_find(struct ka_kernel *k, ka_addr at, struct ka_slab_object *ret);

#endif
