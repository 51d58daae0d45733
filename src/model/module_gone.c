/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that are gone: what the kernel keeps of them is a name and what they tainted it with. */
#include <kanalyze/module.h>
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>

#define GONE_MAX 1000

/* 99bd9956551b, v5.19, with CONFIG_MODULE_UNLOAD_TAINT_TRACKING: those that tainted the kernel, each name with each mask once */
struct gone_taint {
	char name[56];
	uint64_t taints, count;
};
KA_VIEW(gone_taint, ("mod_unload_taint"),
	KA_FROM(gone_taint, name, "name"),
	KA_FROM(gone_taint, taints, "taints"),
	KA_MAYBE(gone_taint, count, "count"));		/* 47cc75aa9283, v5.19 */
struct gone_taint_list { ka_addr list_at; };
KA_VIEW(gone_taint_list, ("mod_unload_taint"), KA_AT(gone_taint_list, list_at, "list"));

/* The last one of all: an array of char, or, since 6f1dae1d84b6 (v6.0), a struct of the name and the letters of its taints: "kdie", "(OE)". */
static bool read_last(struct ka_kernel *k, struct ka_arena *a, struct ka_module_gone *ret)
{
	const size_t name_size = 64 - ka_long_size(k);	/* MODULE_NAME_LEN */
	char tail[64] = "", *letters = tail;
	struct ka_symbol s;

	*ret = (struct ka_module_gone){ .is_last = true };
	if (!ka_symbol_lookup(k, "last_unloaded_module", &s) || ka_error_drop(ka_read_cstr(k, s.addr, ret->name, sizeof(ret->name))) || !ret->name[0])
		return false;
	ret->name[strcspn(ret->name, " +-")] = 0;
	if (s.size <= name_size + 1 || ka_error_drop(ka_read(k, s.addr + name_size, tail, KA_MIN(s.size - name_size, sizeof(tail) - 1))))
		return true;
	/* the name's array is of that size or a byte larger */
	while (!*letters && letters < tail + 1)
		letters++;
	ret->has_taints = true;
	for (unsigned bit = 0; bit < 32; bit++) {
		const char *letter = ka_taint_letters(k, 1ull << bit, true, a);

		if (letter[0] && letter[0] != '?' && strchr(letters, letter[0]))
			ret->taints |= 1ull << bit;
	}
	return true;
}

size_t ka_modules_gone(struct ka_kernel *k, struct ka_arena *a, const struct ka_module_gone **ret)
{
	struct { KA_VEC(struct ka_module_gone); } all = { 0 };
	struct ka_module_gone last, *copy;
	bool has_last = read_last(k, a, &last);
	struct ka_symbol s;

	if (ka_symbol_lookup(k, "unloaded_tainted_modules", &s) && KA_HAS(k, gone_taint_list, list_at)) {
		struct ka_walk w = ka_walk_list(k, s.addr, KA_OFFSET(k, gone_taint_list, list_at));

		w.limit = GONE_MAX;
		for (ka_addr at; ka_walk_next(&w, &at);) {
			struct ka_module_gone g = { .addr = at, .has_taints = true };
			struct gone_taint t;

			if (ka_error_drop(ka_view_read(k, &ka_view_gone_taint, at, &t)))
				continue;
			memcpy(g.name, t.name, sizeof(t.name));
			g.taints = t.taints;
			g.count = t.count;
			if (has_last && !strcmp(g.name, last.name) && (!last.has_taints || g.taints == last.taints)) {
				g.is_last = true;
				has_last = false;
			}
			ka_vec_push(&all, g);
		}
		/* what was read before a broken link will do */
		ka_error_drop(ka_walk_end(&w));
	}
	if (has_last)
		ka_vec_push(&all, last);
	size_t n = all.n;

	copy = ka_alloc(a, (n + 1) * sizeof(*copy));
	if (n)
		memcpy(copy, all.at, n * sizeof(*copy));
	*ret = copy;
	ka_vec_free(&all);
	return n;
}
