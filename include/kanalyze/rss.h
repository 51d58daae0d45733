/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the page tables of a process hold, entry by entry, and what that makes of memory. */
#ifndef KANALYZE_RSS_H
#define KANALYZE_RSS_H

#include <kanalyze/entry.h>
#include <kanalyze/vma.h>

struct ka_user_page {
	uint64_t virt, size;	/* bytes: of large pages more than a page */
	uint64_t entry;
	struct ka_entry e;	/* its device lives until the next call */
};

/*
 * Every entry that is not empty between at and end, lowest first; holes are passed a table at a time. pgd as mm_struct has it.
 * What cannot be read of the tables is passed over: the first such error is that of ka_user_pages_end().
 */
struct ka_user_pages {
	struct ka_kernel *k;
	ka_addr pgd;
	uint64_t at, end;
	/* the walker's own: the table of the last level that at is in */
	uint64_t table_start, table_end;
	uint8_t *table;
	struct ka_arena *arena;
	struct ka_error *err;
};
struct ka_user_pages ka_user_pages(struct ka_kernel *k, ka_addr pgd, uint64_t at, uint64_t end);
bool ka_user_pages_next(struct ka_user_pages *w, struct ka_user_page *ret);
struct ka_error *ka_user_pages_end(struct ka_user_pages *w) KA_MUST_CHECK;

/* Bytes, as /proc/PID/smaps counts them. */
struct ka_rss {
	uint64_t rss;			/* in memory: anon + file + shmem */
	uint64_t anon, file, shmem;
	uint64_t pss;			/* each page divided by how often it is mapped */
	uint64_t only;			/* of pages that nobody else maps (USS) */
	uint64_t huge;			/* of rss: by entries for more than a page */
	uint64_t hugetlb;		/* pages of hugetlbfs: not in rss */
	uint64_t swap;			/* entries that say swapped out; what is swapped out of shared memory has none */
	uint64_t other;			/* mapped, but no memory that is counted: zero page, devices */
};
/* Of one area, added to *sum. Also behind an error: of what could be read. */
struct ka_error *ka_rss_add(struct ka_kernel *k, ka_addr pgd, const struct ka_vma *v, struct ka_rss *sum) KA_MUST_CHECK;

#endif
