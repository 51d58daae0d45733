/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an entry of a page table says: a page, or where the page is instead. */
#ifndef KANALYZE_ENTRY_H
#define KANALYZE_ENTRY_H

#include <kanalyze/memory.h>

enum ka_entry_kind {
	KA_ENTRY_NONE,		/* nothing was ever mapped */
	KA_ENTRY_PAGE,
	KA_ENTRY_SWAP,		/* on a swap device */
	KA_ENTRY_MIGRATION,	/* being moved from a physical page */
	KA_ENTRY_DEVICE,	/* in the memory of a device (device private, device exclusive) */
	KA_ENTRY_HWPOISON,	/* taken out of use after a hardware fault */
	KA_ENTRY_MARKER,	/* no page, but the kernel remembers something of the place (userfaultfd, guard pages) */
	KA_ENTRY_SWAP_ERROR,	/* could not be read back from swap (v5.19 to v6.1; a marker since) */
	KA_ENTRY_OTHER,		/* cannot be told */
};

struct ka_entry {
	enum ka_entry_kind kind;
	const char *kind_name;	/* "page", "swap", "migration" ... */
	uint64_t phys;		/* page, migration, device, hwpoison: physical address of the page */
	unsigned type;		/* number of the swap device, or of the kind */
	uint64_t offset;	/* swap: in pages; marker: its bits */
	const char *device;	/* swap: path of the device or file, in the arena; NULL: not known */
};

/* size: bytes that the entry is for; 0: not known. */
void ka_entry_decode(struct ka_kernel *k, uint64_t entry, uint64_t size, struct ka_arena *a, struct ka_entry *ret);
/* "swapped out to /dev/sda2, page 4711 there"; NULL of pages and where nothing is. In the arena. */
const char *ka_entry_where(struct ka_arena *a, const struct ka_entry *e);

#endif
