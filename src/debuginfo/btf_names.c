/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF by names: types, enumerators, functions and variables, in tables made on first need; and all of them one by one. */
#include "btf_types.h"

/* Where an enumerator is. */
struct ka_btf_place {
	uint32_t type, index;
};

enum ka_type_kind ka_btf_kind(const struct ka_btf_type *t)
{
	switch (t->kind) {
	case KA_BTF_VOID:
		return KA_TYPE_VOID;
	case KA_BTF_INT:
		return KA_TYPE_INT;
	case KA_BTF_FLOAT:
		return KA_TYPE_FLOAT;
	case KA_BTF_PTR:
		return KA_TYPE_POINTER;
	case KA_BTF_ARRAY:
		return KA_TYPE_ARRAY;
	case KA_BTF_STRUCT:
		return KA_TYPE_STRUCT;
	case KA_BTF_UNION:
		return KA_TYPE_UNION;
	case KA_BTF_ENUM:
	case KA_BTF_ENUM64:
		return KA_TYPE_ENUM;
	case KA_BTF_FWD:
		return t->kind_flag ? KA_TYPE_UNION : KA_TYPE_STRUCT;
	case KA_BTF_FUNC:
	case KA_BTF_FUNC_PROTO:
		return KA_TYPE_FUNC;
	case KA_BTF_TYPEDEF:
		return KA_TYPE_TYPEDEF;
	}
	return KA_TYPE_OTHER;
}

static bool has_tag(uint32_t kind)
{
	return kind == KA_BTF_STRUCT || kind == KA_BTF_UNION || kind == KA_BTF_ENUM || kind == KA_BTF_ENUM64 ||
	       kind == KA_BTF_FWD || kind == KA_BTF_TYPEDEF || kind == KA_BTF_INT || kind == KA_BTF_FLOAT;
}

bool ka_btf_is_declaration(const struct ka_btf_type *t)
{
	return t->kind == KA_BTF_FWD || (t->kind == KA_BTF_ENUM && !t->vlen);
}

static void make_names(void *ctx)
{
	struct ka_btf_types *b = ctx;
	struct ka_btf_type t;

	ka_names_reserve(&b->names, b->btf->named_count);
	for (uint32_t id = b->btf->first_id; id < b->btf->end_id; id++)
		if (ka_btf_type(b->btf, id, &t) && has_tag(t.kind) && t.name[0])
			ka_names_add(&b->names, ka_names_hash(t.name), id);
	ka_log(2, "BTF: %zu names of types", b->names.n);
}

uint32_t ka_btf_find_own(struct ka_btf_types *b, enum ka_type_kind kind, const char *name, bool *ret_is_declaration)
{
	uint32_t hash = ka_names_hash(name), id, best = 0, declared = 0;
	struct ka_btf_type t;
	size_t pos = 0;

	ka_lazy_make(&b->names_once, make_names, b);
	while ((id = ka_names_next(&b->names, hash, &pos))) {
		if (!ka_btf_type(b->btf, id, &t) || ka_btf_kind(&t) != kind || strcmp(t.name, name))
			continue;
		if (ka_btf_is_declaration(&t))
			declared = declared ? KA_MIN(declared, id) : id;
		else
			best = best ? KA_MIN(best, id) : id;
	}
	*ret_is_declaration = !best;
	return best ? best : declared;
}

uint32_t ka_btf_find(struct ka_types *types, enum ka_type_kind kind, const char *name)
{
	uint32_t declared = 0, id;
	bool is_declaration;

	if (!name[0])
		return 0;
	for (struct ka_btf_types *b = ka_btf_types_of(types); b; b = b->base) {
		id = ka_btf_find_own(b, kind, name, &is_declaration);
		if (id && !is_declaration)
			return id;
		declared = declared ? declared : id;
	}
	return declared;
}

static void make_named(void *ctx)
{
	struct ka_btf_types *b = ctx;
	struct ka_btf_type t;

	ka_names_reserve(&b->named, b->btf->func_count);
	for (uint32_t id = b->btf->first_id; id < b->btf->end_id; id++)
		if (ka_btf_type(b->btf, id, &t) && (t.kind == KA_BTF_FUNC || t.kind == KA_BTF_VAR) && t.name[0])
			ka_names_add(&b->named, ka_names_hash(t.name), id);
	ka_log(2, "BTF: %zu functions and variables", b->named.n);
}

/* Grows a list in an arena. */
static void push(struct ka_arena *a, struct ka_type_named **list, size_t *n, struct ka_type_named one)
{
	if (!(*n & (*n - 1))) {
		struct ka_type_named *bigger = ka_alloc(a, (*n ? *n * 2 : 1) * sizeof(*bigger));

		if (*n)
			memcpy(bigger, *list, *n * sizeof(*bigger));
		*list = bigger;
	}
	(*list)[(*n)++] = one;
}

