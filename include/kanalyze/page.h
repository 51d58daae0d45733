/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct page: what the kernel says of each page of memory. */
#ifndef KANALYZE_PAGE_H
#define KANALYZE_PAGE_H

#include <kanalyze/memory.h>

struct ka_page {
	ka_addr addr;		/* of the struct page */
	ka_phys phys;		/* of the page itself */
	uint64_t flags;		/* PG_* in its low bits, zone and node above */
	uint64_t mapping, index;
	int32_t refcount, mapcount;
	uint32_t type;		/* page_type; 0: this kernel has none */
	ka_addr head;		/* of the first page of the compound page; addr itself when it is no tail */
	ka_phys head_phys;
};

/* Where the struct page of a physical address lies. Error NOT_FOUND: the memory map has no such page. */
struct ka_error *ka_page_of_phys(struct ka_kernel *k, ka_phys at, ka_addr *ret) KA_MUST_CHECK;
/* The other way. Error NOT_FOUND: there is no struct page at that address. */
struct ka_error *ka_page_phys(struct ka_kernel *k, ka_addr page, ka_phys *ret) KA_MUST_CHECK;
struct ka_error *ka_page_read(struct ka_kernel *k, ka_phys at, struct ka_page *ret) KA_MUST_CHECK;
/* "referenced,uptodate,lru": names of the PG_ bits, the lowest first. "" when none is set. In the arena. */
const char *ka_page_flags_text(struct ka_kernel *k, struct ka_arena *a, uint64_t flags);
/* sizeof(struct page); 0 when the types do not tell. */
uint64_t ka_page_struct_size(struct ka_kernel *k);

#endif
