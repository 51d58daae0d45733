/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Value, size and sign of random integer expressions: as the compiler that builds this makes them. */
#include <limits.h>
#include <stdint.h>
#include "check.h"
#include <kanalyze/expr.h>

static const struct { const char *text; uint64_t value; size_t size; int is_signed; } cases[] = {
#include "expr_random.h"
};

CHECK_MAIN
{
	/* what is compared is C of 64 bits, with signed chars */
	for (size_t i = 0; i < KA_COUNT(cases) && sizeof(long) == 8 && CHAR_MIN < 0; i++) {
		struct ka_arena *a = ka_arena_new();
		struct ka_value v = {0};
		struct ka_expr *e;
		struct ka_error *err = ka_expr_parse(a, cases[i].text, 0, &e);

		if (!err)
			err = ka_expr_eval(e, NULL, NULL, &v);
		if (err || v.bits != cases[i].value || v.size != cases[i].size || v.is_signed != (bool)cases[i].is_signed)
			fprintf(stderr, "%s: %s\n", cases[i].text, err ? err->message : "");
		CHECK(!err);
		if (!ka_error_drop(err)) {
			CHECK_INT(v.bits, cases[i].value);
			CHECK_INT(v.size, cases[i].size);
			CHECK_INT(v.is_signed, (bool)cases[i].is_signed);
		}
		ka_arena_free(a);
	}
}
