/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a search goes: runs of addresses, cut to what the dump holds. */
#include "search_area.h"

static void note_present(struct ka_search_area *s)
{
	uint64_t at = 0, start, end;

	/* bounded: each range lies above the one before */
	while (ka_phys_next(s->k, at, &start, &end) && start >= at && end > start && !ka_interrupted()) {
		if (s->present.n && s->present.at[s->present.n - 1].end == start)
			s->present.at[s->present.n - 1].end = end;
		else
			ka_vec_push(&s->present, (struct ka_phys_range){ start, end });
		at = end;
	}
}

struct ka_search_area *ka_search_area_new(struct ka_kernel *k)
{
	struct ka_search_area *s = ka_xalloc(sizeof(*s));

	s->k = k;
	s->is_all_present = ka_is_zero_excluded(k);
	if (!s->is_all_present)
		note_present(s);
	return s;
}

static void add_piece(struct ka_search_area *s, uint64_t virt, uint64_t phys, uint64_t size)
{
	struct ka_mapped *last = s->pieces.n ? &s->pieces.at[s->pieces.n - 1] : NULL;

	s->bytes += size;
	if (last && last->virt + last->size == virt && last->phys + last->size == phys)
		last->size += size;
	else
		ka_vec_push(&s->pieces, (struct ka_mapped){ virt, phys, size });
}

/* Index of the first range that ends above phys. */
static size_t range_from(const struct ka_search_area *s, uint64_t phys)
{
	size_t lo = 0, hi = s->present.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->present.at[mid].end > phys)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void ka_search_area_add(struct ka_search_area *s, const struct ka_mapped *run)
{
	uint64_t end = run->phys + run->size, got = 0;

	if (end < run->phys || !run->size)
		return;
	if (s->is_all_present) {
		add_piece(s, run->virt, run->phys, run->size);
		return;
	}
	for (size_t i = range_from(s, run->phys); i < s->present.n && s->present.at[i].start < end; i++) {
		uint64_t from = KA_MAX(run->phys, s->present.at[i].start), to = KA_MIN(end, s->present.at[i].end);

		add_piece(s, run->virt + (from - run->phys), from, to - from);
		got += to - from;
	}
	s->missing += run->size - got;
}

void ka_search_area_clear(struct ka_search_area *s)
{
	s->pieces.n = 0;
	s->bytes = s->missing = 0;
}

void ka_search_area_free(struct ka_search_area *s)
{
	if (!s)
		return;
	ka_vec_free(&s->pieces);
	ka_vec_free(&s->present);
	free(s);
}

uint64_t ka_search_area_size(const struct ka_search_area *s, uint64_t *ret_missing)
{
	if (ret_missing)
		*ret_missing = s->missing;
	return s->bytes;
}
