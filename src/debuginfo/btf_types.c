/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The face of types over BTF: what a type is, its size, its members through anonymous structs, its enumerators. */
#include "btf_types.h"

#define MODIFIERS_MAX	64		/* typedefs and qualifiers in a row */
#define ARRAYS_MAX	32		/* dimensions */
#define ANONYMOUS_MAX	12		/* depth of anonymous structs */
#define VISITS_MAX	(1u << 14)	/* members looked at in one look-up: hostile BTF can nest without end */

/*
 * Follows typedefs and qualifiers to what the type is; brief (may be NULL) gets
 * the outermost typedef. A loop among them ends as OTHER. A declaration is
 * replaced by the definition when there is one.
 */
static bool resolve(struct ka_btf_types *b, uint32_t id, struct ka_btf_type *ret, struct ka_type_brief *brief)
{
	for (int i = 0; i < MODIFIERS_MAX; i++) {
		if (!ka_btf_type(b->btf, id, ret))
			return false;
		switch (ret->kind) {
		case KA_BTF_TYPEDEF:
			if (brief && !brief->typedef_name) {
				brief->typedef_name = ret->name;
				brief->aliased = ret->type;
			}
			/* fall through */
		case KA_BTF_CONST:
		case KA_BTF_VOLATILE:
		case KA_BTF_RESTRICT:
		case KA_BTF_TYPE_TAG:
		case KA_BTF_VAR:
			id = ret->type;
			continue;
		}
		if (ka_btf_is_declaration(ret) && ret->name[0]) {
			uint32_t full = ka_btf_find(&b->types, ka_btf_kind(ret), ret->name);

			return ka_btf_type(b->btf, full ? full : ret->id, ret);
		}
		return true;
	}
	return false;
}

static uint64_t size_of(struct ka_btf_types *b, const struct ka_btf_type *type)
{
	struct ka_btf_type t = *type;
	struct ka_btf_array array;
	uint64_t count = 1;

	for (int i = 0; i < ARRAYS_MAX; i++) {
		switch (t.kind) {
		case KA_BTF_INT:
		case KA_BTF_FLOAT:
		case KA_BTF_STRUCT:
		case KA_BTF_UNION:
		case KA_BTF_ENUM:
		case KA_BTF_ENUM64:
			return __builtin_mul_overflow(count, t.size, &count) ? UINT64_MAX : count;
		case KA_BTF_PTR:
			return __builtin_mul_overflow(count, b->types.long_size, &count) ? UINT64_MAX : count;
		case KA_BTF_ARRAY:
			ka_btf_array(&t, &array);
			if (__builtin_mul_overflow(count, array.count, &count))
				return UINT64_MAX;
			if (!resolve(b, array.element, &t, NULL))
				return 0;
			continue;
		}
		return 0;
	}
	return 0;
}

/*
 * Old paholes (5.10 of Debian 11) give no sign to any char: where "signed char" has none, that of plain char is as the architecture
 * has it. Else it is what it says: since 6.2 (3bc753c06dd0) char has no sign on any.
 */
static bool is_int_signed(struct ka_btf_types *b, const struct ka_btf_type *t, const struct ka_btf_int *n)
{
	struct ka_btf_type other;
	struct ka_btf_int as;
	bool is_declaration;
	uint32_t id;

	if (n->encoding & KA_BTF_INT_SIGNED || !strcmp(t->name, "signed char"))
		return true;
	if (!b->types.is_char_signed || strcmp(t->name, "char"))
		return false;
	while (b->base)
		b = b->base;
	id = ka_btf_find_own(b, KA_TYPE_INT, "signed char", &is_declaration);
	if (!id || !ka_btf_type(b->btf, id, &other))
		return false;
	ka_btf_int(&other, &as);
	return !(as.encoding & KA_BTF_INT_SIGNED);
}

static void btf_describe(struct ka_types *types, uint32_t id, struct ka_type_brief *ret)
{
	struct ka_btf_types *b = ka_btf_types_of(types);
	struct ka_btf_array array;
	struct ka_btf_type t;
	struct ka_btf_int n;

	memset(ret, 0, sizeof(*ret));
	if (!resolve(b, id, &t, ret)) {
		ret->kind = KA_TYPE_OTHER;
		return;
	}
	ret->kind = ka_btf_kind(&t);
	ret->size = size_of(b, &t);
	ret->name = t.name[0] ? t.name : NULL;
	ret->is_declared_only = ka_btf_is_declaration(&t);
	switch (t.kind) {
	case KA_BTF_INT:
		ka_btf_int(&t, &n);
		ret->is_signed = is_int_signed(b, &t, &n);
		break;
	case KA_BTF_ENUM:
	case KA_BTF_ENUM64:
		ret->is_signed = ka_btf_enum_is_signed(&t);
		break;
	case KA_BTF_FLOAT:
		ret->is_signed = true;
		break;
	case KA_BTF_PTR:
		ret->target = t.type;
		break;
	case KA_BTF_ARRAY:
		ka_btf_array(&t, &array);
		ret->target = array.element;
		ret->count = array.count;
		break;
	}
}

