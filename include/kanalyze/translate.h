/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables entry by entry, and the ways between virtual and physical addresses that need no table. */
#ifndef KANALYZE_TRANSLATE_H
#define KANALYZE_TRANSLATE_H

#include <kanalyze/memory.h>

#define KA_TRANSLATION_LEVELS 5

struct ka_translation {
	struct {
		const char *name;	/* "PGD", "PUD" ... the architecture's */
		uint64_t phys, entry;	/* where the entry lies (physical), its value */
		ka_addr virt;		/* the same in the direct map; 0: none */
	} level[KA_TRANSLATION_LEVELS];
	unsigned levels;		/* that could be read; the last one may be what failed */
	bool is_mapped;
	uint64_t phys;			/* of the address asked for */
	uint64_t page_size;		/* of the page or block that holds it */
	uint64_t page_phys;		/* start of that */
};

/* pgd: kernel virtual address of a top table (mm->pgd), 0: the kernel's own. Error: what stopped the walk; *ret is filled as far as it went. */
struct ka_error *ka_translation_walk(struct ka_kernel *k, ka_addr pgd, uint64_t at, struct ka_translation *ret) KA_MUST_CHECK;
/* Kernel virtual address of the kernel's own top table. */
ka_addr ka_kernel_pgd(struct ka_kernel *k);
/* Names of the bits of an entry, joined by '|': "PRESENT|RW|NX"; "" when there are none. size: of the page it maps. */
const char *ka_translation_flags(struct ka_kernel *k, struct ka_arena *a, uint64_t entry, uint64_t page_size);
/* Of a mapping that the tables do not hold: in the kernel image or the direct map? */
bool ka_is_direct(struct ka_kernel *k, ka_addr at, ka_phys *ret);
/* Where the direct map has a physical address. Error: it reaches beyond the map. */
struct ka_error *ka_phys_to_virt(struct ka_kernel *k, ka_phys at, ka_addr *ret) KA_MUST_CHECK;

#endif
