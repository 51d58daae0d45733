/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzer of expressions: any text, in each way to read numbers, parsed and evaluated without a dump. */
#include <kanalyze/expr.h>

/* Some names have values, one of them a type that is not loaded yet. */
static bool name(void *ctx, const char *name, struct ka_value *ret)
{
	(void)ctx;
	if (name[0] != 'x' && name[0] != '$')
		return false;
	*ret = ka_value_ulong(NULL, name[1] ? ~0ull : 8);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ka_expr_env env = { .name = name };
	struct ka_arena *a = ka_arena_new();
	char *text;

	text = ka_xstrndup((const char *)data + (size > 0), size ? size - 1 : 0);
	for (unsigned flags = 0; size && flags < 8; flags++) {
		struct ka_value value;
		struct ka_expr *e;

		if ((data[0] & 7) != flags || ka_error_drop(ka_expr_parse(a, text, flags, &e)))
			continue;
		ka_error_drop(ka_expr_eval(e, NULL, &env, &value));
	}
	free(text);
	ka_arena_free(a);
	return 0;
}
