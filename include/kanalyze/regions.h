/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memory there is: regions of the kernel's address space, what page tables map, what a dump holds. */
#ifndef KANALYZE_REGIONS_H
#define KANALYZE_REGIONS_H

#include <kanalyze/memory.h>

enum ka_region_kind {
	KA_REGION_OTHER,	/* per-CPU entry areas, fixmap, and what else the kernel maps */
	KA_REGION_DIRECT,	/* the direct map of all memory */
	KA_REGION_VMALLOC,
	KA_REGION_VMEMMAP,	/* the array of struct page */
	KA_REGION_IMAGE,	/* text and data of the kernel itself */
	KA_REGION_MODULES,
	KA_REGION_ALIASES,	/* the same few pages over and over: nothing to search */
};

struct ka_region {
	enum ka_region_kind kind;
	ka_addr start, end;	/* end: the first address behind; 0: the end of the address space. start == end: not known */
};

/* The region of a kind; false when the architecture has none or its place is not known. */
bool ka_region_find(struct ka_kernel *k, enum ka_region_kind kind, struct ka_region *ret);
enum ka_region_kind ka_region_of(struct ka_kernel *k, ka_addr at);

/* A run of addresses that page tables map to consecutive physical ones. */
struct ka_mapped {
	uint64_t virt, phys, size;
};

/*
 * The first run at or above at and not above last. pgd as of ka_translation_walk(). Tables are asked, so what the
 * kernel took out of the direct map is not in it. What cannot be read of the tables is passed over. False: no more.
 */
bool ka_mapped_next(struct ka_kernel *k, ka_addr pgd, uint64_t at, uint64_t last, struct ka_mapped *ret);

/* The first range of physical memory at or above phys that the dump holds; false: no more. */
bool ka_phys_next(struct ka_kernel *k, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end);
/*
 * Where physical memory lies in the mapped file, and how many bytes of it; NULL when it must be read. The bytes are
 * good only while ka_phys_map_is_good() says so afterwards: a file may shrink under its map.
 */
const uint8_t *ka_phys_map(struct ka_kernel *k, uint64_t phys, uint64_t *ret_size);
bool ka_phys_map_is_good(struct ka_kernel *k);
/* Does what the dump left out read as zeros (--zero-excluded)? */
bool ka_is_zero_excluded(struct ka_kernel *k);

#endif
