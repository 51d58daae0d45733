/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzer of expressions: any text, in each way to read numbers, parsed and evaluated without a dump, and over the small
 * one of the unit test; as a filter; and as the name of a type.
 */
#include "../unit/expr_fake.h"
#include <kanalyze/filter.h>

/* Some names have values, one of them a type that is not loaded yet. */
static bool name(void *ctx, const char *name, struct ka_value *ret)
{
	(void)ctx;
	if (name[0] != 'x' && name[0] != '$')
		return false;
	if (name[0] == 'x' && name[1] == 'o')
		return !ka_error_drop(ka_value_at(&kernel, "struct outer", BASE + 64, ret));
	*ret = ka_value_ulong(NULL, name[1] ? ~0ull : 8);
	return true;
}

static void kernel_make(void)
{
	static struct btf_build b;
	const uint8_t *bytes;
	size_t size;

	b = btf_build_begin(false);
	types_build(&b);
	bytes = btf_build_end(&b, NULL, 0, &size);
	if (ka_error_drop(ka_types_open_btf(bytes, size, 8, &types)))
		abort();
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 7);
	put(8, BASE + 64, 8);
	memcpy(memory + 68, "bash\0xy", 8);
	put(80, BASE + 64 + 24, 8);
}

static void filter(struct ka_arena *a, const char *text)
{
	struct ka_filter *f;
	bool is;

	if (ka_error_drop(ka_filter_new(&kernel, a, text, "xobject", "struct inner", &f)))
		return;
	for (ka_addr at = BASE + 64; at < BASE + sizeof(memory); at += 96)
		ka_error_drop(ka_filter_test(f, at, &is));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ka_expr_env env = { .name = name }, list = { .name = name, .has_list_cpu = true, .list_cpu = 1 };
	struct ka_arena *a;
	struct ka_value value;
	struct ka_type type;
	struct ka_expr *e;
	uint64_t number;
	char *text;

	if (!types)
		kernel_make();
	if (!size)
		return 0;
	a = ka_arena_new();
	text = ka_xstrndup((const char *)data + 1, size - 1);
	if (!ka_error_drop(ka_expr_parse(a, text, data[0] & 7, &e))) {
		unsigned *cpus;
		size_t n;

		ka_error_drop(ka_expr_eval(e, NULL, &env, &value));
		if (!ka_error_drop(ka_expr_eval(e, &kernel, &env, &value)))
			ka_error_drop(ka_value_number(&kernel, &value, &number));
		if (!ka_error_drop(ka_expr_cpus(e, &kernel, a, &cpus, &n)) && n)
			ka_error_drop(ka_expr_eval(e, &kernel, &list, &value));
	}
	if (data[0] & 8)
		filter(a, text);
	if (data[0] & 16)
		ka_error_drop(ka_type_find(&kernel, text, &type));
	free(text);
	ka_arena_free(a);
	return 0;
}
