/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sorting by address, in linear time: tables of 10^5 entries are made at start-up. */
#include "object.h"

enum { BITS = 11, DIGITS = 6, SIZE = 1 << BITS };

struct ka_sort_key *ka_sort_keys(struct ka_sort_key *a, struct ka_sort_key *b, size_t n)
{
	bool is_sorted = true;

	for (size_t i = 1; i < n && is_sorted; i++)
		is_sorted = a[i - 1].key <= a[i].key;
	if (is_sorted)
		return a;
	uint32_t (*count)[SIZE] = ka_xalloc(DIGITS * sizeof(*count));

	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			count[d][a[i].key >> (d * BITS) & (SIZE - 1)]++;
	for (unsigned d = 0; d < DIGITS; d++) {
		uint32_t sum = 0;

		/* kernel addresses share most of their high bits: such a digit needs no pass */
		if (count[d][a[0].key >> (d * BITS) & (SIZE - 1)] == n)
			continue;
		for (unsigned i = 0; i < SIZE; i++) {
			uint32_t c = count[d][i];

			count[d][i] = sum;
			sum += c;
		}
		for (size_t i = 0; i < n; i++)
			b[count[d][a[i].key >> (d * BITS) & (SIZE - 1)]++] = a[i];
		struct ka_sort_key *swap = a;

		a = b;
		b = swap;
	}
	free(count);
	return a;
}
