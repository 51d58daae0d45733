/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entries of user page tables, a table of the last level at a time. */
#include <kanalyze/rss.h>
#include <kanalyze/translate.h>
#include "kernel.h"

struct ka_user_pages ka_user_pages(struct ka_kernel *k, ka_addr pgd, uint64_t at, uint64_t end)
{
	return (struct ka_user_pages){ .k = k, .pgd = pgd, .at = at & ~(ka_page_size(k) - 1), .end = end };
}

static void fault(struct ka_user_pages *w, struct ka_error *err)
{
	if (w->err)
		ka_error_free(err);
	else
		w->err = err;
}

/* To the next multiple of span; false: there is none. */
static bool skip(struct ka_user_pages *w, uint64_t span)
{
	uint64_t step = span - (w->at & (span - 1));

	if (!span || w->at > UINT64_MAX - step) {
		w->at = w->end;
		return false;
	}
	w->at += step;
	return true;
}

/* Where at leads: into a table (kept), or to a large page or something in its place (*ret, true). */
static bool find(struct ka_user_pages *w, struct ka_user_page *ret)
{
	uint64_t page = ka_page_size(w->k), span, entry;
	struct ka_translation t;
	struct ka_error *err = ka_translation_walk(w->k, w->pgd, w->at, &t);

	/* an address that is not mapped is an entry to tell of; a table that the dump has no memory for is not */
	if (err && (err->code != KA_UNMAPPED || err->space == KA_SPACE_PHYS)) {
		fault(w, err);
		err = NULL;
		if (!t.levels)
			w->at = w->end;
		else
			skip(w, ka_level_span(w->k, t.levels - 1));
		return false;
	}
	ka_error_free(err);
	if (!t.levels) {
		w->at = w->end;
		return false;
	}
	span = ka_level_span(w->k, t.levels - 1);
	entry = t.level[t.levels - 1].entry;
	if (t.levels < w->k->layout.va_levels) {
		uint64_t start = w->at & ~(span - 1);

		skip(w, span);
		if (!entry)
			return false;
		*ret = (struct ka_user_page){ .virt = start, .size = span, .entry = entry };
		ka_entry_decode(w->k, entry, span, w->arena, &ret->e);
		return true;
	}
	if (!w->table)
		w->table = ka_xalloc(page);
	err = ka_read_phys(w->k, (ka_phys){ t.level[t.levels - 1].phys & ~(page - 1) }, w->table, page);
	if (err) {
		fault(w, err);
		skip(w, span * (page / 8));
		return false;
	}
	w->table_start = w->at & ~(span * (page / 8) - 1);
	w->table_end = w->table_start + span * (page / 8);
	ka_arena_free(w->arena);
	w->arena = ka_arena_new();
	return false;
}

bool ka_user_pages_next(struct ka_user_pages *w, struct ka_user_page *ret)
{
	uint64_t page = ka_page_size(w->k);

	/* tables of 32-bit machines have another form, and there are none yet */
	if (ka_long_size(w->k) != 8)
		return false;
	if (!w->arena)
		w->arena = ka_arena_new();
	while (w->at < w->end) {
		uint64_t start = w->at, entry;

		if (start < w->table_start || start >= w->table_end) {
			if (ka_interrupted()) {
				fault(w, ka_error_new(KA_INTERRUPTED, "interrupted"));
				return false;
			}
			if (find(w, ret))
				return true;
			continue;
		}
		entry = ka_uint_from(w->k, w->table + (start - w->table_start) / page * 8, 8);
		if (!skip(w, page) || !entry)
			continue;
		*ret = (struct ka_user_page){ .virt = start, .size = page, .entry = entry };
		ka_entry_decode(w->k, entry, page, w->arena, &ret->e);
		return true;
	}
	return false;
}

struct ka_error *ka_user_pages_end(struct ka_user_pages *w)
{
	struct ka_error *err = w->err;

	free(w->table);
	ka_arena_free(w->arena);
	w->table = NULL;
	w->arena = NULL;
	w->err = NULL;
	return err;
}
