/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Search: what page tables map, cut to what the dump holds; values and texts, also over the ends of pages. */
#include <kanalyze/search.h>
#include "check.h"
#include "tiny.h"

#define VMALLOC 0xffffc90000000000ull
#define EXCLUDED 0x2800000ull
#define MAGIC 0x1122334455667788ull

static const struct tiny_hole holes[] = { { EXCLUDED, EXCLUDED + 0x1000, true } };

struct result {
	uint64_t addr[64];
	size_t which[64], n, stop_at;
};

static bool found(void *ctx, const struct ka_match *m)
{
	struct result *r = ctx;

	if (r->n < 64) {
		r->addr[r->n] = m->addr;
		r->which[r->n] = m->which;
	}
	return ++r->n != r->stop_at;
}

static void search(struct ka_kernel *k, uint64_t first, uint64_t last, const struct ka_search_for *what, struct result *ret, uint64_t *ret_missing)
{
	struct ka_search_area *s = ka_search_area_new(k);
	struct ka_mapped run;
	uint64_t bad_bytes;
	struct ka_error *bad;

	ret->n = 0;
	while (ka_mapped_next(k, 0, first, last, &run)) {
		ka_search_area_add(s, &run);
		first = run.virt + run.size;
		if (first - 1 >= last)
			break;
	}
	ka_search_area_size(s, ret_missing);
	CHECK(!ka_search(s, what, found, ret, &bad_bytes, &bad));
	CHECK_INT(bad_bytes, 0);
	CHECK(!bad);
	ka_search_area_free(s);
}

static void check_mapped(struct tiny *t, ka_addr a)
{
	struct ka_mapped run;

	/* three pages of which two lie behind each other, then a hole, then a large page */
	CHECK(ka_mapped_next(t->k, 0, VMALLOC, UINT64_MAX, &run));
	CHECK_INT(run.virt, VMALLOC);
	CHECK_INT(run.size, 0x1000);
	CHECK(ka_mapped_next(t->k, 0, VMALLOC + 0x1000, UINT64_MAX, &run));
	CHECK_INT(run.phys, tiny_phys(a));
	CHECK_INT(run.size, 0x2000);
	CHECK(ka_mapped_next(t->k, 0, VMALLOC + 0x1800, VMALLOC + 0x27ff, &run));
	CHECK_INT(run.virt, VMALLOC + 0x1800);
	CHECK_INT(run.phys, tiny_phys(a) + 0x800);
	CHECK_INT(run.size, 0x1000);
	CHECK(ka_mapped_next(t->k, 0, VMALLOC + 0x3000, UINT64_MAX, &run));
	CHECK_INT(run.virt, VMALLOC + 0x4000);
	CHECK(ka_mapped_next(t->k, 0, VMALLOC + 0x5000, UINT64_MAX, &run));
	CHECK_INT(run.virt, VMALLOC + (2 << 20));
	CHECK_INT(run.size, 2 << 20);
	CHECK(!ka_mapped_next(t->k, 0, VMALLOC + 0x5000, VMALLOC + 0x6000, &run));
	CHECK_INT(ka_region_of(t->k, VMALLOC), KA_REGION_VMALLOC);
	CHECK_INT(ka_region_of(t->k, TINY_TEXT), KA_REGION_IMAGE);
	CHECK_INT(ka_region_of(t->k, TINY_DIRECT), KA_REGION_DIRECT);
}

