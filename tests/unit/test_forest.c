/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forests: order, depth, last siblings; rings, depths beyond the bound, chosen roots. */
#include <kanalyze/forest.h>
#include "check.h"

static struct ka_str seen;
static size_t visits;

static void visit(void *ctx, size_t i, unsigned depth, const bool *is_last)
{
	(void)ctx;
	visits++;
	if (seen.len < 4096)
		ka_str_printf(&seen, "%zu:%u%s ", i, depth, depth && is_last[depth - 1] ? "." : "");
}

static const char *walk(const size_t *parent, size_t count, const bool *roots)
{
	struct ka_forest f = { .count = count, .parent = parent, .roots = roots, .visit = visit };

	ka_str_clear(&seen);
	visits = 0;
	ka_forest_walk(&f);
	return seen.len ? seen.p : "";
}

CHECK_MAIN
{
	const size_t plain[] = { KA_NO_PARENT, 0, 0, 1, 1, 5 };
	const bool roots[] = { false, true, false, true, false, false };
	const size_t ring[] = { KA_NO_PARENT, 2, 1, 2 };
	static size_t deep[2000];

	CHECK_STR(walk(plain, 6, NULL), "0:0 1:1 3:2 4:2. 2:1. 5:0 ");
	CHECK_STR(walk(plain, 6, roots), "1:0 3:1 4:1. ");
	CHECK_STR(walk(ring, 4, NULL), "0:0 1:0 2:1. 3:2. ");
	CHECK_STR(walk(plain, 0, NULL), "");
	for (size_t i = 0; i < KA_COUNT(deep); i++)
		deep[i] = i ? i - 1 : KA_NO_PARENT;
	walk(deep, KA_COUNT(deep), NULL);
	CHECK_INT(visits, KA_COUNT(deep));
	ka_str_free(&seen);
}
