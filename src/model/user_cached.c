/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of mapped files from the page cache: what a process has not touched yet, and would find there. */
#include <kanalyze/page.h>
#include <kanalyze/vfs.h>
#include <kanalyze/view.h>
#include "user_object.h"

#define PAGES_MAX (1u << 18)	/* of one file: 1 GB */

/* f_mapping is of the file system that has the pages, also where one lies on another. */
struct mapped_file { ka_addr mapping; };
KA_VIEW(mapped_file, ("file"), KA_FROM(mapped_file, mapping, "f_mapping"));

struct ka_user_cached {
	ka_addr file;
	struct ka_map pages;	/* index -> struct page */
};

static struct ka_user_cached *cached_of(struct ka_user_space *s, ka_addr file)
{
	struct ka_user_cached *c;
	struct mapped_file f;
	struct ka_walk w;
	ka_addr tree;
	uint64_t size = ka_page_struct_size(s->k), n = 0;

	for (size_t i = 0; i < s->cached.n; i++)
		if (s->cached.at[i]->file == file)
			return s->cached.at[i];
	c = ka_alloc(s->arena, sizeof(*c));
	c->file = file;
	ka_vec_push(&s->cached, c);
	if (!size || ka_error_drop(ka_view_read(s->k, &ka_view_mapped_file, file, &f)) || !f.mapping ||
	    ka_error_drop(ka_mapping_tree(s->k, f.mapping, &tree)))
		return c;
	w = ka_walk_xarray(s->k, tree);
	for (ka_addr page; n < PAGES_MAX && ka_walk_next(&w, &page);) {
		const struct ka_place *p = ka_walk_place(&w);

		/* a folio has one entry, and its pages lie one behind the other */
		for (uint64_t i = p->first; i <= p->last && n < PAGES_MAX; i++, n++)
			ka_map_add(&c->pages, i, page + (i - p->first) * size);
	}
	ka_error_drop(ka_walk_end(&w));
	return c;
}

bool ka_user_cached_read(struct ka_user_space *s, const struct ka_user_area *a, uint64_t at, void *ret, size_t size)
{
	uint64_t page_size = ka_page_size(s->k), offset = at - a->start + a->offset;
	struct ka_user_cached *c = cached_of(s, a->file);
	uint64_t page;
	ka_phys phys;

	if (!ka_map_get(&c->pages, offset / page_size, &page) || ka_error_drop(ka_page_phys(s->k, page, &phys)))
		return false;
	return !ka_error_drop(ka_read_phys(s->k, (ka_phys){ phys.v + offset % page_size }, ret, size));
}

void ka_user_cached_free(struct ka_user_space *s)
{
	for (size_t i = 0; i < s->cached.n; i++)
		ka_map_free(&s->cached.at[i]->pages);
	ka_vec_free(&s->cached);
}
