/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types of values: from the debuginfo, or built in, with pointers and array bounds above them. */
#include <kanalyze/variable.h>
#include "value.h"

unsigned ka_eval_long(const struct ka_eval *v)
{
	return v->k ? ka_long_size(v->k) : 8;
}

struct ka_type ka_type_int(unsigned size, bool is_signed)
{
	return (struct ka_type){ .int_size = (uint8_t)size, .is_int_signed = is_signed };
}

bool ka_type_same(const struct ka_type *a, const struct ka_type *b)
{
	return a->types == b->types && a->id == b->id && a->int_size == b->int_size && a->is_int_signed == b->is_int_signed &&
	       a->is_float == b->is_float && a->stars == b->stars && a->count == b->count && a->array_stars == b->array_stars;
}

struct ka_type ka_type_char(struct ka_eval *v, uint8_t stars)
{
	struct ka_type t = ka_type_int(1, true);
	struct ka_types *types;
	uint32_t id = v->k && !ka_error_drop(ka_kernel_types(v->k, &types)) ? ka_types_find(types, "char") : 0;

	if (id)
		t = (struct ka_type){ .types = types, .id = id };
	t.stars = stars;
	return t;
}

struct ka_error *ka_value_describe(struct ka_eval *v, struct ka_value *x)
{
	struct ka_type_info info;

	ka_type_strip(v->k, &x->type, &info);
	x->kind = info.kind;
	x->size = info.size;
	x->is_signed = info.is_signed && (info.kind == KA_TYPE_INT || info.kind == KA_TYPE_ENUM);
	x->type_name = info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION || info.kind == KA_TYPE_ENUM ||
		       (info.kind == KA_TYPE_INT && x->type.types) ? info.name : NULL;
	if (x->type.types && (x->kind == KA_TYPE_INT || x->kind == KA_TYPE_ENUM) && (!x->size || x->size > 16))
		return ka_error_new(KA_CORRUPT, "an integer type of %llu bytes", (unsigned long long)x->size);
	return NULL;
}

/* Modules without BTF whose debuginfo was loaded (mod -s): none is looked for on account of a name. */
static bool find_loaded(struct ka_kernel *k, const char *name, struct ka_type *ret)
{
	const char *bare = strrchr(name, ' ') ? strrchr(name, ' ') + 1 : name;	/* "struct foo" */
	struct ka_module_symbols m;

	for (size_t i = 0; k->hooks.module_object && k->hooks.module_symbols(k, i, &m) && !ka_interrupted(); i++) {
		struct ka_object *o = NULL;
		uint64_t place;
		uint32_t section;
		size_t j = 0;

		/* of a symbol that lies in no section of the file it knows nothing */
		while (j < m.n && !k->hooks.module_object(k, m.at[j].addr, &o, &place, &section))
			j++;
		/* opening its DWARF relocates all of it */
		if (j == m.n || !ka_object_may_name(o, bare))
			continue;
		ret->types = k->hooks.module_types(k, i, true);
		ret->id = ret->types ? ka_types_find(ret->types, name) : 0;
		if (ret->id)
			return true;
	}
	return false;
}

/* What BTF of the kernel lacks: BTF of a module, then DWARF. */
static bool find_elsewhere(struct ka_eval *v, const char *name, struct ka_type *ret)
{
	struct ka_kernel *k = v->k;
	struct ka_types *t;

	for (size_t i = 0; k->hooks.module_types && k->hooks.module_symbols && !ka_interrupted(); i++) {
		struct ka_module_symbols unused;

		if (!k->hooks.module_symbols(k, i, &unused))
			break;
		t = k->hooks.module_types(k, i, false);
		ret->id = t ? ka_types_find(t, name) : 0;
		if (ret->id) {
			ret->types = t;
			return true;
		}
	}
	t = k->object ? ka_kernel_dwarf(k) : NULL;
	ret->id = t && t != ret->types ? ka_types_find(t, name) : 0;
	ret->types = t;
	return ret->id || (k->hooks.module_types && k->hooks.module_symbols && find_loaded(k, name, ret));
}