size_t ka_btf_named(struct ka_types *types, const char *name, struct ka_arena *a, struct ka_type_named **ret)
{
	uint32_t hash = ka_names_hash(name), id;
	struct ka_btf_type t;
	size_t n = 0;

	*ret = NULL;
	for (struct ka_btf_types *b = ka_btf_types_of(types); b; b = b->base) {
		size_t pos = 0;

		ka_lazy_make(&b->named_once, make_named, b);
		while ((id = ka_names_next(&b->named, hash, &pos)))
			if (ka_btf_type(b->btf, id, &t) && !strcmp(t.name, name))
				push(a, ret, &n, (struct ka_type_named){ .id = id, .is_function = t.kind == KA_BTF_FUNC });
	}
	return n;
}

size_t ka_btf_find_all(struct ka_types *types, enum ka_type_kind kind, const char *name, struct ka_arena *a,
			   struct ka_type_named **ret)
{
	uint32_t hash = ka_names_hash(name), id;
	struct ka_btf_type t;
	size_t n = 0;

	*ret = NULL;
	for (struct ka_btf_types *b = ka_btf_types_of(types); b; b = b->base) {
		size_t pos = 0;

		ka_lazy_make(&b->names_once, make_names, b);
		while ((id = ka_names_next(&b->names, hash, &pos)))
			if (ka_btf_type(b->btf, id, &t) && ka_btf_kind(&t) == kind && !ka_btf_is_declaration(&t) && !strcmp(t.name, name))
				push(a, ret, &n, (struct ka_type_named){ .id = id });
	}
	return n;
}

static void make_enumerators(void *ctx)
{
	struct ka_btf_types *b = ctx;
	struct ka_btf_enumerator e;
	struct ka_btf_type t;
	uint32_t n = 0, max = b->btf->enumerator_count;

	b->places = ka_xalloc((max + 1) * sizeof(*b->places));
	ka_names_reserve(&b->enumerators, max);
	for (uint32_t id = b->btf->first_id; id < b->btf->end_id; id++) {
		if (!ka_btf_type(b->btf, id, &t) || (t.kind != KA_BTF_ENUM && t.kind != KA_BTF_ENUM64))
			continue;
		for (uint32_t i = 0; i < t.vlen && n < max; i++) {
			ka_btf_enumerator(&t, i, &e);
			b->places[n] = (struct ka_btf_place){ id, i };
			ka_names_add(&b->enumerators, ka_names_hash(e.name), ++n);
		}
	}
	ka_log(2, "BTF: %u enumerators", n);
}

static uint32_t find_enumerator(struct ka_types *types, const char *name, int64_t *ret)
{
	uint32_t hash = ka_names_hash(name), number, best = 0, type = 0;
	struct ka_btf_enumerator e;
	struct ka_btf_type t;

	for (struct ka_btf_types *b = ka_btf_types_of(types); b; b = b->base) {
		size_t pos = 0;

		ka_lazy_make(&b->enumerators_once, make_enumerators, b);
		while ((number = ka_names_next(&b->enumerators, hash, &pos))) {
			const struct ka_btf_place *p = &b->places[number - 1];

			if (!ka_btf_type(b->btf, p->type, &t))
				continue;
			ka_btf_enumerator(&t, p->index, &e);
			if (!strcmp(e.name, name) && (!best || number < best)) {
				best = number;
				*ret = e.value;
				type = p->type;
			}
		}
		if (best)
			return type;
	}
	return 0;
}

bool ka_btf_enumerator_value(struct ka_types *types, const char *name, int64_t *ret)
{
	return find_enumerator(types, name, ret) != 0;
}

uint32_t ka_btf_enumerator_type(struct ka_types *types, const char *name)
{
	int64_t value;

	return find_enumerator(types, name, &value);
}

void ka_btf_each_name(struct ka_types *types, void (*fn)(void *, enum ka_type_kind, const char *, uint32_t), void *ctx)
{
	struct ka_btf_type t;

	for (struct ka_btf_types *b = ka_btf_types_of(types); b; b = b->base)
		for (uint32_t id = b->btf->first_id; id < b->btf->end_id; id++)
			if (ka_btf_type(b->btf, id, &t) && has_tag(t.kind) && t.name[0] && !ka_btf_is_declaration(&t))
				fn(ctx, ka_btf_kind(&t), t.name, id);
}

void ka_btf_names_init(struct ka_btf_types *b)
{
	ka_lazy_init(&b->names_once);
	ka_lazy_init(&b->enumerators_once);
	ka_lazy_init(&b->named_once);
}

void ka_btf_names_free(struct ka_btf_types *b)
{
	ka_lazy_deinit(&b->names_once);
	ka_lazy_deinit(&b->enumerators_once);
	ka_lazy_deinit(&b->named_once);
	ka_names_free(&b->names);
	ka_names_free(&b->enumerators);
	ka_names_free(&b->named);
	free(b->places);
}
