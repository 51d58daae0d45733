/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Searching memory for values or text, on all cores; what is found comes in the order of addresses. */
#ifndef KANALYZE_SEARCH_H
#define KANALYZE_SEARCH_H

#include <kanalyze/regions.h>

struct ka_search_text {
	const char *bytes;
	size_t size;
};

struct ka_search_for {
	unsigned width;			/* bytes of a value: 2, 4 or 8; 0: texts */
	uint64_t ignore;		/* bits of values that may be anything */
	const uint64_t *values;
	const struct ka_search_text *texts;
	size_t count;			/* of values or texts */
};

struct ka_match {
	uint64_t addr;
	uint64_t value;			/* as it stands there, in host order; 0 of texts */
	size_t which;			/* index into values or texts */
};

/* Where to search: runs of addresses, rising, of which what the dump does not hold is left out at once. */
struct ka_search_area;
struct ka_search_area *ka_search_area_new(struct ka_kernel *k);
void ka_search_area_add(struct ka_search_area *s, const struct ka_mapped *run);
void ka_search_area_clear(struct ka_search_area *s);
void ka_search_area_free(struct ka_search_area *s);
/* Bytes to search, and bytes left out since they are not in the dump. */
uint64_t ka_search_area_size(const struct ka_search_area *s, uint64_t *ret_missing);

/*
 * Searches the area; found() gets each match, one thread at a time, and ends the search with false. Values lie at
 * multiples of their width, texts anywhere and over the ends of pages. Pages that cannot be read cost themselves:
 * *ret_bad_bytes counts them, *ret_bad is what the first of them said (the caller's; NULL: none).
 * Error: INTERRUPTED.
 */
struct ka_error *ka_search(struct ka_search_area *s, const struct ka_search_for *what, bool (*found)(void *ctx, const struct ka_match *m),
			   void *ctx, uint64_t *ret_bad_bytes, struct ka_error **ret_bad) KA_MUST_CHECK;

#endif