static struct ka_error *of_file(struct ka_eval *v, const char *name, struct ka_type *ret)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_type_place *all;
	size_t n = ka_type_find_all(v->k, name, a, &all);

	if (n)
		*ret = (struct ka_type){ .types = all[0].type.types, .id = all[0].type.id, .stars = ret->stars };
	ka_arena_free(a);
	return n ? NULL : ka_error_new(KA_MISSING, "there is no type '%s'", name);
}

static struct ka_error *resolve(struct ka_eval *v, const struct ka_type_name *n, struct ka_type *ret)
{
	struct ka_types *t;
	struct ka_value x;
	struct ka_error *err;

	memset(ret, 0, sizeof(*ret));
	ret->stars = n->stars;
	if (n->of) {
		err = ka_eval_type(v, n->of, &x);
		if (err)
			return err;
		if (x.text)
			return ka_error_new(KA_USAGE, "the type of a string is not needed for anything");
		if (n->stars && (x.type.count || x.type.stars + n->stars > 64))
			return ka_error_new(KA_USAGE, "a pointer to an array, or of too many levels");
		*ret = x.type;
		ret->stars += n->stars;
		return NULL;
	}
	if (!n->name) {
		ret->int_size = n->is_long ? (uint8_t)ka_eval_long(v) : n->int_size;
		ret->is_int_signed = n->is_signed;
		ret->is_float = n->is_float;
		ret->is_bool = n->is_bool;
		if (n->is_plain_char)
			*ret = ka_type_char(v, n->stars);
		return NULL;
	}
	if (!v->k)
		return ka_error_new(KA_MISSING, "type '%s': there are no types without a dump", n->name);
	if (strchr(n->name, '@'))
		return of_file(v, n->name, ret);
	err = ka_kernel_types(v->k, &t);
	if (err)
		return ka_error_wrap(err, "type '%s'", n->name);
	ret->types = t;
	ret->id = ka_types_find(t, n->name);
	/* A declaration is not the type when a module defines it. */
	if (!ret->id && !find_elsewhere(v, n->name, ret)) {
		if (ka_eval_knows(v, n->name))
			return ka_error_new(KA_MISSING, "there is no type '%s', but a value of that name: `whatis %s`, `p %s`", n->name, n->name, n->name);
		return ka_error_new(KA_MISSING, "there is no type '%s'", n->name);
	}
	return NULL;
}

struct ka_error *ka_type_resolve(struct ka_eval *v, const struct ka_type_name *n, struct ka_type *ret)
{
	struct ka_error *err = resolve(v, n, ret);

	if (err || !n->count)
		return err;
	if (ret->count)
		return ka_error_new(KA_USAGE, "an array of arrays");
	ret->count = n->count;
	ret->array_stars = n->array_stars;
	return NULL;
}

struct ka_error *ka_type_find(struct ka_kernel *k, const char *name, struct ka_type *ret)
{
	struct ka_eval v = { .k = k };
	struct ka_arena *a = ka_arena_new();
	struct ka_type_name n;
	struct ka_error *err = ka_type_name_parse(a, name, &n);

	memset(ret, 0, sizeof(*ret));
	if (!err)
		err = ka_type_resolve(&v, &n, ret);
	ka_arena_free(a);
	return err;
}

bool ka_type_target(struct ka_eval *v, const struct ka_value *x, struct ka_type *ret)
{
	struct ka_type_info info;

	ka_type_strip(v->k, &x->type, &info);
	*ret = info.target;
	return info.kind == KA_TYPE_POINTER || info.kind == KA_TYPE_ARRAY;
}

struct ka_error *ka_type_bytes(struct ka_eval *v, struct ka_type type, uint64_t *ret)
{
	struct ka_type_info info;

	ka_type_strip(v->k, &type, &info);
	/* gcc: void and functions count as one byte */
	*ret = info.kind == KA_TYPE_VOID || info.kind == KA_TYPE_FUNC ? 1 : info.size;
	if (info.is_declared_only)
		return ka_error_new(KA_MISSING, "'%s' is declared, but nowhere defined", info.name ? info.name : "(anonymous)");
	return NULL;
}