static void check_values(struct tiny *t)
{
	uint64_t values[] = { MAGIC, 0xabcdef }, missing;
	struct ka_search_for what = { .width = 8, .values = values, .count = 2 };
	struct result r = {0};

	tiny_put(t, VMALLOC + 8, MAGIC, 8);
	tiny_put(t, VMALLOC + 0xff8, 0xabcdef, 8);
	tiny_put(t, VMALLOC + 0x1ffc, MAGIC, 8);	/* not at a multiple of 8 */
	tiny_put(t, VMALLOC + 0x2ff8, MAGIC, 8);
	search(t->k, VMALLOC, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 3);
	CHECK_INT(r.addr[0], VMALLOC + 8);
	CHECK_INT(r.addr[1], VMALLOC + 0xff8);
	CHECK_INT(r.which[1], 1);
	CHECK_INT(r.addr[2], VMALLOC + 0x2ff8);
	CHECK_INT(missing, 0x1000);
	/* ends early when told to */
	r.stop_at = 2;
	search(t->k, VMALLOC, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 2);
	r.stop_at = 0;
	/* half of one, at every fourth byte */
	values[0] = 0x55667788;
	what.width = 4;
	what.count = 1;
	search(t->k, VMALLOC, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 3);
	CHECK_INT(r.addr[1], VMALLOC + 0x1ffc);
	values[0] = 0x1122;
	what.width = 2;
	search(t->k, VMALLOC, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 3);
	CHECK_INT(r.addr[0], VMALLOC + 14);
	/* bits that do not matter; what lies before the place asked for is left out */
	values[0] = 0x1122334400000000ull;
	what.width = 8;
	what.ignore = 0xffffffff;
	search(t->k, VMALLOC + 16, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 1);
	CHECK_INT(r.addr[0], VMALLOC + 0x2ff8);
}

static void check_texts(struct tiny *t)
{
	struct ka_search_text texts[] = { { "over the edge", 13 }, { "edge", 4 } };
	struct ka_search_for what = { .texts = texts, .count = 2 };
	struct result r = {0};
	uint64_t missing;

	/* pages that follow each other by address alone */
	tiny_put_bytes(t, VMALLOC + 0xffa, "over the edge", 13);
	search(t->k, VMALLOC, VMALLOC + 0x4fff, &what, &r, &missing);
	CHECK_INT(r.n, 2);
	CHECK_INT(r.addr[0], VMALLOC + 0xffa);
	CHECK_INT(r.addr[1], VMALLOC + 0x1003);
	/* the end of the area cuts it */
	search(t->k, VMALLOC, VMALLOC + 0x1005, &what, &r, &missing);
	CHECK_INT(r.n, 0);
	search(t->k, VMALLOC, VMALLOC + 0x1006, &what, &r, &missing);
	CHECK_INT(r.n, 2);
}

/* Over many units and batches the order is that of addresses, and each is told once. */
static void check_many(struct tiny *t)
{
	uint64_t value = MAGIC, missing;
	struct ka_search_for what = { .width = 8, .values = &value, .count = 1 };
	struct ka_search_text text = { "0123456789abcdef", 16 };
	struct ka_search_for text_what = { .texts = &text, .count = 1 };
	struct result r = {0};

	for (unsigned i = 0; i < 48; i++) {
		memcpy(t->memory + ((uint64_t)i << 20) + 0x81000, &value, 8);
		memcpy(t->memory + ((uint64_t)i << 20) + (256 << 10) - 8, text.bytes, 16);
	}
	tiny_map(t, VMALLOC + (1ull << 30), 0, 1 << 30);
	for (unsigned pass = 0; pass < 2; pass++) {
		search(t->k, VMALLOC + (1ull << 30), VMALLOC + (2ull << 30) - 1, pass ? &text_what : &what, &r, &missing);
		CHECK(r.n >= 48 && r.n < 56);	/* the others lie about from before */
		CHECK_INT(missing, (1ull << 30) - TINY_MEMORY + 0x1000);
		for (size_t i = 1; i < r.n; i++)
			CHECK(r.addr[i] > r.addr[i - 1]);
	}
}

int main(void)
{
	struct tiny_options o = { .holes = holes, .hole_count = KA_COUNT(holes) };
	struct tiny t;
	ka_addr a;

	tiny_open(&t, &o);
	a = tiny_alloc(&t, 0x4000, 4096);
	tiny_map(&t, VMALLOC, tiny_phys(a) + 0x2000, 4096);
	tiny_map(&t, VMALLOC + 0x1000, tiny_phys(a), 4096);
	tiny_map(&t, VMALLOC + 0x2000, tiny_phys(a) + 0x1000, 4096);
	tiny_map(&t, VMALLOC + 0x4000, EXCLUDED, 4096);
	tiny_map(&t, VMALLOC + (2 << 20), 2 << 20, 2 << 20);
	check_mapped(&t, a);
	check_values(&t);
	check_texts(&t);
	check_many(&t);
	tiny_close(&t);
	return CHECK_DONE();
}
