/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types as things: what each is, one step at a time, whichever debuginfo it is of. */
#include "kernel.h"

#define MODIFIERS_MAX 64	/* typedefs and qualifiers in a row */

static struct ka_type inside(const struct ka_type *t, uint32_t id)
{
	return (struct ka_type){ .types = t->types, .id = id };
}

static const struct { const char *name; uint8_t size; bool is_long, is_signed, is_float; } builtins[] = {
	{ "char", 1, false, true, false }, { "unsigned char", 1, false, false, false },
	{ "short", 2, false, true, false }, { "unsigned short", 2, false, false, false },
	{ "int", 4, false, true, false }, { "unsigned int", 4, false, false, false },
	{ "long", 0, true, true, false }, { "unsigned long", 0, true, false, false },
	{ "long long", 8, false, true, false }, { "unsigned long long", 8, false, false, false },
	{ "__int128", 16, false, true, false }, { "unsigned __int128", 16, false, false, false },
	{ "float", 4, false, true, true }, { "double", 8, false, true, true },
};

const char *ka_type_builtin_name(struct ka_kernel *k, const struct ka_type *t)
{
	unsigned long_size = k ? ka_long_size(k) : 8;

	if (t->is_bool)
		return "_Bool";
	for (size_t i = 0; i < KA_COUNT(builtins); i++) {
		unsigned size = builtins[i].is_long ? long_size : builtins[i].size;

		/* 4 bytes are an int also where a long has as many */
		if (size == t->int_size && builtins[i].is_float == t->is_float && (t->is_float || builtins[i].is_signed == t->is_int_signed))
			return builtins[i].name;
	}
	return "void";
}

const char *ka_type_source(const struct ka_type *t)
{
	return t->types ? t->types->ops->name : "built in";
}

void ka_type_info(struct ka_kernel *k, const struct ka_type *t, struct ka_type_info *ret)
{
	struct ka_type_step step;
	struct ka_type_info element;

	memset(ret, 0, sizeof(*ret));
	ret->target = *t;
	if (t->array_stars) {
		ret->kind = KA_TYPE_POINTER;
		ret->size = k ? ka_long_size(k) : 8;
		ret->target.array_stars--;
		return;
	}
	if (t->count) {
		ret->kind = KA_TYPE_ARRAY;
		ret->count = t->count;
		ret->target.count = 0;
		ka_type_info(k, &ret->target, &element);
		ret->size = element.size * t->count;	/* no overflow: neither is of more than 32 bits in types that are read */
		return;
	}
	if (t->stars) {
		ret->kind = KA_TYPE_POINTER;
		ret->size = k ? ka_long_size(k) : 8;
		ret->target.stars--;
		return;
	}
	ret->target = (struct ka_type){ 0 };
	if (!t->types) {
		ret->kind = t->is_float ? KA_TYPE_FLOAT : t->int_size ? KA_TYPE_INT : KA_TYPE_VOID;
		ret->size = t->int_size;
		ret->is_signed = t->is_int_signed || t->is_float;
		ret->is_bool = t->is_bool;
		ret->is_char = t->int_size == 1 && !t->is_bool;
		ret->name = ka_type_builtin_name(k, t);
		return;
	}
	t->types->ops->step(t->types, t->id, &step);
	*ret = (struct ka_type_info){
		.kind = step.kind, .name = step.name, .size = step.size, .is_signed = step.is_signed, .is_bool = step.is_bool,
		.is_char = step.is_char, .is_declared_only = step.is_declared_only, .count = step.count,
		.target = inside(t, step.target),
	};
}

static bool is_modifier(enum ka_type_kind kind)
{
	return kind == KA_TYPE_TYPEDEF || kind == KA_TYPE_CONST || kind == KA_TYPE_VOLATILE || kind == KA_TYPE_RESTRICT;
}

struct ka_type ka_type_strip(struct ka_kernel *k, const struct ka_type *t, struct ka_type_info *ret_info)
{
	struct ka_type at = *t;
	struct ka_type_info info;
	struct ka_types *types;

	ka_type_info(k, &at, &info);
	for (int i = 0; is_modifier(info.kind); i++) {
		if (i == MODIFIERS_MAX) {	/* a loop: damage */
			info = (struct ka_type_info){ .kind = KA_TYPE_OTHER };
			break;
		}
		at = info.target;
		ka_type_info(k, &at, &info);
	}
	/* What a module only declares, the kernel may define. */
	if (info.is_declared_only && info.name && k && !ka_error_drop(ka_kernel_types(k, &types)) && types != at.types) {
		uint32_t id = types->ops->find(types, info.kind, info.name);
		struct ka_type there = { .types = types, .id = id };
		struct ka_type_info full;

		if (id) {
			ka_type_info(k, &there, &full);
			if (!full.is_declared_only) {
				at = there;
				info = full;
			}
		}
	}
	if (ret_info)
		*ret_info = info;
	return at;
}

static size_t fields(struct ka_kernel *k, const struct ka_type *t, enum ka_type_kind wanted, bool has_dimensions, struct ka_arena *a,
		     struct ka_type_field **ret)
{
	struct ka_type_info info;
	struct ka_type at = ka_type_strip(k, t, &info);
	struct ka_type_part *parts = NULL;
	size_t n;

	*ret = NULL;
	if (info.kind == KA_TYPE_POINTER && wanted == KA_TYPE_FUNC)
		at = ka_type_strip(k, &info.target, &info);
	if (!at.types || at.stars || at.count || at.array_stars)
		return 0;
	if (wanted == KA_TYPE_FUNC && info.kind == KA_TYPE_FUNC)
		n = at.types->ops->params(at.types, at.id, a, &parts);
	else if (wanted == KA_TYPE_ENUM && info.kind == KA_TYPE_ENUM)
		n = at.types->ops->enumerators(at.types, at.id, a, &parts);
	else if (wanted == KA_TYPE_STRUCT && (info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION))
		n = at.types->ops->members(at.types, at.id, a, &parts);
	else
		return 0;
	*ret = ka_alloc(a, (n + 1) * sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = (struct ka_type_field){
			.name = parts[i].name, .type = inside(&at, parts[i].type), .offset_bits = parts[i].offset_bits,
			.bit_size = parts[i].bit_size, .value = parts[i].value };
	if (has_dimensions)
		ka_type_dimensions(k, &at, &info, *ret, n);
	return n;
}

size_t ka_type_members(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret)
{
	return fields(k, t, KA_TYPE_STRUCT, true, a, ret);
}

size_t ka_type_members_flat(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret)
{
	return fields(k, t, KA_TYPE_STRUCT, false, a, ret);
}

size_t ka_type_enumerators(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret)
{
	return fields(k, t, KA_TYPE_ENUM, false, a, ret);
}

size_t ka_type_params(struct ka_kernel *k, const struct ka_type *t, struct ka_arena *a, struct ka_type_field **ret)
{
	return fields(k, t, KA_TYPE_FUNC, false, a, ret);
}

bool ka_type_field(struct ka_kernel *k, const struct ka_type *t, const char *name, struct ka_type_field *ret)
{
	struct ka_type_info info;
	struct ka_type at = ka_type_strip(k, t, &info);
	uint32_t type;

	if ((info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION) || !at.types)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->name = name;
	if (!at.types->ops->member(at.types, at.id, name, &ret->offset_bits, &ret->bit_size, &type))
		return false;
	ret->type = inside(&at, type);
	ka_type_dimensions(k, &at, &info, ret, 1);
	return true;
}
