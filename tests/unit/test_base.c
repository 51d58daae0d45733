/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arenas, strings, maps, errors, the parallel loop. */
#include <stdatomic.h>
#include <kanalyze/base.h>
#include "check.h"

static void add_one(void *ctx, size_t i)
{
	atomic_fetch_add((_Atomic uint64_t *)ctx, i);
}

CHECK_MAIN
{
	struct ka_arena *a = ka_arena_new();
	unsigned char *big = ka_alloc(a, 100000), *small = ka_alloc(a, 1);

	CHECK(((uintptr_t)big & 15) == 0 && ((uintptr_t)small & 15) == 0);
	CHECK(big[0] == 0 && big[99999] == 0);
	CHECK_STR(ka_printf(a, "%d-%s", 7, "x"), "7-x");
	CHECK_STR(ka_strndup(a, "abcdef", 3), "abc");
	for (int i = 0; i < 10000; i++)
		memset(ka_alloc(a, 33), 0xff, 33);
	ka_arena_free(a);

	struct ka_str s = { 0 };
	for (int i = 0; i < 1000; i++)
		ka_str_printf(&s, "%d,", i);
	ka_str_pad(&s, 'z', 500);
	CHECK_INT(s.len, strlen(s.p));
	CHECK_INT(s.len, 10 * 2 + 90 * 3 + 900 * 4 + 500);
	ka_str_clear(&s);
	CHECK_STR(s.p, "");
	ka_str_free(&s);

	struct ka_map m = { 0 };
	uint64_t v = 0;
	for (uint64_t i = 0; i < 5000; i++)
		CHECK(ka_map_add(&m, i * 4096, i));
	CHECK(!ka_map_add(&m, 4096, 99));
	CHECK(ka_map_get(&m, 4096, &v) && v == 1);
	ka_map_set(&m, 4096, 99);
	CHECK(ka_map_get(&m, 4096, &v) && v == 99);
	CHECK(!ka_map_get(&m, 1, &v));
	CHECK_INT(m.n, 5000);
	ka_map_free(&m);
	CHECK(!ka_map_get(&m, 1, &v));

	struct ka_error *e = ka_error_at(KA_EXCLUDED, KA_SPACE_PHYS, 0x1000, "page %d", 1);
	e = ka_error_wrap(e, "cannot read %s", "it");
	CHECK_STR(e->message, "cannot read it: page 1");
	CHECK(!ka_error_catch(&e, KA_MISSING) && e);
	CHECK_STR(ka_error_code_name(e->code), "EXCLUDED");
	CHECK(ka_error_catch(&e, KA_EXCLUDED) && !e);
	CHECK(ka_error_wrap(NULL, "x") == NULL);

	struct { KA_VEC(int); } vec = { 0 };
	for (int i = 0; i < 100; i++)
		ka_vec_push(&vec, i);
	CHECK_INT(vec.at[99], 99);
	ka_vec_free(&vec);

	_Atomic uint64_t sum = 0;
	ka_parallel(1000, add_one, &sum);
	CHECK_INT(sum, 499500);
}