static void btf_step(struct ka_types *types, uint32_t id, struct ka_type_step *ret)
{
	struct ka_btf_types *b = ka_btf_types_of(types);
	struct ka_btf_array array;
	struct ka_btf_type t;
	struct ka_btf_int n;
	bool ok = ka_btf_type(b->btf, id, &t);

	memset(ret, 0, sizeof(*ret));
	/* Tags (__rcu, __user) are not shown: DWARF of the same kernel has none. */
	for (int i = 0; ok && i < MODIFIERS_MAX && (t.kind == KA_BTF_TYPE_TAG || t.kind == KA_BTF_VAR); i++)
		ok = ka_btf_type(b->btf, t.type, &t);
	if (!ok) {
		ret->kind = KA_TYPE_OTHER;
		return;
	}
	ret->kind = ka_btf_kind(&t);
	ret->name = t.name[0] ? t.name : NULL;
	ret->is_declared_only = ka_btf_is_declaration(&t);
	ret->size = size_of(b, &t);
	switch (t.kind) {
	case KA_BTF_CONST:
	case KA_BTF_VOLATILE:
	case KA_BTF_RESTRICT:
		ret->kind = t.kind == KA_BTF_CONST ? KA_TYPE_CONST : t.kind == KA_BTF_VOLATILE ? KA_TYPE_VOLATILE : KA_TYPE_RESTRICT;
		/* fall through */
	case KA_BTF_TYPEDEF:
		ret->target = t.type;
		ret->size = resolve(b, t.type, &t, NULL) ? size_of(b, &t) : 0;
		break;
	case KA_BTF_PTR:
	case KA_BTF_FUNC_PROTO:
		ret->target = t.type;
		break;
	case KA_BTF_FUNC:
		ret->target = ka_btf_type(b->btf, t.type, &t) && t.kind == KA_BTF_FUNC_PROTO ? t.type : 0;
		break;
	case KA_BTF_ARRAY:
		ka_btf_array(&t, &array);
		ret->target = array.element;
		ret->count = array.count;
		break;
	case KA_BTF_INT:
		ka_btf_int(&t, &n);
		ret->is_bool = n.encoding & KA_BTF_INT_BOOL || !strcmp(t.name, "_Bool");
		ret->is_char = n.encoding & KA_BTF_INT_CHAR || (t.size == 1 && strstr(t.name, "char"));
		ret->is_signed = is_int_signed(b, &t, &n);
		break;
	case KA_BTF_ENUM:
	case KA_BTF_ENUM64:
		ret->is_signed = ka_btf_enum_is_signed(&t);
		break;
	case KA_BTF_FLOAT:
		ret->is_signed = true;
		break;
	}
	if (ret->size == UINT64_MAX)
		ret->size = 0;
}

static size_t btf_params(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	struct ka_btf_types *b = ka_btf_types_of(types);
	struct ka_btf_type t;
	const char *name;

	*ret = NULL;
	if (!resolve(b, id, &t, NULL) || (t.kind == KA_BTF_FUNC && !ka_btf_type(b->btf, t.type, &t)) || t.kind != KA_BTF_FUNC_PROTO)
		return 0;
	*ret = ka_alloc(a, (t.vlen + 1) * sizeof(**ret));
	for (uint32_t i = 0; i < t.vlen; i++) {
		struct ka_type_part *p = &(*ret)[i];

		ka_btf_param(&t, i, &name, &p->type);
		p->name = name[0] ? name : !p->type && i + 1 == t.vlen ? "..." : NULL;
	}
	return t.vlen;
}

static struct ka_error *btf_size(struct ka_types *types, uint32_t id, uint64_t *ret)
{
	struct ka_type_brief brief;

	btf_describe(types, id, &brief);
	if (brief.is_declared_only)
		return ka_error_new(KA_MISSING, "%s is declared, but nowhere defined", brief.name ? brief.name : "the type");
	if (brief.kind == KA_TYPE_VOID || brief.kind == KA_TYPE_FUNC || brief.kind == KA_TYPE_OTHER)
		return ka_error_new(KA_MISSING, "BTF: type %u has no size", id);
	if (brief.size == UINT64_MAX)
		return ka_error_new(KA_CORRUPT, "BTF: the size of type %u is beyond all bounds", id);
	*ret = brief.size;
	return NULL;
}

/* A member of a struct of this size. False when it begins outside. */
static bool member_at(const struct ka_btf_type *t, uint32_t i, struct ka_btf_member *ret)
{
	ka_btf_member(t, i, ret);
	ka_btf_old_bitfield(t, ret);
	return (uint64_t)ret->offset_bits + ret->bit_size <= (uint64_t)t->size * 8;
}

static bool find_member(struct ka_btf_types *b, uint32_t id, const char *name, unsigned depth, unsigned *visits,
			struct ka_btf_member *ret, uint64_t *ret_offset_bits)
{
	struct ka_btf_type t;

	if (depth > ANONYMOUS_MAX || !resolve(b, id, &t, NULL) || (t.kind != KA_BTF_STRUCT && t.kind != KA_BTF_UNION))
		return false;
	for (uint32_t i = 0; i < t.vlen; i++) {
		uint64_t inner;

		if (++*visits > VISITS_MAX)
			return false;
		ka_btf_member(&t, i, ret);
		if (ret->name[0]) {
			if (ret->name[0] != name[0] || strcmp(ret->name, name) || !member_at(&t, i, ret))
				continue;
			*ret_offset_bits = ret->offset_bits;
			return true;
		}
		if (member_at(&t, i, ret)) {
			uint32_t offset_bits = ret->offset_bits;

			if (find_member(b, ret->type, name, depth + 1, visits, ret, &inner)) {
				*ret_offset_bits = offset_bits + inner;
				return true;
			}
		}
	}
	return false;
}

static bool btf_member(struct ka_types *types, uint32_t id, const char *name, uint64_t *ret_offset_bits,
		       uint32_t *ret_bit_size, uint32_t *ret_type)
{
	struct ka_btf_member m;
	unsigned visits = 0;

	if (!name[0] || !find_member(ka_btf_types_of(types), id, name, 0, &visits, &m, ret_offset_bits))
		return false;
	*ret_bit_size = m.bit_size;
	*ret_type = m.type;
	return true;
}

static size_t btf_members(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	struct ka_btf_member m;
	struct ka_btf_type t;
	size_t n = 0;

	*ret = NULL;
	if (!resolve(ka_btf_types_of(types), id, &t, NULL) || (t.kind != KA_BTF_STRUCT && t.kind != KA_BTF_UNION))
		return 0;
	*ret = ka_alloc(a, (t.vlen + 1) * sizeof(**ret));
	for (uint32_t i = 0; i < t.vlen; i++) {
		if (!member_at(&t, i, &m))
			continue;
		(*ret)[n++] = (struct ka_type_part){
			.name = m.name[0] ? m.name : NULL, .offset_bits = m.offset_bits, .bit_size = m.bit_size, .type = m.type };
	}
	return n;
}

static size_t btf_enumerators(struct ka_types *types, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	struct ka_btf_enumerator e;
	struct ka_btf_type t;

	*ret = NULL;
	if (!resolve(ka_btf_types_of(types), id, &t, NULL) || (t.kind != KA_BTF_ENUM && t.kind != KA_BTF_ENUM64))
		return 0;
	*ret = ka_alloc(a, (t.vlen + 1) * sizeof(**ret));
	for (uint32_t i = 0; i < t.vlen; i++) {
		ka_btf_enumerator(&t, i, &e);
		(*ret)[i] = (struct ka_type_part){ .name = e.name[0] ? e.name : NULL, .value = e.value };
	}
	return t.vlen;
}

static void btf_close(struct ka_types *types)
{
	struct ka_btf_types *b = ka_btf_types_of(types);

	ka_btf_names_free(b);
	ka_btf_close(b->btf);
	free(b);
}

static const struct ka_types_ops btf_ops = {
	.name = "BTF", .close = btf_close,
	.find = ka_btf_find, .find_all = ka_btf_find_all, .named = ka_btf_named, .each_name = ka_btf_each_name,
	.enumerator = ka_btf_enumerator_value, .enumerator_type = ka_btf_enumerator_type,
	.size = btf_size, .member = btf_member, .describe = btf_describe, .members = btf_members, .enumerators = btf_enumerators,
	.step = btf_step, .params = btf_params,
};

static struct ka_error *open_btf(struct ka_btf_types *base, const uint8_t *bytes, size_t size, unsigned long_size,
				 struct ka_types **ret)
{
	struct ka_btf_types *b = ka_xalloc(sizeof(*b));
	struct ka_error *err = ka_btf_open(bytes, size, base ? base->btf : NULL, &b->btf);

	if (err) {
		free(b);
		return err;
	}
	b->base = base;
	b->types = (struct ka_types){
		.ops = &btf_ops, .priv = b, .is_big_endian = b->btf->is_big_endian, .long_size = long_size };
	ka_btf_names_init(b);
	*ret = &b->types;
	return NULL;
}

struct ka_error *ka_types_open_btf(const uint8_t *bytes, size_t size, unsigned long_size, struct ka_types **ret)
{
	return open_btf(NULL, bytes, size, long_size, ret);
}

struct ka_error *ka_types_open_btf_split(struct ka_types *base, const uint8_t *bytes, size_t size, struct ka_types **ret)
{
	struct ka_error *err;

	if (base->ops != &btf_ops)
		return ka_error_new(KA_UNSUPPORTED, "split BTF needs a base of BTF, not of %s", base->ops->name);
	err = open_btf(ka_btf_types_of(base), bytes, size, base->long_size, ret);
	if (!err)
		(*ret)->is_char_signed = base->is_char_signed;
	return err;
}
